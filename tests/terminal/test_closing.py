"""The day closes by itself: once, at its hour, and as soon as the terminal is there where it was off."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from config.japan import JST
from config.settings import OwnerSettings
from ledger.wire.operations import Close
from terminal.shop.closing import close_if_due, latest
from tests.terminal.desks import NOON, desk
from tests.terminal.test_books import draft, write

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("now", "expected"),
    [("21:29", "2026-11-22 21:30"), ("21:30", "2026-11-23 21:30"), ("23:59", "2026-11-23 21:30")],
)
def test_the_last_time_that_it_was_an_hour(now: str, expected: str) -> None:
    """Of today, or of yesterday where that is still to come."""
    at = datetime.combine(NOON.date(), time.fromisoformat(now), JST)
    assert latest(time(21, 30), at) == datetime.fromisoformat(expected).replace(tzinfo=JST)


async def test_the_day_is_closed_once_when_its_hour_has_passed(tmp_path: Path) -> None:
    """Not before it, not without an hour, not where nothing was done; a sale after it waits for the next day."""
    async with desk(tmp_path) as counter:
        station, now = counter.station, [NOON]
        station.clock = lambda: now[0]
        await write(counter, draft(1200))
        now[0] = NOON + timedelta(days=2)
        assert await close_if_due(station) is None
        station.settings = station.settings.model_copy(update={"owner": OwnerSettings(close_at="21:30")})
        now[0] = NOON + timedelta(hours=9)
        assert await close_if_due(station) is None
        now[0] = NOON + timedelta(hours=10)
        closed = await close_if_due(station)
        assert closed is not None
        assert closed.entry is not None
        assert isinstance(closed.entry.entry.content, Close)
        assert closed.report.day.bill == 1200
        assert await close_if_due(station) is None
        await write(counter, draft(300), now[0])
        assert await close_if_due(station) is None
        now[0] = NOON + timedelta(days=4)
        late = await close_if_due(station)
        assert late is not None
        assert (late.report.number, late.report.day.bill) == (2, 300)
