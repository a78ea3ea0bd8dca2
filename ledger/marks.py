"""Ties a ledger's key to its two stores: each keeps the key's fingerprint, the ledger's id, and its epoch.

A ledger starts where key and marks agree, and with neither alone. A new key is made only where both stores are empty:
first its draft, then the marks, and the key's own name last, so that a start that was cut short is taken up again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, Table, exists, insert, select, update

from config.files import sync_directory
from ledger.api import schema as api
from ledger.database import reading, repeated, with_row_locks
from ledger.identity import schema as identity
from ledger.keys import Keys, make_secret
from ledger.migrations import is_made
from ledger.place import KeysApart, Store
from ledger.points import schema as points

_NAME: Final = "ledger"
_TABLES: Final[Mapping[Store, Table]] = {"identity": identity.mark, "points": points.mark}
_CONTENT: Final[Mapping[Store, tuple[Table, ...]]] = {
    "identity": (identity.card, identity.revocation_list),
    "points": (points.programmes, points.shops, points.operations, points.wallets, points.audit, api.office_token),
}
"""What a store that was used has a row in, at least one of them."""

Stores = Mapping[Store, Engine]
"""A ledger's databases."""


@dataclass(frozen=True, slots=True)
class StoreMark:
    """Which ledger a store belongs to, the fingerprint of its key, and how often it was restored, plus one."""

    ledger: str
    key_print: str
    epoch: int


def tie(stores: Stores, path: Path, adopt: Callable[[], None]) -> tuple[Keys, StoreMark]:
    """Return the key of a file and the mark that both stores bear; raise KeysApart where they are not of one ledger.

    `adopt` writes down what else must be known of stores that were filled before there were marks.
    """
    draft = path.with_name(f"{path.name}.new")
    marks = {store: mark_of(stores[store], store) for store in _TABLES}
    keys = Keys.load(path)
    if keys is not None:
        if None in marks.values():
            _adopt(stores, marks, keys, adopt)
        return keys, _agreed(stores, keys, path)
    if not draft.exists():
        if any(marks.values()) or any(is_filled(stores[store], store) for store in _TABLES):
            # Another process may have finished since: of its first start, or of bringing the file back.
            if (keys := Keys.load(path)) is None:
                raise KeysApart("ledger_key_missing", path=str(path))
            return keys, _agreed(stores, keys, path)
        make_secret(draft)
    return _begin(stores, draft, path)


def check_made(stores: Stores, path: Path) -> None:
    """Raise KeysApart where there is a key, and a store without a table: it was lost, or is another.

    Call it before tables are made: afterwards a lost store looks like a new one.
    """
    if path.exists():
        for store, engine in stores.items():
            if not is_made(engine, store):
                raise KeysApart("ledger_store_missing", store=store)


def mark_of(engine: Engine, store: Store) -> StoreMark | None:
    """Return a store's mark, None where it has none."""
    table = _TABLES[store]
    with reading(engine) as connection:
        row = connection.execute(select(table).where(table.c.name == _NAME)).one_or_none()
    return None if row is None else StoreMark(row.ledger, row.key_print, row.epoch)


def set_mark(engine: Engine, store: Store, mark: StoreMark) -> StoreMark:
    """Mark a store that bears no mark, and return the mark that it bears then: of two that come at once, one stays."""
    table = _TABLES[store]

    def work(connection: Connection) -> None:
        if connection.execute(select(table.c.name)).one_or_none() is None:
            row = {"name": _NAME, "ledger": mark.ledger, "key_print": mark.key_print, "epoch": mark.epoch}
            connection.execute(insert(table), row)

    repeated(with_row_locks(engine), work, on_taken_keys=True)
    found = mark_of(engine, store)
    assert found is not None  # noqa: S101  # it was written, or was there
    return found


def set_epoch(engine: Engine, store: Store, epoch: int) -> None:
    """Say how often a store was restored, plus one."""
    query = update(_TABLES[store]).where(_TABLES[store].c.name == _NAME).values(epoch=epoch)
    repeated(with_row_locks(engine), lambda connection: connection.execute(query))


def is_filled(engine: Engine, store: Store) -> bool:
    """Return whether anything was ever done with a store."""
    with reading(engine) as connection:
        return any(connection.scalar(select(exists().select_from(table))) for table in _CONTENT[store])


def _begin(stores: Stores, draft: Path, path: Path) -> tuple[Keys, StoreMark]:
    """Mark two empty stores with a new key, and give it its name."""
    try:
        keys = Keys.load(draft)
    except KeysApart:
        raise KeysApart("ledger_key_damaged", path=str(draft)) from None
    keys = keys or Keys.load(path)
    if keys is None:
        raise KeysApart("ledger_key_missing", path=str(path))
    mark = set_mark(stores["identity"], "identity", StoreMark(secrets.token_hex(16), keys.print, 1))
    if mark.key_print == keys.print:
        mark = set_mark(stores["points"], "points", mark)
    if mark.key_print != keys.print:
        # Somebody else's key came first; this one has sealed nothing.
        draft.unlink(missing_ok=True)
        raise KeysApart("ledger_key_missing", path=str(path))
    with suppress(FileNotFoundError):  # another process has done it
        draft.rename(path)
        sync_directory(path.parent)
    return keys, _agreed(stores, keys, path)


def _adopt(stores: Stores, marks: Mapping[Store, StoreMark | None], keys: Keys, adopt: Callable[[], None]) -> None:
    """Mark stores that were filled before there were marks; raise KeysApart where one was emptied, or is another."""
    if marks["points"] is not None:
        raise KeysApart("ledger_store_missing", store="identity")
    adopt()
    mark = set_mark(stores["identity"], "identity", StoreMark(secrets.token_hex(16), keys.print, 1))
    if mark.key_print == keys.print:
        set_mark(stores["points"], "points", mark)


def _agreed(stores: Stores, keys: Keys, path: Path) -> StoreMark:
    found: list[StoreMark] = []
    for store, engine in stores.items():
        if (mark := mark_of(engine, store)) is None:
            raise KeysApart("ledger_store_missing", store=store)
        if mark.key_print != keys.print:
            raise KeysApart("ledger_key_wrong", path=str(path))
        found.append(mark)
    if len(set(found)) > 1:
        raise KeysApart("ledger_stores_differ")
    return found[0]
