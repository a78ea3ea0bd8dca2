"""Sales that waited for the line, brought to the ledger in the terminal's own process, beside the batches alone.

What a counter queued is read, checked, opened, decided and answered for; the batches are what the points store makes of
as many sales when they are handed to it. `KAZASU_DRAIN=100000` queues as many as were promised; 5,000 are the default,
for which the line must have been away for weeks.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path
from time import perf_counter

from benchmarks import hold, scratch
from benchmarks.ledger_batch import measure
from config.home import Home
from config.settings import LedgerSettings, Settings
from ledger.wire.entries import MAX_UPLOAD
from reader.practice import PracticeSource
from terminal.counter import pricing
from terminal.counter.effects import ReadCard
from terminal.counter.facts import SaleIntent, Use
from terminal.shop.desk import Desk
from terminal.shop.opening import Opener, Station
from terminal.shop.practice import enrol_for_practice
from tests.faults.test_line import read

QUEUED = int(os.environ.get("KAZASU_DRAIN", "5000"))

LIMIT = 1.5
"""The most that draining takes, as a multiple of the time that the batches take for as many."""

LIMIT_MEMORY = 200
"""The most memory of the process, in MiB, terminal and ledger together."""

LIMIT_FIRST = 5.0
"""Seconds in which a customer who comes meanwhile is answered, or told that it is queued."""


def main() -> None:
    """Print the table; fail when a limit is missed."""
    with scratch() as folder:
        seconds, memory, first = asyncio.run(_drain(Path(folder)))
        rate = measure(f"sqlite:///{folder}/points.db", 1, Path(folder)).rate
    ratio = seconds / (QUEUED / rate)
    rows = (
        (f"batches of {MAX_UPLOAD} alone: sales a second", f"{rate:,.0f}", ""),
        (f"draining {QUEUED:,}: sales a second", f"{QUEUED / seconds:,.0f}", ""),
        ("... time as a multiple of the batches'", f"{ratio:.2f}", f"{LIMIT:.2f}"),
        ("... memory of terminal and ledger, MiB", f"{memory:.0f}", f"{LIMIT_MEMORY}"),
        ("a customer's sale meanwhile, seconds", f"{first:.2f}", f"{LIMIT_FIRST:.2f}"),
    )
    print(f"| {'queued sales':<44} | {'measured':>8} | {'limit':>6} |")
    print(f"|{'-' * 46}|{'-' * 9}:|{'-' * 7}:|")
    for name, figure, limit in rows:
        print(f"| {name:<44} | {figure:>8} | {limit:>6} |")
    hold(f"memory under {LIMIT_MEMORY} MiB", memory < LIMIT_MEMORY)
    hold(f"a customer waits at most {LIMIT_FIRST} s", first <= LIMIT_FIRST)
    hold(f"at most {LIMIT} times the batches alone", ratio <= LIMIT)


async def _drain(folder: Path) -> tuple[float, float, float]:
    """Queue and drain; return the seconds, the most memory, and how long a customer waits who comes meanwhile."""
    source = PracticeSource()
    settings = Settings(ledger=LedgerSettings(wait_seconds=60))
    opener = Opener(Home(folder), settings, source, enrol_for_practice)
    async with opener(lambda _state: None) as station:
        source.tap("two-towns")
        desk = Desk(station, lambda _online: None)
        await _queue(desk, station)
        started = perf_counter()
        sending = asyncio.create_task(station.syncer.sync())
        await asyncio.sleep(0.05)
        asked = perf_counter()
        await desk.carry_out(ReadCard(2, SaleIntent(110)))
        first = perf_counter() - asked
        await sending
        seconds = perf_counter() - started
        assert station.journal.unsent_count() == 0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, used / (1024 * 1024 if sys.platform == "darwin" else 1024), first


async def _queue(desk: Desk, station: Station) -> None:
    resident, terms = await read(desk), station.terms()
    draft = pricing.sale(pricing.as_wished(SaleIntent(110, Use.NONE), resident, terms), terms)
    station.journal._database.execute("PRAGMA synchronous = OFF")  # noqa: SLF001  # writing is measured elsewhere
    for _ in range(QUEUED):
        desk.record(1, draft)
    station.journal._database.execute("PRAGMA synchronous = FULL")  # noqa: SLF001  # reading what comes is measured


if __name__ == "__main__":
    main()
