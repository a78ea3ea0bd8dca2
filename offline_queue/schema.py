"""The journal's file: its tables, what SQLite must hold to, and who may open it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from offline_queue.errors import DiskFull, JournalBusy, JournalCorrupt, JournalNewer, JournalReadOnly, QueueError

_FORM_1 = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    business_date TEXT NOT NULL,
    body BLOB NOT NULL,
    hash TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY REFERENCES entries(seq),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT
) STRICT;
CREATE TABLE verdicts (
    position INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES entries(seq),
    status TEXT NOT NULL,
    awaited INTEGER NOT NULL,
    body BLOB NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE TABLE identity (
    terminal_id TEXT NOT NULL,
    public_key BLOB NOT NULL
) STRICT;
CREATE TRIGGER entries_only_follow BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM entries) BEGIN SELECT RAISE(ABORT, 'not the next'); END;
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER verdicts_are_never_replaced BEFORE INSERT ON verdicts
    WHEN EXISTS (SELECT * FROM verdicts WHERE seq = NEW.seq OR position = NEW.position)
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER verdicts_are_never_changed BEFORE UPDATE ON verdicts BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER verdicts_are_never_deleted BEFORE DELETE ON verdicts BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
"""0.1.0. `verdicts.position` is the order in which they came, `awaited` whether somebody still waited for it."""

_FORM_2 = """
ALTER TABLE entries ADD COLUMN reference TEXT;
ALTER TABLE entries ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verdicts ADD COLUMN answer INTEGER REFERENCES answers(number);
CREATE TABLE answers (
    number INTEGER PRIMARY KEY,
    head_seq INTEGER NOT NULL,
    head_hash TEXT NOT NULL,
    upto INTEGER NOT NULL,
    statement BLOB NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL REFERENCES entries(seq),
    answer INTEGER REFERENCES answers(number),
    body BLOB NOT NULL
) STRICT;
CREATE TABLE ledger_keys (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE before_answers (
    head_seq INTEGER NOT NULL,
    verdicts INTEGER NOT NULL
) STRICT;
INSERT INTO before_answers VALUES (
    COALESCE(
        (SELECT MIN(seq) - 1 FROM (
            SELECT seq FROM outbox
            UNION ALL
            SELECT seq FROM entries LEFT JOIN verdicts USING (seq)
                WHERE position IS NULL AND kind NOT IN ('opened', 'signed_in', 'set_aside', 'closed')
        )),
        (SELECT MAX(seq) FROM entries),
        0
    ),
    (SELECT COUNT(*) FROM verdicts)
);
CREATE TABLE counters (
    place BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE offline_sales (seq INTEGER PRIMARY KEY REFERENCES entries(seq)) STRICT;
CREATE TABLE told (seq INTEGER PRIMARY KEY REFERENCES entries(seq)) STRICT;
CREATE TABLE tries (
    failed INTEGER NOT NULL,
    error TEXT
) STRICT;
INSERT INTO tries VALUES (
    COALESCE((SELECT attempts FROM outbox ORDER BY seq LIMIT 1), 0),
    (SELECT last_error FROM outbox ORDER BY seq LIMIT 1)
);
DROP TABLE outbox;
CREATE UNIQUE INDEX entries_by_reference ON entries(reference) WHERE reference IS NOT NULL;
CREATE INDEX entries_by_day ON entries(business_date);
CREATE INDEX marks ON entries(seq) WHERE kind IN ('opened', 'signed_in', 'set_aside', 'closed');
CREATE INDEX closes ON entries(seq) WHERE kind IN ('close', 'closed');
CREATE INDEX set_aside ON entries(seq) WHERE kind = 'set_aside';
CREATE INDEX answers_by_head ON answers(head_seq);
CREATE INDEX dead_letters ON verdicts(seq) WHERE status = 'refused' AND NOT awaited;
CREATE INDEX losses ON verdicts(seq) WHERE status = 'accepted_with_shortfall' AND NOT awaited;
CREATE TRIGGER answers_are_never_replaced BEFORE INSERT ON answers
    WHEN EXISTS (SELECT * FROM answers WHERE number = NEW.number) BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER answers_are_never_changed BEFORE UPDATE ON answers BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER changes_are_never_deleted BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER answers_are_never_deleted BEFORE DELETE ON answers BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
"""What the ledger signed is kept, and there is no outbox: what is unsent lies above the head that it last stated.

`entries.received` is how many verdicts entries up to this one acknowledge, `verdicts.answer` the answer that brought
it, `answers.upto` the last entry up to which all is sent and decided; the ledger's head is further where a reply was
lost. `counters` are what was redeemed without a line (`offline_queue.counters`), written with the entries that
`offline_sales` names.
`told` are the entries whose verdict came when nobody waited, and was told to the customer who was still there.
`changes` are verdicts that came otherwise after the ledger had lost them. `before_answers` is what form 1 knew:
up to which entry all was sent and decided, and how many verdicts there were.
"""

STEPS: tuple[str, ...] = (_FORM_1, _FORM_2)
"""SQL that takes a file from each form to the next: the first from nothing to form 1.

Whoever changes the tables adds a step. A step that was released is never edited: files in the field were made by it.
"""

ROOM = 16 * 1024 * 1024
"""Bytes that must be free before a sale begins: a day's operations and SQLite's own files."""

RESERVE = 4 * 1024 * 1024
"""Bytes that are laid out in file and log where a terminal works all day: some hundred operations."""

PROBE = 64 * 1024
"""Bytes that are written, and taken away again, to see whether anything can be."""

_UNREADABLE = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS})


def open_database(path: Path, terminal_id: str, public_key: bytes) -> Database:
    """Return the journal's database, made where there is none; raise QueueError and change nothing otherwise."""
    with sqlite_errors():
        if path.exists() and path.stat().st_size:
            _refuse_newer(path)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise JournalReadOnly(f"{path} cannot be written")
        # Transactions are begun by hand, and one lock in the Journal keeps its threads apart.
        connection = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
        try:
            database = Database(connection)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            if form := _form(connection):
                _refuse_foreign(database, public_key, terminal_id)
            with database.atomic():
                _upgrade(database, form)
                if not form:
                    database.execute("INSERT INTO identity VALUES (?, ?)", (terminal_id, public_key))
            # Foreign keys are checked only after the steps: a step may rebuild a table that others refer to.
            database.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return database


def open_read_only(path: Path, public_key: bytes) -> tuple[Database, str]:
    """Return a database that cannot write the file, and whose journal it is; raise QueueError.

    An older form is read from a copy in memory that is brought to today's, as the file will be once it is written.
    """
    with sqlite_errors():
        form = _refuse_newer(path)
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        try:
            database = Database(connection)
            terminal_id = _refuse_foreign(database, public_key)
            if form < len(STEPS):
                database = _upgraded_copy(connection, form)
                connection.close()
        except BaseException:
            connection.close()
            raise
        return database, terminal_id


@contextmanager
def sqlite_errors() -> Generator[None]:
    """Turn what SQLite says into what the counter can say."""
    try:
        yield
    except sqlite3.Error as error:
        raise queue_error(error) from error
    except UnicodeDecodeError as error:  # a text that a damaged file no longer holds
        raise JournalCorrupt(str(error)) from error


def queue_error(error: sqlite3.Error) -> QueueError:
    """Return what an error of SQLite means for the journal."""
    code = getattr(error, "sqlite_errorcode", 0)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskFull(str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return JournalBusy(str(error))
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return JournalReadOnly(str(error))
        case sqlite3.SQLITE_IOERR if code not in _UNREADABLE:
            # A write that the device refuses; on a full disk SQLite cannot always tell that from a broken one.
            return DiskFull(str(error))
        case _:
            return JournalCorrupt(str(error))


def _refuse_newer(path: Path) -> int:
    """Return the file's form, without opening it for writing, so that a newer journal stays as it is to the byte."""
    # With no log beside it the file is all there is: read as immutable, nothing is made beside it either.
    alone = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{alone}", uri=True)
    try:
        form = _form(connection)
    finally:
        connection.close()
    if form > len(STEPS):
        raise JournalNewer(form)
    return form


def _form(connection: sqlite3.Connection) -> int:
    (form,) = connection.execute("PRAGMA user_version").fetchone()
    return int(form)


def _upgrade(database: Database, form: int) -> None:
    """Bring a file from one form to today's, in the caller's transaction."""
    for step in STEPS[form:]:
        # executescript() would commit first, and half a form must never be found.
        for statement in _statements(step):
            database.execute(statement)
    if form < len(STEPS):
        database.execute(f"PRAGMA user_version = {len(STEPS)}")


def _upgraded_copy(connection: sqlite3.Connection, form: int) -> Database:
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        connection.backup(copy)
        database = Database(copy)
        _upgrade(database, form)
    except BaseException:
        copy.close()
        raise
    return database


def _statements(script: str) -> Generator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _refuse_foreign(database: Database, public_key: bytes, terminal_id: str | None = None) -> str:
    """Return whose journal it is, if it is this key's, and this terminal's where one is given."""
    named, key = database.execute("SELECT terminal_id, public_key FROM identity").fetchone() or ("", b"")
    if key != public_key or named != (terminal_id or named):
        raise JournalCorrupt("this journal belongs to another terminal, or its key file was replaced")
    return str(named)
