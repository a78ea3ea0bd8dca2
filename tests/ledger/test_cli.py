"""`kazasu ledger`: the office's work from a shell, and a server in several processes on one PostgreSQL."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.trust import Anchors
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.answers import UploadResult
from ledger.wire.client import LedgerClient
from ledger.wire.codes import EnrolmentCode, key_print
from ledger.wire.entries import SignedEntry
from ledger.wire.setup import Shop
from tests.ledger.api.world import Clock, Till

ROOT = Path(__file__).parents[2]


def kazasu(directory: Path, *words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    """Run a command on the ledger of a directory."""
    command = [sys.executable, "-m", "terminal", "--lang", lang, "ledger", "--directory", str(directory), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_shop_and_a_terminals_code(tmp_path: Path) -> None:
    """The code stands alone on standard output, to be handed on."""
    assert kazasu(tmp_path, "shop", "252034-0001", "見本商店").returncode == 0
    code = kazasu(tmp_path, "enrol", "--shop", "252034-0001").stdout.strip()
    ledger = assemble(Place(tmp_path), Anchors())
    key = Ed25519PrivateKey.generate().public_key()
    read = EnrolmentCode.read(code)
    assert read is not None
    terminal = ledger.registry.redeem_enrolment_code(read.secret, key, datetime.now(UTC))
    assert read.key_print == key_print(ledger.signing.public[0])
    ledger.close()
    assert terminal is not None
    assert terminal.shop.name == "見本商店"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("enrol", "--shop", "252034-0001"), 1, "There is no such shop"),
        (("stop", "library:0042"), 1, "There is no such MyKey ID"),
        (("resume", "0000000000"), 1, "There is no such MyKey ID"),
        (("revocations", __file__), 1, "The revocation list cannot be read"),
        (("shop", "1", "x"), 1, "not written as a shop's code"),
        (("shop", "252034-0001", "\x1b[2J"), 1, "control characters cannot be used"),
        (("token", "--municipality", "123456", "--who", "x"), 2, "no municipality"),
        (("serve", "--workers", "2"), 1, "Several processes need PostgreSQL"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    """The sentence goes to standard error, and nothing to standard output."""
    result = kazasu(tmp_path, *words)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr


@contextmanager
def served(place: Place) -> Iterator[str]:
    """Serve a ledger in two processes and yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "terminal", "ledger", "--directory", str(place.directory), "serve"]
    urls = {"KAZASU_LEDGER_IDENTITY_URL": place.url("identity"), "KAZASU_LEDGER_POINTS_URL": place.url("points")}
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "2"],
        cwd=ROOT,
        env=os.environ | urls,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _await_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _await_ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)  # another process: it says nothing by itself
    raise TimeoutError("the server did not come up")


@pytest.mark.anyio
async def test_two_processes_are_one_ledger(tmp_path: Path, postgres_url: str) -> None:
    """Fifty concurrent posts of one entry to several processes lead to one row and one answer."""
    place = Place(tmp_path, identity_url=postgres_url, points_url=postgres_url)
    ledger = assemble(place, Anchors())
    ledger.registry.add_shop(Shop(code="252034-0001", name="見本商店"))
    code = ledger.new_enrolment_code("252034-0001")
    key = Ed25519PrivateKey.generate()
    with served(place) as url:
        async with LedgerClient(url) as newcomer:
            setup = await newcomer.enrol(code, key.public_key())
        entry = Till(setup, key, Clock()).record(
            {"kind": "void", "municipality": "252034", "target": f"{setup.terminal_id}-000009"}
        )
        answers = await _fifty(url, setup.terminal_id, key, entry)
        async with httpx.AsyncClient(base_url=url) as operator:
            exposed = [(await operator.get("/metrics")).text for _ in range(8)]
    with ledger.stores[1].connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM operations WHERE content_hash IS NOT NULL").scalar()
    ledger.close()
    assert len(answers) == 50
    assert len({answer.model_dump_json(exclude={"signed"}) for answer in answers}) == 1
    assert rows == 1
    assert all('kazasu_verdicts_total{code="",status="accepted"} 50.0' in each for each in exposed)


async def _fifty(url: str, terminal_id: str, key: Ed25519PrivateKey, entry: SignedEntry) -> list[UploadResult]:
    answers: list[UploadResult] = []
    async with LedgerClient(url, terminal_id=terminal_id, key=key, timeout=30) as client:

        async def post() -> None:
            answers.append(await client.upload([entry]))

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(post)
    return answers
