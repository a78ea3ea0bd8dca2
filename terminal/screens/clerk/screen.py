"""Where a clerk signs on: F7 and the clerk's line, then the code; every entry names who was there."""

from __future__ import annotations

from collections.abc import Iterator

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

from terminal.counter.events import Entered, Escaped, Moved, Picked
from terminal.counter.hand import Run
from terminal.counter.keys import Intention
from terminal.shell.code import CodeScreen
from terminal.shell.keyboard import PAD, digit
from terminal.shell.registry import CLERK
from terminal.shell.runs import Keyboard
from terminal.shell.shared import Shared
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine, KeyCap, Touchable
from terminal.shop import books
from terminal.shop.clerks import Clerk
from terminal.shop.engine import Unanswerable

_KEYS: dict[str, Intention] = {"enter": Entered(), "escape": Escaped(), "up": Moved(-1), "down": Moved(1)}


class ClerkScreen(ModalScreen[None], inherit_bindings=False):
    """Lists the clerks; the counter comes back once one of them has signed on."""

    def __init__(self, shared: Shared) -> None:
        """Prepare to ask who is there."""
        super().__init__(name=CLERK.name)
        self._shared = shared
        self._clerks = shared.clerks.clerks
        self._cursor = next(
            (at for at, clerk in enumerate(self._clerks) if clerk.number == shared.surroundings.clerk), 0
        )
        self._wrong = ""
        self._keyboard = Keyboard(self, self._meaning, echo=lambda: None, over=self._do_run, timing=shared.timing)

    def compose(self) -> ComposeResult:
        """Ask, and list who may sign on."""
        with VerticalScroll(id="clerks", can_focus=False):
            yield from self._pieces()

    def _pieces(self) -> Iterator[Widget]:
        words = self._shared.words
        yield Prose(words("clerk-ask"), "heading now")
        if not self._clerks:
            yield Prose(words("clerk-none"), "spaced")
        if self._wrong:
            yield Prose(self._wrong, "refused strong spaced")
        for number, clerk in enumerate(self._clerks, start=1):
            name = words("status-clerk", clerk=clerk.number)
            yield ChoiceLine(number, name, "", Picked(number), chosen=number == self._cursor + 1)
        if self._may_leave:
            yield KeyCap("Esc", words("key-cancel"), Escaped(), "tile")

    @property
    def _may_leave(self) -> bool:
        """Nobody sells before somebody has signed on, where there are clerks."""
        return self._shared.signed_on or not self._clerks

    def on_key(self, event: events.Key) -> None:
        """Take a clerk's line, or the arrows and Enter; what a scanner types is nobody."""
        event.stop()
        self._keyboard.press(event)

    def _meaning(self, key: str, character: str | None) -> Intention | None:
        number = int(digit(character) or 0)
        if 1 <= number <= len(self._clerks):
            return Picked(number)
        return _KEYS.get(PAD.get(key, key))

    def _do_run(self, run: Run) -> None:
        for intention in run.meant:
            self._do(intention)

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Do what was touched."""
        message.stop()
        self._keyboard.finish()
        self._do(message.intention)

    def _do(self, intention: Intention) -> None:
        match intention:
            case Escaped() if self._may_leave:
                self.dismiss()
            case Moved(by) if self._clerks:
                self._cursor = (self._cursor + by) % len(self._clerks)
                self.refresh(recompose=True)
            case Picked(number):
                self._ask_code(self._clerks[number - 1])
            case Entered() if self._clerks:
                self._ask_code(self._clerks[self._cursor])
            case _:  # nothing else is on a key of this screen
                pass

    def _ask_code(self, clerk: Clerk) -> None:
        def take(right: bool | None) -> None:
            if right:
                self._sign_on(clerk.number)

        asking = self._shared.words("clerk-ask-code", clerk=clerk.number)
        self.app.push_screen(CodeScreen("clerk-code", clerk.knows, self._shared, asking=asking, slow=True), take)

    @work(exclusive=True)
    async def _sign_on(self, number: str) -> None:
        try:
            await self._shared.ask(books.SignOn(number))
        except Unanswerable as error:
            self._wrong = self._shared.words.refusal(error.fault).what
            self.refresh(recompose=True)
        else:
            self._shared.signed_on = True
            self.dismiss()


def make(shared: Shared) -> ClerkScreen:
    """Return the sign-on."""
    return ClerkScreen(shared)
