"""What the office asks over HTTP: shops, terminals, awards, totals, claims; stopping, resuming and renewing a card."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import StringConstraints

from ledger.api.awards import carry_out, plan
from ledger.api.desk import Officer
from ledger.api.gate import OFFICE_CODES, OfficerHere
from ledger.api.problems import ProblemError, documented
from ledger.api.state import Ledger, LedgerHere
from ledger.points.reports import Claim, Totals, claims, count
from ledger.wire.codes import ALPHABET, MYKEY_LENGTH
from ledger.wire.setup import Shop
from ledger.wire.tokens import ServiceId
from ledger.wire.values import Message, PlainText, ShopCode, TerminalId

router = APIRouter(prefix="/v1/office", tags=["office"])

MyKeyId = Annotated[str, StringConstraints(pattern=rf"^[{ALPHABET}]{{{MYKEY_LENGTH}}}$")]
"""Ten characters of Crockford's base 32."""


class ShopName(Message):
    """What a shop is called on slips."""

    name: PlainText


class Code(Message):
    """A code that works once."""

    code: str


class Person(Message):
    """Who telephones: a MyKey ID, or a number that is linked to one."""

    who: MyKeyId | ServiceId


class Done(Message):
    """It is done."""

    done: bool = True


class Awarded(Message):
    """What a file of awards gives; `done` is False where it was only looked at, or had been awarded before."""

    lines: int
    people: int
    points: int
    done: bool


@router.put("/shops/{code}", responses=documented(*OFFICE_CODES, "office_mismatch"))
def put_shop(code: ShopCode, asked: ShopName, officer: OfficerHere, ledger: LedgerHere) -> Shop:
    """Add a shop of the office's municipality, or change its name."""
    _own(officer, code)
    shop = Shop(code=code, name=asked.name)
    ledger.registry.add_shop(shop)
    ledger.audit.note(officer, "shop", {"shop": code}, ledger.clock())
    return shop


@router.post(
    "/shops/{code}/enrolment-codes",
    status_code=201,
    responses=documented(*OFFICE_CODES, "office_mismatch", "shop_unknown"),
)
def new_enrolment_code(code: ShopCode, officer: OfficerHere, ledger: LedgerHere) -> Code:
    """Return a code with which one terminal of a shop can be enrolled, once, within a week."""
    _own(officer, code)
    made = ledger.new_enrolment_code(code)
    ledger.audit.note(officer, "enrolment_code", {"shop": code}, ledger.clock())
    return Code(code=made)


@router.delete("/terminals/{terminal_id}", responses=documented(*OFFICE_CODES, "office_mismatch", "terminal_unknown"))
def withdraw_terminal(terminal_id: TerminalId, officer: OfficerHere, ledger: LedgerHere) -> Done:
    """Take nothing more from a terminal that was lost, stolen or replaced; its number is not given again."""
    _own(officer, terminal_id)
    ledger.registry.withdraw(terminal_id)
    ledger.audit.note(officer, "withdraw", {"terminal": terminal_id}, ledger.clock())
    return Done()


@router.post("/awards", responses=documented(*OFFICE_CODES, "award_file_wrong"))
def award(
    file: Annotated[bytes, Body(media_type="text/csv")],
    officer: OfficerHere,
    ledger: LedgerHere,
    dry_run: bool = False,
    occasion: PlainText | None = None,
) -> Awarded:
    """Award points from a CSV file: all lines, or none where one is wrong; the same file again does nothing.

    Its columns are who, programme, points, reason. `occasion` tells two files of the same content apart.
    """
    asked = plan(ledger, officer.municipality, BytesIO(file))
    if asked.wrong or not asked.points:
        errors = [{"line": error.line, "kind": error.code} for error in asked.errors]
        raise ProblemError("award_file_wrong", {"errors": errors, "wrong": asked.wrong})
    done = not dry_run and carry_out(ledger, asked, officer, occasion or "")
    return Awarded(lines=asked.lines, people=asked.people, points=asked.total, done=done)


@router.get("/totals", responses=documented(*OFFICE_CODES))
def totals(officer: OfficerHere, ledger: LedgerHere) -> list[Totals]:
    """Return where each programme's points are: issued = held + claimed + lapsed + converted − overdraft."""
    return count(ledger.books, officer.municipality)


@router.get("/shops/{code}/claims", responses=documented(*OFFICE_CODES, "office_mismatch"))
def shop_claims(code: ShopCode, since: date, until: date, officer: OfficerHere, ledger: LedgerHere) -> list[Claim]:
    """Return what each programme owes a shop for each business day."""
    _own(officer, code)
    return claims(ledger.books, code, since, until)


@router.post("/stops", responses=documented(*OFFICE_CODES, "mykey_unknown"))
def stop(person: Person, officer: OfficerHere, ledger: LedgerHere) -> Done:
    """Suspend a holder; it counts from the next request on."""
    mykey = _mykey(ledger, person)
    ledger.identity.stop(mykey)
    ledger.audit.note(officer, "stop", {}, ledger.clock(), mykey)
    return Done()


@router.post("/resumptions", responses=documented(*OFFICE_CODES, "mykey_unknown"))
def resume(person: Person, officer: OfficerHere, ledger: LedgerHere) -> Done:
    """Lift a suspension."""
    mykey = _mykey(ledger, person)
    ledger.identity.resume(mykey)
    ledger.audit.note(officer, "resume", {}, ledger.clock(), mykey)
    return Done()


@router.post("/renewal-codes", status_code=201, responses=documented(*OFFICE_CODES, "mykey_unknown"))
def new_renewal_code(person: Person, officer: OfficerHere, ledger: LedgerHere) -> Code:
    """Return a code with which somebody whom the office identified takes the MyKey ID over to a renewed card."""
    mykey = _mykey(ledger, person)
    code = ledger.identity.renewal_code(mykey, ledger.today())
    ledger.audit.note(officer, "renewal_code", {}, ledger.clock(), mykey)
    return Code(code=code)


def _own(officer: Officer, code: str) -> None:
    if code[:6] != officer.municipality:
        raise ProblemError("office_mismatch")


def _mykey(ledger: Ledger, person: Person) -> str:
    mykey = ledger.identity.find_mykey(person.who) if isinstance(person.who, ServiceId) else person.who
    if mykey is None:
        raise ProblemError("mykey_unknown")
    return mykey
