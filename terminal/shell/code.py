"""Asks for a code: the owner's before what is the owner's, a clerk's at sign-on; what is typed is never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from terminal.counter.events import Entered, Erased, Escaped, Typed
from terminal.counter.hand import Run
from terminal.counter.keys import Intention
from terminal.shell.keyboard import PAD, digit
from terminal.shell.runs import Keyboard
from terminal.shell.shared import Shared
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap, Touchable

LONGEST = 8
"""Digits of the longest code that the settings take."""

TRIES = 3
"""Wrong codes after which the counter comes back: it is not for guessing."""


class CodeScreen(ModalScreen[bool], inherit_bindings=False):
    """Ends with whether the code was right."""

    def __init__(
        self, name: str, is_right: Callable[[str], bool], shared: Shared, *, asking: str = "", slow: bool = False
    ) -> None:
        """Prepare to ask for a code, in the name of the screen that it opens; a `slow` check holds up no key."""
        super().__init__(name=name)
        self._is_right = is_right
        self._asking = asking or shared.words("code-ask")
        self._slow = slow
        self._trying = False
        self._words = shared.words
        self._keyboard = Keyboard(self, _meaning, echo=self._show, over=self._do_run, timing=shared.timing)
        self._digits = ""
        self._tries = TRIES

    def compose(self) -> ComposeResult:
        """Ask, show how many digits were typed, and how to go on."""
        with Vertical(id="code"):
            yield Prose(self._asking, "heading now")
            yield Prose("", "strong spaced", id="typed")
            yield Prose("", "refused strong", id="wrong")
            yield KeyCap("Esc", self._words("key-cancel"), Escaped(), "tile")
            yield KeyCap("Enter", self._words("key-ok"), Entered(), "forward now")

    def on_key(self, event: events.Key) -> None:
        """Take digits, Enter, Esc and the key that erases; what a scanner types is no try."""
        event.stop()
        self._keyboard.press(event)

    def _do_run(self, run: Run) -> None:
        for intention in run.meant:
            self._do(intention)
        self._show()

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Do what was touched."""
        message.stop()
        self._keyboard.finish()
        self._do(message.intention)

    def _do(self, intention: Intention) -> None:
        if intention == Entered():
            self._try()
        elif intention == Escaped():
            self.dismiss(False)
        else:
            self._digits = _edited(self._digits, intention)

    def _try(self) -> None:
        if self._trying:
            return
        digits, self._digits = self._digits, ""
        if self._slow:
            self._trying = True
            self._try_aside(digits)
        else:
            self._judge(self._is_right(digits))

    @work
    async def _try_aside(self, digits: str) -> None:
        right = await asyncio.to_thread(self._is_right, digits)
        self._trying = False
        self._judge(right)

    def _judge(self, right: bool) -> None:
        if right:
            self.dismiss(True)
            return
        self._tries -= 1
        if self._tries:
            self.query_one("#wrong", Prose).text = self._words("code-wrong", tries=self._tries)
        else:
            self.dismiss(False)

    def _show(self) -> None:
        """Show how many digits were typed, those of the last moment too."""
        digits = self._digits
        for event in self._keyboard.run.echo:
            digits = _edited(digits, event)
        self.query_one("#typed", Prose).text = "＊" * len(digits)


def _meaning(key: str, character: str | None) -> Intention | None:
    match PAD.get(key, key):
        case "enter":
            return Entered()
        case "escape":
            return Escaped()
        case "backspace":
            return Erased()
        case _:  # every other key is a digit, or nothing
            typed = digit(character)
            return Typed(typed) if typed else None


def _edited(digits: str, intention: Intention) -> str:
    if isinstance(intention, Typed):
        return (digits + intention.text)[:LONGEST]
    return digits[:-1] if isinstance(intention, Erased) else digits
