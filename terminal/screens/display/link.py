"""Sends the display what to show: JSON lines over loopback TCP, to a subscriber that knows the data folder's token."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.files import write_whole
from config.texts import Lang
from terminal.counter.resident import ResidentView

FORM = 3
"""The form of the address file and of the lines: a display of another version waits. 0.1.0 gave none."""
LOOPBACK = "127.0.0.1"
RETRY_SECONDS = 1.0
"""Between two tries to reach the counter."""
GREETING_SECONDS = 5.0
"""In which a subscriber must have said the token."""
LONGEST_BACKLOG = 256 * 1024
"""Bytes that a subscriber may leave unread before it is dropped; it may come again."""
LONGEST_LINE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """What the display shows, and in which language."""

    view: ResidentView
    lang: Lang


_SHOWN = TypeAdapter(Shown)
_log = logging.getLogger(__name__)


class Broadcaster:
    """Tells every subscriber what the resident is to see; `address` is the file in which they find the way."""

    def __init__(self, address: Path) -> None:
        self._address = address
        self._token = secrets.token_hex(16)
        self._server: asyncio.Server | None = None
        self._subscribers: set[asyncio.StreamWriter] = set()
        self._latest = b""

    async def start(self) -> None:
        """Listen on a free port, and write down which; a counter that cannot goes on without a display."""
        try:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
            self._publish(self._server)
        except OSError:
            _log.exception("the resident's display cannot be reached")

    def _publish(self, server: asyncio.Server) -> None:
        port = server.sockets[0].getsockname()[1]
        self._address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._address, json.dumps({"form": FORM, "port": port, "token": self._token}).encode())

    def show(self, shown: Shown) -> None:
        """Tell the subscribers, if it is anything new."""
        line = _SHOWN.dump_json(shown) + b"\n"
        if line == self._latest:
            return
        self._latest = line
        for writer in list(self._subscribers):
            if writer.transport.get_write_buffer_size() > LONGEST_BACKLOG:
                writer.transport.abort()
            else:
                writer.write(line)

    async def close(self) -> None:
        """Stop listening, and part from every subscriber."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._subscribers):
            writer.close()
        await self._server.wait_closed()
        self._address.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                token = await reader.readline()
            if hmac.compare_digest(token.strip(), self._token.encode()):
                self._subscribers.add(writer)
                writer.write(self._latest)
                await reader.read()
        except (OSError, TimeoutError, ValueError):
            pass  # a subscriber that went away, said nothing, or said too much: it may come again
        finally:
            self._subscribers.discard(writer)
            writer.close()


async def follow(
    address: Path, pause: Callable[[float], Awaitable[Any]] = asyncio.sleep
) -> AsyncGenerator[Shown | None]:
    """Yield what is to be shown, for ever; None whenever the counter cannot be reached."""
    while True:
        try:
            async for shown in _listen(address):
                yield shown
        except (OSError, ValueError, KeyError):
            pass  # no counter, one that has just gone, or the address of an earlier one
        yield None
        await pause(RETRY_SECONDS)


async def _listen(address: Path) -> AsyncIterator[Shown]:
    port, token = _way(address)
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=LONGEST_LINE)
    try:
        writer.write(f"{token}\n".encode())
        while line := await reader.readline():
            yield _SHOWN.validate_json(line)
    finally:
        writer.close()


def _way(address: Path) -> tuple[int, str]:
    found = json.loads(address.read_text(encoding="utf-8"))
    if found["form"] != FORM:
        raise ValueError(f"the counter speaks form {found['form']}")
    return int(found["port"]), str(found["token"])
