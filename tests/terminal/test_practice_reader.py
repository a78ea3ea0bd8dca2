"""Practice cards beside a real reader: they can always be tapped, and neither side takes the other's cards away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

import pytest

from reader import plans
from reader.connection import Connection
from reader.jpki import JpkiSession
from reader.practice import PracticeSource
from reader.source import CardGone, CardPresent, OtherCard, ReaderEvent, ReaderGone, ReaderReady, ServiceDown
from reader.virtual.cards import DESIGNS, PRACTICE
from terminal.counter.events import CardArrived
from terminal.shop.engine import ReaderState, Surroundings
from terminal.shop.engine_thread import BackgroundEngine
from terminal.shop.practice import PracticeReader


class Slot:
    """A real reader that is told what to report, with an ordinary card on it."""

    report: Callable[[ReaderEvent], None]

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Begin with a reader on which nothing lies."""
        self.report = report
        report(ReaderReady("contact slot"))

    def stop(self) -> None:
        """Report nothing more."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Power the card up."""
        return nullcontext(DESIGNS["normal"].make())


def _serial(reader: PracticeReader) -> int:
    with reader.connect() as connection:
        return plans.head(JpkiSession(connection)).token.head.serial


def test_an_empty_slot_takes_no_practice_card_away() -> None:
    """A practice card is held beside it, and read; a card on the reader is read when that is the one that came."""
    slot, told = Slot(), list[ReaderEvent]()
    reader = PracticeReader(PracticeSource(), slot)
    reader.start(told.append)
    reader.hold("visitor")
    slot.report(CardGone())
    assert _serial(reader) == PRACTICE["visitor"].serial
    slot.report(ServiceDown())
    assert _serial(reader) == PRACTICE["visitor"].serial
    reader.hold(None)
    slot.report(CardPresent())
    assert _serial(reader) == DESIGNS["normal"].serial
    assert told == [ReaderReady("contact slot"), CardPresent(), ServiceDown(), CardGone(), CardPresent()]


def _never_opened(_tell: object) -> NoReturn:
    """Open no station: only the reader is looked at."""
    raise AssertionError


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (ReaderReady("contact slot"), ReaderState.READY),
        (ReaderGone(), ReaderState.PRACTICE),
        (ServiceDown(), ReaderState.PRACTICE),
        (OtherCard(), ReaderState.STARTING),
    ],
)
def test_practice_cards_are_offered_whatever_the_reader_is(event: ReaderEvent, state: ReaderState) -> None:
    """Who practises needs no card of their own, also beside a reader."""
    told: list[object] = []
    engine = BackgroundEngine(_never_opened, Slot(), Surroundings("12", practice=True), practice_cards=tuple(PRACTICE))
    engine._report = told.append
    engine._on_reader(event)
    assert engine._surroundings.reader is state
    if state is not ReaderState.STARTING:
        assert engine._surroundings.practice_cards == tuple(PRACTICE)
    engine._on_reader(CardPresent())
    assert told[-1] == CardArrived()
