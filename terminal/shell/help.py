"""Help: which keys work now, each of which can be pressed or touched here, and what to know in a few lines."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.screen import ModalScreen

from terminal.counter.keys import EVERYWHERE, QUIT, Command, Intention, Key
from terminal.shell.keyboard import digit
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap, Touchable
from terminal.shell.words import Words

_CLOSING = ("escape", "enter", "f1", "slash", "asterisk")


class HelpScreen(ModalScreen[Intention | None], inherit_bindings=False):
    """The help of a screen, which ends with what was chosen in it."""

    def __init__(self, keys: Iterable[Key], advice: Iterable[str], words: Words) -> None:
        """Prepare to show keys that work now, and advice by the keys of its texts."""
        super().__init__()
        self._words = words
        self._advice = tuple(advice)
        self._keys = [key for key in (*keys, QUIT) if key.means is not Command.HELP]

    def compose(self) -> ComposeResult:
        """Lay the help out."""
        words = self._words
        with VerticalScroll(id="help", can_focus=False):
            yield Prose(words("help-title"), "heading")
            for advice in self._advice:
                yield Prose(words(advice))
            yield Prose(words("help-keys"), "quiet spaced")
            with Grid(classes="tiles"):
                for number, key in enumerate(self._keys, start=1):
                    yield KeyCap(f"{number} {key.cap}", words(key.text), key.means, "tile")
                yield KeyCap("Esc", words("help-close"), Command.HELP, "tile now")

    def on_key(self, event: events.Key) -> None:
        """Choose by number or by the key itself, or close."""
        event.stop()
        by_press = {key.press: key.means for key in (*EVERYWHERE, QUIT)}
        number = int(digit(event.character) or 0)
        if event.key in _CLOSING:
            self.dismiss(None)
        elif 1 <= number <= len(self._keys):
            self.dismiss(self._keys[number - 1].means)
        elif event.key in by_press:
            self.dismiss(by_press[event.key])

    @on(Touchable.Pressed)
    def choose(self, message: Touchable.Pressed) -> None:
        """Take what was touched."""
        message.stop()
        self.dismiss(None if message.intention is Command.HELP else message.intention)
