"""The town's time, and what each machine takes for it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

from config.japan import JST

BEGINNING = datetime(2026, 11, 2, 6, tzinfo=JST)
"""A Monday morning."""


class TownClock:
    """The true time: it passes with the loop's, and may skip what nobody does anything in."""

    def __init__(self) -> None:
        self._skipped = BEGINNING

    def __call__(self) -> datetime:
        """Return the time in Japan."""
        return self._skipped + timedelta(seconds=asyncio.get_running_loop().time())

    def skip_to(self, moment: datetime) -> None:
        """Let it be a moment; it is never earlier than now."""
        self._skipped += max(timedelta(0), moment - self())


class MachineClock:
    """A terminal's clock: off by so much, and in whatever zone the machine was set to."""

    def __init__(self, town: TownClock) -> None:
        self._town = town
        self.off = timedelta(0)
        self.zone = JST

    def __call__(self) -> datetime:
        """Return what the machine takes for the time."""
        return (self._town() + self.off).astimezone(self.zone)

    def set_right(self) -> None:
        """Set the clock, as the operating system does when it is there again."""
        self.off, self.zone = timedelta(0), JST


def zone(hours: int) -> timezone:
    """Return a zone that is so many hours before Greenwich's."""
    return timezone(timedelta(hours=hours))
