"""Limits: what is too large, too slow or too often is refused before it costs anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from ledger.api.limits import BodyLimit, RequestRate
from ledger.api.problems import ProblemError


async def _count(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def _post(content: bytes | AsyncIterator[bytes]) -> httpx.Response:
    transport = httpx.ASGITransport(BodyLimit(_count, max_bytes=10))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post("/", content=content)


async def _parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.anyio
async def test_a_body_within_the_limit_arrives_whole() -> None:
    """In one part or in several, and an empty one too."""
    assert (await _post(b"0123456789")).text == "10"
    assert (await _post(_parts(b"01234", b"56789"))).text == "10"
    assert (await _post(b"")).text == "0"


@pytest.mark.anyio
async def test_a_body_over_the_limit_is_refused() -> None:
    """However it is cut, and without a length that announces it."""
    for content in (b"0123456789a", _parts(b"01234", b"56789", b"a")):
        response = await _post(content)
        assert (response.status_code, response.json()["code"]) == (413, "request_too_large")


@pytest.mark.anyio
async def test_a_body_that_never_ends_is_refused() -> None:
    """A sender that stops in the middle holds nothing."""
    sent: list[Message] = []
    first: list[Message] = [{"type": "http.request", "body": b"0", "more_body": True}]

    async def receive() -> Message:
        if not first:
            await anyio.sleep_forever()
        return first.pop()

    async def send(message: Message) -> None:  # what ASGI calls
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await BodyLimit(_count, seconds=0.01)(scope, receive, send)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "request_slow"


def test_a_sender_is_counted_by_the_minute() -> None:
    """The next minute begins anew, and one sender's count is not another's."""
    rate = RequestRate(per_minute=2)
    for sender, seconds in (("a", 0.0), ("a", 30.0), ("b", 59.0), ("a", 60.0), ("a", 119.0)):
        rate.admit(sender, seconds)
    with pytest.raises(ProblemError, match="too_many_requests") as refused:
        rate.admit("a", 119.0)
    assert refused.value.headers == {"Retry-After": "1"}
