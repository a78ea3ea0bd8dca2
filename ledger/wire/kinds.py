"""What each kind of operation is: one row for each, read by ledger, journal and terminal.

A kind that has no row here is refused under its id by every ledger, and named in no list: adding a kind is adding its
model to `ledger.wire.operations.Operation`, its row here, its decision in `ledger.points.decide`, and its texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from pydantic import BaseModel

from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import (
    Award,
    Close,
    Convert,
    Link,
    Mark,
    Operation,
    Release,
    Reserve,
    Return,
    Sale,
    Unlink,
    Unreadable,
    Void,
)


class Names(StrEnum):
    """Whom an operation is about."""

    CARD = "card"
    """The card that is sealed in it."""
    TARGET = "target"
    """The resident of the operation that it undoes."""
    NOBODY = "nobody"


class Where(StrEnum):
    """Which municipality's points move, and so where an operation is decided."""

    ITS_OWN = "its_own"
    """The one that its content names."""
    TERMINAL = "terminal"
    """The one that the terminal stands in."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of operation.

    `needs_wallet` says that points of whoever is named move, `changes_identity` that it changes who is known, so that
    it is decided alone. `undone_by` are the kinds that may undo it. `counted_as` is the name under which a day's totals
    count it, `bill_sign` what its bill does to the day's sales: 1 adds, −1 takes off, 0 nothing.
    """

    name: str
    model: type[BaseModel]
    names: Names
    where: Where = Where.ITS_OWN
    needs_wallet: bool = False
    changes_identity: bool = False
    undone_by: frozenset[str] = frozenset()
    counted_as: str | None = None
    bill_sign: int = 0


_ROWS: Final = (
    Kind(
        "sale",
        Sale,
        Names.CARD,
        needs_wallet=True,
        undone_by=frozenset({"void", "return"}),
        counted_as="sales",
        bill_sign=1,
    ),
    Kind("award", Award, Names.CARD, needs_wallet=True, undone_by=frozenset({"void"}), counted_as="awards"),
    Kind("convert", Convert, Names.CARD, needs_wallet=True, undone_by=frozenset({"void"}), counted_as="conversions"),
    Kind("void", Void, Names.TARGET, counted_as="voids", bill_sign=-1),
    Kind("return", Return, Names.TARGET, counted_as="returns", bill_sign=-1),
    Kind("link", Link, Names.CARD, changes_identity=True),
    Kind("unlink", Unlink, Names.CARD, changes_identity=True),
    Kind("reserve", Reserve, Names.CARD, needs_wallet=True),
    Kind("release", Release, Names.CARD),
    Kind("close", Close, Names.NOBODY, Where.TERMINAL),
)

KINDS: Final[Mapping[str, Kind]] = {row.name: row for row in _ROWS}
"""Every kind of operation by the `kind` of its content."""


def kind_of(content: BaseModel) -> Kind | None:
    """Return the row of an operation's content; None of a mark, and of what cannot be read."""
    if isinstance(content, Mark | Unreadable):
        return None
    return KINDS.get(str(getattr(content, "kind", "")))


@dataclass(frozen=True, slots=True)
class Amounts:
    """Points and yen of one operation: points that pay, points that come, yen that remain to be paid."""

    redeemed: int = 0
    awarded: int = 0
    amount_due: int | None = None


def asked(content: Operation) -> Amounts:
    """Return what an operation asks for; what is granted of it the verdict says."""
    match content:
        case Sale(redeem=redeem, award=award, amount_due=due):
            return Amounts(sum(leg.points for leg in redeem), sum(leg.points for leg in award), due)
        case Award(award=award):
            return Amounts(awarded=sum(leg.points for leg in award))
        case Convert(take=take, give=give):
            return Amounts(take.points, give.points)
        case Void() | Return() | Link() | Unlink() | Close() | Reserve() | Release():
            return Amounts()
        case _:
            assert_never(content)


def granted(content: Operation, verdict: Verdict | None) -> Amounts:
    """Return what an operation came to: as decided, or as asked while there is no verdict.

    `amount_due` is what is to be paid; what a return gives back is negative. 0.1.0's ledger stated none: there the
    customer owed what the sale said.
    """
    wanted = asked(content)
    if verdict is None:
        return wanted
    taken = verdict.status is not Status.REFUSED
    due = wanted.amount_due if verdict.amount_due is None and taken else verdict.amount_due
    return Amounts(verdict.redeemed, verdict.awarded, due)
