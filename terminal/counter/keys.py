"""The keys of the counter, and what pressing something may mean; the same key means the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from terminal.counter.events import Asked, Entered, Escaped, Event, Task


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold a practice card over the reader."""

    card: str


@dataclass(frozen=True, slots=True)
class Go:
    """Open another screen, by its name in `terminal.shell.registry`."""

    screen: str


class Command(Enum):
    """What the application does by itself, whatever the counter is at."""

    HELP = auto()
    LANGUAGE = auto()
    QUIT = auto()
    PRINT = auto()


Intention = Event | Hold | Go | Command
"""What pressing something means."""


class Digits(StrEnum):
    """What digits mean in a state."""

    NOTHING = "nothing"
    AMOUNT = "amount"
    LINE = "line"
    PIN = "PIN"
    PRACTICE_CARD = "practice card"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: what stands on it, what Textual calls it, the key of its text, and what it means."""

    cap: str
    press: str
    text: str
    means: Intention


def enter(text: str) -> Key:
    """Return the key that goes forward, with the key of the text that says where to."""
    return Key("Enter", "enter", text, Entered())


def escape(text: str) -> Key:
    """Return the key that goes back."""
    return Key("Esc", "escape", text, Escaped())


EVERYWHERE = (
    Key("F1", "f1", "key-help", Command.HELP),
    Key("F9", "f9", "key-language", Command.LANGUAGE),
)
"""Keys that work in every state."""

QUIT = Key("Ctrl+Q", "ctrl+q", "key-quit", Command.QUIT)
"""Works everywhere too, and stands in the help alone: nobody should press it in passing."""

LINK = Key("F5", "f5", "key-link", Asked(Task.LINK))
TASKS = (
    Key("F2", "f2", "key-balance", Asked(Task.BALANCE)),
    Key("F3", "f3", "key-award", Asked(Task.AWARD)),
    Key("F4", "f4", "key-void", Asked(Task.UNDO)),
    Key("F5", "f5", "key-card", Asked(Task.CARD)),
)
"""What can be begun when nothing is under way."""

RESERVE = Key("F6", "f6", "key-reserve", Asked(Task.RESERVE))
"""Sets points aside for this shop, at the end of a sale."""

CANCEL = escape("key-cancel")
CLEAR = escape("key-clear")
BACK = escape("key-back")
TO_BILL = escape("key-to-bill")
IN_PART = Key("F4", "f4", "key-part", Asked(Task.UNDO))
"""Leads from undoing a sale to returning part of it."""
PRINT = Key("P", "p", "key-print", Command.PRINT)
"""Prints the slip of what is shown, where the terminal has a printer."""
TO_UNDO = escape("key-void")
