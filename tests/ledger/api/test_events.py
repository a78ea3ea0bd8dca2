"""What the office sees of its terminals and shops: by API, metrics and command line, never about persons."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from ledger.api.desk import Officer, Scope
from ledger.api.watch import concentration
from ledger.points.concentration import BUSIEST, MANY_POINTS, ShopDay
from ledger.points.events import EventKind
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card

pytestmark = pytest.mark.anyio
TOWN = SHOP[:6]


async def ask(counter: Counter, path: str, scope: Scope = Scope.READ, **said: object) -> httpx.Response:
    """Ask as an officer with a scope; with `said`, put it."""
    token = counter.ledger.office.new_token(Officer(TOWN, "見本", frozenset({scope})), counter.ledger.today())
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as http:
        return await http.request("PUT" if said else "GET", path, headers=headers, json=said or None)


async def redeem(counter: Counter, number: int, points: int) -> None:
    """Let one more card pay with points."""
    card = Card.issue(0x09000000 + number)
    await counter.register(card, points=points)
    verdict = (await counter.send(counter.till.sale(card, points, redeem=points))).verdict
    assert verdict.redeemed == points


async def test_events_are_read_by_api_and_counted_for_prometheus(counter: Counter) -> None:
    """By kind and terminal there, by kind alone here."""
    counter.ledger.noticed(EventKind.WRONG_PROOF, f"{SHOP}-01", 3)
    (found,) = (await ask(counter, "/v1/office/events?since=2026-01-01")).json()["events"]
    assert (found["kind"], found["about"], found["times"]) == ("wrong_proof", f"{SHOP}-01", 3)
    assert (await ask(counter, "/v1/office/events?since=2027-01-01")).json()["events"] == []
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as http:
        text = (await http.get("/metrics")).text
    assert 'kazasu_events_total{kind="wrong_proof"} 3.0' in text
    assert SHOP not in text


async def test_a_shops_share_of_few_cards_is_told(counter: Counter) -> None:
    """Of its five busiest, in per cent; a shop that redeems little is no event."""
    for number, points in enumerate([400, 300, 100, 100, 50, 50]):
        await redeem(counter, number, points)
    since = date(2026, 1, 1)
    (found,) = concentration(counter.ledger, TOWN, since)
    assert (found.shop, found.points, found.share) == (SHOP, 1_000, 95)
    (told,) = (await ask(counter, "/v1/office/events?since=2026-01-01")).json()["concentration"]
    assert told == {"day": found.day, "shop": SHOP, "points": 1_000, "share": 95}
    assert not counter.ledger.events.since(TOWN, since)


def test_many_cards_are_kept_short_and_never_said_to_be_more() -> None:
    """The share that is told is the true one or less; up to 64 cards it is exact."""
    day, true = ShopDay(), dict.fromkeys((f"{n:012x}" for n in range(500)), 0)
    for turn in range(3_000):
        card = f"{turn * turn % 500:012x}"
        points = 900 if turn % 500 < 4 else 10
        true[card] += points
        day.add(card, points)
    exact = 100 * sum(sorted(true.values())[-BUSIEST:]) // sum(true.values())
    assert day.points == sum(true.values())
    assert day.share <= exact
    assert len(day.to_json()) == len(ShopDay().to_json())
    assert ShopDay.from_json(day.to_json()) == day


@pytest.mark.parametrize(
    ("points", "cards", "conspicuous"),
    [(MANY_POINTS, 5, True), (MANY_POINTS - 10, 5, False), (10 * MANY_POINTS, 10, False), (MANY_POINTS, 6, True)],
)
def test_what_is_conspicuous(points: int, cards: int, conspicuous: bool) -> None:
    """Much of it, and nearly all of few cards."""
    day = ShopDay()
    for number in range(cards):
        day.add(f"{number:012x}", points // cards + (number < points % cards))
    assert day.is_conspicuous == conspicuous


async def test_only_who_looks_after_the_town_names_an_address(counter: Counter) -> None:
    """And none that is inside."""
    path = "/v1/office/webhook"
    assert (await ask(counter, path, url="https://city.example.jp/")).json()["code"] == "scope_wrong"
    for url, code in (("https://127.0.0.1/", "webhook_private"), ("https://u:p@city.example.jp/", "webhook_url_wrong")):
        assert (await ask(counter, path, Scope.OPERATE, url=url)).json()["code"] == code
    plain = await ask(counter, path, Scope.OPERATE, url="http://city.example.jp/")
    assert plain.json()["code"] == "request_malformed"
    assert (await ask(counter, path, Scope.OPERATE)).json() is None
    assert (await ask(counter, path, Scope.OPERATE, url="https://8.8.8.8/")).json() == {"done": True}
    assert (await ask(counter, path, Scope.OPERATE)).json()["url"] == "https://8.8.8.8/"
    actions = [(act.action, "state" in act.detail) for act in counter.ledger.audit.acts(TOWN)]
    assert ("webhook", True) in actions
