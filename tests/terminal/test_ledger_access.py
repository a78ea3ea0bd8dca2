"""The way to a ledger: over TLS, or within this machine, or because somebody wrote that it may be otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.home import Home
from offline_queue.journal import Journal
from terminal.shop import enrolment
from terminal.shop.enrolment import AlreadyEnrolled
from terminal.shop.ledger_access import PlainHttp, open_client
from terminal.shop.opening import local_time
from terminal.shop.practice import enrol_for_practice
from tests.faults.shop import HOLDER, Shop
from tests.offline_queue.conftest import append

pytestmark = pytest.mark.anyio

CODE = "5WNQ-GW69-536B-R3T0-9VKE-XN2C-4D7H-M"


@pytest.mark.parametrize("url", ["https://ledger.example.jp", "http://127.0.0.1:8080", "http://localhost:8080"])
async def test_a_guarded_way_is_taken(tmp_path: Path, url: str) -> None:
    """Nothing need be set for it."""
    async with open_client(Home(tmp_path), url) as client:
        assert not client.pinned


async def test_plain_http_elsewhere_needs_an_explicit_setting(tmp_path: Path) -> None:
    """Without it nothing is sent, neither a request nor an enrolment code."""
    home, url = Home(tmp_path), "http://ledger.example.jp"
    with pytest.raises(PlainHttp) as refused:
        async with open_client(home, url):
            pass
    assert (refused.value.code, refused.value.data) == ("plain_http", {"url": url})
    with pytest.raises(PlainHttp):
        await enrolment.enrol(home, CODE, url)
    async with open_client(home, url, plain_http=True) as client:
        assert not client.pinned


async def test_a_machine_that_is_enrolled_is_not_enrolled_again(tmp_path: Path) -> None:
    """Its journal belongs to the terminal that it is; the code goes nowhere."""
    home = Home(tmp_path)
    home.create()
    await enrol_for_practice(home)
    kept = home.enrolment.read_bytes()
    with pytest.raises(AlreadyEnrolled) as refused:
        await enrolment.enrol(home, CODE, "http://127.0.0.1:9")
    assert (refused.value.code, home.enrolment.read_bytes()) == ("already_enrolled", kept)


def test_who_enrols_anew_hears_of_what_is_unsent(tmp_path: Path) -> None:
    """As another terminal this machine would not send it any more: that is said first, with how many they are."""
    shop = Shop(tmp_path)
    shop("op", "balance", "--card", HOLDER)
    practice = Shop(shop.home.practice.path)
    append_unsent(practice.home, 3)
    said = practice("enrol", CODE, "--ledger", "https://ledger.example.jp")
    assert (said["error"], said["exit"]) == ("already_enrolled_unsent", 1)
    assert "3 of its operations are not sent yet" in said["message"]


def append_unsent(home: Home, count: int) -> None:
    """Write awards into a home's journal that nobody sends."""
    kept = enrolment.load_enrolment(home)
    assert kept is not None
    journal = Journal(home.journal, kept.setup.terminal_id, enrolment.key_of(home), local_time)
    for _ in range(count):
        append(journal)
    journal.close()
