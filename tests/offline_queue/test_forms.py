"""The journal's file in an older form: brought to today's when it is opened, read as it is, and never half changed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offline_queue import schema
from offline_queue.errors import JournalCorrupt, JournalNewer
from offline_queue.journal import Journal
from offline_queue.keys import load_key
from offline_queue.reading import read_journal
from tests.offline_queue.conftest import TERMINAL, append

RELEASES = Path(__file__).parent.parent / "releases"

NEXT = """
ALTER TABLE tries ADD COLUMN sent_at TEXT;
CREATE TABLE slips (seq INTEGER PRIMARY KEY REFERENCES entries(seq), body BLOB NOT NULL) STRICT;
CREATE TRIGGER slips_are_never_deleted BEFORE DELETE ON slips BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
"""A step that a later version might add."""

FAILING = NEXT + "ALTER TABLE nowhere ADD COLUMN nothing TEXT;"


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, Ed25519PrivateKey]:
    """Return the journal of an enrolled terminal of release 0.1.0, which had form 1, and its key."""
    shutil.copytree(RELEASES / "0.1.0" / "enrolled", tmp_path / "old")
    return tmp_path / "old" / "journal.db", load_key(tmp_path / "old" / "terminal.key")


@pytest.fixture
def a_step_more(monkeypatch: pytest.MonkeyPatch) -> int:
    """Have today's form followed by another one, and return its number."""
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, NEXT))
    return len(schema.STEPS)


def form(path: Path) -> int:
    """Return the form that a file states."""
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def tables(path: Path) -> set[str]:
    """Return everything that a file's schema names."""
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def rows(path: Path) -> list[tuple[object, ...]]:
    """Return all entries."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT seq, body, hash, signature FROM entries ORDER BY seq").fetchall()


def test_an_older_file_is_brought_to_todays_form(
    old: tuple[Path, Ed25519PrivateKey], clock: Callable[[], datetime], a_step_more: int
) -> None:
    """Every entry stays as it is, and the journal goes on; the second opening changes nothing."""
    path, key = old
    before = rows(path)
    for _ in range(2):
        journal = Journal(path, TERMINAL, key, clock)
        assert journal.verify() == len(before)
        journal.close()
        assert (form(path), rows(path)) == (a_step_more, before)
    journal = Journal(path, TERMINAL, key, clock)
    assert append(journal).entry.seq == len(before) + 1
    assert journal.verify() == len(before) + 1
    journal.close()


def test_an_upgraded_file_is_a_new_one(
    old: tuple[Path, Ed25519PrivateKey], tmp_path: Path, clock: Callable[[], datetime], a_step_more: int
) -> None:
    """The tables and triggers are those of a journal that was made today."""
    path, key = old
    Journal(path, TERMINAL, key, clock).close()
    Journal(tmp_path / "new.db", TERMINAL, key, clock).close()
    assert tables(path) == tables(tmp_path / "new.db")
    assert form(tmp_path / "new.db") == a_step_more


def test_an_older_file_is_read_without_being_touched(old: tuple[Path, Ed25519PrivateKey], a_step_more: int) -> None:
    """Whoever only reads gets today's form, and the file stays as it is to the byte."""
    path, key = old
    before = path.read_bytes()
    journal = read_journal(path, key.public_key())
    assert journal.verify() == len(rows(path))
    assert journal._rows("SELECT sent_at FROM tries") == [(None,)]
    journal.close()
    assert path.read_bytes() == before


def test_a_step_that_fails_changes_nothing(
    old: tuple[Path, Ed25519PrivateKey], clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps or none: the old program can still work with the file."""
    path, key = old
    before = tables(path)
    with monkeypatch.context() as later:
        later.setattr(schema, "STEPS", (*schema.STEPS, FAILING))
        with pytest.raises(JournalCorrupt):
            Journal(path, TERMINAL, key, clock)
    assert tables(path) == before
    Journal(path, TERMINAL, key, clock).close()


def test_an_older_program_refuses_what_was_upgraded(
    old: tuple[Path, Ed25519PrivateKey], clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and leaves the file as it is to the byte."""
    path, key = old
    with monkeypatch.context() as later:
        later.setattr(schema, "STEPS", (*schema.STEPS, NEXT))
        Journal(path, TERMINAL, key, clock).close()
    before = path.read_bytes()
    with pytest.raises(JournalNewer):
        Journal(path, TERMINAL, key, clock)
    assert path.read_bytes() == before


def test_anothers_journal_is_not_upgraded(
    old: tuple[Path, Ed25519PrivateKey], clock: Callable[[], datetime], a_step_more: int
) -> None:
    """Whoever has not the key changes nothing."""
    path, _ = old
    before = form(path)
    with pytest.raises(JournalCorrupt):
        Journal(path, TERMINAL, Ed25519PrivateKey.generate(), clock)
    assert form(path) == before


def test_form_1_is_what_0_1_0_wrote(tmp_path: Path, key: Ed25519PrivateKey, clock: Callable[[], datetime]) -> None:
    """A released step is never edited: it makes the very tables of the release."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.STEPS[0])
    path = RELEASES / "0.1.0" / "enrolled" / "journal.db"
    kept = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
    query = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert connection.execute(query).fetchall() == kept.execute(query).fetchall()
    kept.close()
    connection.close()
