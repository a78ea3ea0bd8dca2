"""Damages a copy of a terminal's journal, as a failing disk or a hand with a database browser would; it must show."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from offline_queue.errors import QueueError
from offline_queue.reading import read_journal
from tests.town.till import Till

Damage = Callable[[sqlite3.Connection, int], bool]
"""Changes a journal; returns whether there was anything to change."""


def _verdict_turned(database: sqlite3.Connection, number: int) -> bool:
    rows = database.execute("SELECT position, body FROM verdicts WHERE status = 'accepted'").fetchall()
    if not rows:
        return False
    position, body = rows[number % len(rows)]
    database.execute(
        "UPDATE verdicts SET body = ? WHERE position = ?", (body.replace(b"accepted", b"refused "), position)
    )
    return True


def _points_more(database: sqlite3.Connection, number: int) -> bool:
    rows = [
        (position, body)
        for position, body in database.execute("SELECT position, body FROM verdicts")
        if b'"awarded":1' in body
    ]
    if not rows:
        return False
    position, body = rows[number % len(rows)]
    more = body.replace(b'"awarded":1', b'"awarded":9')
    database.execute("UPDATE verdicts SET body = ? WHERE position = ?", (more, position))
    return True


def _entries_gone(database: sqlite3.Connection, number: int) -> bool:
    (last,) = database.execute("SELECT COALESCE(MAX(seq), 0) FROM entries").fetchone()
    if not last:
        return False
    first = max(1, last - number % 5)
    database.execute("DELETE FROM verdicts WHERE seq >= ?", (first,))
    database.execute("DELETE FROM entries WHERE seq >= ?", (first,))
    return True


def _bill_changed(database: sqlite3.Connection, number: int) -> bool:
    rows = database.execute("SELECT seq, body FROM entries WHERE kind = 'sale'").fetchall()
    if not rows:
        return False
    seq, body = rows[number % len(rows)]
    database.execute("UPDATE entries SET body = ? WHERE seq = ?", (body.replace(b'"bill":', b'"bill":9'), seq))
    return True


DAMAGES: dict[str, Damage] = {
    "verdict_turned": _verdict_turned,
    "points_more": _points_more,
    "entries_gone": _entries_gone,
    "bill_changed": _bill_changed,
}
"""What may be done to a journal that is not open."""


def unnoticed(till: Till, number: int) -> str | None:
    """Damage a copy of a till's journal; return what was done to it where nothing shows that."""
    name, damage = list(DAMAGES.items())[number % len(DAMAGES)]
    folder = till.directory / "copy"
    shutil.copytree(till.directory / str(till.opened), folder)
    try:
        done = _done(folder / "journal.db", damage, number)
        return f"{name} at terminal {till.number}" if done and _is_good(till, folder / "journal.db") else None
    finally:
        shutil.rmtree(folder)


def _done(path: Path, damage: Damage, number: int) -> bool:
    with closing(sqlite3.connect(path)) as database, database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        return damage(database, number // 7)


def _is_good(till: Till, path: Path) -> bool:
    journal = read_journal(path, till.key.public_key(), till.setup.signing_keys)
    try:
        journal.verify()
    except QueueError:
        return False
    finally:
        journal.close()
    return True
