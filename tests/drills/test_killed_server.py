"""A served ledger that is killed at random while terminals upload: each sale is decided once, on either engine."""

from __future__ import annotations

import math
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.trust import Anchors
from ledger.embedded import assemble
from ledger.place import Place
from ledger.points.reports import count
from ledger.wire.answers import Status
from ledger.wire.client import LedgerBusy, LedgerClient, LedgerUnreachable
from ledger.wire.setup import Shop
from tests import postgres
from tests.ledger.api.conftest import SHOP
from tests.ledger.api.world import Card, Clock, Till
from tests.ledger.points.conftest import city
from tests.pcsc import until
from tests.served import KAZASU, ROOT

pytestmark = pytest.mark.anyio

TILLS, SALES, KILLS = 3, 10, 2


class Served:
    """A ledger in a process of its own, which can be killed and started again."""

    def __init__(self, place: Place) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        options = ["--directory", str(place.directory), "--anchors", str(place.directory / "anchors")]
        self._command = [*KAZASU, "ledger", *options, "serve", "--port", str(port)]
        self._urls = {
            "KAZASU_LEDGER_IDENTITY_URL": place.url("identity"),
            "KAZASU_LEDGER_POINTS_URL": place.url("points"),
        }
        self.start()

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=os.environ | self._urls, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        until(self._is_ready, patience=60)

    def kill(self) -> None:
        """Kill it as by kill -9."""
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready").is_success
        except httpx.TransportError:
            return False


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Yield an empty place on each engine."""
    if request.param == "sqlite":
        yield Place(tmp_path / "ledger")
        return
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.server(("fsync = off",)) as url:
        yield Place(tmp_path / "ledger", url, url)


async def test_a_server_that_is_killed_while_terminals_upload(place: Place) -> None:
    """Whatever was on its way, the same entry gets one verdict, and nobody pays twice."""
    ledger = assemble(place, Anchors())
    ledger.registry.add_programmes([city()])
    ledger.registry.add_shop(Shop(code=SHOP, name="見本商店"))
    card = Card.issue(0x01F3A9C2)
    public_key = card.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mykey = ledger.identity.register(card.reference, public_key, [], ledger.today())
    ledger.points.deposit(mykey, city(), None, 820)
    codes = [ledger.new_enrolment_code(SHOP) for _ in range(TILLS)]
    served = Served(place)
    decided: list[str] = []
    told, heard = anyio.create_memory_object_stream[str](math.inf)

    async def sell(code: str) -> None:
        key = Ed25519PrivateKey.generate()
        async with LedgerClient(served.url) as newcomer:
            setup = await newcomer.enrol(code, key.public_key())
        till = Till(setup, key, Clock(datetime.now(UTC)))
        async with LedgerClient(
            served.url, terminal_id=setup.terminal_id, key=key, pinned=setup.signing_keys, timeout=10
        ) as client:
            for _ in range(SALES):
                entry = till.record(till.sale(card, 100, redeem=10))
                while True:
                    try:
                        verdict = (await client.upload([entry])).decisions[0].verdict
                    except (LedgerBusy, LedgerUnreachable):
                        await anyio.sleep(0.05)  # the server is being started: it says nothing by itself
                        continue
                    break
                assert (verdict.status, verdict.redeemed) == (Status.ACCEPTED, 10)
                decided.append(verdict.operation_id)
                told.send_nowait(verdict.operation_id)

    async def kill() -> None:
        dice = random.Random(20261123)  # noqa: S311  # a seed, so that it can be repeated
        fatal = dice.sample(range(1, TILLS * SALES - 3), KILLS)
        for number in range(max(fatal) + 1):
            await heard.receive()
            if number not in fatal:
                continue
            await anyio.to_thread.run_sync(served.kill)
            await anyio.to_thread.run_sync(served.start)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kill)
            for code in codes:
                tasks.start_soon(sell, code)
    finally:
        served.kill()
        told.close()
        heard.close()
    assert len(set(decided)) == len(decided) == TILLS * SALES
    balances = ledger.points.balances(mykey, SHOP, ledger.today())
    assert balances[0].points == 820 - 10 * TILLS * SALES
    assert all(totals.agree for totals in count(ledger.books, "252034"))
    ledger.close()
