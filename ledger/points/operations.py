"""What the points store is asked to decide, and what it answers: requests, outcomes, and what an operation moved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from ledger.points.dating import Placed
from ledger.points.gate import may_undo
from ledger.points.wallet import Change, CountKey, Lot
from ledger.wire.answers import Cut, Status, Verdict
from ledger.wire.kinds import Where, kind_of
from ledger.wire.operations import Void

EPOCH: Final = datetime.fromtimestamp(0, UTC)
"""Stands for a time of arrival where none is needed."""

_ENCODER = json.JSONEncoder(separators=(",", ":"))

MOVED_FORM: Final = 2
"""The form in which `Movements` is sealed; its number stands first. Form 1, of 0.1.0, has no number, and no cuts.

The fields stand in an order and without names, since a name costs room in every row. A field that is added, and one
that a lot or a use gets, makes a new form, and the reader keeps all earlier ones.
"""

_PADDED: Final = 768
"""Bytes to whose multiple a plain text is filled up."""


class Account(StrEnum):
    """Where points are: every operation moves them from some accounts to others."""

    HELD = "held"
    """With residents."""
    CLAIM = "claim"
    """With a shop: what the programme owes it."""
    ISSUED = "issued"
    """Given out by the issuer: negative."""
    LAPSED = "lapsed"
    """Back with the issuer, unused."""
    CONVERTED = "converted"
    """Back with the issuer, for points of another programme."""
    RESERVED = "reserved"
    """Set aside at a terminal for a resident who may redeem them there without a line."""
    OVERDRAFT = "overdraft"
    """Owed by residents: negative."""
    LOSS = "loss"
    """Borne by the issuer, whose ledger forgot that points were spent: negative."""


class Posting(NamedTuple):
    """Points into an account of a programme (positive) or out of it; `shop` is empty but for claims."""

    account: Account
    programme: str
    shop: str
    points: int


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as the API hands it over: who it is about was settled by the identity store.

    `refusal` is the code under which identity refuses it, `content_hash` the hash of its journal entry,
    `business_date` the day that the terminal states. `arrived` is the ledger's time, `day_starts_at` the hour of the
    shop's day, `floor` the day of the terminal's last close before this entry. Of a void, `closed_seq` is the last
    entry of its target's terminal that a close covers. `is_late` says that the nonce had ended when the resident
    consented. `nonce` is the hash of what it was proven with, which serves no other operation.
    `proven` is the verdict that the ledger once gave and lost, by its own signature. `reservation` is the handle under
    which a sale was decided without a line, as the reservation's own card signed.
    """

    operation_id: str
    terminal_id: str
    shop: str
    business_date: str
    content: BaseModel
    content_hash: str
    mykey: str | None = None
    refusal: str | None = None
    pin_verified: bool = False
    arrived: datetime = EPOCH
    day_starts_at: int = 0
    floor: str | None = None
    closed_seq: int = 0
    is_late: bool = False
    nonce: str | None = None
    proven: Verdict | None = None
    reservation: str | None = None

    @property
    def municipality(self) -> str:
        """The one whose points move; of content that cannot be read, the terminal's."""
        kind = kind_of(self.content)
        if kind is None or kind.where is Where.TERMINAL:
            return self.operation_id[:6]
        return str(getattr(self.content, "municipality", self.operation_id[:6]))

    def may_void(self, target: str) -> bool:
        """Return whether an operation id is one that this void's gate lets through, and not its own."""
        by_owner = isinstance(self.content, Void) and self.content.by_owner is True
        return may_undo(target, self.terminal_id, self.shop, by_owner=by_owner) is None and target != self.operation_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided of one request; `mykey` is whose wallet it is, None where nobody is known.

    `is_new` tells a decision from a verdict that was recalled.
    """

    verdict: Verdict
    mykey: str | None = None
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Movements:
    """What an accepted operation moved, and all that is needed to undo it exactly.

    `taken` and `given` are in the order in which lots were consumed and filled; `repaid` is by programme what went
    towards a debt instead of into a lot; `rules` is the version of each programme. `mykey` is None of a sale whose
    resident cannot be read any more; `cuts` are what was asked for and not granted.
    """

    mykey: str | None
    bill: int = 0
    taken: tuple[tuple[Lot, int], ...] = ()
    given: tuple[tuple[Lot, int], ...] = ()
    repaid: tuple[tuple[str, int], ...] = ()
    uses: tuple[tuple[CountKey, int], ...] = ()
    rules: Mapping[str, int] | None = None
    amounts: tuple[int, int, int | None] = (0, 0, None)
    cuts: tuple[Cut, ...] = ()

    def to_json(self) -> bytes:
        """Return the bytes that are sealed: padded, so that their length tells nothing of the amounts."""
        fields = (
            MOVED_FORM,
            self.mykey,
            self.bill,
            self.taken,
            self.given,
            self.repaid,
            self.uses,
            dict(self.rules or {}),
            self.amounts,
            [tuple(cut.as_json().values()) for cut in self.cuts],
        )
        plain = _ENCODER.encode(fields).encode()
        return plain.ljust(-(-len(plain) // _PADDED) * _PADDED)

    @classmethod
    def from_json(cls, plain: bytes) -> Movements:
        """Return what `to_json` wrote, in this form or an earlier one; raise ValueError for a later one."""
        written = json.loads(plain)
        # Form 1 begins with the MyKey ID.
        form, fields = (written[0], written[1:]) if isinstance(written[0], int) else (1, [*written, []])
        if form > MOVED_FORM:
            raise ValueError(f"an operation was sealed in form {form}, which this version does not know")
        mykey, bill, taken, given, repaid, uses, rules, (redeemed, awarded, due), cuts = fields
        return cls(
            mykey,
            bill,
            tuple((Lot(*lot), points) for lot, points in taken),
            tuple((Lot(*lot), points) for lot, points in given),
            tuple((programme, points) for programme, points in repaid),
            tuple((CountKey(*use), points) for use, points in uses),
            rules,
            (redeemed, awarded, due),
            tuple(Cut.model_validate(dict(zip(Cut.model_fields, cut, strict=True))) for cut in cuts),
        )


class Loss(NamedTuple):
    """What a verdict that the ledger had lost could not bring back: what for, of which programme, how many points."""

    what: str
    programme: str
    points: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, the day that it counts on, and all that follows. `moved` is None where nothing is to be undone.

    `kept` is what it does to the reservation at its terminal, `floors` what it took under floor limits.
    """

    verdict: Verdict
    placed: Placed
    moved: Movements | None = None
    change: Change = field(default_factory=Change)
    postings: tuple[Posting, ...] = ()
    losses: tuple[Loss, ...] = ()
    kept: tuple[tuple[Lot, int], ...] = ()
    floors: tuple[tuple[str, int], ...] = ()


def accepted(request: Request, placed: Placed, moved: Movements, change: Change, others: Iterable[Posting]) -> Ruling:
    """Return an acceptance: the postings of residents follow from the change, `others` are all the rest."""
    redeemed, awarded, due = moved.amounts
    verdict = verdict_on(
        request,
        placed.day,
        Status.SHORTFALL if any(cut.leg == "redeem" for cut in moved.cuts) else Status.ACCEPTED,
        late=placed.late,
        redeemed=redeemed,
        awarded=awarded,
        amount_due=due,
        cuts=list(moved.cuts),
    )
    return Ruling(verdict, placed, moved, change, (*residents(change), *others))


def verdict_on(request: Request, day: str, status: Status, *, late: bool = False, **fields: Any) -> Verdict:
    """Return a verdict on an operation; what is not said keeps its default, and is not sent."""
    said = {name: value for name, value in fields.items() if value not in (None, [])}
    if late:
        said["late"] = True
    return Verdict(operation_id=request.operation_id, status=status, content_hash=request.content_hash, day=day, **said)


def residents(change: Change) -> Iterable[Posting]:
    """Yield a change of a wallet as postings."""
    for lot, points in change.lots:
        yield Posting(Account.HELD, lot.programme, "", points)
    for programme, points in change.debts:
        yield Posting(Account.OVERDRAFT, programme, "", -points)
