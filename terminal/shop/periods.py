"""The days that an owner asks about: today, yesterday, this week, this month, each with the one before it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import assert_never

from offline_queue.periods import PeriodSums, period_sums
from offline_queue.reading import JournalReader
from terminal.shop.opening import Station


class Period(StrEnum):
    """A period, by the day that is today."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    """Monday to Sunday, as shops in Japan reckon."""
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class DayRange:
    """Business days, both ends in it."""

    first: date
    last: date

    @property
    def every(self) -> tuple[date, ...]:
        """Each of them."""
        return tuple(self.first + timedelta(days=each) for each in range((self.last - self.first).days + 1))


def days_of(period: Period, today: date) -> tuple[DayRange, DayRange]:
    """Return the days of a period, and those of the one before it."""
    match period:
        case Period.TODAY | Period.YESTERDAY:
            day = today if period is Period.TODAY else today - timedelta(days=1)
            before = day - timedelta(days=1)
            return DayRange(day, day), DayRange(before, before)
        case Period.WEEK:
            monday = today - timedelta(days=today.weekday())
            last = monday - timedelta(days=7)
            return DayRange(monday, monday + timedelta(days=6)), DayRange(last, monday - timedelta(days=1))
        case Period.MONTH:
            first = today.replace(day=1)
            end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            before = first - timedelta(days=1)
            return DayRange(first, end), DayRange(before.replace(day=1), before)
        case _:
            assert_never(period)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a period came to, and the one before it; `first_hour` is when the shop's day begins."""

    period: Period
    now: PeriodSums
    before: PeriodSums
    first_hour: int

    def bars(self) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
        """Return the names beneath the chart, and the bills of this period and of the one before it: hours, or days."""
        if self.period in (Period.TODAY, Period.YESTERDAY):
            hours = [(self.first_hour + each) % 24 for each in range(24)]
            ours, theirs = (tuple(_bill(sums.hours.get(hour)) for hour in hours) for sums in (self.now, self.before))
            return tuple(map(str, hours)), ours, theirs
        days = [DayRange(sums.first, sums.last).every for sums in (self.now, self.before)]
        ours, theirs = (
            tuple(_bill(sums.days.get(day.isoformat())) for day in every)
            for sums, every in zip((self.now, self.before), days, strict=True)
        )
        most = max(len(ours), len(theirs))
        names = tuple(str((self.now.first + timedelta(days=each)).day) for each in range(len(ours)))
        names += tuple(str(each + 1) for each in range(len(ours), most))
        return names, ours + (0,) * (most - len(ours)), theirs + (0,) * (most - len(theirs))


def _bill(moved: object) -> int:
    return int(getattr(moved, "bill", 0))


@dataclass(frozen=True, slots=True)
class Compare:
    """Asks what a period came to, and the one before it."""

    period: Period

    async def __call__(self, station: Station) -> Compared:
        """Return both."""
        today, first_hour = station.business_date(station.clock()), station.setup.shop.day_starts_at
        journal = station.journal.reader()
        try:
            return await asyncio.to_thread(self.within, journal, today, first_hour)
        finally:
            journal.close()

    def within(self, journal: JournalReader, today: date, first_hour: int) -> Compared:
        """Return both of a journal."""
        ours, before = days_of(self.period, today)
        now, then = (period_sums(journal, each.first, each.last) for each in (ours, before))
        return Compared(self.period, now, then, first_hour)
