"""One online sale over loopback HTTP on PostgreSQL, beside a request that only asks whether the ledger is ready."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks import hold
from benchmarks._town import PRODUCTION
from config.trust import Anchors
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.client import LedgerClient
from ledger.wire.setup import Shop
from tests.ledger.api.world import Card, Clock, Till
from tests.ledger.points.conftest import city
from tests.postgres import server

SALES = 300
LIMIT = 6.0
"""The most that the median sale may take, as a multiple of the median `GET /ready`, which asks both stores."""

SHOP = Shop(code="252034-0001", name="見本商店")


class _Now(Clock):
    def __call__(self) -> datetime:
        return datetime.now(UTC)


def main() -> None:
    """Start a database and a server, sell, and print the table; fail when the limit is missed."""
    with tempfile.TemporaryDirectory() as folder, server(PRODUCTION) as url:
        place = Place(Path(folder), identity_url=url, points_url=url)
        with _served(place) as base_url:
            turns = asyncio.run(_sell(place, base_url))
    print(f"| {'request to answer, ms':<23} | {'p50':>6} | {'p95':>6} | {'max':>6} |")
    print(f"|{'-' * 25}|{'-' * 7}:|{'-' * 7}:|{'-' * 7}:|")
    middles: list[float] = []
    for name, elapsed in zip(("GET /ready", "online sale"), zip(*turns, strict=True), strict=True):
        cuts = statistics.quantiles(elapsed, n=20)
        middles.append(cuts[9])
        print(f"| {name:<23} | {cuts[9]:>6.1f} | {cuts[18]:>6.1f} | {max(elapsed):>6.1f} |")
    ratio = middles[1] / middles[0]
    print(f"| {f'ratio (limit {LIMIT:g})':<23} | {ratio:>6.1f} | {'':>6} | {'':>6} |")
    hold(f"ratio at most {LIMIT:g}", ratio <= LIMIT)


@contextmanager
def _served(place: Place) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "terminal", "ledger", "--directory", str(place.directory), "serve"]
    urls = {"KAZASU_LEDGER_IDENTITY_URL": place.url("identity"), "KAZASU_LEDGER_POINTS_URL": place.url("points")}
    process = subprocess.Popen([*command, "--port", str(port)], env=os.environ | urls, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def _sell(place: Place, base_url: str) -> list[tuple[float, float]]:
    """Return the milliseconds of each question whether the ledger is ready, and of the sale after it."""
    ledger = assemble(place, Anchors())
    ledger.registry.add_programmes([city()])
    ledger.registry.add_shop(SHOP)
    card, key = Card.issue(0x01F3A9C2), Ed25519PrivateKey.generate()
    public_key = card.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mykey = ledger.identity.register(card.reference, public_key, [], ledger.today())
    ledger.points.deposit(mykey, city(), date(2099, 3, 31), 100_000)
    code = ledger.new_enrolment_code(SHOP.code)
    ledger.close()
    async with LedgerClient(base_url) as newcomer:
        while not await newcomer.ready():  # noqa: ASYNC110  # another process says nothing by itself
            await asyncio.sleep(0.05)
        setup = await newcomer.enrol(code, key.public_key())
    till = Till(setup, key, _Now())
    turns: list[tuple[float, float]] = []
    async with LedgerClient(base_url, terminal_id=setup.terminal_id, key=key) as client:
        for _ in range(SALES):
            entry = till.record(till.sale(card, 1_000, redeem=1))
            started = time.perf_counter()
            assert await client.ready()
            ready = time.perf_counter()
            result = await client.upload([entry])
            turns.append(((ready - started) * 1000, (time.perf_counter() - ready) * 1000))
            assert result.decisions[0].verdict.redeemed == 1, result
    return turns


if __name__ == "__main__":
    main()
