"""What lies on the readers: how that stands, what is reported when it changes, and which card is spoken to.

Only asking a card tells whether it is a My Number card, and asking takes time. So a card that lies alone is not asked
before it is read. As soon as several cards lie there each is asked once, and then:

- a card that is none never hides one that is, and its coming or going is not reported beside one;
- of two My Number cards neither is read: people must say which one is meant;
- a My Number card that stays is not reported again because another card came or went, so a card that was left behind
  does not pay for the next customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from reader import errors
from reader.source import CardGone, CardPresent, OtherCard, ReaderEvent, ReaderGone, ReaderReady, ServiceDown


class CardKind(Enum):
    """What is known of a card."""

    UNKNOWN = auto()
    """It was not asked, or gave no answer."""

    OURS = auto()
    """It is a My Number card."""

    OTHER = auto()
    """It is another card."""

    MUTE = auto()
    """It cannot be spoken to at all: two cards in one field, or one that does not start up."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A card's stay on a reader; `insertion` counts what came and went there, where the service does."""

    reader: str
    insertion: int


@dataclass(frozen=True, slots=True)
class Readers:
    """There are readers, and perhaps cards on them."""

    names: tuple[str, ...]
    cards: Mapping[Stay, CardKind]


View = ServiceDown | ReaderGone | Readers
"""How things stand."""


def changes(before: View | None, after: View, subject: Stay | None) -> Iterator[ReaderEvent | Stay]:
    """Yield what is to be reported when how things stand changes, and each stay that becomes the new subject.

    The subject is the card that was reported or spoken to last: when it goes, or the last card of all, that is told.
    """
    if not isinstance(after, Readers):
        if before != after:
            yield after
        return
    names, cards = (before.names, before.cards) if isinstance(before, Readers) else ((), {})
    staying = {stay: found for stay, found in after.cards.items() if stay in cards}
    if (subject in cards and subject not in staying) or (cards and not staying):
        yield CardGone()
    if names != after.names:
        yield ReaderReady(after.names[0])
    come = {stay: found for stay, found in after.cards.items() if stay not in cards}
    if (news := _news(come, staying)) is not None:
        yield from news


def left_lying(last: Readers | None, now: Readers) -> Readers | None:
    """Return what counts as having been there when readers are back, None where nothing does.

    Nobody knows what happened while the service or the reader was away. A card that lies where one lay may be the same:
    it has to be lifted before it is reported, so that it does not pay twice.
    """
    places = {stay.reader for stay in last.cards} if last is not None else set()
    lying = {stay: found for stay, found in now.cards.items() if stay.reader in places}
    return Readers((), lying) if lying else None


def _news(come: Mapping[Stay, CardKind], staying: Mapping[Stay, CardKind]) -> tuple[Stay, ReaderEvent] | None:
    """Return what the cards that came mean beside those that stay, and which of them means it."""
    for stay, found in come.items():
        if found is CardKind.OURS:
            return stay, CardPresent()
    if {CardKind.OURS, CardKind.UNKNOWN} & set(staying.values()):
        return None
    for stay, found in come.items():
        if found is CardKind.UNKNOWN:
            return stay, CardPresent()
    for stay in come:
        return stay, OtherCard()
    return None


def chosen(cards: Mapping[Stay, CardKind]) -> Stay:
    """Return the card to speak to; raise NoCard, or TwoCards where only people can choose.

    Where none is known to be a My Number card, the one that was asked in vain is taken before one that is another.
    """
    ours = [stay for stay, found in cards.items() if found is CardKind.OURS]
    if len(ours) > 1:
        raise errors.TwoCards
    for wanted in (CardKind.OURS, CardKind.UNKNOWN, CardKind.OTHER, CardKind.MUTE):
        for stay, found in cards.items():
            if found is wanted:
                return stay
    raise errors.NoCard
