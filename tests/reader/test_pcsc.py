"""The real PC/SC service: a card is read over it, and every trouble with it is told and gets over by itself."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event

import pytest
from smartcard import scard

from reader import errors, plans
from reader import pcsc as pcsc_reader
from reader.connection import Meter
from reader.jpki import JpkiSession
from reader.pcsc import PROTOCOLS, PcscSource
from reader.source import CardGone, CardPresent, ReaderEvent, ReaderGone, ReaderReady, ServiceDown, wait_for_card
from reader.virtual.cards import DESIGNS
from reader.virtual.unsteady import Unsteady
from reader.virtual.vpcd import ADDRESS, inserted
from tests.pcsc import PATIENCE, PcscService, until
from tests.reader.readings import head_and_sign

FIRST_SLOT = "Virtual PCD 00 00"
SECOND_SLOT = (ADDRESS[0], ADDRESS[1] + 1)


@contextmanager
def _watching() -> Iterator[queue.SimpleQueue[ReaderEvent]]:
    with _started(PcscSource(FIRST_SLOT)) as events:
        yield events


@contextmanager
def _started(source: PcscSource) -> Iterator[queue.SimpleQueue[ReaderEvent]]:
    events: queue.SimpleQueue[ReaderEvent] = queue.SimpleQueue()
    source.start(events.put)
    try:
        yield events
    finally:
        source.stop()


def _next(events: queue.SimpleQueue[ReaderEvent]) -> ReaderEvent:
    return events.get(timeout=PATIENCE)


def test_every_plan_reads_the_card_in_the_exchanges_that_were_promised(pcsc: PcscService) -> None:
    """Head, proof, signature and certificate come over the real stack, in 2, 3, 5 and 2 + ⌈length / 256⌉ exchanges."""
    design = DESIGNS["normal"]
    counts: list[int] = []
    with pcsc.inserted(design.make()):
        for plan in (plans.head, plans.proven, head_and_sign, plans.full):
            with PcscSource().connect() as connection:
                meter = Meter(connection)
                plan(JpkiSession(meter))
                counts.append(meter.apdu_count)
    assert counts == [2, 3, 5, 2 + -(-len(design.certificate) // 256)]


@pytest.mark.parametrize("name", ["normal", "next-generation"])
def test_without_a_line_a_tap_and_a_signature_take_six_exchanges_in_one_power_up(pcsc: PcscService, name: str) -> None:
    """Three until the card is known, with the key that its signature is checked with; tries, PIN and signature."""
    with pcsc.inserted(DESIGNS[name].make()), PcscSource().connect() as connection:
        meter = Meter(connection)
        session = JpkiSession(meter)
        tap = plans.known(session)
        assert meter.apdu_count == 3
        assert plans.tries(session, tap) == 3
        plans.sign_with_card(session, tap, bytearray(b"1234"), bytes(32))
        assert meter.apdu_count == 6


def test_cards_come_and_go(pcsc: PcscService) -> None:
    """The watcher tells of each card that comes and of each that goes."""
    with _watching() as events:
        assert _next(events) == ReaderReady(FIRST_SLOT)
        for _ in range(2):
            with inserted(DESIGNS["normal"].make()):
                assert _next(events) == CardPresent()
            assert _next(events) == CardGone()


def test_the_watcher_outlives_the_service(pcsc: PcscService) -> None:
    """The service crashes, comes back without readers, crashes, comes back with one: all is told, nothing hangs."""
    if not pcsc.ours:
        pytest.skip("this PC/SC service was running already and is not the suite's to stop")
    with _watching() as events:
        assert _next(events) == ReaderReady(FIRST_SLOT)
        pcsc.stop()
        assert _next(events) == ServiceDown()
        pcsc.start(readers=False)
        assert _next(events) == ReaderGone()
        pcsc.stop()
        assert _next(events) == ServiceDown()
        pcsc.start()
        assert _next(events) == ReaderReady(FIRST_SLOT)
        with inserted(DESIGNS["normal"].make()):
            assert _next(events) == CardPresent()
        assert _next(events) == CardGone()


@pytest.mark.parametrize("exchanges", range(5))
def test_a_card_pulled_at_any_exchange_is_told_as_pulled(pcsc: PcscService, exchanges: int) -> None:
    """Whenever the card goes, the error is that of a pulled card, and its next stay is as if nothing had been."""
    card = DESIGNS["normal"].make()
    for link in (Unsteady(card, exchanges=exchanges), card):
        pulled = pytest.raises(errors.CardPulled) if link is not card else nullcontext()
        with pcsc.inserted(card, link), pulled, PcscSource().connect() as connection:
            head_and_sign(JpkiSession(connection))


def test_a_card_that_hangs_holds_nobody_up(pcsc: PcscService) -> None:
    """The caller is told in time, and the reader is free again once the card answers after all."""
    card, released = DESIGNS["normal"].make(), Event()
    with pcsc.inserted(card, Unsteady(card, delay=1, sleep=lambda _: released.wait())):
        with pytest.raises(errors.CardNotAnswering), PcscSource(answer_seconds=0.2).connect() as connection:
            plans.head(JpkiSession(connection))
        with pytest.raises(errors.ReaderBusy), PcscSource().connect():
            pass
        released.set()
        until(_connects)


def _connects() -> bool:
    try:
        with PcscSource().connect():
            return True
    except errors.ReaderBusy:
        return False


def test_a_card_that_another_program_holds_is_told_as_busy(pcsc: PcscService) -> None:
    """Two programs cannot have one card for themselves."""
    busy = pytest.raises(errors.ReaderBusy)
    with pcsc.inserted(DESIGNS["normal"].make()), PcscSource().connect(), busy, PcscSource().connect():
        pass


def test_the_power_is_taken_away_so_that_the_pin_is_forgotten(pcsc: PcscService) -> None:
    """Who connects after a PIN was verified cannot sign without it."""
    with pcsc.inserted(DESIGNS["normal"].make()):
        with PcscSource().connect() as connection:
            head_and_sign(JpkiSession(connection))
        with PcscSource().connect() as connection:
            session = JpkiSession(connection)
            session.select()
            with pytest.raises(errors.CardRefused):
                session.sign(bytes(32))


def _read(source: PcscSource) -> tuple[str, int]:
    with source.connect() as connection:
        tap = plans.proven(JpkiSession(connection))
    return tap.token.serial_hex, tap.exchanges


def test_another_card_on_one_reader_hides_no_card_on_another(pcsc: PcscService) -> None:
    """Each My Number card that comes beside it is reported and read in three exchanges, and its going is told."""
    normal, source = DESIGNS["normal"], PcscSource()
    with _started(source) as events:
        assert isinstance(_next(events), ReaderReady)
        with pcsc.inserted(DESIGNS["other-card"].make()):
            assert _next(events) == CardPresent()
            with pytest.raises(errors.NotMyNumberCard):
                _read(source)
            for _ in range(2):
                with inserted(normal.make(), address=SECOND_SLOT):
                    assert _next(events) == CardPresent()
                    assert _read(source) == (f"{normal.serial:x}", 3)
                assert _next(events) == CardGone()
        assert _next(events) == CardGone()


def test_a_card_that_lies_is_not_reported_again_for_another_that_comes(pcsc: PcscService) -> None:
    """Beside a My Number card that was read, other cards come and go unreported, and it can still be spoken to."""
    normal, source = DESIGNS["normal"], PcscSource()
    with _started(source) as events:
        assert isinstance(_next(events), ReaderReady)
        with inserted(normal.make(), address=SECOND_SLOT):
            assert _next(events) == CardPresent()
            assert _read(source) == (f"{normal.serial:x}", 3)
            other = Meter(DESIGNS["other-card"].make())
            with pcsc.inserted(DESIGNS["other-card"].make(), other):
                until(lambda: other.apdu_count > 0)
                assert _read(source) == (f"{normal.serial:x}", 3)
                assert other.apdu_count == 1
        assert _next(events) == CardGone()
        assert events.empty()


def test_a_card_that_does_not_say_what_it_is_hides_no_card_either(pcsc: PcscService) -> None:
    """Another program holds one card for itself: what comes beside it is told and read, and alone it is busy."""
    normal, source = DESIGNS["normal"], PcscSource()
    with _started(source) as events, pcsc.inserted(DESIGNS["other-card"].make()):
        assert isinstance(_next(events), ReaderReady)
        assert _next(events) == CardPresent()
        with PcscSource(FIRST_SLOT).connect():
            with pytest.raises(errors.ReaderBusy):
                _read(source)
            with inserted(normal.make(), address=SECOND_SLOT):
                assert _next(events) == CardPresent()
                assert _read(source) == (f"{normal.serial:x}", 3)
            assert _next(events) == CardGone()


@contextmanager
def _another_program() -> Iterator[Callable[[str], int]]:
    """Share the first slot's card as another program does; yield what sends a command and returns its status word."""
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    code, handle, protocol = scard.SCardConnect(context, FIRST_SLOT, scard.SCARD_SHARE_SHARED, PROTOCOLS)
    assert code == scard.SCARD_S_SUCCESS

    def send(command: str) -> int:
        _, answer = scard.SCardTransmit(handle, protocol, list(bytes.fromhex(command)))
        return int.from_bytes(bytes(answer[-2:]))

    try:
        yield send
    finally:
        scard.SCardDisconnect(handle, scard.SCARD_UNPOWER_CARD)
        scard.SCardReleaseContext(context)


def test_to_ask_a_card_what_it_is_takes_nothing_from_another_program(pcsc: PcscService) -> None:
    """The card keeps its power, and with it the PIN that somebody else had verified."""
    asked, source = Meter(DESIGNS["visitor"].make()), PcscSource()
    with _started(source) as events, pcsc.inserted(DESIGNS["visitor"].make(), asked):
        assert isinstance(_next(events), ReaderReady)
        assert _next(events) == CardPresent()
        with _another_program() as send:
            assert [send(command) for command in ("00A4040C0AD392F000260100000001", "002000980431323334")] == [
                0x9000
            ] * 2
            with inserted(DESIGNS["normal"].make(), address=SECOND_SLOT):
                assert _next(events) == CardPresent()
                assert asked.apdu_count == 3
                with pytest.raises(errors.TwoCards):
                    _read(source)
                assert send("802A009720" + "00" * 32 + "00") == 0x9000
            assert _next(events) == CardGone()


def test_a_card_that_hangs_hides_no_card_on_another_reader(pcsc: PcscService) -> None:
    """It is asked once what it is, and holds up no reading after that."""
    normal, source, released = DESIGNS["normal"], PcscSource(), Event()
    hanging = Meter(Unsteady(DESIGNS["other-card"].make(), delay=1, sleep=lambda _: released.wait()))
    with _started(source) as events, pcsc.inserted(DESIGNS["other-card"].make(), hanging):
        try:
            assert isinstance(_next(events), ReaderReady)
            assert _next(events) == CardPresent()
            with inserted(normal.make(), address=SECOND_SLOT):
                assert _next(events) == CardPresent()
                for _ in range(2):
                    assert _read(source) == (f"{normal.serial:x}", 3)
                assert hanging.apdu_count == 1
            assert _next(events) == CardGone()
        finally:
            released.set()


def test_two_my_number_cards_are_told_apart_by_people(pcsc: PcscService) -> None:
    """Neither is read while both lie there; the one that stays is read once the other is gone and it was lifted."""
    normal, visitor = DESIGNS["normal"], DESIGNS["visitor"]
    source = PcscSource()
    with _started(source) as events:
        assert isinstance(_next(events), ReaderReady)
        with pcsc.inserted(normal.make()):
            assert _next(events) == CardPresent()
            with inserted(visitor.make(), address=SECOND_SLOT):
                assert _next(events) == CardPresent()
                for reading in (source, PcscSource()):
                    with pytest.raises(errors.TwoCards):
                        _read(reading)
                assert _read(PcscSource("00 01")) == (f"{visitor.serial:x}", 3)
            assert _next(events) == CardGone()
        assert _next(events) == CardGone()
        with pcsc.inserted(normal.make()):
            assert _next(events) == CardPresent()
            assert _read(source) == (f"{normal.serial:x}", 3)
        assert _next(events) == CardGone()


def test_what_is_missing_has_a_name(pcsc: PcscService) -> None:
    """No card, no reader of the wanted name, and in time no service are each their own error."""
    for wanted, missing in (("", errors.NoCard), ("No Such Reader", errors.NoReader)):
        with pytest.raises(missing):
            wait_for_card(PcscSource(wanted), 0.2)
        with pytest.raises(missing), PcscSource(wanted).connect():
            pass
    if pcsc.ours:
        pcsc.stop()
        with pytest.raises(errors.PcscServiceDown):
            wait_for_card(PcscSource(), 0.2)
        with pytest.raises(errors.PcscServiceDown), PcscSource().connect():
            pass
        pcsc.start()


@pytest.mark.parametrize("result", [scard.SCARD_W_SECURITY_VIOLATION, scard.SCARD_E_NO_ACCESS])
def test_a_service_that_speaks_to_others_only_is_not_down(result: int) -> None:
    """What is to be done is another thing: a policy is changed, no service started."""
    with pytest.raises(errors.PcscForbidden):
        pcsc_reader._checked([result - (1 << 32) if result > 0 else result])
