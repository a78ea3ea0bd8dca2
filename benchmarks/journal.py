"""The journal beside bare SQLite, persist-queue and Ed25519: appending, onto much, opening what is long, verifying.

The journal is that of a counter in the morning: its room is reserved. The bare insert lets its files grow.
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import persistqueue
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import hold, scratch
from ledger.wire.entries import Entry
from ledger.wire.operations import Leg, Sale, TapOnly
from offline_queue.journal import Journal
from offline_queue.reading import read_journal

ROWS = 400
"""A shop's busy day. The two take turns row by row, so that neither has the quieter disk."""

LIMIT = 0.8
"""The least rate of the journal, as a part of the bare insert's."""

PEER_LIMIT = 1.0
"""The least rate of the journal, as a part of persist-queue's, which neither signs nor chains."""

SHORT, LONG = 1_000, 1_000_000
"""Entries of two journals that are opened; none of them is sent."""

OPENING_LIMIT = 2.0
"""The most that opening the long one takes, as a part of opening the short one."""

BEHIND = 10_000
"""Entries that are unsent already where an append is timed again."""

GROWTH_LIMIT = 1.3
"""The most that an append then takes, as a part of the first ones."""

VERIFIED = 5_000
VERIFY_LIMIT = 0.5
"""The least rate of verifying, as a part of one Ed25519 check and two hashes an entry."""

TERMINAL = "252034-0001-01"
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
    """Print the tables; fail when a limit is missed."""
    key = Ed25519PrivateKey.generate()
    with scratch() as folder:
        ratio, peer = appending(Path(folder), key)
        growth = growing(Path(folder), key)
        rate = verifying(Path(folder), key)
        longer = opening(Path(folder), key)
    hold(f"rate at least {LIMIT} of the bare insert's", ratio >= LIMIT)
    hold(f"rate at least {PEER_LIMIT} of persist-queue's", peer >= PEER_LIMIT)
    hold(f"an append behind {BEHIND} unsent takes at most {GROWTH_LIMIT} of the first", growth <= GROWTH_LIMIT)
    hold(f"verifying at least {VERIFY_LIMIT} of the bare rate", rate >= VERIFY_LIMIT)
    hold(f"opening {LONG} entries takes at most {OPENING_LIMIT} of opening {SHORT}", longer <= OPENING_LIMIT)


def appending(folder: Path, key: Ed25519PrivateKey) -> tuple[float, float]:
    """Return the rate of the journal's append as a part of the bare insert's and of persist-queue's, row by row."""
    journal = Journal(folder / "journal.db", TERMINAL, key, lambda: NOW)
    journal.reserve()
    append(journal)
    row = journal._database.execute("SELECT * FROM entries").fetchone()  # noqa: SLF001  # the very same row
    bare = bare_database(folder / "bare.db")
    queue: Any = persistqueue.SQLiteQueue(str(folder / "peer"))
    queue._putter.execute("PRAGMA synchronous = FULL")  # noqa: SLF001  # as durable as the journal
    numbers = itertools.count(1)
    turns = [
        (
            seconds(lambda: insert(bare, (next(numbers), *row[1:]))),
            seconds(lambda: append(journal)),
            seconds(lambda: queue.put(row[3])),
        )
        for _ in range(ROWS)
    ]
    journal.close()
    bare.close()
    queue.close()
    bare_us, journal_us, peer_us = (statistics.median(times) * 1e6 for times in zip(*turns, strict=True))
    print(f"| {'one durable row':<45} | {f'median of {ROWS}':>14} |")
    print(f"|{'-' * 47}|{'-' * 15}:|")
    print(f"| {'bare sqlite3 insert':<45} | {bare_us:>11.0f} µs |")
    print(f"| {'journal append':<45} | {journal_us:>11.0f} µs |")
    print(f"| {'persist-queue, one durable put':<45} | {peer_us:>11.0f} µs |")
    print(f"| {f'rate of the bare (limit {LIMIT})':<45} | {bare_us / journal_us:>14.2f} |")
    print(f"| {f'rate of the persist-queue (limit {PEER_LIMIT})':<45} | {peer_us / journal_us:>14.2f} |")
    return float(bare_us / journal_us), float(peer_us / journal_us)


def growing(folder: Path, key: Ed25519PrivateKey) -> float:
    """Return what an append costs behind many that are unsent, as a part of what the first ones do; not durably."""
    journal = Journal(folder / "growing.db", TERMINAL, key, lambda: NOW)
    journal._database.execute("PRAGMA synchronous = OFF")  # noqa: SLF001  # what grows is no wait for the disk
    times = [seconds(lambda: append(journal, counted=True)) for _ in range(BEHIND)]
    journal.close()
    first, last = statistics.median(times[:500]) * 1e6, statistics.median(times[-500:]) * 1e6
    print(f"| {'append and count, of the first 500 (not durable)':<45} | {first:>11.0f} µs |")
    print(f"| {f'of the last 500 of {BEHIND} unsent':<45} | {last:>11.0f} µs |")
    return last / first


def verifying(folder: Path, key: Ed25519PrivateKey) -> float:
    """Return the rate of `verify` as a part of that of one Ed25519 check and two hashes an entry."""
    path = folder / "verified.db"
    make(path, key, VERIFIED)
    bodies = [b"x" * 900] * VERIFIED
    signature, public = key.sign(bytes(32)), key.public_key()

    def bare() -> None:
        for body in bodies:
            hashlib.sha256(body).digest()
            hashlib.sha256(body).digest()
            public.verify(signature, bytes(32))

    def verified() -> None:
        journal = read_journal(path, public)
        assert journal.verify() == VERIFIED
        journal.close()

    turns = [(seconds(bare), seconds(verified)) for _ in range(3)]
    bare_us, verify_us = (min(times) / VERIFIED * 1e6 for times in zip(*turns, strict=True))
    print(f"| {'one Ed25519 check and two hashes':<45} | {bare_us:>11.0f} µs |")
    print(f"| {'verify, an entry':<45} | {verify_us:>11.0f} µs |")
    print(f"| {f'rate of the bare (limit {VERIFY_LIMIT})':<45} | {bare_us / verify_us:>14.2f} |")
    return float(bare_us / verify_us)


def opening(folder: Path, key: Ed25519PrivateKey) -> float:
    """Return how long opening a long journal takes, as a part of opening a short one."""
    paths = [(folder / "short.db", SHORT), (folder / "long.db", LONG)]
    for path, entries in paths:
        make(path, key, entries)

    def opened(path: Path) -> None:
        journal = Journal(path, TERMINAL, key, lambda: NOW)
        journal.check()
        assert journal.unsent_count() == journal.head()[0]
        journal.close()

    turns = [[seconds(partial(opened, path)) for path, _ in paths] for _ in range(7)]
    short, long = (statistics.median(times) * 1e3 for times in zip(*turns, strict=True))
    print(f"| {f'opening {SHORT} entries':<45} | {short:>11.1f} ms |")
    print(f"| {f'opening {LONG} entries':<45} | {long:>11.1f} ms |")
    print(f"| {f'ratio (limit {OPENING_LIMIT})':<45} | {long / short:>14.2f} |")
    return float(long / short)


def make(path: Path, key: Ed25519PrivateKey, entries: int) -> None:
    """Make a journal of so many entries; those before the end of a long one are copies, to be made in time."""
    journal = Journal(path, TERMINAL, key, lambda: NOW)
    genuine = min(entries, VERIFIED)
    if copies := entries - genuine:
        _copies(journal, copies)
        journal.close()
        journal = Journal(path, TERMINAL, key, lambda: NOW)
        journal._damage = None  # noqa: SLF001  # the copies lie before what is looked at in the end
    connection = journal._database  # noqa: SLF001
    connection.execute("PRAGMA synchronous = OFF")
    for _ in range(genuine):
        append(journal)
    journal.close()


def _copies(journal: Journal, count: int) -> None:
    """Fill a journal with copies of one entry: as many rows, and as long."""
    body = Entry(
        form=2,
        terminal_id=TERMINAL,
        seq=1,
        at=NOW.isoformat(),
        operator="12",
        business_date="2026-11-23",
        content=SALE,
        previous_hash="0" * 64,
    ).canonical()
    digest = hashlib.sha256(body).hexdigest()
    database = journal._database.conn  # noqa: SLF001
    database.execute("PRAGMA synchronous = OFF")
    with database:
        database.executemany(
            "INSERT INTO entries (seq, kind, business_date, body, hash, signature) VALUES (?, 'sale', ?, ?, ?, '')",
            ((seq, "2026-11-23", body, digest) for seq in range(1, count + 1)),
        )


def append(journal: Journal, *, counted: bool = False) -> None:
    """Write one sale into the journal, and count what is unsent as a status line does."""
    journal.append(SALE, at=NOW, operator="12", business_date=NOW.date())
    if counted:
        journal.unsent_count()


def bare_database(path: Path) -> sqlite3.Connection:
    """Return a database with one table like the journal's, and its pragmas."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, business_date TEXT NOT NULL,"
        " body BLOB NOT NULL, hash TEXT NOT NULL, signature TEXT NOT NULL, reference TEXT,"
        " received INTEGER NOT NULL) STRICT"
    )
    return connection


def insert(connection: sqlite3.Connection, row: tuple[object, ...]) -> None:
    """Write one row, in a transaction of its own."""
    with connection:
        connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def seconds(work: Callable[[], None]) -> float:
    """Return how long one piece of work takes."""
    started = perf_counter()
    work()
    return perf_counter() - started
