"""Sales that the points store decides in batches of 500, beside pgbench's TPC-B-like script on the same server.

A batch is what an upload hands to the points store: one call, one transaction, a verdict for each of its sales. A sale
redeems points of one programme under a limit for the day and awards points of another, for a resident drawn from the
whole town: one row of `operations` and three of wallets. What HTTP, signatures and seals take is not in it.
"""

from __future__ import annotations

import gc
import multiprocessing
import re
import sqlite3
import subprocess
from dataclasses import dataclass
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from sqlalchemy import create_engine, make_url, text

from benchmarks import hold, scratch
from benchmarks._town import PRODUCTION, sales, settle
from ledger.database import open_engine
from ledger.migrations import upgrade
from ledger.points.periods import PeriodKeys
from ledger.points.store import PointsStore
from ledger.wire.answers import Status
from ledger.wire.entries import MAX_UPLOAD
from tests.postgres import programs, server

CLIENTS: Final = 8
RESIDENTS: Final = 10_000
"""Of each town; every client uploads for a town of its own, as every branch of pgbench's has its own row."""

ROUNDS: Final = 3
"""Turns of pgbench and of ours, so that neither has the quieter machine."""

BATCHES: Final = 8
"""In a turn, of each client."""

TERMINAL: Final = "252034-0001-01"

SECONDS: Final = 4
"""One turn of pgbench."""

WRITTEN: Final = "SELECT pg_current_wal_lsn() - '0/0'"
"""How many bytes the server has logged since it was made."""

LIMIT_RATIO: Final = 2.0
LIMIT_SQLITE: Final = 0.05
"""The least rate on SQLite, as a part of the bare statements' rate on such a file."""


@dataclass(slots=True)
class Measured:
    """What turns of clients and of pgbench came to."""

    seconds: float = 0.0
    operations: int = 0
    pgbench: float = 0.0
    """Transactions a second."""
    wal: int = 0
    """Bytes of write-ahead log that the operations took."""

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


def main() -> None:
    """Print the table; fail when a limit is missed."""
    with scratch() as folder:
        with server(PRODUCTION) as url:
            ours = measure(url, CLIENTS, Path(folder), beside_pgbench=True)
            kept = _ask(url, "SELECT pg_total_relation_size('operations') / count(*) FROM operations")
        bare = bare_rate(Path(folder, "bare-before.db"))
        sqlite = measure(f"sqlite:///{folder}/points.db", 1, Path(folder)).rate
        bare = (bare + bare_rate(Path(folder, "bare-after.db"))) / 2
    ratio, part = ours.rate / ours.pgbench, sqlite / bare
    rows = (
        (f"pgbench, TPC-B-like, {CLIENTS} clients: transactions a second", f"{ours.pgbench:,.0f}", ""),
        (f"PostgreSQL, {CLIENTS} clients: operations a second", f"{ours.rate:,.0f}", ""),
        ("… as a multiple of pgbench", f"{ratio:.2f}", f"{LIMIT_RATIO:.2f}"),
        ("… bytes kept of an operation", f"{kept:,}", ""),
        ("… bytes of write-ahead log for an operation", f"{ours.wal / ours.operations:,.0f}", ""),
        ("SQLite, 1 client: operations a second", f"{sqlite:,.0f}", ""),
        ("… the bare statements, a second", f"{bare:,.0f}", ""),
        ("… as a part of the bare statements", f"{part:.2f}", f"{LIMIT_SQLITE:.2f}"),
    )
    print(f"| {f'sales in batches of {MAX_UPLOAD}':<54} | {'measured':>8} | {'limit':>6} |")
    print(f"|{'-' * 56}|{'-' * 9}:|{'-' * 7}:|")
    for name, figure, limit in rows:
        print(f"| {name:<54} | {figure:>8} | {limit:>6} |")
    hold(f"at least {LIMIT_RATIO:g} times pgbench", ratio >= LIMIT_RATIO)
    hold(f"on SQLite at least {LIMIT_SQLITE:g} of the bare statements", part >= LIMIT_SQLITE)


def measure(url: str, clients: int, folder: Path, *, beside_pgbench: bool = False) -> Measured:
    """Let clients upload batches to an empty store, in turns with pgbench where that is asked for."""
    engine = open_engine(url)
    upgrade(engine, "points")
    for client in range(clients):
        settle(engine, _municipality(client), RESIDENTS)
    engine.dispose()
    if beside_pgbench:
        _pgbench(url, "-i", "-q", "-s", str(CLIENTS))
    turn = multiprocessing.Barrier(clients + 1)
    processes = [multiprocessing.Process(target=_upload, args=(url, folder, each, turn)) for each in range(clients)]
    for process in processes:
        process.start()
    measured = Measured()
    for _ in range(ROUNDS):
        if beside_pgbench:
            measured.pgbench += _tps(_pgbench(url, "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS))) / ROUNDS
        before = _ask(url, WRITTEN) if beside_pgbench else 0
        turn.wait()
        started = perf_counter()
        turn.wait()
        measured.seconds += perf_counter() - started
        measured.operations += BATCHES * MAX_UPLOAD * clients
        measured.wal += _ask(url, WRITTEN) - before if beside_pgbench else 0
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return measured


def bare_rate(path: Path) -> float:
    """Return how many operations a second their mere statements come to: a row each, and three updates by key."""
    connection = sqlite3.connect(path)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE operations (id TEXT PRIMARY KEY, body BLOB) STRICT;"
        "CREATE TABLE wallets (id INTEGER PRIMARY KEY, points INTEGER) STRICT;"
    )
    connection.executemany("INSERT INTO wallets VALUES (?, 1000000)", ((number,) for number in range(3 * RESIDENTS)))
    connection.commit()
    batches, chance, body = ROUNDS * BATCHES, Random(1), bytes(300)  # noqa: S311  # the same people in every run
    started = perf_counter()
    for batch in range(batches):
        with connection:
            rows = ((f"{TERMINAL}-{batch * MAX_UPLOAD + each:06d}", body) for each in range(MAX_UPLOAD))
            connection.executemany("INSERT INTO operations VALUES (?, ?)", rows)
            people = ((chance.randrange(3 * RESIDENTS),) for _ in range(3 * MAX_UPLOAD))
            connection.executemany("UPDATE wallets SET points = points - 1 WHERE id = ?", people)
    rate = batches * MAX_UPLOAD / (perf_counter() - started)
    connection.close()
    return rate


def _upload(url: str, folder: Path, client: int, turn: Barrier) -> None:
    """Be one client: prepare a turn's batches, wait until all have, and upload them."""
    engine = open_engine(url)
    points = PointsStore(engine, PeriodKeys(folder / "periods", engine))
    asked = sales(_municipality(client), 1, RESIDENTS)
    for _ in range(ROUNDS):
        batches = [list(islice(asked, MAX_UPLOAD)) for _ in range(BATCHES)]
        # A server has what it loaded out of the collector's way too; what will be asked is not there yet.
        gc.freeze()
        turn.wait()
        for batch in batches:
            assert all(each.verdict.status is Status.ACCEPTED for each in points.apply(batch))
        turn.wait()
    engine.dispose()


def _municipality(client: int) -> str:
    return f"{250_000 + client}"


def _ask(url: str, query: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        answer = int(connection.scalar(text(query)))
    engine.dispose()
    return answer


def _pgbench(url: str, *arguments: str) -> str:
    folder = programs()
    assert folder is not None
    at = ("-h", str(make_url(url).query["host"]), "-U", "kazasu", "postgres")
    done = subprocess.run([folder / "pgbench", *arguments, *at], check=True, capture_output=True, text=True)
    return done.stdout


def _tps(report: str) -> float:
    found = re.search(r"^tps = ([\d.]+)", report, re.MULTILINE)
    assert found is not None, report
    return float(found[1])


if __name__ == "__main__":
    main()
