"""Several readers: cards are reported where they appear, none hides another, and no choice is made in silence."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader import errors, pcsc
from reader.fields import CardKind, Readers, Stay, View, changes, chosen, left_lying
from reader.source import CardGone, CardPresent, OtherCard, ReaderEvent, ReaderGone, ReaderReady, ServiceDown

UNKNOWN, OURS, OTHER, MUTE = CardKind
A, A_LATER, B, C = Stay("a", 1), Stay("a", 3), Stay("b", 1), Stay("c", 1)
BOTH = ("a", "b")


def _at(*cards: tuple[Stay, CardKind], names: tuple[str, ...] = BOTH) -> Readers:
    return Readers(names, dict(cards))


def _events(news: Iterable[ReaderEvent | Stay]) -> list[ReaderEvent]:
    return [event for event in news if not isinstance(event, Stay)]


EMPTY, PRESENT, IS_MUTE = 0x10, 0x20, 0x220


@pytest.mark.parametrize(
    ("states", "cards"),
    [
        ({}, {}),
        ({"a": EMPTY, "b": EMPTY}, {}),
        ({"a": EMPTY, "b": 0x70000 | PRESENT}, {Stay("b", 7): UNKNOWN}),
        ({"a": 0x10000 | IS_MUTE}, {A: MUTE}),
        ({"a": 0x10000 | PRESENT | 0x180}, {A: UNKNOWN}),
        ({"a": 0x10000 | IS_MUTE, "b": 0x10000 | IS_MUTE}, {A: MUTE, B: MUTE}),
    ],
)
def test_a_card_that_lies_alone_is_not_asked_what_it_is(states: dict[str, int], cards: dict[Stay, CardKind]) -> None:
    """Reading it will tell; an empty slot and another program's use of a card do not matter."""
    assert pcsc._Cards(0.1).known(states) == cards


def test_several_cards_are_asked_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was learned holds for the card's stay; only before a reading is a card asked again that gave no answer."""
    asked: list[str] = []
    said = {"a": OURS, "b": OTHER, "c": UNKNOWN}

    def ask(_cards: object, reader: str) -> CardKind:
        asked.append(reader)
        return said[reader]

    monkeypatch.setattr(pcsc._Cards, "_ask", ask)
    cards = pcsc._Cards(0.1)
    there = dict.fromkeys("abc", 65536 | PRESENT)
    for _ in range(2):
        assert cards.known(there) == {A: OURS, B: OTHER, C: UNKNOWN}
    assert asked == ["a", "b", "c"]
    assert cards.known(there, again=True) == {A: OURS, B: OTHER, C: UNKNOWN}
    assert asked == ["a", "b", "c", "c"]
    assert cards.known({"a": 0x10000 | PRESENT}) == {A: OURS}
    assert cards.known({"a": 0x30000 | PRESENT}) == {A_LATER: UNKNOWN}


def test_a_service_that_was_restarted_means_other_cards_by_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what was learned before holds."""
    monkeypatch.setattr(pcsc._Cards, "_ask", lambda *_: OURS)
    cards = pcsc._Cards(0.1)
    cards.known(dict.fromkeys("ab", 0x10000 | PRESENT))
    cards.subject = A
    cards.forget()
    assert cards.known({"a": 0x10000 | PRESENT}) == {A: UNKNOWN}
    assert cards.subject is None


def test_the_card_that_is_spoken_to_is_the_one_whose_going_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another one was reported last."""
    said = {"a": OTHER, "b": OURS}
    monkeypatch.setattr(pcsc._Cards, "_ask", lambda _, reader: said[reader])
    monkeypatch.setattr(pcsc._Card, "states", lambda *_: dict.fromkeys("ab", 0x10000 | PRESENT))
    monkeypatch.setattr(pcsc._Card, "connect", lambda *_: None)
    source = pcsc.PcscSource()
    source._cards.subject = A
    with source.connect():
        assert source._cards.subject == B
    lying = source._cards.known(dict.fromkeys("ab", 0x10000 | PRESENT))
    assert _events(changes(Readers(BOTH, lying), _at((A, OTHER)), source._cards.subject)) == [CardGone()]


@pytest.mark.parametrize(
    ("before", "after", "subject", "told"),
    [
        (None, ServiceDown(), None, [ServiceDown()]),
        (None, ReaderGone(), None, [ReaderGone()]),
        (None, _at(), None, [ReaderReady("a")]),
        (None, _at((A, UNKNOWN)), None, [ReaderReady("a"), CardPresent()]),
        (ReaderGone(), _at((A, MUTE)), None, [ReaderReady("a"), OtherCard()]),
        (ServiceDown(), ServiceDown(), None, []),
        (ServiceDown(), ReaderGone(), None, [ReaderGone()]),
        # one card at a time
        (_at(), _at((B, UNKNOWN)), None, [CardPresent()]),
        (_at((A, UNKNOWN)), _at((A, UNKNOWN)), A, []),
        (_at((A, UNKNOWN)), _at(), A, [CardGone()]),
        (_at((A, UNKNOWN)), _at((A_LATER, UNKNOWN)), A, [CardGone(), CardPresent()]),
        (_at((A, MUTE)), _at((A_LATER, UNKNOWN)), A, [CardGone(), CardPresent()]),
        (_at((A, UNKNOWN)), _at((B, UNKNOWN)), A, [CardGone(), CardPresent()]),
        (_at((A, UNKNOWN)), ReaderGone(), A, [ReaderGone()]),
        (_at((A, UNKNOWN)), ServiceDown(), A, [ServiceDown()]),
        (_at((A, UNKNOWN)), _at(names=("b",)), A, [CardGone(), ReaderReady("b")]),
        (_at(), _at(names=("b", "a")), None, [ReaderReady("b")]),
        # another card lies there
        (_at((A, UNKNOWN)), _at((A, OTHER), (B, OURS)), A, [CardPresent()]),
        (_at((A, OTHER), (B, OURS)), _at((A, OTHER)), B, [CardGone()]),
        (_at((A, OTHER), (B, OURS)), _at((B, OURS)), B, []),
        (_at((A, MUTE)), _at((A, MUTE), (B, OURS)), A, [CardPresent()]),
        (_at((A, UNKNOWN)), _at((A, OURS), (B, OTHER)), A, []),
        (_at((A, UNKNOWN)), _at((A, OURS), (B, MUTE)), A, []),
        (_at((A, UNKNOWN)), _at((A, OURS), (B, UNKNOWN)), A, []),
        (_at((A, UNKNOWN)), _at((A, UNKNOWN), (B, OTHER)), A, []),
        (_at((A, UNKNOWN)), _at((A, UNKNOWN), (B, UNKNOWN)), A, []),
        (_at((A, UNKNOWN)), _at((A, UNKNOWN), (B, OURS)), A, [CardPresent()]),
        (_at((A, UNKNOWN)), _at((A, OTHER), (B, OTHER)), A, [OtherCard()]),
        (_at((A, UNKNOWN)), _at((A, OTHER), (B, UNKNOWN)), A, [CardPresent()]),
        # two My Number cards
        (_at((A, UNKNOWN)), _at((A, OURS), (B, OURS)), A, [CardPresent()]),
        (_at((A, OURS), (B, OURS)), _at((A, OURS)), B, [CardGone()]),
        (_at((A, OURS), (B, OURS)), _at((B, OURS)), B, []),
        (_at(), _at((A, OURS), (B, OURS)), None, [CardPresent()]),
    ],
)
def test_changes_are_told(before: View | None, after: View, subject: Stay | None, told: list[ReaderEvent]) -> None:
    """Each change is told once, and a card that was swapped faster than anybody looked is still another card."""
    assert _events(changes(before, after, subject)) == told


@pytest.mark.parametrize(
    ("cards", "spoken_to"),
    [
        ({A: UNKNOWN}, A),
        ({A: OTHER, B: OURS}, B),
        ({A: OTHER, B: UNKNOWN}, B),
        ({A: MUTE, B: OTHER}, B),
        ({A: MUTE}, A),
        ({A: UNKNOWN, B: OURS, C: MUTE}, B),
    ],
)
def test_a_my_number_card_is_spoken_to_wherever_it_lies(cards: dict[Stay, CardKind], spoken_to: Stay) -> None:
    """Another card never stands before it; without one, the error of what lies there is told."""
    assert chosen(cards) == spoken_to


def test_of_two_my_number_cards_none_is_chosen() -> None:
    """People must take one away; and of nothing nothing is chosen."""
    with pytest.raises(errors.TwoCards):
        chosen({A: OURS, B: OTHER, C: OURS})
    with pytest.raises(errors.NoCard):
        chosen({})


def test_a_card_that_outlasts_the_service_has_to_be_lifted() -> None:
    """Nobody saw whether it is the same card: it is not reported until it comes anew."""
    last, back = _at((A, UNKNOWN)), _at((Stay("a", 0), UNKNOWN))
    lying = left_lying(last, back)
    assert _events(changes(lying, back, None)) == [ReaderReady("a")]
    assert _events(changes(back, _at(), None)) == [CardGone()]
    elsewhere = _at((Stay("b", 0), UNKNOWN))
    assert left_lying(last, elsewhere) is left_lying(None, back) is left_lying(last, _at()) is None
    assert _events(changes(None, elsewhere, None)) == [ReaderReady("a"), CardPresent()]


MOVES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([OURS, OTHER, MUTE])), max_size=30)


@given(MOVES)
def test_whatever_is_laid_and_lifted_a_counter_is_never_misled(moves: list[tuple[str, CardKind]]) -> None:
    """A card comes to a free reader, or what lies on a taken one is lifted; a counter reads whatever is reported.

    Each My Number card that comes is reported, and is the one that is read, unless another one lies there. No card is
    read for a second time in one stay. What was read and goes is told.
    """
    lying: dict[Stay, CardKind] = {}
    view: Readers = Readers(("a", "b", "c"), {})
    subject: Stay | None = None
    read: set[Stay] = set()
    for number, (reader, kind) in enumerate(moves):
        taken = next((stay for stay in lying if stay.reader == reader), None)
        came = None if taken else Stay(reader, number)
        if taken:
            del lying[taken]
        else:
            lying[Stay(reader, number)] = kind
        alone = len(lying) == 1
        after = Readers(view.names, {s: UNKNOWN if alone and f is not MUTE else f for s, f in lying.items()})
        told: list[ReaderEvent] = []
        for news in changes(view, after, subject):
            if isinstance(news, Stay):
                subject = news
            else:
                told.append(news)
        view = after
        assert CardGone() in told or taken is None or taken != subject
        assert not came or kind is not OURS or CardPresent() in told
        assert came or CardPresent() not in told
        if CardPresent() in told:
            ours = [stay for stay, found in lying.items() if found is OURS]
            if len(ours) > 1:
                with pytest.raises(errors.TwoCards):
                    chosen(lying)
            else:
                subject = chosen(view.cards)
                assert subject == came
                assert subject not in read
                read.add(subject)
