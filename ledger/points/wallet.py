"""A resident's points of one municipality: lots, what is owed, what was used; and how they are taken and given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from ledger.wire.reasons import Reason
from ledger.wire.rules import AwardReason, DaysAfterUse, Programme, lapses_on

K = TypeVar("K")

NEVER: Final = "9999-12-31"
"""The expiry day of a lot that lapses by days after the last use, so that days compare as texts."""


SINCE_PIN: Final = "pin"
"""The period of what is counted since the last PIN."""


class RefusedOperation(Exception):  # noqa: N818  # a decision, not a failure
    """The operation is refused; carries the stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = str(reason)


class LimitCounter(StrEnum):
    """What is counted of a wallet in a period, where a rule needs it."""

    REDEEMED = "redeemed"
    """On the day that an operation counts on, towards the programme's limits."""
    AWARDED = "awarded"
    """By bills, towards the limit of a day."""
    ISSUED = "issued"
    """In all, on a day of the ledger's clock, towards the card's ceiling."""
    SPENT = "spent"
    """In all, on a day of the ledger's clock, towards the card's ceiling."""
    TAPPED = "tapped"
    """Redeemed by tap alone since the last PIN."""
    TAPS = "taps"
    """How often points were redeemed by tap alone since the last PIN."""
    FLOOR = "floor"
    """Redeemed without a line, beyond what was set aside, under the programme's floor limit."""
    USES = "uses"


class Lot(NamedTuple):
    """Points that share programme, charge and last day are one lot: none of them shows which operation it came by."""

    programme: str
    charge: str
    expires_on: str


class CountKey(NamedTuple):
    """A programme's counter in one period: a day (YYYY-MM-DD) or a month (YYYY-MM)."""

    programme: str
    counter: str
    period: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation adds to a wallet, or (negative) takes out of it."""

    lots: tuple[tuple[Lot, int], ...] = ()
    debts: tuple[tuple[str, int], ...] = ()
    uses: tuple[tuple[CountKey, int], ...] = ()

    def __add__(self, other: Change) -> Change:
        return Change(self.lots + other.lots, self.debts + other.debts, self.uses + other.uses)

    def reversed(self) -> Change:
        """Return what takes this change back."""
        return Change(_negated(self.lots), _negated(self.debts), _negated(self.uses))


@dataclass(frozen=True, slots=True)
class Wallet:
    """What a resident has of one municipality's programmes: positive lots, debts (by programme), and counters."""

    lots: Mapping[Lot, int] = field(default_factory=dict)
    debts: Mapping[str, int] = field(default_factory=dict)
    uses: Mapping[CountKey, int] = field(default_factory=dict)

    def after(self, change: Change) -> Wallet:
        """Return the wallet with a change made; what comes to nothing is not kept."""
        return Wallet(_added(self.lots, change.lots), _added(self.debts, change.debts), _added(self.uses, change.uses))

    def live(self, programme: Programme, day: str) -> list[Lot]:
        """Return a programme's lots that have not lapsed, those first that lapse first, free ones before paid ones."""
        code = programme.code
        lots = [lot for lot in self.lots if lot.programme == code and lot.expires_on >= day]
        if lots and self.last_day(programme) < day:
            lots = [lot for lot in lots if lot.expires_on != NEVER]
        return sorted(lots, key=_order) if len(lots) > 1 else lots

    def last_day(self, programme: Programme) -> str:
        """Return the last day of the lots that lapse by days after the last use."""
        if not isinstance(programme.expiry, DaysAfterUse):
            return NEVER
        days = [use.period for use in self.uses if use.programme == programme.code and use.counter == LimitCounter.USES]
        if not days:
            return NEVER
        return (date.fromisoformat(max(days)) + timedelta(days=programme.expiry.days)).isoformat()

    def last_day_of(self, lot: Lot, programme: Programme) -> str:
        """Return the last day of a lot, of which nothing need be left."""
        return self.last_day(programme) if lot.expires_on == NEVER else lot.expires_on

    def available(self, programme: Programme, day: str) -> int:
        """Return what can be spent on a day: live points, less what is owed."""
        live = sum(self.lots[lot] for lot in self.live(programme, day))
        return live - self.debts.get(programme.code, 0)

    def take(self, programme: Programme, points: int, day: str) -> Change:
        """Return the change that takes points out; raise Refused where there are not so many beyond what is owed."""
        if points > self.available(programme, day):
            raise RefusedOperation(Reason.INSUFFICIENT_BALANCE)
        return Change(tuple(_taken(self.lots, self.live(programme, day), points)))

    def give(self, programme: Programme, points: int, day: str) -> Change:
        """Return the change that awards points on a day; what is owed is paid first."""
        last = lapses_on(programme, date.fromisoformat(day))
        if last is not None and last.isoformat() < day:
            raise RefusedOperation(Reason.PROGRAMME_ENDED)
        owed = min(points, self.debts.get(programme.code, 0))
        lot = Lot(programme.code, programme.charge, NEVER if last is None else last.isoformat())
        return Change(
            ((lot, points - owed),) if points > owed else (),
            ((programme.code, -owed),) if owed else (),
        )

    def take_back(self, programme: Programme, points: int, first: Iterable[Lot], day: str) -> Change:
        """Return the change that takes awarded points back: out of the lots they went to, then out of any other.

        What was spent is owed where the programme allows that; else raise Refused.
        """
        live = self.live(programme, day)
        lots = dict.fromkeys((*(lot for lot in first if lot in live), *live))
        taken = tuple(_taken(self.lots, lots, points))
        missing = points + sum(each for _, each in taken)
        if missing and not programme.overdraft:
            raise RefusedOperation(Reason.AWARD_ALREADY_SPENT)
        return Change(taken, ((programme.code, missing),) if missing else ())

    def lapse(self, programme: Programme, day: str) -> Change:
        """Return the change that takes out what lapsed by days after the last use: a new award must not revive it."""
        if self.last_day(programme) >= day:
            return Change()
        return Change(tuple((lot, -points) for lot, points in self.lots.items() if _moves(lot, programme)))

    def used(self, programme: Programme, day: str) -> Change:
        """Return the change that marks a use of a programme whose points lapse by days after the last one.

        Days on which something may still be voided are kept, and the newest before them, so that a void finds the one
        before; older uses are not kept.
        """
        if not isinstance(programme.expiry, DaysAfterUse):
            return Change()
        mine = [use for use in self.uses if use.programme == programme.code and use.counter == LimitCounter.USES]
        this = CountKey(programme.code, LimitCounter.USES, day)
        voidable = (date.fromisoformat(day) - timedelta(days=programme.offline.counts_for_days)).isoformat()
        old = sorted(use for use in {*mine, this} if use.period < voidable)[:-1]
        return Change(uses=((this, 1), *((use, -self.uses[use]) for use in old if use != this)))


def _order(lot: Lot) -> tuple[str, str]:
    return lot.expires_on, lot.charge


def _moves(lot: Lot, programme: Programme) -> bool:
    return lot.programme == programme.code and lot.expires_on == NEVER


def _taken(held: Mapping[Lot, int], lots: Iterable[Lot], points: int) -> Iterator[tuple[Lot, int]]:
    for lot in lots:
        if not points:
            return
        part = min(points, held[lot])
        points -= part
        yield lot, -part


def _negated(changes: tuple[tuple[K, int], ...]) -> tuple[tuple[K, int], ...]:
    return tuple((key, -points) for key, points in changes)


def _added(held: Mapping[K, int], changes: tuple[tuple[K, int], ...]) -> Mapping[K, int]:
    if not changes:
        return held
    result = dict(held)
    for key, points in changes:
        result[key] = result.get(key, 0) + points
        if not result[key]:
            del result[key]
    return result


def reason_use(programme: Programme, code: str, reason: AwardReason, day: str) -> CountKey:
    """Return what counts how often a person got points for a reason in its period."""
    return CountKey(programme.code, f"reason:{code}", reason.period(day))
