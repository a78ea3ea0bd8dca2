"""The owner's screen: it asks the open terminal for the day so far, and closes the day."""

from __future__ import annotations

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.screen import Screen

from offline_queue.errors import NothingToClose
from offline_queue.reading import Recorded
from terminal.counter.events import Entered, Erased, Escaped, Picked, Typed
from terminal.counter.hand import Run
from terminal.counter.keys import PRINT, QUIT, Command, Intention, Key
from terminal.counter.scanned import SlipCode, slip_code
from terminal.screens.owner.state import (
    Closed,
    Closing,
    Comparing,
    Confirming,
    Failed,
    Looking,
    OwnerState,
    Picking,
    Searching,
    Showing,
    forward,
    others,
)
from terminal.screens.owner.view import left, right
from terminal.shell import printed
from terminal.shell.help import HelpScreen
from terminal.shell.keyboard import PAD, digit
from terminal.shell.leave import leave
from terminal.shell.registry import row_of
from terminal.shell.runs import Keyboard
from terminal.shell.shared import Shared
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.slip import Slip
from terminal.shell.widgets.status_line import StatusLine
from terminal.shell.widgets.touch import KeyLine, Touchable
from terminal.shell.words import Words
from terminal.shop import books
from terminal.shop.books import DayReport, OfSlip, Overview, Search
from terminal.shop.engine import Unanswerable
from terminal.shop.periods import Compare, Period

NAME = "owner"

MOST_KEYS = 6
"""Keys that stand side by side on 80 columns, each wide enough for a finger."""

LONGEST = 9
"""Digits that may be typed: enough for any number or amount, and too few for a 個人番号."""

REFRESH_SECONDS = 10.0
"""How old the figures may be."""

TICK_SECONDS = 1.0

_ADVICE = ("owner-how-figures", "owner-how-needs", "owner-how-close")
"""What an owner should know, as keys of texts."""


class Left(Vertical):
    """The left: composed anew whenever anything in it changes."""

    shown: reactive[tuple[OwnerState, Overview | None, Words] | None] = reactive(None, recompose=True)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        if self.shown is not None:
            yield from left(*self.shown)


class OwnerScreen(Screen[None], inherit_bindings=False):
    """The day so far, what needs a hand, X and Z."""

    CSS_PATH = "owner.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012  # Textual reads a plain class attribute
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012  # as above

    def __init__(self, shared: Shared) -> None:
        """Prepare to show the day."""
        super().__init__(name=NAME)
        self._shared = shared
        self._keyboard = Keyboard(self, self._meaning, echo=self._draw, over=self._do_run, timing=shared.timing)
        self.state: OwnerState = Looking()
        self.day: Overview | None = None
        """None until the first answer."""

    def compose(self) -> ComposeResult:
        """Lay the four parts out."""
        yield StatusLine()
        with Horizontal(id="body"):
            with Vertical(id="owner"):
                yield Left()
                yield Prose("", id="hint")
            yield Slip()
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to ask, and go on."""
        self._draw()
        self.look()
        self.set_interval(REFRESH_SECONDS, self.look)
        self.set_interval(TICK_SECONDS, self._draw_line)

    # What is asked ----------------------------------------------------------------------------------------------

    @work(group="looking", exclusive=True)
    async def look(self) -> None:
        """Ask for the day so far, and show it."""
        try:
            self.day = await self._shared.ask(books.overview)
        except Unanswerable as error:
            if isinstance(self.state, Looking):
                self._go(Failed(error.fault))
        else:
            self._draw()

    @work(group="comparing", exclusive=True)
    async def _compare(self, period: Period) -> None:
        self._go(Comparing(period))
        try:
            found = await self._shared.ask(Compare(period))
        except Unanswerable as error:
            self._go(Failed(error.fault))
            return
        if self.state == Comparing(period):  # nobody went elsewhere meanwhile
            self._go(Comparing(period, found))

    @work(group="closing")
    async def _close(self, *, even_if_empty: bool) -> None:
        try:
            closed = await self._shared.ask(books.close_anyway if even_if_empty else books.close)
        except Unanswerable as error:
            nothing = error.fault.code == NothingToClose.code
            self._go(Confirming(empty=True) if nothing else Failed(error.fault))
        else:
            self._go(Closed(closed))
            self.look()

    @work(group="searching", exclusive=True)
    async def _search(self, text: str, slip: SlipCode | None = None) -> None:
        try:
            found = await self._shared.ask(Search(int(text)) if slip is None else OfSlip(slip))
        except Unanswerable as error:
            self._go(Failed(error.fault))
            return
        match found:
            case ():
                self._go(Searching(text, missed=True))
            case (one,):
                self._go(Showing(one))
            case _:  # several
                self._go(Picking(found))

    @work(group="printing")
    async def _print(self, state: OwnerState) -> None:
        """Print the report or the slip that is shown, and say what came of it."""
        shared = self._shared
        match state:
            case Closed(DayReport(entry=Recorded(entry=entry)) as closed):
                said = await printed.report(shared, closed, entry.at)
            case Showing(found):
                said = await printed.operation(shared, found.record.operation_id, again=True)
            case Looking(x=True) if self.day is not None:
                said = await printed.report(shared, DayReport(self.day.report), self.day.at)
            case _:  # nothing is shown that could be printed
                return
        self.query_one("#hint", Prose).text = said

    # What people do ---------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Take a key, which does something once it is known for a hand's."""
        event.stop()
        self._keyboard.press(event)

    def _meaning(self, key: str, character: str | None) -> Intention | None:
        press, typed = PAD.get(key, key), digit(character)
        if isinstance(self.state, Searching) and (typed or press == "backspace"):
            return Typed(typed) if typed else Erased()
        if isinstance(self.state, Picking) and 1 <= int(typed or 0) <= len(self.state.found):
            return Picked(int(typed or 0))
        return next((key.means for key in (*self._keys(), QUIT) if key.press == press), None)

    def _do_run(self, run: Run) -> None:
        """Do what was meant, or show the slip that was scanned; keys that mean nothing say which would."""
        for intention in run.meant:
            self._do(intention)
        code = slip_code(run.text) if run.scanned else None
        if code is not None and not isinstance(self.state, Confirming | Closing):
            self._search(code.operation_id.rpartition("-")[2].lstrip("0"), code)
        elif not run.meant:
            self._draw()  # what a scanner typed is gone again
            caps = " ".join(key.cap for key in self._keys())
            self.query_one("#hint", Prose).text = self._shared.words("hint-wrong-key", keys=caps)

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Do what was touched."""
        message.stop()
        self._do(message.intention)

    def _do(self, intention: Intention) -> None:
        self.query_one("#hint", Prose).text = ""
        match intention:
            case Command.HELP:
                self.app.push_screen(HelpScreen(self._keys(), _ADVICE, self._shared), self._after_help)
            case Command.LANGUAGE:
                self._shared.turn_language()
                self._draw()
            case Command.PRINT:
                self._print(self.state)
            case Command.QUIT:
                leave(self.app, self._shared)
            case _:  # what else there is depends on what the screen is at
                self._step(intention)

    def _after_help(self, chosen: Intention | None) -> None:
        if chosen is not None:
            self._do(chosen)

    def _step(self, intention: Intention) -> None:
        """Go on from what the screen is at."""
        match self.state, intention:
            case ((Looking() | Closed() | Failed()), Picked(0)):
                self.dismiss()
            case Looking(), Picked(1):
                self._go(Looking(x=True))
            case Looking(), Picked(2):
                self._go(Confirming())
            case Looking(), Picked(3):
                self._go(Searching())
            case Looking(), Picked(4):
                self._compare(Period.WEEK)
            case Comparing(), Picked(number):
                self._compare(tuple(Period)[number - 1])
            case Searching(), (Typed() | Erased()):
                self._go(_edited(self.state, intention))
            case Searching(text), Entered():
                if text:
                    self._search(text)
            case Picking(found), Picked(number):
                self._go(Showing(found[number - 1]))
            case ((Picking() | Showing()), Escaped()):
                self._go(Searching())
            case ((Looking() | Comparing() | Searching() | Confirming()), Escaped()):
                self._go(Looking())
            case Confirming(empty), Entered():
                self._go(Closing())
                self._close(even_if_empty=empty)
            case Failed(), Entered():
                self._go(Looking())
                self.look()
            case _:  # nothing else is on a key of this screen
                pass

    # What is shown ----------------------------------------------------------------------------------------------

    def _keys(self) -> tuple[Key, ...]:
        ahead = forward(self.state)
        keys = (*((ahead,) if ahead else ()), *others(self.state))
        return tuple(key for key in keys if key != PRINT or self._shared.printing is not None)

    def show(self, state: OwnerState, day: Overview | None) -> None:
        """Show a state at once, over what is known of the day."""
        self.state, self.day = state, day
        self._draw()

    def _go(self, state: OwnerState) -> None:
        self.show(state, self.day)

    def _draw(self) -> None:
        words, state = self._shared.words, self.state
        for event in self._keyboard.run.echo:
            state = _edited(state, event)
        self.query_one(Left).shown = (state, self.day, words)
        self.query_one(Slip).rows = right(state, self.day, words)
        beside = [key for key in self._keys() if key != forward(state)]
        if len(beside) > MOST_KEYS:  # the language stands in the help alone, as at the counter
            beside = [key for key in beside if key.means is not Command.LANGUAGE]
        self.query_one(KeyLine).keys = tuple((key, words(key.text)) for key in beside)
        self._draw_line()

    def _draw_line(self) -> None:
        shared, words = self._shared, self._shared.words
        around, line = shared.surroundings, self.query_one(StatusLine)
        line.place = "  ".join(part for part in (shared.terms.shop_name, words(row_of(NAME).title)) if part)
        line.practice = words("status-practice") if around.practice else ""
        line.things = f"{words(around.line_text)}  {words('status-unsent', count=around.unsent)}"
        line.time = shared.now().strftime("%H:%M")


def _edited(state: OwnerState, event: Intention) -> OwnerState:
    """Return a search with one more digit, or one less."""
    if not isinstance(state, Searching):
        return state
    if isinstance(event, Typed):
        return Searching((state.text + event.text)[:LONGEST])
    return Searching(state.text[:-1]) if isinstance(event, Erased) else state


def make(shared: Shared) -> OwnerScreen:
    """Return the owner's screen."""
    return OwnerScreen(shared)
