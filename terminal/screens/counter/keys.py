"""Which keys work in which state, and what they mean; the same key means the same everywhere."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from terminal.counter.events import Asked, Entered, Erased, Escaped, Moved, Picked, Task, Typed
from terminal.counter.facts import Fault
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    ConfirmingVoid,
    Consenting,
    Done,
    EnteringAward,
    EnteringPart,
    EnteringPin,
    Idle,
    PickingReason,
    PickingVoid,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    State,
    Unfit,
    Unknown,
)
from terminal.shell.widgets.touch import Command, Hold, Intention


@dataclass(frozen=True, slots=True)
class Key:
    """A key: what stands on it, what Textual calls it, the key of its text, and what it means."""

    cap: str
    press: str
    text: str
    means: Intention


def _enter(text: str) -> Key:
    return Key("Enter", "enter", text, Entered())


def _escape(text: str) -> Key:
    return Key("Esc", "escape", text, Escaped())


EVERYWHERE = (
    Key("F1", "f1", "key-help", Command.HELP),
    Key("F9", "f9", "key-language", Command.LANGUAGE),
)
"""Keys that work in every state."""

QUIT = Key("Ctrl+Q", "ctrl+q", "key-quit", Command.QUIT)
"""Works everywhere too, and stands in the help alone: nobody should press it in passing."""

_LINK = Key("F5", "f5", "key-link", Asked(Task.LINK))
TASKS = (
    Key("F2", "f2", "key-balance", Asked(Task.BALANCE)),
    Key("F3", "f3", "key-award", Asked(Task.AWARD)),
    Key("F4", "f4", "key-void", Asked(Task.VOID)),
    _LINK,
)
"""What can be begun when nothing is under way."""

PAD = {"slash": "escape", "asterisk": "f1"}
"""What a numeric pad has in place of keys that it lacks."""

_MOVES = {"up": -1, "left": -1, "down": 1, "right": 1}
_CANCEL = _escape("key-cancel")
_CLEAR = _escape("key-clear")
_BACK = _escape("key-back")


def forward(state: State) -> Key | None:
    """Return what Enter does: it stands on the large button, or on the key line where a list is chosen from."""
    match state:
        case Unfit():
            return _enter("key-retry")
        case Idle():
            return _enter("key-accept")
        case PickingReason() | EnteringAward() | Choosing() | EnteringPart() | EnteringPin():
            return _enter("key-ok")
        case Consenting():
            return _enter("key-agree")
        case ConfirmingLastTry():
            return _enter("key-use-last-try")
        case Done() | Queued() | ShowingBalance():
            return _enter("key-next")
        case Refused(intent=intent):
            return _enter("key-again" if intent is not None else "key-next")
        case Unknown(asking=asking):
            return None if asking else _enter("key-ask-again")
        case PickingVoid(items):
            return _enter("key-ok") if items else None
        case ConfirmingVoid():
            return _enter("key-do-void")
        case Starting() | AwaitCard() | AwaitCardAgain() | Reading() | Authorising() | Sending():
            return None


def others(state: State) -> tuple[Key, ...]:
    """Return the keys beside Enter that this state has of its own."""
    match state:
        case Idle(text, notice) if text or notice:
            return (_CLEAR,)
        case Idle() | Done() | Queued() | ShowingBalance():
            return TASKS
        case Refused(fault=Fault(code="card_unregistered")):
            return (_LINK, _CANCEL)
        case EnteringAward() | EnteringPart() | ConfirmingLastTry():
            return (_BACK,)
        case ConfirmingVoid(unknown=unknown):
            return (_BACK if unknown else _CANCEL,)
        case Unknown():
            return (_escape("key-void"),)
        case Starting() | Unfit() | Authorising() | Sending():
            return ()
        case _:
            return (_CANCEL,)


def keys_of(state: State) -> tuple[Key, ...]:
    """Return every key that does something now, beside those for digits and lines."""
    ahead = forward(state)
    return (*((ahead,) if ahead else ()), *others(state), *EVERYWHERE)


def lines_of(state: State) -> int:
    """Return how many lines there are to choose from."""
    match state:
        case PickingReason(reasons=lines) | Choosing(choices=lines):
            return len(lines)
        case PickingVoid(items):
            return len(items or ())
        case _:
            return 0


def takes_amount(state: State) -> bool:
    """Return whether digits are an amount; after a result they begin the next bill."""
    return isinstance(state, Idle | EnteringAward | EnteringPart | Done | Queued | Refused | ShowingBalance)


def caps(state: State, cards: int) -> list[str]:
    """Return the names of all keys that work now, to be told to whoever pressed another."""
    numbers = cards if isinstance(state, AwaitCard | AwaitCardAgain) else lines_of(state)
    digits = [f"1-{numbers}"] if numbers else []
    if takes_amount(state) or isinstance(state, EnteringPin):
        digits = ["0-9"]
    return [*digits, *(key.cap for key in keys_of(state))]


def meaning(state: State, press: str, character: str | None, cards: tuple[str, ...]) -> Intention | None:
    """Return what a key means now, None when nothing; `press` is Textual's name of it, `character` what it types."""
    press = PAD.get(press, press)
    for key in (*keys_of(state), QUIT):
        if key.press == press:
            return key.means
    if press in _MOVES and lines_of(state):
        return Moved(_MOVES[press])
    if takes_amount(state):
        if press == "backspace":
            return Erased()
        return Typed(character) if character and character.isprintable() else None
    return _numbered(state, character, cards)


def digit(character: str | None) -> str | None:
    """Return the digit that a key types, also where an input method makes it a full-width one."""
    plain = unicodedata.normalize("NFKC", character or "")
    return plain if len(plain) == 1 and plain in "0123456789" else None


def _numbered(state: State, character: str | None, cards: tuple[str, ...]) -> Intention | None:
    number = int(digit(character) or 0)
    if isinstance(state, AwaitCard | AwaitCardAgain):
        return Hold(cards[number - 1]) if 1 <= number <= len(cards) else None
    return Picked(number) if 1 <= number <= lines_of(state) else None
