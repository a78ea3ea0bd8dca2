"""Appending to the journal with full durability, beside a bare sqlite3 insert of the same row with the same pragmas.

The journal is that of a counter in the morning: its room is reserved. The bare insert lets its files grow.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import hold, scratch
from ledger.wire.operations import Leg, Sale, TapOnly
from offline_queue.journal import Journal

ROWS = 400
"""A shop's busy day. The two take turns row by row, so that neither has the quieter disk."""

LIMIT = 0.7
"""The least rate of the journal, as a part of the bare insert's."""

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)

SALE = Sale(
    kind="sale",
    municipality="252034",
    resident="A" * 300,
    bill=1200,
    redeem=[Leg(programme="252034", points=820)],
    award=[Leg(programme="252034", points=3)],
    amount_due=380,
    rules={"252034": 1},
    assurance=TapOnly(method="tap"),
)
"""A common sale; a sealed card is about as long as that."""


def main() -> None:
    """Print the table; fail when the limit is missed."""
    with scratch() as folder:
        journal = Journal(Path(folder, "journal.db"), "252034-0001-01", Ed25519PrivateKey.generate(), lambda: NOW)
        journal.reserve()
        append(journal)
        row = journal._database.execute("SELECT * FROM entries").fetchone()  # noqa: SLF001  # the very same row
        bare = bare_database(Path(folder, "bare.db"))
        numbers = itertools.count(1)
        turns = [
            (seconds(lambda: insert(bare, (next(numbers), *row[1:]))), seconds(lambda: append(journal)))
            for _ in range(ROWS)
        ]
        assert journal.verify() == ROWS + 1
        journal.close()
        bare.close()
    bare_us, journal_us = (statistics.mean(times) * 1e6 for times in zip(*turns, strict=True))
    ratio = bare_us / journal_us
    print(f"| {'one durable row':<31} | {f'mean of {ROWS}':>14} |")
    print(f"|{'-' * 33}|{'-' * 15}:|")
    print(f"| {'bare sqlite3 insert':<31} | {bare_us:>11.0f} µs |")
    print(f"| {'journal append, with outbox row':<31} | {journal_us:>11.0f} µs |")
    print(f"| {f'rate of the bare (limit {LIMIT})':<31} | {ratio:>14.2f} |")
    hold(f"rate at least {LIMIT} of the bare insert's", ratio >= LIMIT)


def append(journal: Journal) -> None:
    """Write one sale into the journal."""
    journal.append(SALE, at=NOW, operator="12", business_date=NOW.date())


def bare_database(path: Path) -> sqlite3.Connection:
    """Return a database with one table like the journal's, and its pragmas."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, business_date TEXT NOT NULL,"
        " body BLOB NOT NULL, hash TEXT NOT NULL, signature TEXT NOT NULL) STRICT"
    )
    return connection


def insert(connection: sqlite3.Connection, row: tuple[object, ...]) -> None:
    """Write one row, in a transaction of its own."""
    with connection:
        connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", row)


def seconds(work: Callable[[], None]) -> float:
    """Return how long one row takes."""
    started = perf_counter()
    work()
    return perf_counter() - started
