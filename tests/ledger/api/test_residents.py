"""What a resident proves and decides: consent with the card's signature, linking, renewing, leaving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.embedded import assemble
from ledger.identity.store import RENEWAL
from ledger.place import Place
from ledger.points.store import PointsStore
from ledger.wire.answers import Standing, Status
from ledger.wire.tokens import ServiceId
from tests.ledger.api.conftest import Counter
from tests.ledger.api.world import NOW, Card, Till

pytestmark = pytest.mark.anyio

LIBRARY, MUSEUM = ServiceId(service="library", number="0042"), ServiceId(service="museum", number="7")

Content = dict[str, Any]


async def nonce_of(counter: Counter, card: Card) -> str:
    """Return the nonce that a tap brings."""
    return (await counter.inquire(card)).nonce


def unlink(counter: Counter, card: Card, nonce: str, service: str | None = None) -> Content:
    """Return the wish to give up one service, or to leave."""
    till = counter.till
    sealed = till.sale(card, 1)["resident"]
    content = {"kind": "unlink", "municipality": "252034", "resident": sealed}
    return till.consent(card, content | ({"service": service} if service else {}), nonce)


async def test_above_the_tap_ceiling_the_card_must_sign(counter: Counter, card: Card) -> None:
    """800 points by tap need the PIN; with the card's signature over this very sale they are redeemed."""
    await counter.register(card, points=820)
    till = counter.till
    tapped = (await counter.send(till.sale(card, 1200, redeem=800))).verdict
    assert (tapped.redeemed, [cut.reason for cut in tapped.cuts]) == (500, ["pin_needed"])
    await counter.send({"kind": "void", "municipality": "252034", "target": tapped.operation_id})
    nonce = await nonce_of(counter, card)
    decision = await counter.send(till.consent(card, till.sale(card, 1200, redeem=800), nonce))
    assert (decision.verdict.status, decision.verdict.amount_due) == (Status.ACCEPTED, 400)


def _more_than_was_signed(till: Till, card: Card, nonce: str) -> Content:
    signed = till.consent(card, till.sale(card, 1200, redeem=700), nonce)
    return signed | {"redeem": [{"programme": "252034", "points": 800}], "amount_due": 400}


def _by_another_card(till: Till, card: Card, nonce: str) -> Content:
    content = till.sale(card, 1200, redeem=800) | {"assurance": {"method": "pin"}}
    signature = Card.issue(9).sign(till.digest(content, nonce))
    return content | {"resident": till.presented(card, till.next_id, nonce=nonce, signature=signature)}


def _for_another_operation(till: Till, card: Card, nonce: str) -> Content:
    content = till.consent(card, till.sale(card, 1200, redeem=800), nonce)
    till.record({"kind": "opened"})
    return content


def _at_another_time(till: Till, card: Card, nonce: str) -> Content:
    content = till.consent(card, till.sale(card, 1200, redeem=800), nonce)
    till.clock.now += timedelta(seconds=1)
    return content


def _under_another_nonce(till: Till, card: Card, nonce: str) -> Content:
    content = till.sale(card, 1200, redeem=800) | {"assurance": {"method": "pin"}}
    signature = card.sign(till.digest(content, "another"))
    return content | {"resident": till.presented(card, till.next_id, nonce=nonce, signature=signature)}


def _on_another_day(till: Till, card: Card, nonce: str) -> Content:
    content = till.consent(card, till.sale(card, 1200, redeem=800), nonce)
    till.day = "2026-11-22"
    return content


def _without_signature(till: Till, card: Card, nonce: str) -> Content:
    return till.sale(card, 1200, redeem=800) | {"assurance": {"method": "pin"}}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_more_than_was_signed, "consent_wrong"),
        (_by_another_card, "consent_wrong"),
        (_for_another_operation, "resident_unreadable"),
        (_at_another_time, "consent_wrong"),
        (_without_signature, "consent_wrong"),
        (_under_another_nonce, "consent_wrong"),
        (_on_another_day, "consent_wrong"),
    ],
)
async def test_consent_holds_for_what_was_signed_and_nothing_else(
    counter: Counter, card: Card, make: Callable[[Till, Card, str], Content], code: str
) -> None:
    """Another amount, card, operation, time or nonce: nothing is redeemed."""
    await counter.register(card, points=820)
    entries = counter.till.entries
    sent = len(entries)
    counter.till.record(make(counter.till, card, await nonce_of(counter, card)))
    verdict = (await counter.client.upload(entries[sent:])).decisions[-1].verdict
    assert (verdict.status, verdict.redeemed) == (Status.SHORTFALL, 0)
    assert {cut.reason for cut in verdict.cuts} == {code}


async def test_a_sale_signed_in_time_may_arrive_late(counter: Counter, card: Card) -> None:
    """The line broke after the resident had consented: an hour later the consent still holds."""
    await counter.register(card, points=820)
    till = counter.till
    entry = till.record(till.consent(card, till.sale(card, 1200, redeem=800), await nonce_of(counter, card)))
    till.clock.now = NOW + timedelta(hours=1)
    assert (await counter.client.upload([entry])).decisions[0].verdict.status is Status.ACCEPTED


async def test_a_number_is_linked_at_the_window_and_called_up_by_the_tap(counter: Counter, card: Card) -> None:
    """A second visit links a second number to the same person; one can be given up without the other."""
    await counter.register(card, LIBRARY)
    await counter.register(card, MUSEUM)
    assert (await counter.inquire(card)).services == [LIBRARY, MUSEUM]
    decision = await counter.send(unlink(counter, card, await nonce_of(counter, card), "library"))
    assert decision.verdict.status is Status.ACCEPTED
    assert (await counter.inquire(card)).services == [MUSEUM]


async def test_leaving_erases_the_person_and_keeps_the_totals(counter: Counter, card: Card) -> None:
    """Afterwards the card is one that nobody knows, its points are gone, and the same request again changes nothing."""
    await counter.register(card, LIBRARY, points=820)
    entry = counter.till.record(unlink(counter, card, await nonce_of(counter, card)))
    left = (await counter.client.upload([entry])).decisions[0]
    assert (left.verdict.status, left.balances) == (Status.ACCEPTED, None)
    assert (await counter.inquire(card)).standing is Standing.UNREGISTERED
    await counter.register(card)
    assert (await counter.client.upload([entry])).decisions[0].verdict == left.verdict
    known = await counter.inquire(card)
    assert (known.standing, known.balances, known.services) == (Standing.ACTIVE, [], [])


async def test_leaving_needs_the_cards_signature(counter: Counter, card: Card) -> None:
    """Nobody else can give a resident's points up."""
    await counter.register(card, points=820)
    till, wish = counter.till, unlink(counter, card, await nonce_of(counter, card))
    wish["resident"] = till.presented(card, till.next_id)
    assert (await counter.send(wish)).verdict.code == "consent_wrong"
    assert (await counter.inquire(card)).balances[0].points == 820


async def test_a_leave_that_broke_off_is_finished_by_the_next_try(
    counter: Counter, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ID was erased and then the points store failed: the terminal asks again and gets its verdict."""
    await counter.register(card, points=820)
    entry = counter.till.record(unlink(counter, card, await nonce_of(counter, card)))
    with monkeypatch.context() as broken:
        broken.setattr(PointsStore, "apply", _fails)
        with pytest.raises(Exception, match="busy"):
            await counter.client.upload([entry])
    assert (await counter.client.upload([entry])).decisions[0].verdict.status is Status.ACCEPTED
    assert (await counter.inquire(card)).standing is Standing.UNREGISTERED


def _fails(*_: object) -> None:
    raise OSError("the disk is gone")


async def test_a_registration_that_broke_off_is_finished_by_the_next_try(
    counter: Counter, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card was registered and no verdict written: asking again finds the same MyKey ID."""
    entry = counter.till.record(counter.till.link(card, await nonce_of(counter, card), LIBRARY))
    with monkeypatch.context() as broken:
        broken.setattr(PointsStore, "apply", _fails)
        with pytest.raises(Exception, match="busy"):
            await counter.client.upload([entry])
    mykey = counter.ledger.identity.find_mykey(LIBRARY, "252034")
    assert (await counter.client.upload([entry])).decisions[0].verdict.status is Status.ACCEPTED
    assert counter.ledger.identity.find_mykey(LIBRARY, "252034") == mykey


async def test_a_renewed_card_keeps_points_and_numbers(counter: Counter, card: Card) -> None:
    """The office identifies the holder and gives out a code; the terminal registers the new card with it."""
    await counter.register(card, LIBRARY, points=820)
    renewed = Card.issue(0x02000001)
    mykey = counter.ledger.identity.find_mykey(LIBRARY, "252034") or ""
    code = counter.ledger.identity.renewal_code(mykey, counter.ledger.today())
    verdict = await counter.register(renewed, ServiceId(service=RENEWAL, number=code))
    assert verdict.status is Status.ACCEPTED
    known = await counter.inquire(renewed)
    assert (known.balances[0].points, known.services) == (820, [LIBRARY])
    assert (await counter.inquire(card)).standing is Standing.UNREGISTERED


async def test_a_registration_for_another_terminal_does_not_open(counter: Counter, card: Card) -> None:
    """A sealed certificate cannot be used from elsewhere, and a refused registration registers nobody."""
    till = counter.till
    elsewhere = Till(till.setup.model_copy(update={"terminal_id": "252034-0001-02"}), till.key, till.clock)
    content = till.link(card, await nonce_of(counter, card))
    content["registration"] = elsewhere.link(card, till.nonce)["registration"]
    assert (await counter.send(content)).verdict.code == "resident_unreadable"
    assert (await counter.inquire(card)).standing is Standing.UNREGISTERED


async def test_the_ledger_opens_again_as_it_was(counter: Counter, card: Card) -> None:
    """Keys and databases lie in the directory: a restart changes nothing for anybody."""
    await counter.register(card, points=820)
    directory = Path(counter.ledger.stores[0].url.database or "").parent
    again = assemble(Place(directory), counter.ledger.registrar.anchors, counter.till.clock)
    assert again.sealing_key.public == counter.ledger.sealing_key.public
    assert again.identity.look_up([card.reference])[card.reference].standing is Standing.ACTIVE
    again.close()


async def test_only_a_services_own_shops_link_and_see_its_numbers(counter: Counter, card: Card) -> None:
    """A shop that the office took off sees nothing any more, and links nothing; the number stays its holder's."""
    registry = counter.ledger.registry
    await counter.register(card, ServiceId(service="library", number="0042"))
    assert [each.number for each in (await counter.inquire(card)).services] == ["0042"]
    registry.set_service("252034", "library", [])
    assert (await counter.inquire(card)).services == []
    other = Card.issue(0x02F3A9C2)
    refused = await counter.register(other, ServiceId(service="library", number="0043"))
    assert refused.code == "service_elsewhere"
    assert counter.ledger.identity.look_up([other.reference])[other.reference].mykey is None
    foreign = await counter.register(other, ServiceId(service="museum", number="7", municipality="131164"))
    assert foreign.code == "service_elsewhere"
