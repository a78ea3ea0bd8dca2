"""The client: no answer, "not now" and "no" are three different things, and what goes out is what was journaled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.answers import Inquiry
from ledger.wire.client import LedgerBusy, LedgerClient, LedgerError, LedgerRefusal, LedgerUnreachable
from ledger.wire.entries import SignedEntry
from ledger.wire.signing import verify
from tests.ledger.api.test_chain import journal
from tests.signed import AnswerKey

TERMINAL = "252034-0001-01"
KEY = Ed25519PrivateKey.generate()
LEDGER = AnswerKey()
AT = datetime(2026, 11, 23, 5, 5, tzinfo=UTC)
NONE_KNOWN = {"standing": "unregistered", "nonce": "n", "nonce_expires_at": "2026-11-23T14:10:00+09:00"}

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> LedgerClient:
    """Return a terminal's client whose ledger is a function."""
    return LedgerClient(
        "http://ledger.example",
        transport=httpx.MockTransport(handler),
        terminal_id=TERMINAL,
        key=KEY,
        pinned=LEDGER.pinned,
        clock=lambda: AT,
        language="en",
    )


def problem(status: int, code: str, *, retryable: bool = False, **headers: str) -> Handler:
    """Return a ledger that answers with a problem."""
    body = {"title": "No", "status": status, "code": code, "retryable": retryable, "head_seq": 7}
    return lambda _: httpx.Response(status, json=body, headers=headers)


def _breaks(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("the line broke")


def _slow(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow")


def _answers(status: int, text: str) -> Handler:
    return lambda _: httpx.Response(status, text=text)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (_breaks, LedgerUnreachable),
        (_slow, LedgerUnreachable),
        (_answers(200, "<html>Welcome to the hotel</html>"), LedgerUnreachable),
        (_answers(200, "{}"), LedgerUnreachable),
        (_answers(200, ""), LedgerUnreachable),
        (_answers(502, "Bad Gateway"), LedgerUnreachable),
        (_answers(302, ""), LedgerUnreachable),
        (problem(503, "ledger_unavailable", retryable=True), LedgerBusy),
        (problem(429, "too_many_requests", retryable=True, **{"Retry-After": "soon"}), LedgerBusy),
        (problem(500, "ledger_failed", retryable=True), LedgerBusy),
        (problem(409, "journal_gap"), LedgerRefusal),
        (problem(401, "clock_skewed"), LedgerRefusal),
    ],
)
async def test_each_failure_is_told_apart(handler: Handler, error: type[LedgerError]) -> None:
    """Whatever is not a ledger's answer leaves the outcome open; a problem says itself whether it is final."""
    async with client(handler) as ledger:
        with pytest.raises(error):
            await ledger.inquire(Inquiry())


@pytest.mark.anyio
async def test_busy_says_when_and_refused_says_why() -> None:
    """The errors carry what the caller needs next."""
    async with client(problem(503, "ledger_unavailable", retryable=True, **{"Retry-After": "17"})) as ledger:
        with pytest.raises(LedgerBusy) as busy:
            await ledger.setup()
    async with client(problem(409, "journal_gap")) as ledger:
        with pytest.raises(LedgerRefusal) as refused:
            await ledger.setup()
    assert busy.value.retry_after == 17
    assert refused.value.problem.code == "journal_gap"
    assert (refused.value.problem.model_extra or {})["head_seq"] == 7


@pytest.mark.anyio
async def test_every_request_is_signed_and_names_the_language() -> None:
    """A request verifies with the terminal's key, at its clock's time, under a nonce of its own."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return LEDGER.answer(request, NONE_KNOWN)

    async with client(handler) as ledger:
        for _ in range(2):
            assert (await ledger.inquire(Inquiry())).nonce == "n"
    signed = [verify(request, request.content, lambda _: KEY.public_key()) for request in seen]
    assert [each.created for each in signed] == [AT, AT]
    assert signed[0].nonce != signed[1].nonce
    assert seen[0].headers["Accept-Language"] == "en"


@pytest.mark.anyio
async def test_uploaded_bytes_are_the_journals_bytes() -> None:
    """The canonical bytes that were hashed stand unchanged within the request."""
    entries = journal(3)
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return LEDGER.answer(request, {"after": []}, head=(3, "0" * 64))

    async with client(handler) as ledger:
        assert (await ledger.upload(entries)).head_seq == 3
    assert all(each.entry.canonical() in seen[0] for each in entries)
    assert [each["hash"] for each in json.loads(seen[0])["entries"]] == [each.hash for each in entries]


@pytest.mark.anyio
async def test_an_entry_that_is_not_what_was_journaled_does_not_go_out() -> None:
    """A changed entry stays here, and nothing is sent."""
    (entry,) = journal(1)
    changed = SignedEntry(
        entry=entry.entry.model_copy(update={"operator": "13"}), hash=entry.hash, signature=entry.signature
    )
    async with client(_breaks) as ledger:
        with pytest.raises(ValueError, match="not what was journaled"):
            await ledger.upload([changed])


@pytest.mark.anyio
async def test_an_operation_that_the_ledger_has_not_seen_is_none() -> None:
    """It is an answer and not a failure; other refusals are not mistaken for it."""
    async with client(problem(404, "operation_unknown")) as ledger:
        assert await ledger.operation(f"{TERMINAL}-000001") is None
    async with client(problem(401, "signature_wrong")) as ledger:
        with pytest.raises(LedgerRefusal):
            await ledger.operation(f"{TERMINAL}-000001")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("handler", "ready"),
    [
        (_answers(200, '{"status":"ok"}'), True),
        (_answers(200, "<html>"), False),
        (problem(503, "ledger_unavailable"), False),
        (_breaks, False),
    ],
)
async def test_ready_is_yes_or_no(handler: Handler, ready: bool) -> None:
    """Whatever goes wrong, the ledger is not ready."""
    async with client(handler) as ledger:
        assert await ledger.ready() is ready


@pytest.mark.parametrize("module", ["ledger.wire.client", "ledger.wire.operations", "ledger.wire.sealing"])
def test_what_the_terminal_imports_is_light(module: str) -> None:
    """Neither the web framework nor the database comes with the client."""
    heavy = "{'fastapi', 'starlette', 'sqlalchemy', 'alembic', 'uvicorn', 'structlog', 'prometheus_client'}"
    program = f"import sys, {module}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
