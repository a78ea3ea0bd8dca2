"""A town for the drills: a ledger on whatever databases there are, a till, and a resident with points."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.embedded import assemble
from ledger.place import Place
from ledger.server import limit_time
from ledger.wire.client import LedgerClient
from ledger.wire.setup import Shop
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card, Clock, Till, anchor
from tests.ledger.points.conftest import city

OpenCounter = Callable[[str], AbstractAsyncContextManager[Counter]]
"""Opens a counter before a new ledger whose stores lie in the database of a URL."""

STATEMENT_SECONDS = 1
"""As the server limits it, and shorter, so that a drill does not take long."""


@pytest.fixture
def open_counter(tmp_path: Path) -> OpenCounter:
    """Return a function that opens a counter."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Counter]:
        clock = Clock()
        ledger = assemble(Place(tmp_path / "ledger", url, url), Anchors((anchor(),)), clock)
        for engine in ledger.stores:
            limit_time(engine, STATEMENT_SECONDS)
        ledger.registry.add_programmes([city()])
        ledger.registry.add_shop(Shop(code=SHOP, name="見本商店"))
        app = create_app(ledger)
        key = Ed25519PrivateKey.generate()
        async with LedgerClient(transport=asgi(app)) as newcomer:
            setup = await newcomer.enrol(ledger.new_enrolment_code(SHOP), key.public_key())
        client = LedgerClient(
            transport=asgi(app),
            terminal_id=setup.terminal_id,
            key=key,
            clock=clock,
            pinned=setup.signing_keys,
            timeout=120,
        )
        async with client:
            yield Counter(ledger, app, client, Till(setup, key, clock))
        ledger.close()

    return opened


@pytest.fixture
def card() -> Card:
    """Return a resident's card."""
    return Card.issue(0x01F3A9C2)


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop that the product runs on."""
    return "asyncio"
