"""Restores a ledger from its backup in a new epoch, and destroys again the keys that were destroyed since."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from config.files import sync_directory, write_whole
from ledger.backup.content import LEDGER_KEY, Manifest, unpack
from ledger.backup.errors import BackupError
from ledger.backup.sealed import BackupKey
from ledger.backup.stores import bring_back, engine_of, is_free, is_readable
from ledger.database import open_engine
from ledger.keys import Keys, print_of
from ledger.marks import mark_of, set_epoch
from ledger.migrations import newest, upgrade
from ledger.place import KeysApart, LedgerNewer, Place, Store
from ledger.points.periods import Known, PeriodKeys

_STORES: tuple[Store, Store] = ("identity", "points")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was opened and found whole: where its parts are, and what it is of."""

    folder: Path
    manifest: Manifest
    months: Manifest
    """What was known of the months' keys when the second file was last replaced."""

    def key_of(self, period: str) -> Path:
        """Return where a month's key is."""
        return self.folder / "months" / f"{period}.key"


@contextmanager
def opened(path: Path, months: Path, opener: BackupKey, *, beside: Path) -> Iterator[Backup]:
    """Yield a backup that was read to its end and checked, unpacked in a directory that is removed afterwards.

    Raise BackupError where it is damaged, or where the second file is not that of the same ledger, or is older.
    """
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=beside, prefix=".restore-") as name:
        folder = Path(name)
        (folder / "months").mkdir()
        manifest = unpack(path, opener, folder)
        found = Backup(folder, manifest, unpack(months, opener, folder / "months"))
        _check(found, path, months)
        yield found


def restore(backup: Backup, place: Place, now: datetime) -> list[str]:
    """Bring a backup to a place and return the months whose keys were destroyed again.

    A backup of keys alone is for stores that PostgreSQL's own tools have brought back. Raise BackupError where there is
    something that would be lost; then nothing was done. The ledger's key comes last: without it, nothing starts.
    """
    manifest = backup.manifest
    _check_place(backup, place)
    for store in manifest.stores:
        bring_back(place.url(store), store, backup.folder / store)
    with ExitStack() as closing:
        engines = {store: _engine(place, store, closing) for store in _STORES}
        periods = PeriodKeys(place.periods, engines["points"])
        again = _bring_months(backup, place, periods)
        marks = [mark for store, engine in engines.items() if (mark := mark_of(engine, store)) is not None]
        if len(marks) != len(engines) or any(mark.ledger != manifest.ledger for mark in marks):
            raise BackupError("backup_other_ledger")
        last = max(backup.months.epoch, *(mark.epoch for mark in marks))
        for store, engine in engines.items():
            # By the clock, so that two restores of one backup are two epochs.
            set_epoch(engine, store, max(last + 1, int(now.timestamp())))
    _bring_number(backup, place)
    if not place.secret.exists():
        draft = place.secret.with_name(".ledger.key.restoring")
        shutil.copyfile(backup.folder / LEDGER_KEY, draft)
        draft.chmod(0o600)
        draft.rename(place.secret)
        sync_directory(place.directory)
    return again


def _engine(place: Place, store: Store, closing: ExitStack) -> Engine:
    engine = open_engine(place.url(store))
    closing.callback(engine.dispose)
    upgrade(engine, store)
    return engine


def _bring_number(backup: Backup, place: Place) -> None:
    """Sign with the key that signed last: terminals no longer accept the keys before it."""
    number = max(backup.manifest.signing, backup.months.signing)
    there = int(place.signing.read_text("ascii")) if place.signing.exists() else 1
    if number > there:
        write_whole(place.signing, f"{number}\n".encode())


def _bring_months(backup: Backup, place: Place, periods: PeriodKeys) -> list[str]:
    """Bring the keys back that are in use, and destroy those that were destroyed since; return the months of these."""
    known = periods.known()
    again = []
    for period, month in backup.months.months.items():
        there = known.get(period, Known())
        stale = there.key_print is not None and there.key_print != month.key_print
        if stale or (month.destroyed and not there.destroyed):
            periods.destroy(period)
            again.append(period)
        target = place.periods / f"{period}.key"
        if month.key_print is not None and not target.exists():
            shutil.copyfile(backup.key_of(period), target)
            target.chmod(0o600)
            periods.take(period)
    periods.sweep()
    sync_directory(place.periods)
    # Only months are returned: days' keys are destroyed every night, by the hundred.
    return [period for period in again if len(period) == len("2026-11")]


def _check(backup: Backup, path: Path, months: Path) -> None:
    manifest, second = backup.manifest, backup.months
    if (manifest.ledger, manifest.key_print) != (second.ledger, second.key_print):
        raise BackupError("backup_months_other", path=str(months))
    if manifest.months.keys() - second.months.keys() or manifest.made_at > second.made_at:
        raise BackupError("backup_months_old", path=str(months))
    for period, month in second.months.items():
        key = backup.key_of(period)
        if month.key_print and not (key.exists() and print_of(key.read_bytes()) == month.key_print):
            raise BackupError("backup_damaged", path=str(months))
    keys = Keys.load(backup.folder / LEDGER_KEY)
    if keys is None or keys.print != manifest.key_print:
        raise BackupError("backup_damaged", path=str(path))
    for store, copy in manifest.stores.items():
        if copy.version > newest(store):
            raise LedgerNewer(store, copy.version)
        if not is_readable(backup.folder / store, copy.kind):
            raise BackupError("backup_damaged", path=str(path))


def _check_place(backup: Backup, place: Place) -> None:
    try:
        keys = Keys.load(place.secret)
    except KeysApart:
        raise BackupError("ledger_filled", path=str(place.secret)) from None
    if keys is not None and keys.print != backup.manifest.key_print:
        raise BackupError("ledger_filled", path=str(place.secret))
    for store, copy in backup.manifest.stores.items():
        if engine_of(place.url(store)) != copy.kind:
            raise BackupError("backup_kind", store=store, kind=copy.kind)
        if not is_free(place.url(store), store):
            raise BackupError("ledger_filled", path=store)
