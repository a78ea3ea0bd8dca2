"""A database that breaks at any moment: nothing is judged wrongly, nothing finally refused, and the books agree."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from ledger import database
from ledger.points.reports import count
from ledger.wire.answers import Status
from ledger.wire.client import LedgerBusy
from ledger.wire.entries import SignedEntry
from tests import postgres
from tests.drills.conftest import OpenCounter
from tests.drills.test_failover import QUICK, insist, points
from tests.faults.test_disk import full
from tests.ledger.api.conftest import Counter
from tests.ledger.api.world import Card
from tests.postgres import Node

pytestmark = pytest.mark.anyio

needs_postgresql = pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL is not installed")


@pytest.fixture
def node() -> Iterator[Node]:
    """Yield a server of the test's own, to be broken."""
    with postgres.node(QUICK) as made:
        yield made


class Breaker:
    """Breaks something just before the nth thing that a ledger asks its databases, commits among them."""

    def __init__(self, engines: tuple[Engine, ...], breaks: Callable[[], None]) -> None:
        self._breaks = breaks
        self._left = -1
        for engine in engines:
            event.listen(engine, "before_cursor_execute", self._step)
            event.listen(engine, "commit", self._step)

    @property
    def has_broken(self) -> bool:
        """Whether it came so far."""
        return self._left == 0

    def arm(self, steps: int) -> None:
        """Break after so many steps more."""
        self._left = steps

    def _step(self, *_: Any) -> None:
        if self._left > 0:
            self._left -= 1
            if self._left == 0:
                self._breaks()


async def settled(counter: Counter, card: Card, sales: int) -> None:
    """Hold the books to so many sales of ten points each, read on connections that did not break."""
    counter.ledger.close()
    assert await points(counter, card) == 820 - 10 * sales
    assert all(totals.agree for totals in count(counter.ledger.books, "252034"))


def ten_points(counter: Counter, card: Card) -> SignedEntry:
    """Record a sale of ten points."""
    return counter.till.record(counter.till.sale(card, 100, redeem=10))


@needs_postgresql
async def test_a_server_that_crashes_at_each_statement(node: Node, open_counter: OpenCounter, card: Card) -> None:
    """`pg_ctl stop -m immediate` before each statement and commit of a sale; each sale is decided once."""

    def crash() -> None:
        node.stop()
        node.start()

    async with open_counter(node.url) as counter:
        await counter.register(card, points=820)
        breaker = Breaker(counter.ledger.stores, crash)
        sales, steps = 0, 0
        while steps == 0 or breaker.has_broken:
            steps += 1
            sales += 1
            entry = ten_points(counter, card)
            breaker.arm(steps)
            assert (await insist(counter, entry)).verdict.status is Status.ACCEPTED
        breaker.arm(-1)
        assert steps > 8
        await settled(counter, card, sales)


@needs_postgresql
async def test_a_server_whose_disk_is_full(small_disk: Node, open_counter: OpenCounter, card: Card) -> None:
    """Sales are decided until there is no room, and again when there is; in between nothing is said of them."""
    filler = small_disk.folder / "filler"
    async with open_counter(small_disk.url) as counter:
        await counter.register(card, points=820)
        _fill(filler)
        sales, entry = 0, ten_points(counter, card)
        with suppress(LedgerBusy):
            while sales < 60:
                await counter.client.upload([entry])
                sales, entry = sales + 1, ten_points(counter, card)
        for _ in range(2):
            with pytest.raises(LedgerBusy):
                await counter.client.upload([entry])
        filler.unlink()
        if small_disk.is_running:
            small_disk.stop()  # without room for its log it may have given up by itself
        small_disk.start()
        await insist(counter, entry)
        await settled(counter, card, sales + 1)


@pytest.fixture
def small_disk() -> Iterator[Node]:
    """Yield a server whose data lie on a file system of their own, with little room."""
    with tempfile.TemporaryDirectory(prefix="kazasu-pg-") as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", name], capture_output=True)
        if mounted.returncode != 0:
            pytest.skip("only root may mount a small file system")
        try:
            with postgres.node((*QUICK, "max_wal_size = 32MB", "min_wal_size = 32MB"), Path(name)) as made:
                yield made
        finally:
            subprocess.run(["umount", name], check=True)


def _fill(path: Path) -> None:
    """Leave no room on a file system."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


async def test_a_file_whose_disk_is_full(open_counter: OpenCounter, card: Card, tmp_path: Path) -> None:
    """The same on SQLite, whose files cannot grow."""
    async with open_counter(f"sqlite:///{tmp_path / 'ledger.db'}") as counter:
        await counter.register(card, points=820)
        entry = ten_points(counter, card)
        for _ in range(3):
            with full(), pytest.raises(LedgerBusy):
                await counter.client.upload([entry])
        await insist(counter, entry)
        await settled(counter, card, 1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    made: Node = request.getfixturevalue("node")
    return made.url


async def test_a_pool_without_a_connection_left(url: str, open_counter: OpenCounter, card: Card) -> None:
    """Whoever gets none is told to come again, and then gets the verdict."""
    async with open_counter(url) as counter:
        await counter.register(card, points=820)
        entry = ten_points(counter, card)
        books = counter.ledger.books
        books.pool._timeout = 0.1  # type: ignore[attr-defined]  # thirty seconds otherwise
        with ExitStack() as taken:
            for _ in range(15):
                taken.enter_context(books.connect())
            with pytest.raises(LedgerBusy):
                await counter.client.upload([entry])
        assert (await insist(counter, entry)).verdict.redeemed == 10
        await settled(counter, card, 1)


async def test_somebody_who_holds_what_a_sale_needs(
    url: str, open_counter: OpenCounter, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement's time runs out, or the patience with a busy file: no verdict, and later the right one."""
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.5)
    async with open_counter(url) as counter:
        await counter.register(card, points=820)
        entry = ten_points(counter, card)
        engine = create_engine(url)
        is_file = engine.dialect.name == "sqlite"
        if is_file:
            event.listen(counter.ledger.books, "connect", lambda made, _: made.execute("PRAGMA busy_timeout = 100"))
            counter.ledger.books.dispose()
        with engine.connect() as holder:
            holder.execute(text("BEGIN IMMEDIATE" if is_file else "LOCK TABLE wallets IN EXCLUSIVE MODE"))
            with pytest.raises(LedgerBusy):
                await counter.client.upload([entry])
            holder.rollback()
        engine.dispose()
        assert (await insist(counter, entry)).verdict.redeemed == 10
        await settled(counter, card, 1)


async def test_errors_strewn_at_random(url: str, open_counter: OpenCounter, card: Card) -> None:
    """Connections break at random statements of many uploads, some of several entries, some sent twice."""
    dice = random.Random(20261123)  # noqa: S311  # a seed, so that it can be repeated
    async with open_counter(url) as counter:
        await counter.register(card, points=820)
        breaker = Breaker(counter.ledger.stores, _fail)
        sales = 0
        for _ in range(30):
            entries = [ten_points(counter, card) for _ in range(dice.choice((1, 1, 2)))]
            sales += len(entries)
            for _ in range(dice.choice((1, 2))):
                breaker.arm(dice.randrange(1, 25))
                verdicts = await _insist_all(counter, entries)
                assert verdicts == [(Status.ACCEPTED, 10)] * len(entries)
        breaker.arm(-1)
        await settled(counter, card, sales)


def _fail() -> None:
    raise OperationalError("the connection broke", {}, OSError(os.strerror(104)))


async def _insist_all(counter: Counter, entries: list[SignedEntry]) -> list[tuple[Status, int]]:
    for _ in range(10):
        try:
            decisions = (await counter.client.upload(entries)).decisions
        except LedgerBusy:
            continue
        return [(each.verdict.status, each.verdict.redeemed) for each in decisions]
    raise AssertionError("they were never decided")
