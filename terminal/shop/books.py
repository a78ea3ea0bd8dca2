"""The journal's services: open it, read it, send it, close the day, look things up; for commands and screens alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

from config.home import Home
from config.settings import Settings
from ledger.wire.answers import Status
from ledger.wire.client import LedgerError
from ledger.wire.operations import Award, Sale, Void
from offline_queue.close import Report, close_day, interim
from offline_queue.errors import JournalMissing
from offline_queue.reading import JournalReader, Recorded, read_journal
from offline_queue.sync import reason
from reader.practice import PracticeSource
from terminal.shop import enrolment as enrolments
from terminal.shop.opening import Opener, Station

RECENT = 200
"""How far back in the journal what can be undone is looked for."""


# Opening and reading --------------------------------------------------------------------------------------------


def workplace(home: Home) -> Home:
    """Return where this machine works: its own home once it is enrolled, and that of practice mode until then."""
    return home if home.enrolment.exists() else home.practice


def open_station(home: Home, settings: Settings, ledger: str | None = None) -> AbstractAsyncContextManager[Station]:
    """Open, without a reader, the terminal that this machine is; raise one of `terminal.shop.faults.KNOWN`."""
    place = workplace(home)
    # Practice mode has the ledger that it made, whatever is asked for.
    named = ledger if place == home else None
    return Opener(place, settings, PracticeSource({}), ledger=named)(lambda _state: None)


@contextmanager
def reading(home: Home) -> Iterator[JournalReader]:
    """Yield the journal, to be read, also beside an open terminal; raise QueueError or EnrolmentError."""
    place = workplace(home)
    if not place.journal.exists():
        raise JournalMissing(place.path)
    journal = read_journal(place.journal, enrolments.key_of(place).public_key())
    try:
        yield journal
    finally:
        journal.close()


# Sending and closing --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """How many operations were decided, how many are left, and the code of why."""

    decided: int
    unsent: int
    error: str | None = None


async def send(station: Station, on_upload: Callable[[], None] = lambda: None) -> Sent:
    """Send all that is unsent as far as the line carries; raise QueueError."""
    journal = station.journal
    before = journal.verdict_count()
    error = None
    try:
        await station.syncer.sync(on_upload)
    except LedgerError as left:
        error = reason(left)
    return Sent(journal.verdict_count() - before, journal.unsent_count(), error)


@dataclass(frozen=True, slots=True)
class DayReport:
    """An X report, or a Z report with the journal entry that it is."""

    report: Report
    entry: Recorded | None = None


def interim_report(journal: JournalReader) -> DayReport:
    """Return the day so far (X), which changes nothing."""
    return DayReport(interim(journal))


async def close(station: Station) -> DayReport:
    """DayReport the day (Z), whether the line is up or not: what is decided later goes into the next close."""
    await send(station)
    at = station.clock()
    clerk, day = station.settings.counter.clerk, station.business_date(at)
    report, entry = await asyncio.to_thread(close_day, station.journal, at=at, operator=clerk, business_date=day)
    await send(station)
    return DayReport(report, entry)


# Looking things up ----------------------------------------------------------------------------------------------


def undoable(station: Station) -> list[Recorded]:
    """Return what of the open day was sold or awarded, and neither refused nor voided."""
    today = station.business_date(station.clock()).isoformat()
    recent = [record for record in station.journal.recent(RECENT) if not _is_refused(record)]
    voided = {record.entry.content.target for record in recent if isinstance(record.entry.content, Void)}
    return [
        record
        for record in recent
        if isinstance(record.entry.content, Sale | Award)
        and record.entry.business_date == today
        and record.operation_id not in voided
    ]


def _is_refused(record: Recorded) -> bool:
    return record.verdict is not None and record.verdict.status is Status.REFUSED
