"""Opens the ledger's databases, SQLite or PostgreSQL, and repeats a transaction that another one got in the way of."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from random import random
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

ATTEMPTS = 20
"""How often a transaction is tried before its conflict is somebody's to look at."""

_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE of serialization failure, deadlock, and lock not available (PostgreSQL, appendix A)."""


def open_engine(url: str) -> Engine:
    """Return an engine on which every transaction is serializable."""
    if not url.startswith("sqlite"):
        return create_engine(url, isolation_level="SERIALIZABLE", pool_pre_ping=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def repeated(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Return what `work` returns in one transaction; where another got in its way, all of it is done again.

    `work` therefore reads and decides inside, and keeps nothing from one try to the next.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not _is_conflict(error):
                raise
        time.sleep(random() * 0.002 * 2 ** min(attempt, 7))  # noqa: S311  # jitter, not a secret
    raise AssertionError("the last try returns or raises")


def _is_conflict(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun below, by hand: the driver would begin them late, and a reader that turns writer conflicts.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 30000")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
