"""The way to a ledger: over TLS, or within this machine, or because somebody wrote that it may be otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.home import Home
from terminal.shop import enrolment
from terminal.shop.enrolment import AlreadyEnrolled
from terminal.shop.ledger_access import PlainHttp, open_client
from terminal.shop.practice import enrol_for_practice

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
