"""Help: which keys begin something now, to be pressed or touched here, and what to know in a few lines."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.screen import ModalScreen

from terminal.counter.events import Escaped
from terminal.counter.hand import Run
from terminal.counter.keys import QUIT, Command, Intention, Key
from terminal.shell.keyboard import digit
from terminal.shell.runs import Keyboard
from terminal.shell.shared import Shared
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap, Touchable

_CLOSING = ("escape", "enter", "f1", "slash", "asterisk")
_CLOSE = Escaped()


class HelpScreen(ModalScreen[Intention | None], inherit_bindings=False):
    """The help of a screen, which ends with what was chosen in it: a task, a screen, the language or the way out.

    What would decide something on the screen below is not offered: nobody sees that screen now.
    """

    def __init__(self, keys: Iterable[Key], advice: Iterable[str], shared: Shared, *, numbered: bool = True) -> None:
        """Prepare to show keys that work now, and advice by the keys of its texts.

        `numbered` is whether a digit stands for a function key, for a numeric pad that has none.
        """
        super().__init__()
        self._words = shared.words
        self._advice = tuple(advice)
        self._keys = [key for key in (*keys, QUIT) if _can_be_chosen(key)]
        self._numbered = numbered
        self._keyboard = Keyboard(self, self._meaning, over=self._do_run, timing=shared.timing)

    def compose(self) -> ComposeResult:
        """Lay the help out."""
        words = self._words
        with VerticalScroll(id="help", can_focus=False):
            yield Prose(words("help-title"), "heading")
            for advice in self._advice:
                yield Prose(words(advice))
            yield Prose(words("help-keys" if self._numbered else "help-keys-alone"), "quiet spaced")
            with Grid(classes="tiles"):
                for key in self._keys:
                    number = _number(key) if self._numbered else None
                    cap = key.cap if number in (None, key.cap) else f"{number} {key.cap}"
                    yield KeyCap(cap, words(key.text), key.means, "tile")
                yield KeyCap("Esc", words("help-close"), _CLOSE, "tile now")

    def on_key(self, event: events.Key) -> None:
        """Choose by number or by the key itself, or close; what a scanner types chooses nothing."""
        event.stop()
        self._keyboard.press(event)

    def _meaning(self, press: str, character: str | None) -> Intention | None:
        if press in _CLOSING:
            return _CLOSE
        number = digit(character) if self._numbered else None
        return next(
            (key.means for key in self._keys if press == key.press or (number and number == _number(key))), None
        )

    def _do_run(self, run: Run) -> None:
        if not run.mixed:
            for intention in run.meant:
                self._choose(intention)

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Take what was touched."""
        message.stop()
        self._choose(message.intention)

    def _choose(self, intention: Intention) -> None:
        self.dismiss(None if intention == _CLOSE else intention)


def _can_be_chosen(key: Key) -> bool:
    return (_number(key) is not None and key.means is not Command.HELP) or key == QUIT


def _number(key: Key) -> str | None:
    """Return the digit that stands for a key, which is its own or a function key's; nothing else has one."""
    number = key.cap.removeprefix("F")
    return number if len(number) == 1 and number in "0123456789" else None
