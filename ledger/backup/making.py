"""Makes a backup of a ledger: one file of everything at one moment, and one of the months' keys that it replaces."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.api.state import Ledger
from ledger.backup.content import LEDGER_KEY, MONTHS, StoreCopy, pack
from ledger.backup.errors import BackupError
from ledger.backup.sealed import Lock
from ledger.backup.second import months_of, write_months
from ledger.backup.stores import copy_at_one_moment, engine_of
from ledger.migrations import newest
from ledger.place import Place, Store


def back_up(ledger: Ledger, place: Place, path: Path, lock: Lock, *, keys_only: bool = False) -> Path:
    """Write a backup to a file that is not there yet, and the months' keys beside it; return where those are.

    Raise BackupError where it cannot be made. A month's key that is missing stops it: the second file, which it would
    replace, may be the only place where that key still is.
    """
    if path.exists():
        raise BackupError("backup_there", path=str(path))
    months_of(ledger)  # a key that is missing is found before anything is written
    months = path.with_name(MONTHS)
    stores: tuple[Store, ...] = () if keys_only else ("identity", "points")
    # On the ledger's own disk: what is copied here lies there in the clear as well.
    with TemporaryDirectory(dir=place.directory, prefix=".backup-") as name:
        copies = {store: Path(name) / store for store in stores}
        if stores:
            copy_at_one_moment({store: place.url(store) for store in stores}, copies)
        known = months_of(ledger)
        manifest = known.model_copy(update={"stores": {store: _copy(place, store) for store in stores}})
        members = {LEDGER_KEY: place.secret, **{str(store): copy for store, copy in copies.items()}}
        pack(path, lock, manifest, members)
        write_months(place, months, lock, known)
    return months


def _copy(place: Place, store: Store) -> StoreCopy:
    kind = "sqlite" if engine_of(place.url(store)) == "sqlite" else "postgresql"
    return StoreCopy.model_validate({"kind": kind, "version": newest(store)})
