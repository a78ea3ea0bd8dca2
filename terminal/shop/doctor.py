"""Examines what a terminal depends on; every finding says what is wrong and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from config import __version__
from config import settings as settings_file
from config.faults import KNOWN, Fault, fault_of
from config.findings import Finding, Level
from config.home import Home
from config.japan import JST
from config.settings import Settings
from config.trust import Anchors
from ledger.wire.client import LedgerBusy, LedgerRefusal, LedgerUnreachable, LedgerUntrusted
from offline_queue.errors import DiskFull, JournalInUse, JournalReadOnly
from offline_queue.lock import InstanceLock
from offline_queue.reading import read_journal
from offline_queue.schema import ROOM
from reader.errors import NoCard, PcscForbidden, PcscServiceDown, ReaderError
from reader.source import CardSource, wait_for_card
from terminal.shop import enrolment as enrolments
from terminal.shop.enrolment import Enrolment
from terminal.shop.ledger_access import EMBEDDED, open_client
from terminal.shop.opening import Clock

OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables, which the journal is made of."""

GOOD_CLOCK = 60.0
"""Seconds by which this machine's clock may differ from the ledger's; from 300 on the ledger answers no more."""

LOOK_FOR_READER = 2.0
"""Seconds to wait for the PC/SC service to tell of a reader."""


REMEDIES: dict[type[ReaderError], Fault] = {
    PcscServiceDown: Fault("doctor_pcsc_down"),
    PcscForbidden: Fault("doctor_pcsc_forbidden"),
}
"""What the counter sends people here for."""


@dataclass(frozen=True, slots=True)
class Patient:
    """One machine to examine; `settings` are the defaults where its file is wrong."""

    home: Home
    settings: Settings
    source: CardSource
    clock: Clock
    ledger: str | None = None


async def examine(patient: Patient) -> list[Finding]:
    """Return all findings, in the order in which they should be mended."""
    checks: list[Callable[[Patient], Finding]] = [_version, _sqlite, _directory, _settings, _anchors]
    found = [_guarded(check, patient) for check in checks]
    try:
        enrolment = enrolments.load_enrolment(patient.home)
    except KNOWN as error:
        # Whose journal it is, and of which ledger, nobody knows then.
        return [*found, Finding("enrolment", Level.WRONG, fault=fault_of(error)), _guarded(_reader, patient)]
    found += [_guarded(partial(check, enrolment), patient) for check in (_enrolment, _journal)]
    found.append(_guarded(_reader, patient))
    found.append(_zone(datetime.now().astimezone().utcoffset()))
    return [*found, *[finding async for finding in _ledger(patient, enrolment)]]


def _guarded(check: Callable[[Patient], Finding], patient: Patient) -> Finding:
    try:
        return check(patient)
    except KNOWN as error:
        name = (check.func if isinstance(check, partial) else check).__name__
        return Finding(name.lstrip("_"), Level.WRONG, fault=fault_of(error))


def _version(_patient: Patient) -> Finding:
    return Finding("version", Level.GOOD, f"{__version__} (Python {platform.python_version()})")


def _sqlite(_patient: Patient) -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return Finding("sqlite", Level.WRONG, version, Fault("sqlite_old", (("version", version),)))
    if _has_wal_bug(sqlite3.sqlite_version_info):
        # Harmless to the journal, which has one writing connection; worth an update for an embedded ledger.
        return Finding("sqlite", Level.NOTE, version, Fault("sqlite_wal_bug", (("version", version),)))
    return Finding("sqlite", Level.GOOD, version)


def _has_wal_bug(version: tuple[int, int, int]) -> bool:
    """Return whether two writing connections may damage a WAL file: mended in 3.44.6, 3.50.7 and 3.51.3."""
    return version < (3, 44, 6) or (3, 45) <= version < (3, 50, 7) or (3, 51) <= version < (3, 51, 3)


def _directory(patient: Patient) -> Finding:
    path = patient.home.path
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        raise JournalReadOnly(f"{existing} cannot be written")
    free = shutil.disk_usage(existing).free
    if free < ROOM:
        raise DiskFull(f"{free} bytes free")
    return Finding("directory", Level.GOOD, str(path))


def _settings(patient: Patient) -> Finding:
    settings = settings_file.load_settings(patient.home.settings)
    if settings.counter.day_starts_at is not None:
        # The ledger's word for the shop counts; 0.1.0 asked each machine.
        return Finding("settings", Level.NOTE, fault=Fault("day_start_of_no_effect"))
    return Finding("settings", Level.GOOD)


def _anchors(patient: Patient) -> Finding:
    return Finding("anchors", Level.GOOD, str(len(Anchors.load(patient.home.anchors).certificates)))


def _enrolment(enrolment: Enrolment | None, patient: Patient) -> Finding:
    if enrolment is None:
        return Finding("enrolment", Level.NOTE, fault=Fault("not_enrolled"))
    enrolments.key_of(patient.home)
    return Finding("enrolment", Level.GOOD, enrolment.setup.terminal_id)


def _journal(own: Enrolment | None, patient: Patient) -> Finding:
    """Walk the whole chain, unless the terminal is at work on it."""
    home = patient.home if own is not None else patient.home.practice
    enrolment = own if own is not None else enrolments.load_enrolment(home)
    if enrolment is None or not home.journal.exists():
        return Finding("journal", Level.GOOD, "0")
    try:
        with InstanceLock(home.lock):
            key = enrolments.key_of(home).public_key()
            journal = read_journal(home.journal, key, enrolment.setup.signing_keys)
            try:
                return Finding("journal", Level.GOOD, str(journal.verify()))
            finally:
                journal.close()
    except JournalInUse as error:
        return Finding("journal", Level.NOTE, fault=fault_of(error))


def _reader(patient: Patient) -> Finding:
    try:
        wait_for_card(patient.source, LOOK_FOR_READER)
    except NoCard:
        pass  # a reader that waits for one
    except ReaderError as error:
        needed = patient.home.enrolment.exists()
        fault = REMEDIES.get(type(error)) or fault_of(error)
        return Finding("reader", Level.WRONG if needed else Level.NOTE, fault=fault)
    return Finding("reader", Level.GOOD)


async def _ledger(patient: Patient, enrolment: Enrolment | None) -> AsyncIterator[Finding]:
    """Ask the ledger who we are and what time it is; the one in this process needs no asking."""
    url = patient.ledger or (enrolment.ledger if enrolment is not None else EMBEDDED)
    if enrolment is None or url == EMBEDDED:
        yield Finding("ledger", Level.GOOD, EMBEDDED)
        return
    terminal_id = enrolment.setup.terminal_id
    try:
        key = enrolments.key_of(patient.home)
        pinned = enrolment.setup.signing_keys
        allowed = patient.settings.ledger.plain_http
        async with open_client(
            patient.home, url, terminal_id=terminal_id, key=key, pinned=pinned, plain_http=allowed
        ) as client:
            setup = await client.setup()
    except LedgerUntrusted as error:
        yield Finding("ledger", Level.WRONG, url, fault_of(error))
    except (LedgerUnreachable, LedgerBusy):
        yield Finding("ledger", Level.WRONG, url, Fault("ledger_unreachable", (("url", url),)))
    except LedgerRefusal as refusal:
        yield Finding("clock" if refusal.is_clock else "ledger", Level.WRONG, url, fault_of(refusal))
    except KNOWN as error:
        yield Finding("ledger", Level.WRONG, url, fault_of(error))
    else:
        yield Finding("ledger", Level.GOOD, url)
        yield _clock(patient, datetime.fromisoformat(setup.server_time))


def _zone(offset: timedelta | None) -> Finding:
    """Say that the zone of this machine makes no difference: days and slips are in Japan's time everywhere."""
    if offset == JST.utcoffset(None):
        return Finding("zone", Level.GOOD, "JST")
    return Finding("zone", Level.NOTE, fault=Fault("zone_harmless"))


def _clock(patient: Patient, ledgers: datetime) -> Finding:
    off = round((patient.clock() - ledgers).total_seconds())
    if abs(off) > GOOD_CLOCK:
        return Finding("clock", Level.WRONG, str(off), Fault("clock_off", (("seconds", off),)))
    return Finding("clock", Level.GOOD, str(off))
