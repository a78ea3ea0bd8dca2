"""What the owner's screen is at, and which keys work there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from config.faults import Fault
from terminal.counter.events import Entered, Picked
from terminal.counter.keys import BACK, CANCEL, EVERYWHERE, PRINT, Key
from terminal.shell.registry import COUNTER
from terminal.shop.books import DayReport, FoundOperation
from terminal.shop.periods import Compared, Period


@dataclass(frozen=True, slots=True)
class Looking:
    """The day so far, with the last operations; or, after `show_x`, with the X report."""

    x: bool = False


@dataclass(frozen=True, slots=True)
class Comparing:
    """A period beside the one before it; `found` is None until it was summed up."""

    period: Period
    found: Compared | None = None


@dataclass(frozen=True, slots=True)
class Confirming:
    """Somebody wants to close the day, and is asked whether that is meant; once more where nothing was sold."""

    empty: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """What is unsent is sent, and the day is closed; nobody can leave meanwhile."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The day is closed: this is its Z report."""

    closed: DayReport


@dataclass(frozen=True, slots=True)
class Failed:
    """The terminal gave no answer."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Searching:
    """An operation is looked for; `missed` once there was none with what is typed."""

    text: str = ""
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Picking:
    """Several were found: one is picked by its place in the list."""

    found: tuple[FoundOperation, ...]


@dataclass(frozen=True, slots=True)
class Showing:
    """The slip of an operation that was found."""

    found: FoundOperation


OwnerState = Looking | Comparing | Searching | Picking | Showing | Confirming | Closing | Closed | Failed

TO_COUNTER = Key(COUNTER.cap, COUNTER.press, COUNTER.key_text, Picked(0))
SHOW_X = Key("1", "1", "key-x", Picked(1))
ASK_Z = Key("2", "2", "key-z", Picked(2))
ASK_SEARCH = Key("3", "3", "key-search", Picked(3))
ASK_PERIODS = Key("4", "4", "key-periods", Picked(4))
PERIODS = tuple(
    Key(str(place), str(place), f"period-{each}", Picked(place)) for place, each in enumerate(Period, start=1)
)
SEARCH = Key("Enter", "enter", "key-search", Entered())
CLOSE = Key("Enter", "enter", "key-do-close", Entered())
RETRY = Key("Enter", "enter", "key-retry", Entered())
LEAVE = Key("Enter", "enter", COUNTER.key_text, Picked(0))


def forward(state: OwnerState) -> Key | None:
    """Return the key on the large button."""
    match state:
        case Searching():
            return SEARCH
        case Confirming():
            return CLOSE
        case Closed():
            return LEAVE
        case Failed():
            return RETRY
        case Looking() | Comparing() | Picking() | Showing() | Closing():
            return None
        case _:
            assert_never(state)


def others(state: OwnerState) -> tuple[Key, ...]:
    """Return the keys beside it."""
    match state:
        case Looking(x=True):
            return (PRINT, ASK_Z, BACK, *EVERYWHERE)
        case Looking():
            return (SHOW_X, ASK_Z, ASK_SEARCH, ASK_PERIODS, TO_COUNTER, *EVERYWHERE)
        case Comparing():
            return (*PERIODS, BACK, *EVERYWHERE)
        case Picking():
            return (BACK, *EVERYWHERE)
        case Showing():
            return (PRINT, BACK, *EVERYWHERE)
        case Searching() | Confirming():
            return (CANCEL, *EVERYWHERE)
        case Closing():
            return EVERYWHERE
        case Closed():
            return (PRINT, TO_COUNTER, *EVERYWHERE)
        case Failed():
            return (TO_COUNTER, *EVERYWHERE)
        case _:
            assert_never(state)
