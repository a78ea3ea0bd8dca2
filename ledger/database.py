"""Opens the ledger's databases, SQLite or PostgreSQL, and repeats a transaction that another one got in the way of."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import random
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from config.errors import KnownError

T = TypeVar("T")

ATTEMPTS = 20
"""How often a transaction is tried before its conflict is raised."""

_PATIENCE_SECONDS = 30.0
"""After how long no further try is begun: SQLite alone may let each wait so long for another writer."""

_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE of serialization failure, deadlock, and lock not available (PostgreSQL, appendix A)."""

_DUPLICATE_KEY = "23505"
"""SQLSTATE of unique violation (PostgreSQL, appendix A)."""

_DUPLICATE_WORDS = "duplicate key value violates unique constraint"
"""What PostgreSQL says to it, in the C locale."""

_SQLITE_DUPLICATES = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_ROWID}
)
"""Extended result codes of a key that is taken."""

_NOT_SUPPORTED, _READ_ONLY = "0A000", "25006"
"""SQLSTATE of what a standby cannot do, and of writing where nothing can be written (PostgreSQL, appendix A)."""

_DUPLICATE_TABLE = "42P07"
"""SQLSTATE of a table that another transaction has made since it was looked for."""

_IDLE_SECONDS = 5.0
"""How long a connection may lie unused before it is asked whether the server is still there."""

_POOL_SECONDS = 10.0
"""Seconds that a request waits for a free connection, before it is answered that it should come again."""

_READS = "kazasu_reads"


class DatabaseFailed(KnownError):  # noqa: N818  # says what is the case
    """A database cannot be reached or used; carries the `reason` that it gives."""

    code = "database_unreachable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DatabaseDamaged(DatabaseFailed):  # as above
    """A file is no SQLite database any more."""

    code = "database_damaged"


class DatabaseStandby(KnownError):  # noqa: N818  # as above
    """The database is a standby, which takes no writes."""

    code = "database_standby"


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what a database refuses, and people can mend, into what the texts can say."""
    try:
        yield
    except OperationalError as error:
        raise DatabaseFailed(str(error.orig).strip()) from error
    except DatabaseError as error:
        if is_standby(error):
            raise DatabaseStandby from error
        if type(error) is not DatabaseError:  # its other kinds are defects of ours
            raise
        raise DatabaseDamaged(str(error.orig).strip()) from error


def open_engine(url: str) -> Engine:
    """Return an engine on which every transaction is serializable."""
    if not url.startswith("sqlite"):
        engine = create_engine(url, isolation_level="SERIALIZABLE", pool_timeout=_POOL_SECONDS)
        event.listen(engine, "connect", _set_up_postgresql)
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", partial(_check_idle, engine.dialect))
        return engine
    engine = create_engine(url, pool_timeout=_POOL_SECONDS)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def with_row_locks(engine: Engine) -> Engine:
    """Return the same engine for work that locks the rows it decides on, and so needs no more than committed reads.

    Serializable transactions that touch hundreds of wallets each would mostly fail on PostgreSQL, which notes by the
    page what was read. SQLite has one writer at a time, and nothing weaker to offer.
    """
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="READ COMMITTED")


def one_by_one(engine: Engine) -> Engine:
    """Return the same engine for work of one statement, or of some that need not see one moment.

    On PostgreSQL nothing is begun and ended for it: two round trips less while a resident waits.
    """
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads: on SQLite it waits for no writer."""
    with engine.connect().execution_options(**{_READS: True}) as connection:
        yield connection


def repeated(engine: Engine, work: Callable[[Connection], T], *, on_taken_keys: bool = False) -> T:
    """Return what `work` returns in one transaction; where another got in its way, all of it is done again.

    `work` therefore reads and decides inside, and keeps nothing from one try to the next. With `on_taken_keys` a key
    that somebody else inserted since it was looked for, or a table that they made, is such a case too.
    """
    patient_until = time.monotonic() + _PATIENCE_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            conflict = is_conflict(error) or (on_taken_keys and _is_taken(error))
            if attempt == ATTEMPTS or not conflict or time.monotonic() > patient_until:
                raise
        time.sleep(random() * 0.002 * 2 ** min(attempt, 7))  # noqa: S311  # jitter, not a secret
    raise AssertionError("the last try returns or raises")


def is_taken(error: DBAPIError) -> bool:
    """Return whether an error says that a key is taken, on any engine, however the driver wraps it."""
    cause: BaseException | None = error.orig
    while cause is not None:
        # Of a table that is spread over nodes, a node's error may come inside one of the coordinator's own.
        if getattr(cause, "sqlstate", None) == _DUPLICATE_KEY or _DUPLICATE_WORDS in str(cause):
            return True
        if getattr(cause, "sqlite_errorcode", None) in _SQLITE_DUPLICATES:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_standby(error: DBAPIError) -> bool:
    """Return whether an error says that the server only follows another one: it has no serializable transactions."""
    return getattr(error.orig, "sqlstate", None) in {_NOT_SUPPORTED, _READ_ONLY}


def is_conflict(error: DBAPIError) -> bool:
    """Return whether another transaction got in the way, so that the same work may succeed when it is done again."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


def _is_taken(error: DBAPIError) -> bool:
    return is_taken(error) or getattr(error.orig, "sqlstate", None) == _DUPLICATE_TABLE


def _set_up_postgresql(connection: Any, _record: object) -> None:
    from psycopg.types.array import ListBinaryDumper  # a terminal with a ledger of its own never gets here

    # Texts in an array travel as they are, at a third of the time that it takes to quote them.
    connection.adapters.register_dumper(list, ListBinaryDumper)
    # A plan made once for any number of rows is a bad one for five hundred, and stays so while tables grow.
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    connection.commit()


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _check_idle(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    # Not every time, as the pool would do it: a sale takes six connections, and its resident waits for each answer.
    idle = time.monotonic() - record.info.get("used", time.monotonic())
    if idle > _IDLE_SECONDS:
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun below, by hand: the driver would begin them late, and a reader that turns writer conflicts.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 30000")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE")
