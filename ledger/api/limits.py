"""Limits on the size and time of a request's body, and on how many requests one sender may make."""

from __future__ import annotations

from collections import Counter
from typing import Final

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.api.problems import ProblemError

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes: 500 sales are under one megabyte, 500 registrations with their certificates under four."""

BODY_SECONDS: Final = 20.0
"""How long a body may take to arrive, so that a slow sender holds nothing of the ledger."""


class BodyLimit:
    """Middleware: takes the whole body in before anything else happens, and refuses what is too large or too slow."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            with anyio.fail_after(self._seconds):
                body = await self._body(Request(scope, receive))
        except ClientDisconnect:
            return
        except TimeoutError:
            await _refuse("request_slow", scope, receive, send)
            return
        if body is None:
            await _refuse("request_too_large", scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _body(self, request: Request) -> bytes | None:
        parts = bytearray()
        async for part in request.stream():
            parts += part
            if len(parts) > self._max_bytes:
                return None
        return bytes(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, and later messages unchanged."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


async def _refuse(code: str, scope: Scope, receive: Receive, send: Send) -> None:
    response = ProblemError(code).response(Request(scope).headers.get("Accept-Language"))
    await response(scope, receive, send)


class RequestRate:
    """Counts requests by sender and minute; each process of the ledger counts for itself."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def admit(self, sender: str, seconds: float) -> None:
        """Count one request at a time in seconds; raise ProblemError `too_many_requests` over the limit."""
        self.count(sender, seconds)
        self.check(sender, seconds)

    def count(self, sender: str, seconds: float, times: int = 1) -> None:
        """Count so many at a time in seconds."""
        minute = int(seconds // 60)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        self._counts[sender] += times

    def check(self, sender: str, seconds: float) -> None:
        """Raise ProblemError `too_many_requests` where a sender is over the limit in the minute of a time."""
        if int(seconds // 60) == self._minute and self._counts[sender] > self._per_minute:
            raise ProblemError("too_many_requests", headers={"Retry-After": str(60 - int(seconds % 60))})
