"""Asks for the owner's code before a screen that is the owner's; what is typed is never shown."""

from __future__ import annotations

from hmac import compare_digest

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from terminal.counter.events import Entered, Escaped
from terminal.shell.keyboard import PAD, digit
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap, Touchable
from terminal.shell.words import Words

LONGEST = 8
"""Digits of the longest code that the settings take."""

TRIES = 3
"""Wrong codes after which the counter comes back: it is not for guessing."""


class CodeScreen(ModalScreen[bool], inherit_bindings=False):
    """Ends with whether the code was right."""

    def __init__(self, name: str, code: str, words: Words) -> None:
        """Prepare to ask for a code, in the name of the screen that it opens."""
        super().__init__(name=name)
        self._code = code
        self._words = words
        self._digits = ""
        self._tries = TRIES

    def compose(self) -> ComposeResult:
        """Ask, show how many digits were typed, and how to go on."""
        with Vertical(id="code"):
            yield Prose(self._words("code-ask"), "heading now")
            yield Prose("", "strong spaced", id="typed")
            yield Prose("", "refused strong", id="wrong")
            yield KeyCap("Esc", self._words("key-cancel"), Escaped(), "tile")
            yield KeyCap("Enter", self._words("key-ok"), Entered(), "forward now")

    def on_key(self, event: events.Key) -> None:
        """Take digits, Enter, Esc and the key that erases."""
        event.stop()
        match PAD.get(event.key, event.key):
            case "enter":
                self._try()
            case "escape":
                self.dismiss(False)
            case "backspace":
                self._take(self._digits[:-1])
            case _:  # every other key is a digit, or nothing
                self._take((self._digits + (digit(event.character) or ""))[:LONGEST])

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Do what was touched."""
        message.stop()
        if message.intention == Entered():
            self._try()
        else:
            self.dismiss(False)

    def _try(self) -> None:
        if compare_digest(self._digits.encode(), self._code.encode()):
            self.dismiss(True)
            return
        self._tries -= 1
        self._take("")
        if self._tries:
            self.query_one("#wrong", Prose).text = self._words("code-wrong", tries=self._tries)
        else:
            self.dismiss(False)

    def _take(self, digits: str) -> None:
        self._digits = digits
        self.query_one("#typed", Prose).text = "＊" * len(digits)
