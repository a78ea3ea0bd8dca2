"""Places an operation on its business day: the terminal's word counts within bounds, the ledger's clock beyond them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ledger.wire.days import business_day
from ledger.wire.rules import COUNTS_FOR_DAYS, Programme

TOLERANCE: Final = timedelta(minutes=5)
"""How far a terminal's clock may be ahead: around midnight its day begins so much earlier than the ledger's."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an operation counts: under the rules and limits of `day`, in reports on `reported_on`.

    `late` says that this is not the day that the terminal stated.
    """

    day: str
    reported_on: str
    late: bool = False


def place(
    stated: str, arrived: datetime, day_starts_at: int, floor: str | None, bound: timedelta, *, flagged: bool = False
) -> Placed:
    """Return where an operation counts.

    `floor` is the day of the terminal's last close, inclusive. What is stated before it, longer than `bound` before the
    shop's today, or ahead of it, is late work: it counts under the rules and limits of its arrival, and reports show it
    on the day of the floor. `flagged` marks as late what says so by itself.
    """
    today = business_day(arrived, day_starts_at)
    ahead = business_day(arrived + TOLERANCE, day_starts_at)
    lowest = max((today - bound).isoformat(), floor or "")
    if stated > ahead.isoformat():
        return Placed(today.isoformat(), today.isoformat(), late=True)
    if stated < lowest:
        return Placed(today.isoformat(), min(lowest, today.isoformat()), late=True)
    return Placed(stated, stated, late=flagged)


def late_bound(programmes: Iterable[Programme]) -> timedelta:
    """Return how long after its day an operation of any of these programmes still counts on that day."""
    return timedelta(days=max((each.offline.counts_for_days for each in programmes), default=COUNTS_FOR_DAYS))
