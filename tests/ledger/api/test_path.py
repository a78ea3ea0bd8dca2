"""The main path over the API: enrolment, registration, inquiry, sale, and the same again when a reply was lost."""

from __future__ import annotations

import pytest

from ledger.wire.answers import Standing, Status
from ledger.wire.tokens import ServiceId
from tests.ledger.api.conftest import SHOP, Counter
from tests.ledger.api.world import Card

pytestmark = pytest.mark.anyio


async def test_a_new_terminal_is_told_all_it_needs(counter: Counter) -> None:
    """Shop, programmes, sealing key, time and head come with the enrolment, and again whenever asked for."""
    setup = await counter.client.setup()
    fresh = {"nonce": "", "nonce_expires_at": None}
    assert setup.model_copy(update=fresh) == counter.till.setup.model_copy(update=fresh)
    assert (setup.shop.code, setup.head_seq) == (SHOP, 0)
    assert [each["code"] for each in setup.programmes] == ["252034"]


async def test_a_resident_registers_taps_and_pays(counter: Counter, card: Card) -> None:
    """From a card that nobody knows to a sale by tap, with balances after it."""
    assert (await counter.inquire(card)).standing is Standing.UNREGISTERED
    library = ServiceId(service="library", number="0042")
    assert (await counter.register(card, library, points=820)).status is Status.ACCEPTED
    known = await counter.inquire(card)
    assert (known.standing, known.services) == (Standing.ACTIVE, [library])
    assert [(each.points, each.tap_redeemable) for each in known.balances] == [(820, 500)]
    decision = await counter.send(counter.till.sale(card, 1200, redeem=400))
    assert (decision.verdict.status, decision.verdict.amount_due) == (Status.ACCEPTED, 800)
    assert decision.balances is not None
    assert [each.points for each in decision.balances] == [420]
