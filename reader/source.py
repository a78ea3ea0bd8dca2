"""Where cards come from: what a source reports, how its card is spoken to, and the wait for a tap."""

from __future__ import annotations

import queue
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from reader import errors
from reader.connection import Connection


@dataclass(frozen=True, slots=True)
class ServiceDown:
    """The PC/SC service does not answer; the source keeps trying."""


@dataclass(frozen=True, slots=True)
class ReaderGone:
    """No reader is plugged in, or none of the wanted name; a card that was there is gone."""


@dataclass(frozen=True, slots=True)
class ReaderReady:
    """There is a reader."""

    name: str


@dataclass(frozen=True, slots=True)
class CardPresent:
    """A card is in the field; whether it is a My Number card, only a session finds out (`NotMyNumberCard`)."""


@dataclass(frozen=True, slots=True)
class OtherCard:
    """Something is in the field that cannot be spoken to at all: two cards at once, or one that does not start up."""


@dataclass(frozen=True, slots=True)
class CardGone:
    """The field is empty again."""


ReaderEvent = ServiceDown | ReaderGone | ReaderReady | CardPresent | OtherCard | CardGone


_LACKING: dict[type[ReaderEvent], type[errors.ReaderError]] = {
    ServiceDown: errors.PcscServiceDown,
    ReaderGone: errors.NoReader,
    ReaderReady: errors.NoCard,
    CardGone: errors.NoCard,
    OtherCard: errors.CardNotAnswering,
}
"""What is still missing for a tap after each event."""


class CardSource(Protocol):
    """A reader, real or made up."""

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Begin to report, from a thread of the source: first how things stand, then each change."""
        ...

    def stop(self) -> None:
        """Report nothing more."""
        ...

    def connect(self) -> AbstractContextManager[Connection]:
        """Power the card up, and down at the end; raise SourceError or LinkError."""
        ...


def wait_for_card(
    source: CardSource, timeout: float, lacking: Callable[[errors.ReaderError], None] = lambda _: None
) -> None:
    """Return when a card is in the field; tell `lacking` what is missing; after `timeout` seconds raise it.

    The source is started and stopped here.
    """
    events: queue.SimpleQueue[ReaderEvent] = queue.SimpleQueue()
    missing: errors.ReaderError = errors.PcscServiceDown()
    deadline = monotonic() + timeout
    source.start(events.put)
    try:
        while True:
            event = events.get(timeout=max(0.0, deadline - monotonic()))
            if isinstance(event, CardPresent):
                return
            missing = _LACKING[type(event)]()
            lacking(missing)
    except queue.Empty:
        raise missing from None
    finally:
        source.stop()
