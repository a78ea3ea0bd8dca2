"""A ledger in a fresh directory, a shop with an enrolled till, and a client that speaks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.state import Ledger
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.answers import Decision, InquiryResult, Verdict
from ledger.wire.client import LedgerClient, NonceExpired
from ledger.wire.setup import Shop
from ledger.wire.tokens import ServiceId
from tests.ledger.api.world import Card, Clock, Till, anchor
from tests.ledger.points.conftest import city

SHOP = "252034-0001"


@dataclass(slots=True)
class Counter:
    """A till, its client, and the ledger behind it."""

    ledger: Ledger
    app: FastAPI
    client: LedgerClient
    till: Till

    async def send(self, content: dict[str, object]) -> Decision:
        """Record content, upload it, and return what was decided of it."""
        return (await self.client.upload([self.till.record(content)])).decisions[0]

    async def inquire(self, card: Card) -> InquiryResult:
        """Tap a card; what the answer brings is for the next tap."""
        try:
            result = await self.client.inquire(self.till.inquiry(card))
        except NonceExpired as expired:
            self.till.nonce = expired.nonce
            result = await self.client.inquire(self.till.inquiry(card))
        self.till.nonce = result.nonce
        return result

    async def register(self, card: Card, *services: ServiceId, points: int = 0) -> Verdict:
        """Register a card, and give its holder points that lapse in March 2028."""
        nonce = (await self.inquire(card)).nonce
        verdict = (await self.send(self.till.link(card, nonce, *services))).verdict
        mykey = self.ledger.identity.look_up([card.reference])[card.reference].mykey
        if points and mykey is not None:
            self.ledger.points.deposit(mykey, city(), date(2028, 3, 31), points)
        return verdict


def asgi(app: FastAPI) -> httpx.ASGITransport:
    """Return a transport that brings requests to an application in this process."""
    return httpx.ASGITransport(app, raise_app_exceptions=False)


@pytest.fixture
def clock() -> Clock:
    """Return the clock of both ledger and till."""
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """Yield an empty ledger with one programme and one shop."""
    made = assemble(Place(tmp_path / "ledger"), Anchors((anchor(),)), clock)
    made.registry.add_programmes([city()])
    made.registry.add_shop(Shop(code=SHOP, name="見本商店"))
    for service in ("library", "museum"):
        made.registry.set_service(SHOP[:6], service, [SHOP])
    yield made
    made.close()


@pytest.fixture
async def counter(ledger: Ledger, clock: Clock) -> AsyncIterator[Counter]:
    """Return an enrolled till."""
    app = create_app(ledger)
    key = Ed25519PrivateKey.generate()
    async with LedgerClient(transport=asgi(app)) as newcomer:
        code = ledger.new_enrolment_code(SHOP)
        setup = await newcomer.enrol(code, key.public_key())
    client = LedgerClient(transport=asgi(app), terminal_id=setup.terminal_id, key=key, clock=clock)
    async with client:
        yield Counter(ledger, app, client, Till(setup, key, clock))


@pytest.fixture
def card() -> Card:
    """Return a resident's card."""
    return Card.issue(0x01F3A9C2)
