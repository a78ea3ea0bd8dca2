"""One inquiry and one sale with a million residents of three programmes in the store, beside ten thousand."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final

from sqlalchemy import create_engine, make_url, text

from benchmarks import hold, scratch
from benchmarks._town import DAY, PRODUCTION, sales, settle
from ledger.database import open_engine
from ledger.migrations import upgrade
from ledger.points.periods import PeriodKeys
from ledger.points.store import PointsStore, Request
from ledger.wire.answers import Status
from tests.postgres import server

MUNICIPALITY: Final = "252034"
SIZES: Final = (10_000, 1_000_000)

ROUNDS: Final = 10
EACH: Final = 50
"""Customers in a round; rounds of both sizes take turns, so that neither has the quieter machine."""

HEADS: Final = ("residents", "bytes of each", "p50 ms", "p95 ms", "ratio", "limit")
WIDTHS: Final = (9, 13, 6, 6, 5, 5)

SIZES_OF: Final = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_total_relation_size('wallets') + pg_total_relation_size('lots')",
}
"""How many bytes the residents and their points take, with all indexes."""

LIMIT: Final = 1.3
"""The most that the large store's median may be of the small one's."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A store with so many residents, who go shopping, and the milliseconds that each of them waited."""

    points: PointsStore
    residents: int
    bytes_each: int
    customers: Iterator[Request]
    waited: list[float] = field(default_factory=list)

    def serve(self) -> None:
        """Serve a round of customers: ask what each has, then decide the sale."""
        for sale in islice(self.customers, EACH):
            started = perf_counter()
            held = self.points.balances(str(sale.mykey), sale.shop, DAY)
            (outcome,) = self.points.apply([sale])
            self.waited.append((perf_counter() - started) * 1000)
            assert len(held) == 3
            assert outcome.verdict.status is Status.ACCEPTED


def main() -> None:
    """Print the table; fail when the limit is missed."""
    print(line("inquiry and sale", HEADS))
    print(f"|{'-' * 18}|{':|'.join('-' * (width + 1) for width in WIDTHS)}:|")
    with scratch() as folder, server(PRODUCTION) as url:
        files = [f"sqlite:///{folder}/{residents}.db" for residents in SIZES]
        ratios = [compare("SQLite", files, Path(folder)), compare("PostgreSQL", databases(url), Path(folder))]
    hold(f"ratio at most {LIMIT}", max(ratios) <= LIMIT)


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
        cells = (f"{store.residents:,}", str(store.bytes_each), f"{cuts[9]:.2f}", f"{cuts[18]:.2f}", ratio, limit)
        print(line(name, cells), flush=True)
    return middles[-1] / middles[0]


def line(name: str, cells: Sequence[str]) -> str:
    """Return a line of the table."""
    return f"| {name:<16} | {' | '.join(f'{cell:>{width}}' for cell, width in zip(cells, WIDTHS, strict=True))} |"


def filled(url: str, residents: int, folder: Path) -> Backend:
    """Return a store in which so many people hold points of three programmes."""
    engine = open_engine(url)
    upgrade(engine, "points")
    settle(engine, MUNICIPALITY, residents)
    with engine.connect() as connection:
        size = int(connection.scalar(text(SIZES_OF[engine.dialect.name])))
    points = PointsStore(engine, PeriodKeys(folder / "periods", engine))
    return Backend(points, residents, size // residents, sales(MUNICIPALITY, 1, residents))


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
