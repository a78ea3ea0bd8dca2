"""Asks before the terminal is left with work that the ledger has not got yet."""

from __future__ import annotations

from textual import events, on
from textual.app import App, ComposeResult
from textual.containers import Grid, Vertical
from textual.screen import ModalScreen

from terminal.counter.events import Entered, Escaped
from terminal.counter.hand import Run
from terminal.counter.keys import BACK, Intention, enter
from terminal.shell.runs import Keyboard
from terminal.shell.shared import Shared
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap, Touchable

_LEAVE = enter("key-leave")


def leave(app: App[None], shared: Shared, *, sending: bool = False) -> None:
    """End the application; while something is unsent, or being sent, only after a yes."""
    if not (shared.surroundings.unsent or sending):
        app.exit()
    elif not isinstance(app.screen, LeaveScreen):
        app.push_screen(LeaveScreen(shared), lambda sure: app.exit() if sure else None)


class LeaveScreen(ModalScreen[bool], inherit_bindings=False):
    """Ends with whether the counter is to be left."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._unsent = shared.surroundings.unsent
        self._words = shared.words
        self._keyboard = Keyboard(self, self._meaning, over=self._do_run, timing=shared.timing)

    def compose(self) -> ComposeResult:
        """Say what is unsent and what becomes of it, and ask."""
        words = self._words
        with Vertical(id="leave"):
            unsent = words("ask-leave", count=self._unsent) if self._unsent else words("ask-leave-sending")
            yield Prose(unsent, "band waiting")
            yield Prose(words("say-leave-kept"), "spaced")
            yield Prose(words("say-leave-open"), "spaced strong")
            with Grid(classes="tiles"):
                yield KeyCap(BACK.cap, words(BACK.text), BACK.means, "tile now")
                yield KeyCap(_LEAVE.cap, words(_LEAVE.text), _LEAVE.means, "tile")

    def on_key(self, event: events.Key) -> None:
        """Take a key, which decides once it is known for a hand's."""
        event.stop()
        self._keyboard.press(event)

    def _meaning(self, key: str, _character: str | None) -> Intention | None:
        return {"enter": _LEAVE.means, "escape": BACK.means, "slash": BACK.means}.get(key)

    def _do_run(self, run: Run) -> None:
        for intention in run.meant:
            self._answer(intention)

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Do what was touched."""
        message.stop()
        self._answer(message.intention)

    def _answer(self, intention: Intention) -> None:
        if isinstance(intention, Entered | Escaped):
            self.dismiss(isinstance(intention, Entered))
