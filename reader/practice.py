"""A reader without hardware: virtual cards are held over it by name, and answer the same bytes as real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from reader.connection import Apdu, Connection
from reader.errors import CardPulled, NoCard
from reader.source import CardGone, CardPresent, ReaderEvent, ReaderReady
from reader.virtual.card import VirtualCard
from reader.virtual.cards import PRACTICE

READER_NAME = "practice"
"""The name under which the reader is reported."""


class PracticeSource:
    """A `CardSource` over which cards are held by `tap` and taken away by `lift`, from any one thread.

    Events are reported from that thread. A card keeps its retry counter from tap to tap.
    """

    def __init__(self, cards: Mapping[str, VirtualCard] | None = None) -> None:
        self.cards = {name: design.make() for name, design in PRACTICE.items()} if cards is None else dict(cards)
        self._report: Callable[[ReaderEvent], None] = _nobody
        self._tapped: _Tapped | None = None

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Report that the reader is there, and a card that is in its field already."""
        self._report = report
        report(ReaderReady(READER_NAME))
        if self._tapped is not None:
            report(CardPresent())

    def stop(self) -> None:
        """Report nothing more."""
        self._report = _nobody

    def tap(self, name: str) -> None:
        """Hold a card over the reader, in place of another that may be there; raise KeyError for an unknown name."""
        card = self.cards[name]
        self.lift()
        self._tapped = _Tapped(card)
        self._report(CardPresent())

    def lift(self) -> None:
        """Take the card away, if one is there."""
        if self._tapped is not None:
            self._tapped.card = None
            self._tapped = None
            self._report(CardGone())

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Power the card up, and down at the end."""
        tapped = self._tapped
        if tapped is None or tapped.card is None:
            raise NoCard
        card = tapped.card
        card.power_off()
        try:
            yield tapped
        finally:
            card.power_off()


class _Tapped:
    """One stay of a card in the field; `card` is None when it is over."""

    def __init__(self, card: VirtualCard) -> None:
        self.card: VirtualCard | None = card

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        card = self.card
        if card is None:
            raise CardPulled
        return card.transmit(command)


def _nobody(_event: ReaderEvent) -> None:
    """Hear an event that nobody waits for."""
