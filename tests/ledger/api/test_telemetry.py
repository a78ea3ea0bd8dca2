"""What the operator sees: enough to run a ledger, and nobody in it."""

from __future__ import annotations

import json
import logging
import re

import httpx
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from ledger.api.state import Ledger
from ledger.api.telemetry import LOGGER
from tests.ledger.api.conftest import Counter, asgi
from tests.ledger.api.world import Card

pytestmark = pytest.mark.anyio


async def get(counter: Counter, path: str) -> httpx.Response:
    """Ask what anybody may ask."""
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        return await client.get(path, headers={"Accept-Language": "en"})


async def test_a_ledger_says_that_it_lives_and_is_ready(counter: Counter) -> None:
    """Both questions are answered without a signature."""
    assert (await get(counter, "/health")).json() == {"status": "ok"}
    assert (await get(counter, "/ready")).json() == {"status": "ok"}


async def test_a_problem_is_described_at_its_type(counter: Counter) -> None:
    """Whoever meets one may look it up; what is no problem is not there."""
    described = (await get(counter, "/problems/journal_fork")).json()
    assert (described["status"], described["retryable"]) == (409, False)
    assert described["title"] == "The records part in two"
    assert (await get(counter, "/problems/none")).json()["type"] == "/problems/not_found"


async def test_logs_and_metrics_name_nobody(counter: Counter, card: Card, caplog: pytest.LogCaptureFixture) -> None:
    """Neither resident nor shop nor terminal, no operation and no amount stands in what the operator sees."""
    caplog.set_level(logging.DEBUG)
    await counter.register(card, points=820)
    decision = await counter.send(counter.till.sale(card, 1234, redeem=321))
    await counter.client.operation(decision.verdict.operation_id)
    holder = counter.ledger.identity.look_up([card.reference])[card.reference]
    exposed = (await get(counter, "/metrics")).text
    lines = [record.getMessage() for record in caplog.records if record.name == LOGGER.name]
    assert lines
    # Whole words and numbers: the digits of an amount may well stand inside a time.
    words = {word for seen in (exposed, *lines) for word in re.findall(r"[\w.]+", seen)}
    assert words.isdisjoint({str(holder.mykey), card.reference.serial, "252034", "1234", "321"})
    assert not any(decision.verdict.operation_id in seen for seen in (exposed, *lines))
    assert 'kazasu_verdicts_total{code="",status="accepted"} 2.0' in exposed
    assert 'route="/v1/operations/{operation_id}"' in exposed
    assert json.loads(lines[-1]).keys() == {"event", "level", "timestamp", "route", "method", "status", "ms"}


GONE = OperationalError("SELECT 1", {}, OSError("no such host"))
TAKEN = IntegrityError("INSERT", {"mykey": "K7QM3V9TXW"}, OSError("Key (mykey)=(K7QM3V9TXW) already exists"))
DEFECT = ZeroDivisionError("K7QM3V9TXW")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(GONE, 503, "ledger_unavailable"), (TAKEN, 503, "ledger_unavailable"), (DEFECT, 500, "ledger_failed")],
)
async def test_a_failure_says_where_and_not_whom(
    counter: Counter,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    """It is a problem that may be tried again; its kind and place are logged, its own words never."""

    def fails(_: Ledger) -> None:
        raise error

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Ledger, "check", fails)
    response = await get(counter, "/ready")
    assert (response.status_code, response.json()["code"], response.json()["retryable"]) == (status, code, True)
    assert response.headers["Retry-After"]
    assert not await counter.client.ready()
    assert type(error).__name__ in caplog.text
    assert "test_telemetry.py" in caplog.text
    assert "K7QM3V9TXW" not in caplog.text + response.text
    assert (await get(counter, "/health")).is_success


async def test_made_up_methods_leave_nothing_behind(counter: Counter) -> None:
    """Each would be a row of the metrics for ever."""
    before = (await get(counter, "/metrics")).text.count("\n")
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        for number in range(50):
            assert (await client.request(f"MADEUP{number}", "/health")).status_code == 405
    exposed = (await get(counter, "/metrics")).text
    assert "MADEUP" not in exposed
    assert exposed.count("\n") < before + 60
