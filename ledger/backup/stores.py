"""Copies two stores as they are at one moment, and brings copies back: SQLite and PostgreSQL by their own means."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, MetaData, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from config.files import sync_directory
from ledger.api import schema as api
from ledger.backup.errors import BackupError
from ledger.database import ATTEMPTS, is_conflict, open_engine
from ledger.identity import schema as identity
from ledger.marks import is_filled
from ledger.place import Store
from ledger.points import schema as points

_METADATA: Final[Mapping[Store, tuple[MetaData, ...]]] = {
    "identity": (identity.metadata,),
    "points": (points.metadata, api.metadata),
}
_PASSING: Final = frozenset({api.request_nonce.name})
"""What is good for minutes: copied as a table, without its rows."""

_LOCK_WAIT: Final = "5s"
"""How long registrations may wait for a backup that waits for a long one of them."""

_DEBIAN: Final = Path("/usr/lib/postgresql")


def engine_of(url: str) -> str:
    """Return which engine a URL is of."""
    return "sqlite" if url.startswith("sqlite") else "postgresql"


def copy_at_one_moment(urls: Mapping[Store, str], targets: Mapping[Store, Path]) -> None:
    """Copy stores to files, as all of them are at one moment; writers wait only until it is pinned.

    While the ID table is locked, its state is that of the moment at which the points store is pinned. Who
    registers or leaves commits there and here in turns, and may be met half-way: that may be done again at any time.
    """
    with ExitStack() as pinned:
        with ExitStack() as locked:
            if len(set(urls.values())) > 1:
                locked.enter_context(_held(urls["identity"]))
            moments = {url: pinned.enter_context(_pinned(url)) for url in dict.fromkeys(urls.values())}
        for store, target in targets.items():
            moment = moments[urls[store]]
            if isinstance(moment, str):
                _dump(urls[store], store, moment, target)
            else:
                with closing(sqlite3.connect(target)) as copy:
                    moment.backup(copy)


def is_free(url: str, store: Store) -> bool:
    """Return whether a store can be written over: it is not there, or nothing was ever done with it."""
    if engine_of(url) == "sqlite" and not _file(url).exists():
        return True
    engine = open_engine(url)
    try:
        there = inspect(engine).get_table_names()
        return f"{store}_version" not in there or not is_filled(engine, store)
    finally:
        engine.dispose()


def is_readable(copy: Path, kind: str) -> bool:
    """Return whether a copy can be read."""
    if kind == "sqlite":
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            try:
                return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
            except sqlite3.DatabaseError:
                return False
    return _run("pg_restore", ["--list", str(copy)], None).returncode == 0


def bring_back(url: str, store: Store, copy: Path) -> None:
    """Bring a copy back to where a store may be written over; raise BackupError where the tools say no."""
    if engine_of(url) == "sqlite":
        target = _file(url)
        for old in target.parent.glob(f"{target.name}*"):
            old.unlink()
        draft = target.with_name(f".{target.name}.restoring")
        shutil.copyfile(copy, draft)
        with draft.open("r+b") as file:
            os.fsync(file.fileno())
        draft.rename(target)
        sync_directory(target.parent)
        return
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            _drop(connection, store)
    finally:
        engine.dispose()
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname", _dsn(url)]
    _checked("pg_restore", [*options, str(copy)], url)


@contextmanager
def _held(url: str) -> Iterator[None]:
    """Lock the ID table against writers, once the present ones have finished."""
    if engine_of(url) == "sqlite":
        with closing(sqlite3.connect(_file(url), isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
        return
    engine = open_engine(url)
    try:
        with closing(_share(engine)):
            yield
    finally:
        engine.dispose()


def _share(engine: Engine) -> Connection:
    """Return a connection whose transaction keeps writers of the ID table out."""
    for attempt in range(1, ATTEMPTS + 1):
        connection = engine.connect()
        try:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
            # In the order of a registration; one that leaves goes the other way, and the server may stop either.
            for table in (identity.renewal, identity.card, identity.service_number):
                connection.execute(text(f"LOCK TABLE {table.name} IN SHARE MODE"))
        except DBAPIError as error:
            connection.close()
            if attempt == ATTEMPTS or not is_conflict(error):
                raise
        else:
            return connection
    raise AssertionError("the last try returns or raises")


@contextmanager
def _pinned(url: str) -> Iterator[sqlite3.Connection | str]:
    """Keep a database readable as it is at this moment: by a reading connection, or by the name of a snapshot."""
    if engine_of(url) == "sqlite":
        with closing(sqlite3.connect(_file(url), isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield connection
        return
    engine: Engine = open_engine(url).execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.begin() as reader:
            yield str(reader.scalar(text("SELECT pg_export_snapshot()")))
    finally:
        engine.dispose()


def _dump(url: str, store: Store, snapshot: str, target: Path) -> None:
    names = [*tables_of(store), f"{store}_version"]
    tables = [f"--table={name}" for name in names] + [f"--exclude-table-data={name}" for name in _PASSING]
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    _checked("pg_dump", [*options, *tables, "--dbname", _dsn(url)], url)


def _drop(connection: Connection, store: Store) -> None:
    """Drop the tables of a store in which there is nothing."""
    for name in (*reversed(tables_of(store)), f"{store}_version"):
        connection.execute(text(f'DROP TABLE IF EXISTS "{name}"'))


def tables_of(store: Store) -> list[str]:
    """Return the names of a store's tables, each after those that it refers to."""
    return [table.name for metadata in _METADATA[store] for table in metadata.sorted_tables]


def _checked(program: str, arguments: list[str], url: str) -> None:
    done = _run(program, arguments, url)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [""])[0]
        raise BackupError("tool_failed", program=program, said=last)


def _run(program: str, arguments: list[str], url: str | None) -> subprocess.CompletedProcess[str]:
    # The password travels in the environment: every user can read the list of processes.
    password = None if url is None else make_url(url).password
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    command = [_program(program), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _program(name: str) -> str:
    newest = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        raise BackupError("tool_missing", program=name)
    return found


def _dsn(url: str) -> str:
    parts = make_url(url).set(drivername="postgresql", password=None)
    return parts.render_as_string(hide_password=False)


def _file(url: str) -> Path:
    return Path(str(make_url(url).database))
