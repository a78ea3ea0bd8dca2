"""A reading is proven: who did not read the card learns nothing of it and gets nothing, whatever else they have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from ledger.api.presented import is_of
from ledger.api.state import Ledger
from ledger.identity.store import Holder
from ledger.wire.answers import Inquiry, InquiryResult, Standing, Status
from ledger.wire.client import LedgerBusy, LedgerRefusal, NonceExpired
from ledger.wire.consent import group_digest
from ledger.wire.proof import proof_of
from ledger.wire.sealing import Purpose, seal
from ledger.wire.tokens import Presented
from tests.ledger.api.conftest import Counter
from tests.ledger.api.world import Card, Clock, Till

pytestmark = pytest.mark.anyio

ID = "an-inquiry-s-own-id"


def guessed(till: Till, card: Card, bound_to: str, purpose: Purpose, key_bytes: bytes = b"\0" * 32) -> str:
    """Return what somebody seals who guessed a card's serial and has not read its key."""
    terminal = till.setup.terminal_id
    presented = Presented.model_validate(
        {
            "token": {"kind": "jpki", **card.reference.as_json()},
            "nonce": till.nonce,
            "proof": proof_of(key_bytes, purpose, terminal, bound_to, till.nonce),
        }
    )
    return seal(presented, purpose, terminal, till.setup.sealing_key, bound_to)


async def ask(counter: Counter, card: Card) -> InquiryResult:
    """Return what is said of a card whose key was not read."""
    sealed = guessed(counter.till, card, ID, Purpose.INQUIRY)
    return await counter.client.inquire(Inquiry(id=ID, resident=sealed))


async def test_a_wrong_proof_and_an_unregistered_card_look_alike(counter: Counter, card: Card) -> None:
    """Every field but the next nonce is the same, and so is the verdict on a sale."""
    await counter.register(card, points=820)
    till, stranger = counter.till, Card.issue(77)
    wrong, unknown = await ask(counter, card), await ask(counter, stranger)
    assert wrong.model_copy(update={"nonce": ""}) == unknown.model_copy(update={"nonce": ""})
    assert wrong.standing is Standing.UNREGISTERED
    verdicts = []
    for who in (card, stranger):
        content = till.sale(who, 1200, redeem=100)
        content["resident"] = guessed(till, who, till.next_id, Purpose.OPERATION)
        verdicts.append((await counter.send(content)).verdict)
    alike = [each.model_copy(update={"operation_id": "", "content_hash": None}) for each in verdicts]
    assert alike[0] == alike[1]
    assert (alike[0].redeemed, [cut.reason for cut in alike[0].cuts]) == (0, ["card_unregistered"])


async def test_a_stopped_card_says_so_only_to_who_read_it(counter: Counter, card: Card) -> None:
    """A guess learns no standing either."""
    await counter.register(card)
    mykey = counter.ledger.identity.look_up([card.reference])[card.reference].mykey
    counter.ledger.identity.stop(str(mykey))
    assert (await counter.inquire(card)).standing is Standing.SUSPENDED
    assert (await ask(counter, card)).standing is Standing.UNREGISTERED


async def test_only_wrong_proofs_slow_a_terminal(counter: Counter, card: Card, clock: Clock) -> None:
    """After a dozen in a minute it waits; any number of cards that nobody registered does not matter."""
    await counter.register(card, points=820)
    for _ in range(20):
        assert (await ask(counter, Card.issue(77))).standing is Standing.UNREGISTERED
    for _ in range(11):
        await ask(counter, card)
    with pytest.raises(LedgerBusy) as slowed:
        await ask(counter, card)
    assert 0 < slowed.value.retry_after <= 60
    clock.now += timedelta(minutes=1)
    assert (await counter.inquire(card)).standing is Standing.ACTIVE


async def test_a_proof_serves_one_inquiry_and_one_terminal(counter: Counter, card: Card) -> None:
    """Sealed for one inquiry it opens for no other; an unsealed card reference opens for none."""
    await counter.register(card)
    asked = counter.till.inquiry(card)
    for other in (
        asked.model_copy(update={"id": "another-inquiry-s-id"}),
        Inquiry(resident=asked.resident),
        Inquiry(
            id=ID,
            resident=seal(
                card.reference, Purpose.INQUIRY, counter.till.setup.terminal_id, counter.till.setup.sealing_key
            ),
        ),
    ):
        with pytest.raises(LedgerRefusal) as refusal:
            await counter.client.inquire(other)
        assert refusal.value.code == "seal_wrong"


async def test_a_nonce_that_ended_closes_inquiries_with_a_fresh_one(counter: Counter, card: Card, clock: Clock) -> None:
    """The answer brings what to ask with again."""
    await counter.register(card)
    asked = counter.till.inquiry(card)
    clock.now += timedelta(minutes=10)
    with pytest.raises(NonceExpired) as expired:
        await counter.client.inquire(asked)
    counter.till.nonce = expired.value.nonce
    assert (await counter.client.inquire(counter.till.inquiry(card))).standing is Standing.ACTIVE


@pytest.mark.parametrize(("minutes", "nonce"), [(20, None), (0, "made-up"), (60 * 24 * 2, None)])
async def test_its_end_marks_an_operation_as_late_and_refuses_none(
    counter: Counter, card: Card, clock: Clock, minutes: int, nonce: str | None
) -> None:
    """A sale that was journalled stands with its points; that its consent had grown old is said."""
    await counter.register(card, points=820)
    nonce = nonce or (await counter.inquire(card)).nonce
    clock.now += timedelta(minutes=minutes)
    till = counter.till
    verdict = (await counter.send(till.consent(card, till.sale(card, 1200, redeem=800), nonce))).verdict
    assert (verdict.status, verdict.redeemed, verdict.late) == (Status.ACCEPTED, 800, True)


async def test_a_nonce_serves_one_operation(counter: Counter, card: Card) -> None:
    """The same id again gets the same verdict, another one gets no points of it."""
    await counter.register(card, points=820)
    till, nonce = counter.till, (await counter.inquire(card)).nonce
    entry = till.record(till.consent(card, till.sale(card, 1200, redeem=300), nonce))
    first = (await counter.client.upload([entry])).decisions[0].verdict
    second = (await counter.send(till.consent(card, till.sale(card, 1200, redeem=300), nonce))).verdict
    assert (await counter.client.upload([entry])).decisions[0].verdict == first
    assert (first.redeemed, second.redeemed) == (300, 0)
    assert {cut.reason for cut in second.cuts} == {"nonce_spent"}


async def test_a_copied_journal_gives_nothing_away(counter: Counter, card: Card) -> None:
    """What lies sealed in one entry opens for no other operation of the same terminal."""
    await counter.register(card, points=820)
    till = counter.till
    sold = till.sale(card, 600, redeem=100)
    await counter.send(sold)
    verdict = (await counter.send(sold)).verdict
    assert (verdict.redeemed, {cut.reason for cut in verdict.cuts}) == (0, {"resident_unreadable"})


async def test_one_signature_consents_to_several_operations_that_it_names(counter: Counter, card: Card) -> None:
    """The card signs a hash over their digests; one that is not among them gets nothing."""
    await counter.register(card, points=820)
    till = counter.till
    content = till.sale(card, 1200, redeem=600) | {"assurance": {"method": "pin"}}
    digests = [till.digest(content, "").hex(), "0" * 64]
    signature = card.sign(group_digest(digests))
    sealed = till.presented(card, till.next_id, signature=signature, digests=digests)
    assert (await counter.send(content | {"resident": sealed})).verdict.redeemed == 600
    content = till.sale(card, 200, redeem=200) | {"assurance": {"method": "pin"}}
    sealed = till.presented(card, till.next_id, signature=signature, digests=digests)
    verdict = (await counter.send(content | {"resident": sealed})).verdict
    assert {cut.reason for cut in verdict.cuts} == {"consent_wrong"}


def _registered_otherwise(till: Till, card: Card, nonce: str) -> dict[str, Any]:
    content, other = till.link(card, nonce), till.link(Card.issue(5), nonce)
    return content | {"registration": other["registration"], "consent_text": "2026-1"}


async def test_a_registrations_signature_covers_what_is_registered(counter: Counter, card: Card) -> None:
    """The certificate, the numbers and the text that was agreed to: whatever is changed, nobody is registered."""
    nonce = (await counter.client.inquire(Inquiry())).nonce
    verdict = (await counter.send(_registered_otherwise(counter.till, card, nonce))).verdict
    assert (verdict.status, verdict.code) == (Status.REFUSED, "consent_wrong")


def test_nobodys_key_proves_nothing() -> None:
    """Where nobody is registered, a proof that fits the key it is held against proves no card all the same."""
    presented = Presented.model_validate(
        {
            "token": {"kind": "jpki", "issuer_sha256": "0" * 64, "serial": "1"},
            "proof": proof_of(b"\x80" + b"\0" * 31, Purpose.INQUIRY, "252034-0001-01", ID, ""),
        }
    )
    assert not is_of(presented, Holder(Standing.UNREGISTERED), Purpose.INQUIRY, "252034-0001-01", ID)


# Form 1 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(counter: Counter, ledger: Ledger) -> Counter:
    """Return a counter of release 0.1.0, whose journal is of form 1."""
    with ledger.books.begin() as connection:
        connection.execute(text("UPDATE terminals SET form = 1"))
    counter.till.form = 1
    return counter


async def test_a_journal_of_the_first_release_is_read_as_it_was(old: Counter, card: Card) -> None:
    """Registration, sale by tap and sale with the card's signature in plain."""
    assert (await old.register(card, points=820)).status is Status.ACCEPTED
    assert (await old.send(old.till.sale(card, 600, redeem=100))).verdict.redeemed == 100
    nonce = (await old.inquire(card)).nonce
    content = old.till.consent(card, old.till.sale(card, 1200, redeem=700), nonce)
    assert (await old.send(content)).verdict.redeemed == 700


async def test_its_consent_held_for_minutes(old: Counter, card: Card, clock: Clock) -> None:
    """In form 1 a signature over a nonce that had ended does not count."""
    await old.register(card, points=820)
    nonce = (await old.inquire(card)).nonce
    clock.now += timedelta(minutes=20)
    content = old.till.consent(card, old.till.sale(card, 1200, redeem=700), nonce)
    assert {cut.reason for cut in (await old.send(content)).verdict.cuts} == {"consent_late"}


async def test_no_terminal_goes_back_to_form_1(old: Counter, card: Card) -> None:
    """Once it wrote form 2, an entry that proves nothing is not read any more: nobody guesses serials that way."""
    await old.register(card, points=820)
    assert (await old.send(old.till.sale(card, 600, redeem=100))).verdict.redeemed == 100
    old.till.form = 2
    assert (await old.send(old.till.sale(card, 600, redeem=100))).verdict.redeemed == 100
    old.till.form = 1
    verdict = (await old.send(old.till.sale(card, 600, redeem=100))).verdict
    assert (verdict.redeemed, {cut.reason for cut in verdict.cuts}) == (0, {"resident_unreadable"})


async def test_a_terminal_that_enrols_today_never_writes_form_1(counter: Counter, card: Card) -> None:
    """Nor one upload that mixes both."""
    await counter.register(card, points=820)
    till = counter.till
    entries = [till.record(till.sale(card, 600, redeem=100))]
    till.form = 1
    entries.append(till.record(till.sale(card, 600, redeem=100)))
    verdicts = [each.verdict for each in (await counter.client.upload(entries)).decisions]
    assert [each.redeemed for each in verdicts] == [100, 0]
