"""Sales that the points store decides in batches of 500, beside pgbench's TPC-B-like script on the same server.

A batch is what an upload hands to the points store: one call, one transaction, a verdict for each of its sales. A sale
redeems points of one programme under a limit for the day and awards points of another, for a resident drawn from the
whole town: one row of `operations` and three of wallets. What HTTP, signatures and seals take is not in it.
"""

from __future__ import annotations

import gc
import multiprocessing
import re
import subprocess
import tempfile
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter
from typing import Final

from sqlalchemy import make_url

from benchmarks._town import DAY, PRODUCTION, sales, settle
from ledger.database import open_engine
from ledger.messages import MAX_UPLOAD, Status
from ledger.migrations import upgrade
from ledger.points.periods import PeriodKeys
from ledger.points.store import Points
from tests.postgres import programs, server

CLIENTS: Final = 8
RESIDENTS: Final = 10_000
"""Of each town; every client uploads for a town of its own, as every branch of pgbench's has its own row."""

ROUNDS: Final = 3
"""Turns of pgbench and of ours, so that neither has the quieter machine."""

BATCHES: Final = 8
"""In a turn, of each client."""

SECONDS: Final = 4
"""One turn of pgbench."""

LIMIT_RATIO: Final = 2.0
LIMIT_SQLITE: Final = 8_000


def main() -> None:
    """Print the table; fail when a limit is missed."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        with server(PRODUCTION) as url:
            pgbench, batches = measure(url, CLIENTS, Path(folder), beside_pgbench=True)
        _, sqlite = measure(f"sqlite:///{folder}/points.db", 1, Path(folder))
    print(f"| {'operations a second':<52} | {'rate':>7} | {'limit':>7} |")
    print(f"|{'-' * 54}|{'-' * 8}:|{'-' * 8}:|")
    print(f"| {f'pgbench, TPC-B-like, {CLIENTS} clients':<52} | {pgbench:>7,.0f} | {'':>7} |")
    print(f"| {f'PostgreSQL, batches of {MAX_UPLOAD}, {CLIENTS} clients':<52} | {batches:>7,.0f} | {'':>7} |")
    print(f"| {'… as a multiple of pgbench':<52} | {batches / pgbench:>7.2f} | {LIMIT_RATIO:>7} |")
    print(f"| {f'SQLite, batches of {MAX_UPLOAD}, 1 client':<52} | {sqlite:>7,.0f} | {LIMIT_SQLITE:>7,} |")
    assert batches >= LIMIT_RATIO * pgbench
    assert sqlite >= LIMIT_SQLITE


def measure(url: str, clients: int, folder: Path, *, beside_pgbench: bool = False) -> tuple[float, float]:
    """Return the transactions a second of pgbench (0 without it) and of clients that upload batches."""
    engine = open_engine(url)
    upgrade(engine, "points")
    for client in range(clients):
        settle(engine, _town(client), RESIDENTS)
    engine.dispose()
    if beside_pgbench:
        _pgbench(url, "-i", "-q", "-s", str(CLIENTS))
    turn = multiprocessing.Barrier(clients + 1)
    processes = [multiprocessing.Process(target=_upload, args=(url, folder, each, turn)) for each in range(clients)]
    for process in processes:
        process.start()
    theirs, ours = [0.0], 0.0
    for _ in range(ROUNDS):
        if beside_pgbench:
            theirs.append(_tps(_pgbench(url, "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS))))
        turn.wait()
        started = perf_counter()
        turn.wait()
        ours += perf_counter() - started
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return sum(theirs) / ROUNDS, ROUNDS * BATCHES * MAX_UPLOAD * clients / ours


def _upload(url: str, folder: Path, client: int, turn: Barrier) -> None:
    """Be one client: prepare a turn's batches, wait until all have, and upload them."""
    engine = open_engine(url)
    points = Points(engine, PeriodKeys(folder / "periods"))
    asked = sales(_town(client), 1, RESIDENTS)
    for _ in range(ROUNDS):
        batches = [list(islice(asked, MAX_UPLOAD)) for _ in range(BATCHES)]
        # A server has what it loaded out of the collector's way too; what will be asked is not there yet.
        gc.freeze()
        turn.wait()
        for batch in batches:
            assert all(each.verdict.status is Status.ACCEPTED for each in points.apply(batch, DAY))
        turn.wait()
    engine.dispose()


def _town(client: int) -> str:
    return f"{250_000 + client}"


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
