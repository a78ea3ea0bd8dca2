"""What the office asks over HTTP: shops, terminals, awards, totals, claims; stopping, resuming and renewing a card."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date, timedelta
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field, StringConstraints

from ledger.api import approvals, people, watch, webhook
from ledger.api.awards import Plan, carry_out, plan
from ledger.api.awards import reverse as take_back
from ledger.api.desk import Officer, Scope, ScopesApartError
from ledger.api.gate import OFFICE_CODES, ApproverHere, AwarderHere, IssuerHere, OperatorHere, ReaderHere
from ledger.api.outside import NotOutside
from ledger.api.packs import withdraw
from ledger.api.problems import ProblemError, documented
from ledger.api.state import Ledger, LedgerHere
from ledger.points.concentration import Concentration
from ledger.points.grants import ApprovalNeeded
from ledger.points.reports import Claim, ProgrammeTotals, claims, count
from ledger.wire.codes import ALPHABET, CONTACT_LENGTH, MYKEY_LENGTH, grouped
from ledger.wire.setup import Shop
from ledger.wire.tokens import ServiceId
from ledger.wire.values import Message, PlainText, ShopCode, TerminalId

_PERSON_CODES = ("mykey_unknown", "person_elsewhere")

router = APIRouter(prefix="/v1/office", tags=["office"])

MyKeyId = Annotated[str, StringConstraints(pattern=rf"^[{ALPHABET}]{{{MYKEY_LENGTH}}}$")]
"""Ten characters of Crockford's base 32."""


ContactNumber = Annotated[str, StringConstraints(pattern=rf"^[{ALPHABET}]{{{CONTACT_LENGTH}}}$")]
"""Eight characters of the same, of which the last one checks the others."""


class ShopName(Message):
    """What a shop is called on slips."""

    name: PlainText


class Code(Message):
    """A code that works once."""

    code: str


class Person(Message):
    """Who telephones: a MyKey ID, a contact number, or a number of the town's own services."""

    who: MyKeyId | ContactNumber | ServiceId


class ServiceShops(Message):
    """The shops that are a service's own."""

    shops: Annotated[list[ShopCode], Field(max_length=1_000)]


class Suspended(Message):
    """What was suspended: the card, or (False) the asking town's points alone."""

    card: bool


class OfficeDone(Message):
    """It is done."""

    done: bool = True


class Awarded(Message):
    """What a table of awards gives; `done` is False where it was only looked at, had been awarded before, or waits.

    `same` counts rows that say what another says, `paid` rows that were given already, by day. `waits_as` is the number
    under which the file waits for a second person.
    """

    lines: int
    people: int
    points: int
    same: int
    paid: dict[str, int]
    done: bool
    waits_as: str | None = None


class TakenLine(Message):
    """What came of taking a line back: points taken, owed from now on, and out of reach."""

    line: int
    points: int
    taken: int
    owed: int
    short: int


class Reversed(Message):
    """What was taken back, by line, and how many rows were never given."""

    lines: list[TakenLine]
    points: int
    unpaid: int
    done: bool


class NoticedEvent(Message):
    """How often something was noticed on a day about a terminal, a shop or a town, and when last."""

    day: str
    kind: str
    about: str
    times: int
    last_at: str


class Watched(Message):
    """What the office should know of its shops."""

    events: list[NoticedEvent]
    concentration: list[Concentration]


class WebhookAddress(Message):
    """An https address that is public."""

    url: Annotated[str, StringConstraints(min_length=9, max_length=500, pattern=r"^https://[!-~]+$")]


class TokenRequest(Message):
    """To whom a token is given, what it is good for, and for how many days."""

    who: PlainText
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    days: Annotated[int, Field(ge=1, le=731)] = 365


class Withdrawn(Message):
    """How many tokens were ended."""

    tokens: int


ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
"""What a town calls a service whose numbers are linked: `library`."""

AwardFile = Annotated[bytes, Body(media_type="text/csv")]
"""A table: CSV in any encoding, or xlsx."""

FileNumber = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
"""Under which a file waits."""


@router.put("/shops/{code}", responses=documented(*OFFICE_CODES, "office_mismatch"))
def put_shop(code: ShopCode, asked: ShopName, officer: OperatorHere, ledger: LedgerHere) -> Shop:
    """Add a shop of the office's municipality, or change its name."""
    _own(officer, code)
    shop = Shop(code=code, name=asked.name)
    with _act(ledger, officer, "shop", None, shop=code):
        ledger.registry.add_shop(shop)
    return shop


@router.post(
    "/shops/{code}/enrolment-codes",
    status_code=201,
    responses=documented(*OFFICE_CODES, "office_mismatch", "shop_unknown"),
)
def new_enrolment_code(code: ShopCode, officer: OperatorHere, ledger: LedgerHere) -> Code:
    """Return a code with which one terminal of a shop can be enrolled, once, within a week."""
    _own(officer, code)
    with _act(ledger, officer, "enrolment_code", None, shop=code):
        made = ledger.new_enrolment_code(code)
    return Code(code=made)


@router.delete("/terminals/{terminal_id}", responses=documented(*OFFICE_CODES, "office_mismatch", "terminal_unknown"))
def withdraw_terminal(terminal_id: TerminalId, officer: OperatorHere, ledger: LedgerHere) -> OfficeDone:
    """Take nothing more from a terminal that was lost, stolen or replaced; its number is not given again."""
    _own(officer, terminal_id)
    with _act(ledger, officer, "withdraw", None, terminal=terminal_id):
        withdraw(ledger, terminal_id, officer)
    return OfficeDone()


@router.post("/awards", responses=documented(*OFFICE_CODES, "award_file_wrong"))
def award(
    file: AwardFile,
    officer: AwarderHere,
    ledger: LedgerHere,
    dry_run: bool = False,
    occasion: PlainText | None = None,
) -> Awarded:
    """Award points from a table: all rows, or none where one is wrong; a row that was given is not given again.

    Its columns are who, programme, points, reason, and day or row if need be. `occasion` tells the same rows of two
    months apart. Where `waits_as` is given, nothing was awarded: a second person must approve.
    """
    asked = _plan(ledger, officer, file, occasion)
    held: str | None = None
    done = False
    if asked.gifts and not dry_run:
        try:
            carry_out(ledger, asked, officer)
            done = True
        except ApprovalNeeded as needed:
            held = approvals.hold(ledger, asked, officer, needed)
    return Awarded(
        lines=asked.lines,
        people=asked.people,
        points=asked.total,
        same=asked.same_count,
        paid=dict(asked.paid),
        done=done,
        waits_as=held,
    )


@router.post("/reversals", responses=documented(*OFFICE_CODES, "award_file_wrong"))
def reverse(
    file: AwardFile,
    officer: AwarderHere,
    ledger: LedgerHere,
    dry_run: bool = False,
    occasion: PlainText | None = None,
) -> Reversed:
    """Take back what the rows of a table gave; where points were spent, what is left, said by line."""
    asked = _plan(ledger, officer, file, occasion, paid=True)
    unpaid = asked.wanted_unpaid(None)
    back = [] if dry_run or not asked.gifts else take_back(ledger, asked, officer)
    lines = [TakenLine(line=line, points=b.points, taken=b.taken, owed=b.owed, short=b.short) for line, b in back]
    return Reversed(lines=lines, points=asked.total, unpaid=unpaid, done=bool(back))


@router.get("/awards/waiting", responses=documented(*OFFICE_CODES))
def waiting(officer: ReaderHere, ledger: LedgerHere) -> list[approvals.Waiting]:
    """Return the files of awards that wait for a second person's approval."""
    return approvals.waiting(ledger.books, officer.municipality)


@router.post(
    "/awards/waiting/{file}/approval",
    responses=documented(*OFFICE_CODES, "award_file_unknown", "award_file_late", "approval_own"),
)
def approve(file: FileNumber, officer: ApproverHere, ledger: LedgerHere) -> Awarded:
    """Give, as a second person, what another one asked for."""
    try:
        done = approvals.approve(ledger, officer, file)
    except approvals.ApprovalError as error:
        raise ProblemError(error.code) from None
    return Awarded(lines=done.rows, people=done.people, points=done.points, same=0, paid={}, done=True)


@router.delete("/awards/waiting/{file}", responses=documented(*OFFICE_CODES, "award_file_unknown"))
def refuse(file: FileNumber, officer: ApproverHere, ledger: LedgerHere) -> OfficeDone:
    """Throw a file away that waits."""
    try:
        approvals.refuse(ledger, officer, file)
    except approvals.ApprovalError as error:
        raise ProblemError(error.code) from None
    return OfficeDone()


@router.post("/tokens", status_code=201, responses=documented(*OFFICE_CODES, "scopes_apart"))
def new_token(asked: TokenRequest, officer: IssuerHere, ledger: LedgerHere) -> Code:
    """Give a token out to a named person, for some scopes, until a day; it is shown once."""
    bearer = Officer(officer.municipality, asked.who, frozenset(asked.scopes))
    if bearer.who == officer.who and bearer.scopes - {Scope.READ, Scope.TOKENS}:
        raise ProblemError("scopes_apart")
    try:
        code = ledger.office.new_token(bearer, ledger.today() + timedelta(days=asked.days), ledger.today())
    except ScopesApartError:
        raise ProblemError("scopes_apart") from None
    detail = {"to": bearer.who, "scopes": " ".join(sorted(bearer.scopes))}
    ledger.audit.note(officer, "token", detail, ledger.clock())
    return Code(code=code)


@router.delete("/tokens/{who}", responses=documented(*OFFICE_CODES))
def withdraw_tokens(who: PlainText, officer: IssuerHere, ledger: LedgerHere) -> Withdrawn:
    """End all tokens of a person."""
    count = ledger.office.withdraw_tokens(Officer(officer.municipality, who))
    ledger.audit.note(officer, "token_withdrawn", {"to": who}, ledger.clock())
    return Withdrawn(tokens=count)


@router.get("/totals", responses=documented(*OFFICE_CODES))
def totals(officer: ReaderHere, ledger: LedgerHere) -> list[ProgrammeTotals]:
    """Return where each programme's points are: issued = held + claimed + lapsed + converted − overdraft."""
    return count(ledger.books, officer.municipality)


@router.get("/shops/{code}/claims", responses=documented(*OFFICE_CODES, "office_mismatch"))
def shop_claims(code: ShopCode, since: date, until: date, officer: ReaderHere, ledger: LedgerHere) -> list[Claim]:
    """Return what each programme owes a shop for each business day."""
    _own(officer, code)
    return claims(ledger.books, code, since, until)


@router.get("/events", responses=documented(*OFFICE_CODES))
def events(since: date, officer: ReaderHere, ledger: LedgerHere) -> Watched:
    """Return what was noticed from a day on, and each shop's share of its five busiest cards; never about persons."""
    noticed = ledger.events.since(officer.municipality, since)
    return Watched(
        events=[NoticedEvent(**each._asdict()) for each in noticed],
        concentration=watch.concentration(ledger, officer.municipality, since),
    )


@router.put("/webhook", responses=documented(*OFFICE_CODES, "webhook_url_wrong", "webhook_private"))
def put_webhook(asked: WebhookAddress, officer: OperatorHere, ledger: LedgerHere) -> OfficeDone:
    """Send the town's events to an address, signed by the ledger, as soon as they are a minute old; no persons."""
    try:
        with _act(ledger, officer, "webhook", None, url=asked.url):
            webhook.set_webhook(ledger, officer.municipality, asked.url)
    except NotOutside as error:
        raise ProblemError(error.code) from None
    return OfficeDone()


@router.get("/webhook", responses=documented(*OFFICE_CODES))
def get_webhook(officer: OperatorHere, ledger: LedgerHere) -> webhook.Webhook | None:
    """Return where the town's events are sent, and whether they arrive."""
    return webhook.webhook_of(ledger, officer.municipality)


@router.delete("/webhook", responses=documented(*OFFICE_CODES))
def delete_webhook(officer: OperatorHere, ledger: LedgerHere) -> OfficeDone:
    """Send the town's events nowhere."""
    with _act(ledger, officer, "webhook", None, url=""):
        webhook.remove_webhook(ledger, officer.municipality)
    return OfficeDone()


@router.post("/stops", responses=documented(*OFFICE_CODES, *_PERSON_CODES))
def stop(person: Person, officer: OperatorHere, ledger: LedgerHere) -> Suspended:
    """Suspend a holder's card, or, where another town registered them, this town's points for them; at once."""
    mykey = people.find_resident(ledger, officer.municipality, person.who)
    with _act(ledger, officer, "stop", mykey):
        whole = people.stop(ledger, officer.municipality, mykey)
    return Suspended(card=whole)


@router.post("/resumptions", responses=documented(*OFFICE_CODES, *_PERSON_CODES))
def resume(person: Person, officer: OperatorHere, ledger: LedgerHere) -> OfficeDone:
    """Lift a suspension that this town may make."""
    mykey = people.find_resident(ledger, officer.municipality, person.who)
    with _act(ledger, officer, "resume", mykey):
        people.resume(ledger, officer.municipality, mykey)
    return OfficeDone()


@router.post(
    "/renewal-codes",
    status_code=201,
    responses=documented(*OFFICE_CODES, *_PERSON_CODES, "renewal_asked", "renewal_waits", "approval_own"),
)
def new_renewal_code(person: Person, officer: OperatorHere, ledger: LedgerHere) -> Code:
    """Return a code with which somebody whom the office identified takes the MyKey ID over to a renewed card.

    Where another town registered them a second person must ask too, a day later, and that town is told.
    """
    mykey = people.find_resident(ledger, officer.municipality, person.who)
    with _act(ledger, officer, "renewal_code", mykey):
        code = people.renewal_code(ledger, officer, mykey)
    return Code(code=code)


@router.post("/contact-numbers", status_code=201, responses=documented(*OFFICE_CODES, *_PERSON_CODES))
def new_contact_number(person: Person, officer: OperatorHere, ledger: LedgerHere) -> Code:
    """Give a holder another number for the telephone; the old one stops working."""
    mykey = people.find_resident(ledger, officer.municipality, person.who)
    with _act(ledger, officer, "contact_number", mykey):
        people.check_home(ledger, officer.municipality, mykey)
        number = ledger.identity.replace_contact_number(mykey)
    return Code(code=grouped(number))


@router.put("/services/{service}", responses=documented(*OFFICE_CODES, "office_mismatch", "shop_unknown"))
def put_service(service: ServiceName, asked: ServiceShops, officer: OperatorHere, ledger: LedgerHere) -> OfficeDone:
    """Name the shops that link a service's numbers and see them: these, and no other."""
    for each in asked.shops:
        _own(officer, each)
    with _act(ledger, officer, "service", None, service=service, shops=" ".join(asked.shops)):
        ledger.registry.set_service(officer.municipality, service, asked.shops)
    return OfficeDone()


def _act(
    ledger: Ledger, officer: Officer, action: str, mykey: str | None, **detail: str
) -> AbstractContextManager[None]:
    """Return what writes an act down: its intent, and its result, in every town that it concerns."""
    municipalities = set() if mykey is None else people.concerned(ledger, mykey)
    return ledger.audit.act(officer, action, detail, ledger.clock(), mykey, municipalities)


def _plan(ledger: Ledger, officer: Officer, file: bytes, occasion: str | None, *, paid: bool = False) -> Plan:
    asked = plan(ledger, officer.municipality, BytesIO(file), occasion or "", paid=paid)
    if asked.wrong or asked.is_empty:
        errors = [{"line": error.line, "kind": error.code} for error in asked.errors]
        raise ProblemError("award_file_wrong", {"errors": errors, "wrong": asked.wrong})
    return asked


def _own(officer: Officer, code: str) -> None:
    if code[:6] != officer.municipality:
        raise ProblemError("office_mismatch")
