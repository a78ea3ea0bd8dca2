"""What the screens and the engine know of each other: effects go one way, events and the surroundings the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from terminal.counter.effects import Effect
from terminal.counter.events import Event


class ReaderState(StrEnum):
    """What is known of the card reader itself; what lies on it is the counter's `Field`."""

    STARTING = "starting"
    READY = "ready"
    NO_READER = "no_reader"
    SERVICE_DOWN = "service_down"
    PRACTICE = "practice"
    """There is none, and practice cards are tapped instead."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the status line shows beside the shop and the clock.

    `online` is None until the ledger was asked for the first time; `practice_cards` are the names that
    `Engine.hold` takes, none outside practice mode or where a real reader is there.
    """

    clerk: str
    practice: bool = False
    reader: ReaderState = ReaderState.STARTING
    online: bool | None = None
    unsent: int = 0
    practice_cards: tuple[str, ...] = ()


Report = Event | Surroundings
"""What the engine tells the screens."""


class Engine(Protocol):
    """Carries the counter's effects out; no call blocks but `stop`, and reports come from any thread."""

    def start(self, report: Callable[[Report], None]) -> None:
        """Open journal, ledger and reader in the background, and report: first of all `Opened` or `Trouble`."""
        ...

    def carry_out(self, effect: Effect) -> None:
        """Begin one effect; its answer is reported."""
        ...

    def hold(self, card: str | None) -> None:
        """Hold a practice card over the reader, or take away what lies there."""
        ...

    def stop(self) -> None:
        """Finish what must be durable and close everything."""
        ...
