"""Asks for the owner's code before a screen that is the owner's; what is typed is never shown."""

from __future__ import annotations

from hmac import compare_digest

from textual import events, on
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

    def __init__(self, name: str, code: str, shared: Shared) -> None:
        """Prepare to ask for a code, in the name of the screen that it opens."""
        super().__init__(name=name)
        self._code = code
        self._words = shared.words
        self._keyboard = Keyboard(self, _meaning, echo=self._show, over=self._do_run, timing=shared.timing)
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
        if compare_digest(self._digits.encode(), self._code.encode()):
            self.dismiss(True)
            return
        self._tries -= 1
        self._digits = ""
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
