"""The desk: every effect is carried out over a real journal and a card, and nothing is told that is not durable."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from ledger.wire.answers import Standing
from ledger.wire.consent import consent_digest_2, is_signed
from ledger.wire.operations import Sale, Void
from ledger.wire.proof import is_proven
from ledger.wire.sealing import Purpose
from ledger.wire.tokens import Presented
from offline_queue.sync import Line
from reader.virtual.cards import DESIGNS, practice_cards
from terminal.counter import pricing
from terminal.counter.effects import AskAgain, AskTries, Authorise, Commit, ListUndoable, ReadCard, Reopen, Wipe
from terminal.counter.events import (
    Authorised,
    CardFailed,
    CardRead,
    Decided,
    Event,
    NotRecorded,
    Opened,
    TriesLeft,
    Trouble,
    Unanswered,
    UndoableListed,
)
from terminal.counter.facts import AwardIntent, BalanceIntent, Draft, Fault, LinkIntent, Resident, SaleIntent
from terminal.shop.engine import Surroundings
from tests.terminal.counters import TERMINAL, TERMS
from tests.terminal.desks import NONCE, OpenDesk, TestLedger, desk

pytestmark = pytest.mark.anyio


async def tapped(counter: OpenDesk, card: str = "two-towns") -> Resident:
    """Return who was read."""
    counter.cards.tap(card)
    event = await counter.desk.carry_out(ReadCard(1, SaleIntent(1200)))
    assert isinstance(event, CardRead)
    return event.resident


async def sell(counter: OpenDesk) -> Event | None:
    """Return what came of a tap and a sale without points."""
    return await counter.desk.carry_out(Commit(1, none_of_it(await tapped(counter))))


def public_key(card: str) -> bytes:
    """Return a practice card's public key."""
    certificate = load_der_x509_certificate(dict(practice_cards())[card])
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def presented(counter: OpenDesk, operation: str) -> tuple[Presented, str]:
    """Return what the ledger opens of a written operation, and its id."""
    record = counter.station.journal.find(operation)
    assert record is not None
    content = record.entry.content
    assert isinstance(content, Sale)
    return counter.ledger.sealing.open(content.resident, Purpose.OPERATION, TERMINAL, Presented, operation), operation


def all_of_it(resident: Resident) -> Draft:
    """Return the draft of a sale of 1,200 yen that uses all points."""
    return pricing.sale(pricing.choices_for(1200, resident, TERMS)[0], TERMS)


def none_of_it(resident: Resident) -> Draft:
    """Return the draft of a sale of 1,200 yen that uses no points."""
    return pricing.sale(pricing.choice_of_none(1200, resident, TERMS), TERMS)


async def test_a_tap_tells_who_it_is_to_the_ledger_alone(tmp_path: Path) -> None:
    """One question, proven with the card's key; what is kept of the operation only the ledger can open."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        assert (resident.standing, resident.balances) == (Standing.ACTIVE, counter.ledger.balances)
        (asked,) = counter.ledger.asked
        decided = await counter.desk.carry_out(Commit(1, none_of_it(resident)))
        assert isinstance(decided, Decided)
        opened, operation = presented(counter, decided.receipt.operation_id)
        assert opened.token == asked.token
        key = public_key("two-towns")
        assert is_proven(key, str(opened.proof), Purpose.OPERATION, TERMINAL, operation, opened.nonce)
        assert opened.token.serial not in repr((resident, decided))


async def test_a_nonce_that_had_ended_is_replaced_and_asked_with_once_more(tmp_path: Path) -> None:
    """The counter hears nothing of it, and the operation uses the fresh one."""
    async with desk(tmp_path) as counter:
        counter.station.setup = counter.station.setup.model_copy(update={"nonce": "ended-long-ago"})
        resident = await tapped(counter)
        assert resident.online
        assert [asked.nonce for asked in counter.ledger.asked] == ["ended-long-ago", NONCE]
        await tapped(counter)
        assert len(counter.ledger.asked) == 3


async def test_what_a_tap_read_is_overwritten_when_its_task_ends(tmp_path: Path) -> None:
    """By the next tap, by the commit, and by a task that is not this card's nothing can be written."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        first = counter.desk._present
        assert first is not None
        assert any(first._key)
        await tapped(counter)
        second = counter.desk._present
        assert second is not None
        assert not any(first._key)
        other = await counter.desk.carry_out(Commit(2, none_of_it(resident)))
        assert other == NotRecorded(2, Fault("card_changed"))
        assert isinstance(await counter.desk.carry_out(Commit(1, none_of_it(resident))), Decided)
        assert not any(second._key)
        assert counter.desk._present is None


async def test_a_commit_is_durable_and_then_decided(tmp_path: Path) -> None:
    """The verdict comes with what is held now, and stands in the journal."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        event = await counter.desk.carry_out(Commit(1, none_of_it(resident)))
        assert isinstance(event, Decided)
        assert (event.receipt.amount_due, event.receipt.awarded, event.receipt.balances[0].points) == (1200, 20, 3)
        record = counter.station.journal.find(event.receipt.operation_id)
        assert record is not None
        assert record.verdict == event.receipt.verdict
        assert (record.entry.operator, record.entry.business_date) == ("12", "2026-11-23")
        assert counter.lines == [True]
        assert counter.station.syncer.state.line is Line.ONLINE


async def test_without_the_line_a_card_is_still_read_and_an_award_waits(tmp_path: Path) -> None:
    """Nobody answers: the card counts as read, the operation is durable and unsent."""
    async with desk(tmp_path, TestLedger(down=True)) as counter:
        resident = await tapped(counter)
        assert not resident.online
        event = await counter.desk.carry_out(Commit(1, none_of_it(resident)))
        assert isinstance(event, Unanswered)
        assert counter.station.journal.unsent_count() == 1
        assert counter.lines == [False]
        assert counter.station.syncer.state.line is Line.OFFLINE


async def test_while_the_clock_is_wrong_an_award_waits(tmp_path: Path) -> None:
    """It is said as this terminal's own trouble; once the clock is right, what waited is decided."""
    async with desk(tmp_path, TestLedger(skewed=True)) as counter:
        resident = await tapped(counter)
        assert not resident.online
        event = await counter.desk.carry_out(Commit(1, none_of_it(resident)))
        assert isinstance(event, Unanswered)
        state = counter.station.syncer.state
        assert (state.line, state.error) == (Line.HELD, "clock_skewed")
        around = Surroundings("12", online=False, trouble=state.error)
        assert around.line_text == "status-line-clock"
        counter.ledger.skewed = False
        assert await counter.station.syncer.sync() == 1
        assert counter.station.syncer.state.line is Line.ONLINE
        assert (await tapped(counter)).online


async def test_a_lost_reply_leads_to_the_same_operation(tmp_path: Path) -> None:
    """The ledger took it, nobody heard: asking again goes out under the same id, and is decided."""
    async with desk(tmp_path, TestLedger(loses=1)) as counter:
        resident = await tapped(counter)
        lost = await counter.desk.carry_out(Commit(1, none_of_it(resident)))
        assert isinstance(lost, Unanswered)
        event = await counter.desk.carry_out(AskAgain(1, lost.receipt))
        assert isinstance(event, Decided)
        ids = [upload.entries[-1].entry.operation_id for upload in counter.ledger.uploads]
        assert ids == [event.receipt.operation_id] * 2


@pytest.mark.parametrize("asks", [True, False], ids=["the customer waits", "the customer left"])
async def test_what_is_short_is_the_shops_loss_only_where_the_customer_left(tmp_path: Path, *, asks: bool) -> None:
    """The background brought the verdict; who still stands there is told what is due, and pays it."""
    async with desk(tmp_path, TestLedger(loses=1, short=100)) as counter:
        resident = await tapped(counter)
        lost = await counter.desk.carry_out(Commit(1, all_of_it(resident)))
        assert isinstance(lost, Unanswered)
        await counter.station.syncer.sync()
        if asks:
            assert isinstance(await counter.desk.carry_out(AskAgain(1, lost.receipt)), Decided)
        losses = counter.station.journal.losses()
        assert [each.operation_id for each in losses] == ([] if asks else [lost.receipt.operation_id])
        counter.station.journal.verify()


async def test_the_card_signs_id_time_and_amounts(tmp_path: Path) -> None:
    """What is committed is what the resident's key signed, under the id that it then has."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        pin = bytearray(b"1234")
        event = await counter.desk.carry_out(Authorise(1, all_of_it(resident), last_try=False, pin=pin))
        assert isinstance(event, Authorised)
        assert pin == bytearray(4)
        decided = await counter.desk.carry_out(Commit(1, event.draft))
        assert isinstance(decided, Decided)
        assert decided.receipt.operation_id == event.draft.operation_id
        opened, operation = presented(counter, decided.receipt.operation_id)
        record = counter.station.journal.find(operation)
        assert record is not None
        entry = record.entry
        digest = consent_digest_2(operation, entry.at, entry.business_date, opened.nonce, entry.content.as_json(), None)
        assert is_signed(public_key("two-towns"), digest, str(opened.signature))
        assert str(opened.signature).encode() not in entry.canonical()


async def test_a_signature_over_a_number_that_is_taken_is_not_written(tmp_path: Path) -> None:
    """Another operation got in between: nothing is written under what the card did not sign."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        signed = await counter.desk.carry_out(Authorise(1, all_of_it(resident), False, bytearray(b"1234")))
        assert isinstance(signed, Authorised)
        await counter.desk.carry_out(
            Commit(2, Draft(Void(kind="void", municipality="252034", target=f"{TERMINAL}-000009")))
        )
        assert await counter.desk.carry_out(Commit(1, signed.draft)) == NotRecorded(1, Fault("operation_id_taken"))
        assert len(counter.station.journal.recent(9)) == 1


async def test_a_wrong_pin_is_told_with_the_tries_left_and_appears_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The PIN is wiped, and no log has it."""
    caplog.set_level(logging.DEBUG)
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        assert await counter.desk.carry_out(AskTries(1)) == TriesLeft(1, 3)
        pin = bytearray(b"9876")
        event = await counter.desk.carry_out(Authorise(1, all_of_it(resident), False, pin))
        assert event == CardFailed(1, Fault("pin_wrong", (("tries", 2),)))
        assert pin == bytearray(4)
        assert not re.search(r"\b9876\b", caplog.text)  # it may well be in the fraction of a second
        assert "9876" not in repr(Authorise(1, all_of_it(resident), False, bytearray(b"9876")))
        assert await counter.desk.carry_out(AskTries(1)) == TriesLeft(1, 2)


async def test_the_pin_is_wiped_where_nothing_is_signed(tmp_path: Path) -> None:
    """Nothing to be signed, or no card that was read for this task: no digit is left."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        undoing = Draft(Void(kind="void", municipality="252034", target=f"{TERMINAL}-000009"))
        for draft in (none_of_it(resident), undoing):
            pin = bytearray(b"1234")
            with pytest.raises(TypeError):
                await counter.desk._authorise(Authorise(1, draft, last_try=False, pin=pin))
            assert pin == bytearray(4)
        pin = bytearray(b"1234")
        event = await counter.desk.carry_out(Authorise(7, all_of_it(resident), last_try=False, pin=pin))
        assert event == CardFailed(7, Fault("card_changed"))
        assert pin == bytearray(4)
        assert await counter.desk.carry_out(AskTries(1)) == TriesLeft(1, 3)


@pytest.mark.parametrize(
    ("card", "code"), [("visitor", "card_changed"), (None, "no_card"), ("blocked", "card_changed")]
)
async def test_only_the_card_that_was_read_may_sign(tmp_path: Path, card: str | None, code: str) -> None:
    """Another card, or none, signs nothing, and its PIN is not even tried."""
    async with desk(tmp_path) as counter:
        resident = await tapped(counter)
        counter.cards.lift()
        if card is not None:
            counter.cards.tap(card)
        for effect in (AskTries(1), Authorise(1, all_of_it(resident), False, bytearray(b"1234"))):
            assert await counter.desk.carry_out(effect) == CardFailed(1, Fault(code))


@pytest.mark.parametrize(("card", "code"), [("expired", "certificate_expired"), ("other-card", "not_my_number_card")])
async def test_a_card_that_is_no_good_never_reaches_the_ledger(tmp_path: Path, card: str, code: str) -> None:
    """An expired certificate and a foreign card are refused at the counter."""
    async with desk(tmp_path) as counter:
        counter.cards.cards[card] = DESIGNS[card].make()
        counter.cards.tap(card)
        event = await counter.desk.carry_out(ReadCard(1, BalanceIntent()))
        assert isinstance(event, CardFailed)
        assert event.fault.code == code
        assert counter.ledger.asked == []


async def test_a_registration_needs_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    """The practice authority is not pinned: its card cannot be registered where nobody trusts it."""
    async with desk(tmp_path) as counter:
        counter.cards.tap("unregistered")
        event = await counter.desk.carry_out(ReadCard(1, LinkIntent()))
        assert event == CardFailed(1, Fault("wrong_issuer"))


async def test_a_full_disk_is_said_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No card is read while nothing could be recorded; once there is room, the counter opens again."""
    async with desk(tmp_path) as counter:
        counter.cards.tap("two-towns")
        with monkeypatch.context() as full:
            full.setattr("offline_queue.journal.ROOM", 1 << 62)
            for effect in (ReadCard(1, BalanceIntent()), Reopen()):
                event = await counter.desk.carry_out(effect)
                assert isinstance(event, Trouble)
                assert event.fault.code == "disk_full"
        assert counter.ledger.asked == []
        assert isinstance(await counter.desk.carry_out(Reopen()), Opened)


async def test_what_can_be_voided_is_what_was_done_today_and_stands(tmp_path: Path) -> None:
    """Refused and voided operations are not offered; a named one is, so that the ledger can say why not."""
    async with desk(tmp_path) as counter:
        sold = [await sell(counter) for _ in range(2)]
        counter.ledger.refuses_with = "insufficient_balance"
        sold.append(await sell(counter))
        counter.ledger.refuses_with = None
        first, second, refused = (event.receipt for event in sold if isinstance(event, Decided))
        listed = await counter.desk.carry_out(ListUndoable(2))
        assert isinstance(listed, UndoableListed)
        assert [item.operation_id for item in listed.items] == [second.operation_id, first.operation_id]
        void = pricing.void(listed.items[0])
        assert isinstance(void.content, Void)
        await counter.desk.carry_out(Commit(2, void))
        again = await counter.desk.carry_out(ListUndoable(3))
        assert again == UndoableListed(3, (listed.items[1],))
        named = await counter.desk.carry_out(ListUndoable(3, refused.operation_id))
        assert isinstance(named, UndoableListed)
        assert len(named.items) == 1
        unknown = replace(ListUndoable(3), target=f"{TERMINAL}-999999")
        assert await counter.desk.carry_out(unknown) == UndoableListed(3, ())


async def test_a_pin_that_nobody_wanted_is_overwritten(tmp_path: Path) -> None:
    """Wipe leaves zeros."""
    async with desk(tmp_path) as counter:
        pin = bytearray(b"1234")
        assert await counter.desk.carry_out(Wipe(pin)) is None
        assert pin == bytearray(4)


@pytest.mark.parametrize(
    ("points", "reason", "code"),
    [(9999, "visit", "rules_mismatch"), (5, "nothing", "reason_unknown")],
)
async def test_what_the_rules_exclude_is_not_written(tmp_path: Path, points: int, reason: str, code: str) -> None:
    """The terminal knows them, line or no line: nothing is queued that the ledger would refuse."""
    async with desk(tmp_path, TestLedger(down=True)) as counter:
        await tapped(counter)
        asked = pricing.award(AwardIntent("252034", points, reason), counter.station.terms())
        assert await counter.desk.carry_out(Commit(1, asked)) == NotRecorded(1, Fault(code))
        assert counter.station.journal.head()[0] == 0
