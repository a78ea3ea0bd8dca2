"""Cards that do not do what is wanted, at the counter: each refused for its own reason, in words of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from config.texts import Lang, Texts
from config.trust import Anchors
from reader.connection import Connection
from reader.source import ReaderEvent
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS, CardDesign
from reader.virtual.unsteady import Unsteady
from terminal.counter import pricing, step
from terminal.counter.effects import Authorise, Effect, ReadCard
from terminal.counter.events import CardArrived, CardFailed, CardLeft, CardRead
from terminal.counter.facts import Draft, Fault, LinkIntent, SaleIntent
from terminal.counter.states import AwaitCard, Reading
from terminal.shop.cards import Cards
from tests.reader.scripted import Scripted
from tests.terminal.counters import TERMS, opened
from tests.terminal.desks import NOON, OpenDesk, desk

pytestmark = pytest.mark.anyio

HEAD, WHOLE = ReadCard(1, SaleIntent(1200)), ReadCard(1, LinkIntent())


class Forged(CardDesign):
    """A card with a bit of its certificate's signature changed."""

    @property
    def certificate(self) -> bytes:
        """The certificate, not quite as its authority signed it."""
        genuine = super().certificate
        return genuine[:-1] + bytes([genuine[-1] ^ 1])


class Reader:
    """A card source on which any connection can be laid."""

    card: Connection

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Report nothing: the desk is told what to do."""

    def stop(self) -> None:
        """Go on reporting nothing."""

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield what lies there."""
        yield self.card


def reader_of(counter: OpenDesk) -> Reader:
    """Have the desk read from a reader of ours, and trust the test authority."""
    reader = Reader()
    counter.station.cards = Cards(reader, Anchors().with_certificates([TEST_CA.certificate]), lambda: NOON)
    return reader


async def all_points(counter: OpenDesk) -> Draft:
    """Read the card that lies there, and return the draft of a sale that it has to sign."""
    read = await counter.desk.carry_out(HEAD)
    assert isinstance(read, CardRead)
    return pricing.sale(pricing.choices_for(1200, read.resident, TERMS)[0], TERMS)


REFUSED: list[tuple[str, CardDesign, Effect | None, str]] = [
    ("expired", DESIGNS["expired"], HEAD, "certificate_expired"),
    ("not yet valid", DESIGNS["not-yet-valid"], HEAD, "certificate_not_yet_valid"),
    ("not a My Number card", DESIGNS["other-card"], HEAD, "not_my_number_card"),
    ("smartphone", DESIGNS["smartphone"], HEAD, "smartphone_needs_pin"),
    ("wrong issuer", DESIGNS["wrong-authority"], WHOLE, "wrong_issuer"),
    ("bad signature", Forged(0x0B000001), WHOLE, "bad_signature"),
    ("wrong PIN", DESIGNS["two-towns"], None, "pin_wrong"),
    ("blocked PIN", DESIGNS["blocked"], None, "pin_blocked"),
]
"""Cards, what is wanted of them (nothing: a signature with a wrong PIN), and what the counter is told."""


@pytest.mark.parametrize(("name", "design", "wanted", "code"), REFUSED)
async def test_a_card_is_refused_for_its_own_reason(
    tmp_path: Path, name: str, design: CardDesign, wanted: Effect | None, code: str
) -> None:
    """Nothing is recorded, and the PIN is overwritten."""
    async with desk(tmp_path) as counter:
        reader_of(counter).card = design.make()
        pin = bytearray(b"9999")
        event = await counter.desk.carry_out(wanted or Authorise(1, await all_points(counter), False, pin))
        assert isinstance(event, CardFailed)
        assert event.fault.code == code
        assert wanted is not None or pin == bytes(4)
        assert counter.station.journal.head()[0] == 0


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_each_reason_is_told_in_words_of_its_own(lang: Lang) -> None:
    """No two of them give the same reason, and a card that left has another one still."""
    codes = [code for *_, code in REFUSED] + ["card_pulled"]
    told = {code: Texts(lang).refusal(code, tries=2, day="2026-11-22") for code in codes}
    assert len({refusal.why for refusal in told.values()}) == len(codes)
    assert all(refusal.what and refusal.todo for refusal in told.values())


@pytest.mark.parametrize(
    ("glitch", "code"),
    [
        ({"00b08a": ["9000"]}, "answer_broken"),
        ({"00b000f6": ["9000"]}, "answer_broken"),
        ({"00b08a": ["00" * 300 + "9000"]}, "answer_broken"),
        ({"00b08a": ["AA6101"], "00c0": ["AA6101"] * 20}, "answer_broken"),
        ({"00b0": ["6C10"] * 9}, "card_refused"),
    ],
)
async def test_after_a_glitch_the_card_is_held_again(tmp_path: Path, glitch: dict[str, list[str]], code: str) -> None:
    """An empty, oversized or endless answer is the reader's: the counter asks for the card once more."""
    async with desk(tmp_path) as counter:
        reader_of(counter).card = Scripted(glitch, DESIGNS["two-towns"].make())
        event = await counter.desk.carry_out(HEAD)
        assert isinstance(event, CardFailed)
        assert event.fault.code == code
        reading = replace(opened(), state=Reading(SaleIntent(1200)), task=1)
        assert step(reading, event)[0].state == AwaitCard(SaleIntent(1200), event.fault)


def test_of_two_cards_the_counter_waits_for_one() -> None:
    """Nothing is chosen in silence: the clerk is told to have both lifted, and the next card that comes is read."""
    told = CardFailed(1, Fault("two_cards"))
    waiting, effects = step(replace(opened(), state=Reading(SaleIntent(1200)), task=1), told)
    assert (waiting.state, effects) == (AwaitCard(SaleIntent(1200), Fault("two_cards")), ())
    assert step(step(waiting, CardLeft())[0], CardArrived())[1] == (ReadCard(1, SaleIntent(1200)),)


@pytest.mark.parametrize(("wanted", "exchanges"), [(HEAD, 3), (WHOLE, 4), (None, 3)], ids=["head", "whole", "sign"])
async def test_a_card_that_is_pulled_at_any_exchange(tmp_path: Path, wanted: Effect | None, exchanges: int) -> None:
    """Each time the counter hears just that, can begin again, and has recorded nothing; the last try goes through."""
    async with desk(tmp_path) as counter:
        reader, card = reader_of(counter), DESIGNS["two-towns"].make()
        reader.card = card
        draft = await all_points(counter)
        for left in count():
            reader.card = Unsteady(card, exchanges=left)
            pin = bytearray(b"1234")
            event = await counter.desk.carry_out(wanted or Authorise(1, draft, False, pin))
            if not isinstance(event, CardFailed):
                break
            assert event.fault == Fault("card_pulled")
            assert wanted is not None or pin == bytes(4)
        assert left >= exchanges
        assert counter.station.journal.head()[0] == 0
