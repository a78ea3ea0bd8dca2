"""Where cards come from: practice cards, the wait for a tap, and what the states of real readers amount to."""

from __future__ import annotations

import inspect
import queue
import threading
from contextlib import nullcontext

import pytest

from config.texts import LANGUAGES, Lang, Texts
from config.trust import CertificateExpired, TrustError
from reader import errors, pcsc, plans
from reader.certificate import parse_head
from reader.jpki import JpkiSession
from reader.practice import PracticeSource
from reader.source import (
    CardGone,
    CardPresent,
    OtherCard,
    ReaderEvent,
    ReaderGone,
    ReaderReady,
    ServiceDown,
    wait_for_card,
)
from reader.supervised import Supervised
from reader.virtual.cards import DESIGNS, PRACTICE
from tests.reader.readings import head_and_sign

# Practice -------------------------------------------------------------------------------------------------------


def test_practice_cards_are_held_and_lifted_by_name() -> None:
    """Another card takes the place of the first, and each change is told."""
    told: list[ReaderEvent] = []
    source = PracticeSource()
    source.start(told.append)
    source.tap("visitor")
    source.tap("expired")
    source.lift()
    source.lift()
    source.stop()
    source.tap("visitor")
    assert told == [ReaderReady("practice"), CardPresent(), CardGone(), CardPresent(), CardGone()]


@pytest.mark.parametrize("name", PRACTICE)
def test_a_practice_card_is_read_like_any_other(name: str) -> None:
    """The very same bytes go both ways."""
    source = PracticeSource()
    source.tap(name)
    with source.connect() as connection:
        assert plans.head(JpkiSession(connection)).token.head == parse_head(PRACTICE[name].certificate)


def test_a_practice_card_can_be_lifted_in_the_middle() -> None:
    """What follows is told as a pulled card, also when it is held over again: that is another stay."""
    source = PracticeSource()
    with pytest.raises(errors.NoCard), source.connect():
        pass
    source.tap("visitor")
    with source.connect() as connection:
        session = JpkiSession(connection)
        session.select()
        source.tap("visitor")
        with pytest.raises(errors.CardPulled):
            session.read_head()


def test_a_practice_card_forgets_the_pin_and_remembers_the_tries() -> None:
    """Power goes with every connection; the retry counter stays with the card."""
    source = PracticeSource({"normal": DESIGNS["normal"].make()})
    source.tap("normal")
    with source.connect() as connection, pytest.raises(errors.PinWrong):
        head_and_sign(JpkiSession(connection), bytearray(b"0000"))
    with source.connect() as connection:
        session = JpkiSession(connection)
        session.select()
        assert session.tries_left() == 2
        with pytest.raises(errors.CardRefused):
            session.sign(bytes(32))


# The wait for a tap ---------------------------------------------------------------------------------------------


class _Told:
    """A source that tells a list of events."""

    def __init__(self, *events: ReaderEvent) -> None:
        self.events = events
        self.stopped = False
        self.connect = PracticeSource().connect

    def start(self, report: object) -> None:
        assert callable(report)
        for event in self.events:
            report(event)

    def stop(self) -> None:
        self.stopped = True


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ((), "pcsc_service_down"),
        ((ServiceDown(),), "pcsc_service_down"),
        ((ServiceDown(), ReaderGone()), "no_reader"),
        ((ReaderGone(), ReaderReady("x")), "no_card"),
        ((ReaderReady("x"), OtherCard()), "card_not_answering"),
        ((ReaderReady("x"), OtherCard(), CardGone()), "no_card"),
        ((ReaderReady("x"), ReaderGone(), ServiceDown()), "pcsc_service_down"),
    ],
)
def test_who_waits_in_vain_is_told_what_was_missing(events: tuple[ReaderEvent, ...], code: str) -> None:
    """The last thing that stood in the way is the error, and each was told when it came up."""
    source, told = _Told(*events), list[errors.ReaderError]()
    with pytest.raises(errors.ReaderError) as missing:
        wait_for_card(source, 0.0, told.append)
    assert missing.value.code == code
    assert len(told) == len(events)
    assert source.stopped


def test_a_card_ends_the_wait() -> None:
    """Also one that was there before."""
    source = PracticeSource()
    source.tap("visitor")
    wait_for_card(source, 0.0)


# Real readers ---------------------------------------------------------------------------------------------------

EMPTY, PRESENT = 0x10, 0x20


Answer = dict[str, int] | errors.ReaderError
"""What the service says to one question: the readers' states, or that there is none of them."""


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            [
                {"a": PRESENT},
                {"a": 0x4},
                errors.NoReader(),
                {"b": EMPTY},
                errors.PcscServiceDown(),
                {"b": EMPTY},
            ],
            [
                ReaderReady("a"),
                CardPresent(),
                CardGone(),
                ReaderGone(),
                ReaderReady("b"),
                ServiceDown(),
                ReaderReady("b"),
            ],
        ),
        (
            [{"a": PRESENT}, errors.PcscServiceDown(), {"a": PRESENT}, {"a": EMPTY}, {"a": PRESENT | 0x20000}],
            [ReaderReady("a"), CardPresent(), ServiceDown(), ReaderReady("a"), CardGone(), CardPresent()],
        ),
        (
            [{"a": EMPTY}, errors.PcscServiceDown(), {"a": PRESENT}],
            [ReaderReady("a"), ServiceDown(), ReaderReady("a"), CardPresent()],
        ),
    ],
    ids=["unplugged", "a card that outlasts the service", "a card that came meanwhile"],
)
def test_readers_and_service_may_go_at_any_moment(
    answers: list[Answer], expected: list[ReaderEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unplugged with a card in it, while it is being asked for, and plugged in again: all is told, nothing ends.

    A card that lay there before the service went, and lies there when it is back, has to be lifted first.
    """
    told: queue.SimpleQueue[ReaderEvent] = queue.SimpleQueue()
    ended = threading.Event()

    def wait(*_: object) -> dict[str, int]:
        if not answers:
            ended.wait(10)
            return {}
        answer = answers.pop(0)
        if isinstance(answer, errors.ReaderError):
            raise answer
        return answer

    monkeypatch.setattr(pcsc, "_context", lambda: nullcontext(0))
    monkeypatch.setattr(pcsc, "_list", lambda *_: ["a"])
    monkeypatch.setattr(pcsc, "_wait", wait)
    monkeypatch.setattr("smartcard.scard.SCardCancel", lambda _: ended.set())
    source = pcsc.PcscSource()
    source.start(told.put)
    assert [told.get(timeout=10) for _ in expected] == expected
    source.stop()


# Calls that may hang --------------------------------------------------------------------------------------------


def test_a_call_that_hangs_is_left_alone() -> None:
    """Its caller is told in time, later calls fail at once, and the last one is still made when it comes back."""
    released, finished = threading.Event(), threading.Event()
    thread = Supervised(0.05)
    assert thread.call(lambda: 1) == 1
    for function in (released.wait, lambda: True):
        with pytest.raises(errors.CardNotAnswering):
            thread.call(function)
    thread.finish(finished.set)
    assert not finished.is_set()
    released.set()
    assert finished.wait(5)


def test_what_a_call_raises_its_caller_gets() -> None:
    """Errors cross the thread."""
    thread = Supervised(5)
    with pytest.raises(ZeroDivisionError):
        thread.call(lambda: 1 // 0)
    thread.finish(lambda: None)


# What people are told -------------------------------------------------------------------------------------------


def _leaves(kind: type[Exception]) -> list[type[Exception]]:
    below = [leaf for child in kind.__subclasses__() for leaf in _leaves(child)]
    return below or [kind]


READER_CODES = {
    kind.code for kind in _leaves(errors.ReaderError) if issubclass(kind, errors.ReaderError) and hasattr(kind, "code")
}
TRUST_CODES = {kind.code for kind in _leaves(TrustError) if issubclass(kind, TrustError)}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_error_has_its_own_sentences(lang: Lang) -> None:
    """Each code of the two trees has a text of its own."""
    texts, codes = Texts(lang), READER_CODES | TRUST_CODES
    assert {"pin_wrong", "wrong_issuer"} <= codes
    assert [code for code in codes if not texts.has(f"error-{code.replace('_', '-')}")] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "error",
    [
        errors.PinWrong(2),
        errors.CardRefused(0x6A80),
        errors.NotMyNumberCard(0x6A82),
        errors.CertificateRefused(CertificateExpired(parse_head(PRACTICE["expired"].certificate).not_after)),
    ],
)
def test_an_error_brings_what_its_sentences_mention(lang: Lang, error: errors.ReaderError) -> None:
    """Tries, status word and day stand in the text."""
    refusal = Texts(lang).refusal(error.code, **error.data)
    mentioned = {"pin_wrong": "2", "card_refused": "6A80", "certificate_expired": "2024-03-31"}.get(error.code, "")
    assert mentioned in refusal.why


def test_the_tree_of_errors_is_drawn_whole() -> None:
    """Every error stands in the drawing of its tree."""
    drawings = (inspect.getdoc(errors.ReaderError) or "") + (inspect.getdoc(TrustError) or "")
    drawn = {kind.__name__ for root in (errors.ReaderError, TrustError) for kind in _leaves(root)}
    assert [name for name in drawn if name not in drawings] == []
