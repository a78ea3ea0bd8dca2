"""One inquiry and one sale with a million residents of three programmes in the store, beside ten thousand."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final

from sqlalchemy import create_engine, make_url, text

from benchmarks._town import DAY, PRODUCTION, sales, settle
from ledger.database import open_engine
from ledger.messages import Status
from ledger.migrations import upgrade
from ledger.points.periods import PeriodKeys
from ledger.points.store import Points, Request
from tests.postgres import server

TOWN: Final = "252034"
SIZES: Final = (10_000, 1_000_000)

ROUNDS: Final = 10
EACH: Final = 50
"""Customers in a round; rounds of both sizes take turns, so that neither has the quieter machine."""

LIMIT: Final = 1.3
"""The most that the large store's median may be of the small one's."""


@dataclass(frozen=True, slots=True)
class Store:
    """A store with so many residents, who go shopping, and the milliseconds that each of them waited."""

    points: Points
    residents: int
    customers: Iterator[Request]
    waited: list[float] = field(default_factory=list)

    def serve(self) -> None:
        """Serve a round of customers: ask what each has, then decide the sale."""
        for sale in islice(self.customers, EACH):
            started = perf_counter()
            held = self.points.balances(str(sale.mykey), sale.shop, DAY)
            (outcome,) = self.points.apply([sale], DAY)
            self.waited.append((perf_counter() - started) * 1000)
            assert len(held) == 3
            assert outcome.verdict.status is Status.ACCEPTED


def main() -> None:
    """Print the table; fail when the limit is missed."""
    print(
        f"| {'inquiry and sale':<17} | {'residents':>9} | {'p50 ms':>7} | {'p95 ms':>7} | {'ratio':>6} | {'limit':>6} |"
    )
    print(f"|{'-' * 19}|{'-' * 10}:|{'-' * 8}:|{'-' * 8}:|{'-' * 7}:|{'-' * 7}:|")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, server(PRODUCTION) as url:
        files = [f"sqlite:///{folder}/{residents}.db" for residents in SIZES]
        ratios = [compare("SQLite", files, Path(folder)), compare("PostgreSQL", databases(url), Path(folder))]
    assert max(ratios) <= LIMIT


def compare(name: str, urls: list[str], folder: Path) -> float:
    """Fill a store of each size, let both serve in turns, and return how much longer the large one takes."""
    stores = [filled(url, residents, folder) for url, residents in zip(urls, SIZES, strict=True)]
    for _ in range(ROUNDS + 1):
        for store in stores:
            store.serve()
    middles = []
    for store in stores:
        cuts = statistics.quantiles(store.waited[EACH:], n=20)  # the first round opens connections and files
        middles.append(cuts[9])
        ratio, limit = (f"{cuts[9] / middles[0]:.2f}", str(LIMIT)) if store is stores[-1] else ("", "")
        print(
            f"| {name:<17} | {store.residents:>9,} | {cuts[9]:>7.2f} | {cuts[18]:>7.2f} | {ratio:>6} | {limit:>6} |",
            flush=True,
        )
    return middles[-1] / middles[0]


def filled(url: str, residents: int, folder: Path) -> Store:
    """Return a store in which so many people hold points of three programmes."""
    engine = open_engine(url)
    upgrade(engine, "points")
    settle(engine, TOWN, residents)
    return Store(Points(engine, PeriodKeys(folder / "periods")), residents, sales(TOWN, 1, residents))


def databases(url: str) -> list[str]:
    """Return the URLs of an empty database for each size."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    names = [f"with_{residents}" for residents in SIZES]
    with engine.connect() as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return [make_url(url).set(database=name).render_as_string(hide_password=False) for name in names]


if __name__ == "__main__":
    main()
