"""Closes the day by itself at the hour that the owner set, and makes up for one that passed while it was off."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Final

from config.japan import JST
from ledger.wire.operations import Close, Operation
from offline_queue.close import closed_upto
from offline_queue.errors import NothingToClose
from offline_queue.reading import JournalReader
from terminal.shop import books
from terminal.shop.books import DayReport
from terminal.shop.opening import Station

LOOK_EVERY: Final = 30.0
"""Seconds between looks at the clock, which may be set, or have slept, meanwhile."""


def latest(hour: time, now: datetime) -> datetime:
    """Return the last moment at which the clock of Japan stood at an hour."""
    here = now.astimezone(JST)
    today = datetime.combine(here.date(), hour, JST)
    return today if today <= here else today - timedelta(days=1)


def is_due(journal: JournalReader, moment: datetime) -> bool:
    """Return whether something was done before a moment that no close covers yet."""
    for record in journal.since(closed_upto(journal)):
        if isinstance(record.entry.content, Operation) and not isinstance(record.entry.content, Close):
            return datetime.fromisoformat(record.entry.at) < moment
    return False


async def close_if_due(station: Station) -> DayReport | None:
    """Close the day if its hour has passed, and return the report; None where there is nothing to do."""
    hour = station.settings.owner.close_at
    if not hour:
        return None
    moment = latest(time.fromisoformat(hour), station.clock())
    if not await asyncio.to_thread(is_due, station.journal, moment):
        return None
    with suppress(NothingToClose):
        return await books.close(station)
    return None


async def keep_closing(station: Station) -> None:
    """Look again and again, for as long as the terminal is open."""
    while True:
        await close_if_due(station)
        await asyncio.sleep(LOOK_EVERY)
