"""Practice mode: a home, a ledger, residents and cards of its own, so that the first sale needs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from config.home import Home
from reader.connection import Connection
from reader.practice import PracticeSource
from reader.source import CardGone, CardPresent, CardSource, ReaderEvent, ReaderGone, ReaderReady, ServiceDown
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import practice_cards
from terminal.shop import enrolment as enrolments
from terminal.shop.enrolment import Enrolment
from terminal.shop.ledger_access import EMBEDDED, make_practice_ledger


class PracticeReader:
    """A `CardSource` that lends practice cards beside a real reader, where there is one."""

    def __init__(self, cards: PracticeSource, reader: CardSource | None = None) -> None:
        self._cards = cards
        self._reader = reader
        self._with_card: CardSource = cards

    @property
    def names(self) -> tuple[str, ...]:
        """The cards that can be held."""
        return tuple(self._cards.cards)

    def hold(self, name: str | None) -> None:
        """Lay a card on the reader, or take it away; an unknown name is no card."""
        if name in self._cards.cards:
            self._cards.tap(name)
        else:
            self._cards.lift()

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Report both; without a real reader, that there is none."""
        self._cards.start(self._from(self._cards, report))
        if self._reader is None:
            report(ReaderGone())
        else:
            self._reader.start(self._from(self._reader, report))

    def stop(self) -> None:
        """Report nothing more."""
        self._cards.stop()
        if self._reader is not None:
            self._reader.stop()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Power up the card that came last."""
        with self._with_card.connect() as connection:
            yield connection

    def _from(self, source: CardSource, report: Callable[[ReaderEvent], None]) -> Callable[[ReaderEvent], None]:
        def hear(event: ReaderEvent) -> None:
            match event:
                case ReaderReady() if source is self._cards:
                    return
                case CardPresent():
                    self._with_card = source
                case ReaderGone() | ServiceDown() if source is self._with_card:
                    report(CardGone())
                case CardGone() if source is not self._with_card:
                    return
                case _:  # what either reader says is passed on, but for the above
                    pass
            report(event)

        return hear


async def enrol_for_practice(home: Home) -> Enrolment:
    """Return the enrolment of a practice home; the first time, make its ledger and enrol there.

    The test authority is trusted in this home alone, so that its cards can be registered.
    """
    if (found := enrolments.load_enrolment(home)) is not None:
        return found
    home.anchors.mkdir(mode=0o700, exist_ok=True)
    (home.anchors / "test.pem").write_bytes(TEST_CA.pem)
    code = make_practice_ledger(home, practice_cards())
    return await enrolments.redeem(home, code, EMBEDDED)
