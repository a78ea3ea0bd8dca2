"""When a terminal sends that has a line only now and then: at set hours, and whenever the day is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from config.japan import JST


@dataclass(frozen=True, slots=True)
class DayEnd:
    """Sends at `hours` of Japan's time, in whatever zone the machine is; with none of them only a close sends."""

    clock: Callable[[], datetime]
    hours: tuple[time, ...] = ()

    def next_time(self) -> datetime | None:
        """Return the moment at which is sent next, later than now; None where there are no hours."""
        now = self.clock().astimezone(JST)
        moments = (
            datetime.combine(now.date() + timedelta(days=days), hour, JST) for days in (0, 1) for hour in self.hours
        )
        return min((moment for moment in moments if moment > now), default=None)
