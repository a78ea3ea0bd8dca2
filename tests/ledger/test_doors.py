"""The server's door, over real sockets: slow heads, made-up origins, too many connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from config.trust import Anchors
from ledger import doors
from ledger.api.app import create_app
from ledger.doors import Door
from ledger.embedded import assemble
from ledger.place import Place
from tests.ledger.api.test_refused_requests import GUESS

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(directory: Path, *, proxies: list[str] | None = None, limit: int = 100) -> AsyncIterator[int]:
    """Serve a ledger in this process and yield its port."""
    ledger = assemble(Place(directory), Anchors())
    config = uvicorn.Config(
        create_app(ledger),
        http=Door,
        ws="none",
        log_level="error",
        limit_concurrency=limit,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or [],
        lifespan="off",
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110  # it sets nothing that could be waited for
        await asyncio.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        ledger.close()


@pytest.mark.parametrize("head", [b"", b"GET /health HTTP/1.1\r\nX-Slow: "])
async def test_a_head_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """Whoever opens a connection and sends nothing, or a byte now and then, holds it for seconds only."""
    monkeypatch.setattr(doors, "HEAD_SECONDS", 0.2)
    async with served(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_requests_on_one_connection_each_have_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is used is not closed between two answers."""
    monkeypatch.setattr(doors, "HEAD_SECONDS", 0.2)
    async with served(tmp_path) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert (await client.get("/health")).json() == {"status": "ok"}
            await asyncio.sleep(0.15)


async def test_where_a_request_comes_from_is_believed_of_named_proxies_alone(tmp_path: Path) -> None:
    """Else a header of one's own would reset the limit on guessing enrolment codes."""
    for proxies, last in ((None, 429), (["127.0.0.1"], 403)):
        async with served(tmp_path, proxies=proxies) as port:
            statuses = []
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                for number in range(12):
                    headers = {"X-Forwarded-For": f"10.0.0.{number}"}
                    statuses.append((await client.post("/v1/enrolments", json=GUESS, headers=headers)).status_code)
        assert statuses[-1] == last


async def test_beyond_so_many_connections_the_answer_is_not_now(tmp_path: Path) -> None:
    """It costs next to nothing, and who is in is served on."""
    async with served(tmp_path, limit=3) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/health")).status_code == 503
            for _, writer in held:
                writer.close()
            await asyncio.sleep(0.05)
            assert (await client.get("/health")).status_code == 200
