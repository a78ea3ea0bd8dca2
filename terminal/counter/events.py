"""The events of the counter: what people, cards, the clock and the engine do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from terminal.counter.facts import Draft, Fault, Receipt, Resident, Terms, Undoable

# What people do -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Typed:
    """Characters were typed or pasted where digits are wanted; full-width ones are as good."""

    text: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """A barcode scanner typed a text: in no state a choice, a PIN, a yes or an amount."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Erased:
    """Backspace."""


@dataclass(frozen=True, slots=True)
class Entered:
    """Enter: forward."""


@dataclass(frozen=True, slots=True)
class Escaped:
    """Esc: back."""


@dataclass(frozen=True, slots=True)
class Picked:
    """A line was chosen by its number (from 1) or by touch."""

    number: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The highlight was moved down (+1) or up (−1)."""

    by: int


class Task(StrEnum):
    """What function keys begin."""

    BALANCE = "balance"
    AWARD = "award"
    UNDO = "undo"
    CARD = "card"
    """What else a card can be asked for: one of those below."""
    LINK = "link"
    CONVERT = "convert"
    LEAVE = "leave"
    RESERVE = "reserve"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Asked:
    """A function key was pressed."""

    task: Task


@dataclass(frozen=True, slots=True)
class PinTyped:
    """So many boxes of the PIN are filled now; the digits themselves stay with the screen."""

    count: int


@dataclass(frozen=True, slots=True)
class PinEntered:
    """The PIN is complete; whoever gets it wipes it."""

    pin: bytearray = field(repr=False)


# What cards and the clock do ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardArrived:
    """A card with the JPKI application is in the field."""


@dataclass(frozen=True, slots=True)
class OtherCardArrived:
    """A card of another kind is in the field."""


@dataclass(frozen=True, slots=True)
class CardLeft:
    """The field is empty, or the reader is gone."""


@dataclass(frozen=True, slots=True)
class Tick:
    """About a second has passed; `now` is the monotonic clock in seconds."""

    now: float


# What the engine answers ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The engine is ready, or its terms changed."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Trouble:
    """Nothing can be recorded any more, or not yet."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class CardRead:
    """The card was read for `task`; `whole` where its certificate was asked for and read."""

    task: int
    resident: Resident
    whole: bool = False


@dataclass(frozen=True, slots=True)
class CardFailed:
    """The card did not do what `task` needed of it."""

    task: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class TriesLeft:
    """The card said how many tries of the PIN are left."""

    task: int
    tries: int


@dataclass(frozen=True, slots=True)
class Authorised:
    """The card signed: the draft has its id, its time and its signature."""

    task: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Decided:
    """The ledger gave its verdict."""

    task: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The operation is durable, and no verdict came in time."""

    task: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The operation could not be written: nothing happened and nothing will."""

    task: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class UndoableListed:
    """What can still be undone, newest first; `fault` says why what another terminal did cannot be looked up."""

    task: int
    items: tuple[Undoable, ...]
    fault: Fault | None = None


Event = (
    Typed
    | Scanned
    | Erased
    | Entered
    | Escaped
    | Picked
    | Moved
    | Asked
    | PinTyped
    | PinEntered
    | CardArrived
    | OtherCardArrived
    | CardLeft
    | Tick
    | Opened
    | Trouble
    | CardRead
    | CardFailed
    | TriesLeft
    | Authorised
    | Decided
    | Unanswered
    | NotRecorded
    | UndoableListed
)
