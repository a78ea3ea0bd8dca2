"""A ledger under the sample rules, its shops, and the terminals that fell into the wrong hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.state import Ledger
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.setup import Shop
from tests.adversary.caps import sample
from tests.adversary.thief import MUNICIPALITY, Thief
from tests.ledger.api.world import Card, Clock, anchor

SHOP, SECOND, AWAY, FAR = "252034-0001", "252034-0002", "131164-0001", "452041-0001"


def furnish(ledger: Ledger) -> None:
    """Bring the sample rules and the shops in."""
    ledger.registry.add_programmes(sample())
    for code in (SHOP, SECOND, AWAY, FAR):
        ledger.registry.add_shop(Shop(code=code, name="見本商店"))
    ledger.registry.set_service(MUNICIPALITY, "library", [SECOND])


@dataclass(slots=True)
class Municipality:
    """The ledger, as the tests see it, and the way to it, as everybody has it."""

    ledger: Ledger
    http: httpx.AsyncClient
    clock: Clock

    async def terminal(self, shop: str = SHOP) -> Thief:
        """Return a terminal that was enrolled in good faith."""
        return await Thief.enrol(self.http, self.clock, self.ledger.new_enrolment_code(shop))

    def mykey(self, card: Card) -> str:
        """Return whose card it is."""
        found = self.ledger.identity.look_up([card.reference])[card.reference].mykey
        assert found is not None
        return found

    def held(self, card: Card, shop: str = SHOP) -> dict[str, int]:
        """Return what a card's holder has."""
        found = self.ledger.points.balances(self.mykey(card), shop, self.ledger.today())
        return {each.programme: each.points for each in found if each.points}

    def deposit(self, card: Card, programme: str, points: int) -> None:
        """Give a card's holder points that came honestly."""
        rules = next(each for each in sample() if each.code == programme)
        self.ledger.points.deposit(self.mykey(card), rules, date(2028, 3, 31), points)

    def noticed(self, municipality: str = MUNICIPALITY) -> dict[str, int]:
        """Return what the office was told of, by kind."""
        found: dict[str, int] = {}
        for each in self.ledger.events.since(municipality, date(2026, 1, 1)):
            found[each.kind] = found.get(each.kind, 0) + each.times
        return found


def reach(ledger: Ledger) -> httpx.AsyncClient:
    """Return a client of the ledger's application."""
    transport = httpx.ASGITransport(create_app(ledger), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://ledger.invalid")


@pytest.fixture
def clock() -> Clock:
    """Return the clock of everybody."""
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """Yield a ledger under the sample rules."""
    made = assemble(Place(tmp_path / "ledger"), Anchors((anchor(),)), clock)
    furnish(made)
    yield made
    made.close()


@pytest.fixture
async def municipality(ledger: Ledger, clock: Clock) -> AsyncIterator[Municipality]:
    """Yield the town."""
    async with reach(ledger) as http:
        yield Municipality(ledger, http, clock)


@pytest.fixture
async def thief(municipality: Municipality) -> Thief:
    """Return a stolen terminal."""
    return await municipality.terminal()


@pytest.fixture
async def friend(thief: Thief) -> Card:
    """Return the card of a friend who plays along, registered."""
    card = Card.issue(0x01F3A9C2)
    await thief.register(card)
    return card


@pytest.fixture
async def victim(municipality: Municipality) -> Card:
    """Return the card of somebody who trusts another terminal, with 3,000 points."""
    card = Card.issue(0x02AB17D0)
    await (await municipality.terminal(SECOND)).register(card)
    municipality.deposit(card, MUNICIPALITY, 3_000)
    return card
