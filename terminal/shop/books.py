"""The journal's services: open it, read it, send it, close the day, look things up; for commands and screens alike.

A command opens the terminal, or reads the journal beside one that is open. A screen hands one of the functions that
take a `Station` to `Engine.ask`, and gets its answer while the counter goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import TypeVar

from config import settings as settings_file
from config.errors import CommandFailed
from config.home import Home
from config.japan import JST
from config.settings import Settings
from ledger.wire.answers import Status
from ledger.wire.client import LedgerError
from ledger.wire.entries import operation_id
from ledger.wire.kinds import KINDS, granted
from ledger.wire.operations import Award, Close, Convert, Mark, Operation, Return, Sale, Void
from ledger.wire.setup import TerminalSetup
from offline_queue.close import Report, close_day, closed_upto, decided_since_close, interim, total
from offline_queue.errors import JournalInUse, JournalMissing, QueueError
from offline_queue.reading import JournalReader, Recorded, read_journal
from offline_queue.sync import reason
from reader.practice import PracticeSource
from terminal.counter.facts import Undoable
from terminal.counter.scanned import SlipCode
from terminal.shop import enrolment as enrolments
from terminal.shop.enrolment import NotEnrolled
from terminal.shop.opening import Opener, Station

A = TypeVar("A")

RECENT = 2_000
"""How far back in the journal it is looked for what undid an operation."""

UNDOABLE = 8
"""Operations that are offered to be undone, newest first: each has a digit, and so has looking for another."""

LAST = 12
"""Operations that an overview lists."""

SEARCHED = 2_000
"""How many operations back one is looked for by its amount: some weeks of a shop. By its number any is found."""

FOUND = 5
"""The most operations that a search returns, newest first."""


# Opening and reading --------------------------------------------------------------------------------------------


def workplace(home: Home) -> Home:
    """Return where this machine works: its own home once it is enrolled, and that of practice mode until then."""
    return home if home.enrolment.exists() else home.practice


def setup_of(home: Home) -> TerminalSetup:
    """Return what the ledger last told the terminal that this machine is; raise EnrolmentError."""
    place = workplace(home)
    enrolment = enrolments.load_enrolment(place)
    if enrolment is None:
        raise NotEnrolled(place.enrolment)
    return enrolment.setup


def open_station(home: Home, settings: Settings, ledger: str | None = None) -> AbstractAsyncContextManager[Station]:
    """Open, without a reader, the terminal that this machine is; raise one of `config.faults.KNOWN`."""
    place = workplace(home)
    # Practice mode has the ledger that it made, whatever is asked for.
    named = ledger if place == home else None
    return Opener(place, settings, PracticeSource({}), ledger=named)(lambda _state: None)


@contextmanager
def journal_to_read(home: Home) -> Iterator[JournalReader]:
    """Yield the journal, to be read, also beside an open terminal; raise QueueError or EnrolmentError."""
    place = workplace(home)
    enrolments.load_enrolment(place)
    if not place.journal.exists():
        raise JournalMissing(place.path)
    enrolment = enrolments.load_enrolment(place)
    pinned = enrolment.setup.signing_keys if enrolment is not None else ()
    journal = read_journal(place.journal, enrolments.key_of(place).public_key(), pinned)
    try:
        yield journal
    finally:
        journal.close()


# Sending and closing --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """How many operations were decided, how many are left and the code of why, and which entries were set aside."""

    decided: int
    unsent: int
    error: str | None = None
    set_aside: tuple[int, ...] = ()


async def send(station: Station, on_upload: Callable[[], None] = lambda: None) -> Sent:
    """Send all that is unsent as far as the line carries; raise QueueError.

    What is damaged at the journal's end is set aside, so that it holds up nothing else.
    """
    journal, at = station.journal, station.clock()
    aside = await asyncio.to_thread(
        journal.set_damaged_aside,
        at=at,
        operator=station.clerk,
        business_date=station.business_date(at),
    )
    return await _send(station, tuple(aside), on_upload)


async def _send(station: Station, aside: tuple[int, ...] = (), on_upload: Callable[[], None] = lambda: None) -> Sent:
    journal = station.journal
    before = journal.verdict_count()
    error = None
    try:
        await station.syncer.sync(on_upload)
    except LedgerError as left:
        error = reason(left)
    return Sent(journal.verdict_count() - before, journal.unsent_count(), error, aside)


@dataclass(frozen=True, slots=True)
class DayReport:
    """An X report, or a Z report with the journal entry that it is."""

    report: Report
    entry: Recorded | None = None


def interim_report(journal: JournalReader) -> DayReport:
    """Return the day so far (X), which changes nothing."""
    return DayReport(interim(journal))


async def close(station: Station, *, even_if_empty: bool = False) -> DayReport:
    """Close the day (Z), whether the line is up or not: what is decided later goes into the next close.

    Raise NothingToClose where nothing happened since the last one, unless it is wanted all the same.
    """
    await send(station)
    at = station.clock()
    report, entry = await asyncio.to_thread(
        close_day,
        station.journal,
        at=at,
        operator=station.clerk,
        business_date=station.business_date(at),
        even_if_empty=even_if_empty,
    )
    await _send(station)
    return DayReport(report, entry)


async def close_anyway(station: Station) -> DayReport:
    """Close the day though nothing was done since the last close."""
    return await close(station, even_if_empty=True)


# What was recorded before -------------------------------------------------------------------------------------


def recorded(home: Home, *, operation: str | None = None, reference: str | None = None) -> Recorded | None:
    """Return the operation with this id, or with this reference of the caller's own; None where there is none."""
    if not workplace(home).journal.exists():
        return None
    with journal_to_read(home) as journal:
        if reference is not None:
            return journal.referred(reference)
        return None if operation is None else journal.find(operation)


async def decided(home: Home, ledger: str | None, record: Recorded) -> Recorded:
    """Return an operation with its verdict, for which the ledger is asked where no other process has the journal."""
    if record.verdict is not None:
        return record
    settings = settings_file.load_settings(home.settings)
    with suppress(JournalInUse):
        async with open_station(home, settings, ledger) as station:
            with suppress(QueueError):
                await station.syncer.submit(record.operation_id, settings.ledger.wait_seconds)
            return station.journal.find(record.operation_id) or record
    return record


# The day so far -------------------------------------------------------------------------------------------------


class Need(StrEnum):
    """What somebody has to look at, the most pressing first."""

    UNKNOWN = "unknown"
    """Points were to be redeemed, and nobody knows yet whether they were."""
    REFUSED = "refused"
    """The ledger refused it when nobody at the counter waited any more."""
    SHORT = "short"
    """Accepted when the customer had left, and the points were not all there: the shop's loss."""
    PROMISED = "promised"
    """Points that the customer had been promised were not given."""
    UNSENT = "unsent"
    """It is sent as soon as the line is there."""


ByHour = tuple[int, ...]
"""Yen for each of the 24 hours of a business day, beginning with the hour at which it begins."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What an owner wants to know at a glance: the X report, bills by the hour, the last operations, what to do."""

    report: Report
    at: str
    day: date
    first_hour: int
    today: ByHour
    yesterday: ByHour
    last: tuple[Recorded, ...]
    needs: dict[Need, tuple[Recorded, ...]]

    @property
    def unsent(self) -> int:
        """Operations that the ledger has not decided yet."""
        return self.report.undecided


async def overview(station: Station) -> Overview:
    """Return the day so far."""
    return await asyncio.to_thread(_overview, station)


def _overview(station: Station) -> Overview:
    at = station.clock()
    day, first_hour = station.business_date(at), station.setup.shop.day_starts_at
    journal = station.journal.reader()
    try:
        return Overview(
            report=interim(journal),
            at=at.isoformat(),
            day=day,
            first_hour=first_hour,
            today=_by_hour(journal, day, first_hour),
            yesterday=_by_hour(journal, day - timedelta(days=1), first_hour),
            last=tuple(journal.recent(LAST)),
            needs=_needs(journal),
        )
    finally:
        journal.close()


def _by_hour(journal: JournalReader, day: date, first_hour: int) -> ByHour:
    hours: list[list[Recorded]] = [[] for _ in range(24)]
    for record in journal.on_day(day.isoformat()):
        hours[(datetime.fromisoformat(record.entry.at).astimezone(JST).hour - first_hour) % 24].append(record)
    return tuple(total(records, journal.find).bill for records in hours)


def _needs(journal: JournalReader) -> dict[Need, tuple[Recorded, ...]]:
    undecided = [record for record in journal.undecided() if not isinstance(record.entry.content, Close)]
    unheard = {record.operation_id for record in journal.dead_letters()}
    decided = [each for each in decided_since_close(journal) if not isinstance(each.entry.content, Close)]
    unasked = [each for each in decided if not each.awaited]
    found = {
        Need.UNKNOWN: [record for record in undecided if _redeems(record)],
        Need.REFUSED: [record for record in decided if record.operation_id in unheard],
        Need.SHORT: [record for record in unasked if record.verdict and record.verdict.short_redeemed],
        Need.PROMISED: [record for record in unasked if record.verdict and record.verdict.short_awarded],
        Need.UNSENT: [record for record in undecided if not _redeems(record)],
    }
    return {need: tuple(records) for need, records in found.items() if records}


def _redeems(record: Recorded) -> bool:
    """Return whether points were to be used of which nobody knows; what was decided here without a line is used."""
    content = record.entry.content
    return isinstance(content, Sale) and bool(content.redeem) and content.offline is None


# Looking things up ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundOperation:
    """An operation that was looked for, with what it undid where it is a void or return."""

    record: Recorded
    content: Operation
    undoes: Undoable | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Asks for the operations with this number at the shop, this bill or amount due, or of this time of the day.

    1405 is also five past two in the afternoon of `day`, the business day that is today.
    """

    number: int
    day: date | None = None

    async def __call__(self, station: Station) -> tuple[FoundOperation, ...]:
        """Return them, newest first."""
        return await asyncio.to_thread(_read, station, self.within)

    def within(self, journal: JournalReader) -> tuple[FoundOperation, ...]:
        """Return those of a journal, newest first."""
        named = journal.find(operation_id(journal.terminal_id, self.number))
        others = [record for record in journal.recent(SEARCHED) if record != named and self._fits(record)]
        return tuple(_found(journal, ([named] if named else []) + others))

    def _fits(self, record: Recorded) -> bool:
        content = record.entry.content
        if self.day is not None and record.entry.business_date == self.day.isoformat():
            at = datetime.fromisoformat(record.entry.at).astimezone(JST)
            if self.number == at.hour * 100 + at.minute:
                return True
        return isinstance(content, Sale) and self.number in (content.bill, granted(content, record.verdict).amount_due)


@dataclass(frozen=True, slots=True)
class Named:
    """Asks for one operation of this terminal, as it stands in the journal."""

    operation_id: str

    async def __call__(self, station: Station) -> FoundOperation:
        """Return it; raise CommandFailed where the journal has none."""
        found = await asyncio.to_thread(_read, station, self.within)
        if not found:
            raise CommandFailed("never_recorded")
        return found[0]

    def within(self, journal: JournalReader) -> tuple[FoundOperation, ...]:
        """Return that of a journal, or nothing."""
        record = journal.find(self.operation_id)
        return tuple(_found(journal, [record] if record is not None else []))


@dataclass(frozen=True, slots=True)
class OfSlip:
    """Asks for the operation that a slip is of: both its number and its hash must be this journal's."""

    code: SlipCode

    async def __call__(self, station: Station) -> tuple[FoundOperation, ...]:
        """Return it, or nothing."""
        return await asyncio.to_thread(_read, station, self.within)

    def within(self, journal: JournalReader) -> tuple[FoundOperation, ...]:
        """Return that of a journal, or nothing."""
        record = journal.find(self.code.operation_id)
        is_its = record is not None and record.hash.startswith(self.code.short_hash)
        return tuple(_found(journal, [record] if record is not None and is_its else []))


def _read(station: Station, look: Callable[[JournalReader], tuple[A, ...]]) -> tuple[A, ...]:
    journal = station.journal.reader()
    try:
        return look(journal)
    finally:
        journal.close()


def _found(journal: JournalReader, records: Iterable[Recorded]) -> Iterator[FoundOperation]:
    for record in islice(records, FOUND):
        content = record.entry.content
        if isinstance(content, Operation):
            target = journal.find(content.target) if isinstance(content, Void | Return) else None
            yield FoundOperation(record, content, undoable(target) if target is not None else None)


@dataclass(frozen=True, slots=True)
class SignOn:
    """Asks to let a clerk be the operator from now on, and writes it down; who it is was made sure of before."""

    clerk: str

    async def __call__(self, station: Station) -> str:
        """Return the clerk's number, once the mark is durable."""
        at = station.clock()
        await asyncio.to_thread(
            station.journal.append,
            Mark(kind="signed_in", detail={"clerk": self.clerk}),
            at=at,
            operator=self.clerk,
            business_date=station.business_date(at),
        )
        station.clerk = self.clerk
        return self.clerk


# Undoing --------------------------------------------------------------------------------------------------------


def undoable(record: Recorded, closed: int = 0, returned: int = 0) -> Undoable | None:
    """Return an operation as what may be undone, None where its kind never can be."""
    content = record.entry.content
    if not isinstance(content, Sale | Award | Convert):
        return None
    entry = record.entry
    return Undoable(
        record.operation_id, entry.at, content, record.verdict, entry.seq <= closed, returned, operator=entry.operator
    )


@dataclass(frozen=True, slots=True)
class CanBeUndone:
    """Asks for what can still be undone, newest first: void before the close, return after it.

    With a `target`, for that one operation, whatever became of it, since the ledger says why it cannot be undone; a
    slip's `short_hash` must be its. With a `number`, for what `Search` finds.
    """

    target: str | None = None
    short_hash: str = ""
    number: int | None = None

    async def __call__(self, station: Station) -> tuple[Undoable, ...]:
        """Return them."""
        day = station.business_date(station.clock())
        return await asyncio.to_thread(_read, station, partial(self.within, day=day))

    def within(self, journal: JournalReader, day: date) -> tuple[Undoable, ...]:
        """Return those of a journal."""
        closed, undone = closed_upto(journal), _Undone.of(journal)
        if self.target is not None:
            named = journal.find(self.target)
            records = [named] if named is not None and named.hash.startswith(self.short_hash) else []
            return tuple(filter(None, (undoable(each, closed, undone.returned[each.operation_id]) for each in records)))
        if self.number is not None:
            records = [found.record for found in Search(self.number, day).within(journal)]
        else:
            records = journal.recent(RECENT)
        return tuple(islice(self._open(records, closed, undone), UNDOABLE))

    def _open(self, records: Iterable[Recorded], closed: int, undone: _Undone) -> Iterator[Undoable]:
        for record in records:
            item = undoable(record, closed, undone.returned[record.operation_id])
            if item is None or _is_refused(record) or record.operation_id in undone.voided:
                continue
            if item.undone_by in KINDS[item.content.kind].undone_by and (item.undone_by == "void" or item.bill):
                yield item


@dataclass(frozen=True, slots=True)
class _Undone:
    """What was voided, and the yen that were returned, by the operation that it is about."""

    voided: frozenset[str]
    returned: Counter[str]

    @classmethod
    def of(cls, journal: JournalReader) -> _Undone:
        voided, returned = set(), Counter[str]()
        for record in journal.recent(RECENT):
            if not _is_refused(record):
                match record.entry.content:
                    case Void(target=target):
                        voided.add(target)
                    case Return(target=target, bill=bill):
                        returned[target] += bill
                    case _:  # nothing else undoes
                        pass
        return cls(frozenset(voided), returned)


def _is_refused(record: Recorded) -> bool:
    return record.verdict is not None and record.verdict.status is Status.REFUSED
