"""What the points store is asked to decide, and what it answers: requests, outcomes, and what an operation moved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import BaseModel

from ledger.points.wallet import Change, Lot, Use
from ledger.wire.answers import Status, Verdict
from ledger.wire.kinds import Where, kind_of

_ENCODER = json.JSONEncoder(separators=(",", ":"))

MOVED_FORM: Final = 2
"""The form in which `Moved` is sealed; its number stands first. Form 1, of 0.1.0, has the same fields and no number.

The fields stand in an order and without names, since a name costs room in every row. A field that is added, and one
that a lot or a use gets, makes a new form, and the reader keeps all earlier ones.
"""


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
    OVERDRAFT = "overdraft"
    """Owed by residents: negative."""


class Posting(NamedTuple):
    """Points into an account of a programme (positive) or out of it; `shop` is empty but for claims."""

    account: Account
    programme: str
    shop: str
    points: int


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as the API hands it over: who it is about was settled by the identity store.

    `refusal` is the code under which identity refuses it, `content_hash` the hash of its journal entry.
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

    @property
    def municipality(self) -> str:
        """The one whose points move; of content that cannot be read, the terminal's."""
        kind = kind_of(self.content)
        if kind is None or kind.where is Where.TERMINAL:
            return self.operation_id[:6]
        return str(getattr(self.content, "municipality", self.operation_id[:6]))

    def may_void(self, target: str) -> bool:
        """Return whether an operation id is one of this shop's, and not this one."""
        return target.startswith(f"{self.shop}-") and target != self.operation_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided of one request; `mykey` is whose wallet it is, None where nobody is known."""

    verdict: Verdict
    mykey: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What an accepted operation moved, and all that is needed to undo it exactly.

    `taken` and `given` are in the order in which lots were consumed and filled; `repaid` is by programme what went
    towards a debt instead of into a lot; `rules` is the version of each programme.
    """

    mykey: str
    bill: int = 0
    taken: tuple[tuple[Lot, int], ...] = ()
    given: tuple[tuple[Lot, int], ...] = ()
    repaid: tuple[tuple[str, int], ...] = ()
    uses: tuple[tuple[Use, int], ...] = ()
    rules: Mapping[str, int] | None = None
    amounts: tuple[int, int, int | None] = (0, 0, None)

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
        )
        plain = _ENCODER.encode(fields).encode()
        return plain.ljust(-(-len(plain) // 256) * 256)

    @classmethod
    def from_json(cls, plain: bytes) -> Moved:
        """Return what `to_json` wrote, in this form or an earlier one; raise ValueError for a later one."""
        written = json.loads(plain)
        # Form 1 begins with the MyKey ID.
        form, fields = (written[0], written[1:]) if isinstance(written[0], int) else (1, written)
        if form > MOVED_FORM:
            raise ValueError(f"an operation was sealed in form {form}, which this version does not know")
        mykey, bill, taken, given, repaid, uses, rules, (redeemed, awarded, due) = fields
        return cls(
            mykey,
            bill,
            tuple((Lot(*lot), points) for lot, points in taken),
            tuple((Lot(*lot), points) for lot, points in given),
            tuple((programme, points) for programme, points in repaid),
            tuple((Use(*use), points) for use, points in uses),
            rules,
            (redeemed, awarded, due),
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict and all that follows from it. `moved` is None where no wallet was looked at."""

    verdict: Verdict
    moved: Moved | None = None
    change: Change = field(default_factory=Change)
    postings: tuple[Posting, ...] = ()


def accepted(operation_id: str, moved: Moved, change: Change, others: Iterable[Posting]) -> Decided:
    """Return an acceptance: the postings of residents follow from the change, `others` are all the rest."""
    redeemed, awarded, due = moved.amounts
    verdict = Verdict(
        operation_id=operation_id, status=Status.ACCEPTED, redeemed=redeemed, awarded=awarded, amount_due=due
    )
    return Decided(verdict, moved, change, (*residents(change), *others))


def residents(change: Change) -> Iterable[Posting]:
    """Yield a change of a wallet as postings."""
    for lot, points in change.lots:
        yield Posting(Account.HELD, lot.programme, "", points)
    for programme, points in change.debts:
        yield Posting(Account.OVERDRAFT, programme, "", -points)
