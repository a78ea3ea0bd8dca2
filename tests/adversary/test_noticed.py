"""What a dishonest hand does shows to the office, by kind."""

from __future__ import annotations

import pytest

from tests.adversary.conftest import Municipality
from tests.adversary.thief import MUNICIPALITY, STREET, Thief, sale
from tests.ledger.api.world import Card

pytestmark = pytest.mark.anyio


async def test_a_second_journal_under_one_key_is_a_fork(thief: Thief, municipality: Municipality) -> None:
    """A copy of the terminal that wrote something else under the same number."""
    await thief.do(sale(100))
    copy = Thief(thief.http, thief.clock, thief.key, thief.setup)
    answer = await copy.ask("POST", "/v1/uploads", {"entries": [copy.write(sale(900))]})
    assert answer.json()["code"] in {"journal_fork", "journal_rollback"}
    assert municipality.noticed()["journal_fork"] >= 1


async def test_an_entry_that_is_set_aside_is_seen(thief: Thief, municipality: Municipality) -> None:
    """Its id is refused for ever, and the office is told how often."""
    lost = thief.write(sale(100))
    mark = thief.write({"kind": "set_aside", "detail": {"seq": 1, "hash": lost["hash"]}})
    body = {"entries": [mark], "set_aside": [{"seq": 1, "hash": lost["hash"]}]}
    answer = await thief.ask("POST", "/v1/uploads", body)
    assert answer.status_code == 200
    assert municipality.noticed() == {"set_aside": 1}


@pytest.mark.parametrize(("off", "kind"), [(-1, "backdated"), (-7, "backdated"), (-60, "late"), (1, "late")])
async def test_other_days_are_seen(thief: Thief, friend: Card, municipality: Municipality, off: int, kind: str) -> None:
    """Whether they count there or not."""
    day = thief.today(off)
    thief.write(thief.of(friend, sale(110, award={STREET: 1}), day=day), day)
    await thief.upload()
    assert municipality.noticed() == {kind: 1}


async def test_a_shop_that_redeems_of_few_cards_is_seen(thief: Thief, municipality: Municipality) -> None:
    """Once a day, however long it goes on."""
    for number in range(2):
        card = Card.issue(0x05000000 + number)
        await thief.register(card)
        municipality.deposit(card, STREET, 60_000)
        municipality.deposit(card, MUNICIPALITY, 60_000)
        for programme in (STREET, MUNICIPALITY):
            thief.write(thief.of(card, sale(40_000, {programme: 40_000}), pin=True))
            await thief.upload()
    assert municipality.noticed()["concentration"] == 1


async def test_honest_crowds_are_not(thief: Thief, municipality: Municipality) -> None:
    """Twenty customers with three thousand points each."""
    for number in range(20):
        card = Card.issue(0x05100000 + number)
        await thief.register(card)
        municipality.deposit(card, STREET, 3_000)
        thief.write(thief.of(card, sale(3_000, {STREET: 3_000}), pin=True))
    await thief.upload()
    assert municipality.noticed() == {}
