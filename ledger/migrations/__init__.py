"""Brings a store's tables into the form that this version works with, step by step from whatever version made them.

Each store has its own line of revisions, numbered, in a directory of its name. Whoever changes a table adds the next:
the tests say what it has to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from ledger.database import reading, repeated
from ledger.place import LedgerNewer, Store

_HERE: Final = Path(__file__).parent


def newest(store: Store) -> str:
    """Return the newest version that this program knows of a store."""
    return max(path.stem for path in (_HERE / store).glob("v*.py"))


def is_made(engine: Engine, store: Store) -> bool:
    """Return whether a store's tables are there, of whatever version."""
    with reading(engine) as connection:
        return inspect(connection).has_table(_table(store))


def upgrade(engine: Engine, store: Store) -> None:
    """Bring a store's tables to the newest version, all steps or none; raise LedgerNewer where they are beyond it."""
    with reading(engine) as connection:
        if _is_newest(connection, store):
            return
    repeated(engine, lambda connection: _upgrade(connection, store), on_taken_keys=True)


def _upgrade(connection: Connection, store: Store) -> None:
    if _is_newest(connection, store):
        return
    from alembic import command  # a ledger that is at the newest version need not wait for it
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "version_table": _table(store)})
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("version_locations", str(_HERE / store))
    config.set_main_option("path_separator", "newline")
    command.upgrade(config, "head")


def _is_newest(connection: Connection, store: Store) -> bool:
    if not inspect(connection).has_table(_table(store)):
        return False
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {_table(store)}"))  # noqa: S608  # one of our two names
    if version is not None and version > newest(store):
        raise LedgerNewer(store, version)
    return version == newest(store)


def _table(store: Store) -> str:
    return f"{store}_version"
