"""What pressing a key means in a state: as its row says, by Textual's names of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from terminal.counter.events import Asked, Erased, Escaped, Moved, Picked, Task, Typed
from terminal.counter.hand import Deciding
from terminal.counter.keys import EVERYWHERE, QUIT, TASKS, Command, Digits, Go, Hold, Intention, Key
from terminal.counter.row import Phase
from terminal.counter.states import State
from terminal.counter.table import at
from terminal.shell.keyboard import PAD, digit
from terminal.shell.registry import COUNTER, SCREENS

MOST_KEYS = 6
"""Keys that stand side by side on 80 columns, each wide enough for a finger."""

_MOVES = {"up": -1, "left": -1, "down": 1, "right": 1}


def keys_of(state: State, *, printer: bool = True) -> tuple[Key, ...]:
    """Return every key that does something now, beside those for digits and lines."""
    here = at(state)
    ahead = here.forward
    own = (key for key in here.keys if printer or key.means is not Command.PRINT)
    return (*((ahead,) if ahead else ()), *own, *_elsewhere(state), *EVERYWHERE)


def _elsewhere(state: State) -> Iterator[Key]:
    """Yield the keys of the other screens: they can be opened wherever a task can be begun."""
    if set(TASKS) <= set(at(state).keys):
        yield from (Key(row.cap, row.press, row.key_text, Go(row.name)) for row in SCREENS if row is not COUNTER)


def on_key_line(state: State, *, printer: bool = True) -> tuple[Key, ...]:
    """Return the keys of the bottom line: Enter stands there only where there is no large button for it.

    Where there are too many, first the language, then other screens, then the card's tasks stand in the help alone.
    """
    here = at(state)
    button = None if here.lines else here.forward
    keys = [key for key in keys_of(state, printer=printer) if key != button]
    for spared in (Command.LANGUAGE, *(Go(row.name) for row in reversed(SCREENS)), Asked(Task.CARD)):
        if len(keys) > MOST_KEYS:
            keys = [key for key in keys if key.means != spared]
    return tuple(keys)


def caps(state: State, cards: int, *, printer: bool = True) -> list[str]:
    """Return the names of all keys that work now, for the message after a wrong key."""
    return [*_digit_caps(state, cards), *(key.cap for key in keys_of(state, printer=printer))]


def _digit_caps(state: State, cards: int) -> list[str]:
    here = at(state)
    match here.row.digits:
        case Digits.AMOUNT | Digits.PIN:
            return ["0-9"]
        case Digits.LINE:
            return [f"1-{here.lines}"] if here.lines else []
        case Digits.PRACTICE_CARD:
            return [f"1-{cards}"] if cards else []
        case Digits.NOTHING:
            return []
        case _:
            assert_never(here.row.digits)


def leaves(phase: Phase, intention: Intention) -> bool:
    """Return whether an intention leaves what is shown, so that it must not come from before that was there."""
    if isinstance(intention, Asked | Escaped):
        return phase is not Phase.OPEN  # to begin nothing, or to say no, is right at any time
    return isinstance(intention, Deciding)


def meaning(
    state: State, press: str, character: str | None, cards: tuple[str, ...], *, printer: bool = True
) -> Intention | None:
    """Return what a key means now, None when nothing; `press` is Textual's name of it, `character` what it types."""
    press = PAD.get(press, press)
    for key in (*keys_of(state, printer=printer), QUIT):
        if key.press == press:
            return key.means
    here = at(state)
    if press in _MOVES and here.lines:
        return Moved(_MOVES[press])
    number = int(digit(character) or 0)
    match here.row.digits:
        case Digits.AMOUNT:
            if press == "backspace":
                return Erased()
            return Typed(character) if character and character.isprintable() else None
        case Digits.LINE:
            return Picked(number) if 1 <= number <= here.lines else None
        case Digits.PRACTICE_CARD:
            return Hold(cards[number - 1]) if 1 <= number <= len(cards) else None
        case Digits.PIN | Digits.NOTHING:  # the digits of a PIN never leave the screen
            return None
        case _:
            assert_never(here.row.digits)
