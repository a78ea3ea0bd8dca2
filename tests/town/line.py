"""The line between a terminal and the town hall: it takes time, and breaks where the simulator says."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope

from tests.town.hall import Hall

Heard = Callable[[dict[str, Any]], None]
"""Is told of each answer that the ledger gave, whether it arrived or not."""


class Accident(StrEnum):
    """What may happen to one request."""

    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    SLOW = "slow"
    DRIP = "drip"
    TWICE = "twice"
    STALE = "stale"
    FLIPPED = "flipped"
    FALSE_GAP = "false_gap"
    FALSE_FORK = "false_fork"
    PORTAL = "portal"
    BROKEN = "broken"
    CUT_SHORT = "cut_short"


class Drip(httpx.AsyncByteStream):
    """An answer of which a byte comes now and then."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for position in range(len(self._content)):
            await asyncio.sleep(0.3)
            yield self._content[position : position + 1]


@dataclass(slots=True)
class Line(httpx.AsyncBaseTransport):
    """One terminal's line."""

    hall: Hall
    random: Random
    heard: Heard
    down: bool = False
    silent: bool = False
    """Whether a line that is down swallows what is sent, and refuses nothing."""
    accidents: deque[Accident | None] = field(default_factory=deque)
    """What happens to the next requests, None where nothing does."""
    requests: int = 0
    last: bytes = b""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Bring a request to the hall, and the answer back."""
        self.requests += 1
        accident = self.accidents.popleft() if self.accidents else None
        await self._travel()
        if self.down and self.silent:
            await asyncio.sleep(3_600)
        if self.down:
            raise httpx.ConnectError("the line is down")
        match accident:
            case None:
                return self._reply(await self._ask(request))
            case _:
                return await ACCIDENTS[accident](self, request)

    async def _travel(self) -> None:
        await asyncio.sleep(self.random.uniform(0.01, 0.1))

    async def _ask(self, request: httpx.Request) -> tuple[int, bytes, str]:
        """Return what the ledger answers, which is known whatever becomes of it on its way."""
        app = self.hall.app
        if app is None:
            raise httpx.ConnectError("nobody serves")
        if request.url.path == "/health":
            return 200, b'{"status":"ok"}', "application/json"
        status, content, kind = await _served(app, request, await request.aread())
        if status < 300 and b'"signed"' in content:
            self.heard(json.loads(content))
        await self._travel()
        return status, content, kind

    def _reply(self, answer: tuple[int, bytes, str], stream: httpx.AsyncByteStream | None = None) -> httpx.Response:
        status, content, kind = answer
        if b'"signed"' in content:
            self.last = content
        headers = {"content-type": kind}
        if stream is not None:
            return httpx.Response(status, headers=headers, stream=stream)
        return httpx.Response(status, headers=headers, content=content)


async def _served(app: ASGIApp, request: httpx.Request, body: bytes) -> tuple[int, bytes, str]:
    """Return status, content and type of what an application answers."""
    path, _, query = request.url.raw_path.partition(b"?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": (request.url.host, request.url.port),
    }
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    with suppress(Exception):  # a server answers what its application left, and goes on
        await app(scope, receive, send)
    if not told:
        return 500, b"", ""
    kind = dict(told[0].get("headers", ())).get(b"content-type", b"")
    return told[0]["status"], b"".join(each.get("body", b"") for each in told[1:]), kind.decode()


async def _request_lost(_line: Line, _request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("cut before it arrived")


async def _reply_lost(line: Line, request: httpx.Request) -> httpx.Response:
    await line._ask(request)
    raise httpx.ReadError("cut after it arrived")


async def _slow(line: Line, request: httpx.Request) -> httpx.Response:
    answer = await line._ask(request)
    await asyncio.sleep(40)
    return line._reply(answer)


async def _drip(line: Line, request: httpx.Request) -> httpx.Response:
    answer = await line._ask(request)
    return line._reply(answer, Drip(answer[1]))


async def _twice(line: Line, request: httpx.Request) -> httpx.Response:
    answer = await line._ask(request)
    await line._ask(request)
    return line._reply(answer)


async def _stale(line: Line, request: httpx.Request) -> httpx.Response:
    before = line.last
    answer = await line._ask(request)
    return line._reply((200, before, answer[2]) if before else answer)


async def _flipped(line: Line, request: httpx.Request) -> httpx.Response:
    status, content, kind = await line._ask(request)
    return line._reply(
        (status, content.replace(b'"accepted"', b'"refused"').replace(b'"points":1', b'"points":9'), kind)
    )


def _problem(code: str) -> Callable[[Line, httpx.Request], Awaitable[httpx.Response]]:
    async def answer(line: Line, _request: httpx.Request) -> httpx.Response:
        told = {"title": code, "status": 409, "code": code, "retryable": False, "head_seq": 0, "head_hash": "0" * 64}
        return line._reply((409, json.dumps(told).encode(), "application/problem+json"))

    return answer


async def _portal(line: Line, _request: httpx.Request) -> httpx.Response:
    return line._reply((200, b"<html>Please sign in to the free wireless network</html>", "text/html"))


async def _broken(line: Line, _request: httpx.Request) -> httpx.Response:
    return line._reply((502, b"<html>Bad gateway</html>", "text/html"))


async def _cut_short(line: Line, request: httpx.Request) -> httpx.Response:
    status, content, kind = await line._ask(request)
    return line._reply((status, content[: line.random.randrange(len(content) or 1)], kind))


ACCIDENTS: dict[Accident, Callable[[Line, httpx.Request], Awaitable[httpx.Response]]] = {
    Accident.REQUEST_LOST: _request_lost,
    Accident.REPLY_LOST: _reply_lost,
    Accident.SLOW: _slow,
    Accident.DRIP: _drip,
    Accident.TWICE: _twice,
    Accident.STALE: _stale,
    Accident.FLIPPED: _flipped,
    Accident.FALSE_GAP: _problem("journal_gap"),
    Accident.FALSE_FORK: _problem("journal_fork"),
    Accident.PORTAL: _portal,
    Accident.BROKEN: _broken,
    Accident.CUT_SHORT: _cut_short,
}
"""What each accident does."""
