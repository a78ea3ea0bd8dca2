"""What the screens and the engine know of each other.

The counter's effects go one way, its events and the surroundings the other. Every other screen asks: it hands over a
function of the open terminal, such as one of `terminal.shop.books`, and gets a future of what that returns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from config.faults import Fault
from terminal.counter.effects import Effect
from terminal.counter.events import Event

if TYPE_CHECKING:  # journal and ledger are loaded behind the first frame
    from terminal.shop.opening import Station

A = TypeVar("A")


class ReaderState(StrEnum):
    """What is known of the card reader itself; what lies on it is the counter's `Field`."""

    STARTING = "starting"
    READY = "ready"
    NO_READER = "no_reader"
    SERVICE_DOWN = "service_down"
    PRACTICE = "practice"
    """There is none, and practice cards are tapped instead."""


_TROUBLE = {
    None: "status-line-down",
    "line_down": "status-line-down",
    "answer_untrusted": "status-line-down",
    "line_resting": "status-line-resting",
    "ledger_busy": "status-line-busy",
    "ledger_behind": "status-line-behind",
    "clock_skewed": "status-line-clock",
}
"""What the status line says of each trouble; of any other, that it is this terminal's own."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the status line shows beside the shop and the clock.

    `online` is None until the ledger was asked for the first time; `trouble` is the code of why it cannot be had.
    `practice_cards` are the names that `Engine.hold` takes, none outside practice mode or where a real reader is there.
    `printer` is whether slips can be printed.
    """

    clerk: str
    practice: bool = False
    reader: ReaderState = ReaderState.STARTING
    online: bool | None = None
    trouble: str | None = None
    unsent: int = 0
    plain_http: bool = False
    practice_cards: tuple[str, ...] = ()
    pack_hours: int | None = None
    """How old the pack is, in whole hours; None where there is none."""
    printer: bool = False

    @property
    def line_text(self) -> str:
        """The text for the line: whether it is up, and whose trouble it is where the ledger cannot be had."""
        if self.online is None:
            return "status-line-asking"
        return "status-line-up" if self.online else _TROUBLE.get(self.trouble, "status-line-own")


EngineReport = Event | Surroundings
"""What the engine tells the screens."""


class Unanswerable(Exception):  # noqa: N818  # says what is the case
    """The open terminal could not answer; carries the `fault` that says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Engine(Protocol):
    """Carries the counter's effects out; no call blocks but `stop`, and reports come from any thread."""

    def start(self, report: Callable[[EngineReport], None]) -> None:
        """Open journal, ledger and reader in the background, and report: first of all `Opened` or `Trouble`."""
        ...

    def carry_out(self, effect: Effect) -> None:
        """Begin one effect; its answer is reported."""
        ...

    def ask(self, question: Callable[[Station], Awaitable[A]]) -> Future[A]:
        """Return the answer to come of the open terminal; it fails with Unanswerable. The counter goes on meanwhile."""
        ...

    def hold(self, card: str | None) -> None:
        """Hold a practice card over the reader, or take away what lies there."""
        ...

    def stop(self) -> None:
        """Finish what must be durable and close everything."""
        ...
