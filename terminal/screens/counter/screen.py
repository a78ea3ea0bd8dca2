"""The clerk's screen: it joins keys, counter and engine, and has the frame show what comes of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from functools import partial

from textual import events, on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen

from terminal.counter import Counter, resident_view, step
from terminal.counter.events import Entered, Event, Opened, PinEntered, PinTyped, Scanned, Tick, Trouble, Typed
from terminal.counter.facts import Fault, Undoable
from terminal.counter.hand import Run
from terminal.counter.keys import Command, Digits, Go, Hold, Intention
from terminal.counter.owner import matter_of
from terminal.counter.paper import Undoing, Written
from terminal.counter.row import Phase
from terminal.counter.scanned import slip_code
from terminal.counter.states import AwaitCard, Done, EnteringPin, Field, Queued, State
from terminal.counter.table import at
from terminal.screens.counter.frame import CounterFrame, FrameView
from terminal.screens.counter.keys import caps, keys_of, leaves, meaning
from terminal.screens.counter.pin import PinPad
from terminal.screens.display.link import Shown
from terminal.shell import printed
from terminal.shell.app import KazasuApp
from terminal.shell.code import CodeScreen
from terminal.shell.help import HelpScreen
from terminal.shell.keyboard import digit
from terminal.shell.leave import leave
from terminal.shell.registry import CLERK, COUNTER
from terminal.shell.runs import Keyboard
from terminal.shell.shared import Shared
from terminal.shell.widgets.touch import Touchable
from terminal.shop.engine import EngineReport, Surroundings

CODE = "owner-code"
"""The name of the question for the owner's code, over the counter."""

TICK_SECONDS = 1.0

PASSING_SECONDS = 0.1
"""How long a state that passes lasts before it is drawn: drawing takes time from the work that is waited for."""

_ADVICE = ("help-how-sale", "help-how-card", "help-how-pin", "help-how-error", "help-how-numpad")
"""What a clerk should know, as keys of texts."""

_log = logging.getLogger(__name__)


class CounterScreen(Screen[None], inherit_bindings=False):
    """The counter."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012  # Textual reads a plain class attribute

    class Reported(Message):
        """The engine reports something, from whatever thread."""

        def __init__(self, report: EngineReport) -> None:
            super().__init__()
            self.report = report

    def __init__(self, shared: Shared) -> None:
        """Prepare to show the counter, which opens the engine for itself and for the other screens."""
        super().__init__(name=COUNTER.name)
        self.counter = Counter()
        self._shared = shared
        self._pin = PinPad()
        self._keyboard = Keyboard(self, self._meaning, echo=self._draw, over=self._do_run, timing=shared.timing)
        self._since = shared.timing.now()
        self._frame = CounterFrame(self._scene())

    def compose(self) -> ComposeResult:
        """Show the frame."""
        yield self._frame

    def on_screen_resume(self) -> None:
        """Show what changed while another screen was there, its language too."""
        self._draw()

    def on_mount(self) -> None:
        """Paint first; everything else after that."""
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        threading.Thread(target=self._open_engine, daemon=True).start()
        self._tick()
        self.set_interval(TICK_SECONDS, self._tick)
        if self._shared.display is not None:
            await self._shared.display.start()

    async def on_unmount(self) -> None:
        """Let the engine finish what must be durable."""
        if self._shared.display is not None:
            await self._shared.display.close()
        if self._shared.engine is not None:
            await asyncio.to_thread(self._shared.engine.stop)

    # The engine -------------------------------------------------------------------------------------------------

    def _open_engine(self) -> None:
        try:
            engine = self._shared.make_engine()
        except Exception:  # noqa: BLE001  # the outermost edge of this thread: whatever it was, the counter says so
            _log.exception("the engine could not be made")
            self._report(Trouble(Fault("unexpected")))
        else:
            self._shared.engine = engine
            engine.start(self._report)

    def _report(self, report: EngineReport) -> None:
        self.post_message(self.Reported(report))

    @on(Reported)
    def take(self, message: Reported) -> None:
        """Take what the engine reports."""
        if isinstance(message.report, Surroundings):
            self._shared.surroundings = message.report
            self.show(self.counter)
        else:
            self.dispatch(message.report)
            self._ask_who_is_there(message.report)

    def _ask_who_is_there(self, report: Event) -> None:
        """Once the terminal is open, have a clerk sign on, where there are any."""
        if isinstance(report, Opened) and self._shared.clerks.clerks and not self._shared.signed_on:
            self.post_message(KazasuApp.Open(CLERK.name))

    def _hold(self, card: str | None) -> None:
        if self._shared.engine is not None:
            self._shared.engine.hold(card)

    # What people do ---------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Take a key; what it types is shown at once, and what it decides waits until it is known for a hand's."""
        event.stop()
        self._keyboard.press(event)

    def _meaning(self, key: str, character: str | None) -> Intention | None:
        """Return what a key means where everything typed so far is taken; the digits of a PIN stay here."""
        state, typed = self._echoed().state, digit(character)
        if isinstance(state, EnteringPin) and (typed or key == "backspace"):
            self._pin.add(typed) if typed else self._pin.erase()
            return PinTyped(len(self._pin))
        around = self._shared.surroundings
        return meaning(state, key, character, around.practice_cards, printer=around.printer)

    def on_paste(self, event: events.Paste) -> None:
        """Take a pasted amount as if it had been typed, and the code of a slip as if it had been scanned."""
        event.stop()
        if slip_code(event.text) is not None:
            self._take_scan(event.text)
        elif at(self.counter.state).row.digits is Digits.AMOUNT:
            self._frame.hint("")
            self.perform(Typed(event.text))
        else:
            self._hint_keys()

    @on(Touchable.Pressed)
    def do_touched(self, message: Touchable.Pressed) -> None:
        """Do what was touched."""
        message.stop()
        self._keyboard.finish()
        self._frame.hint("")
        self._do(message.intention, self._shared.timing.arrived(message))

    def _do_run(self, run: Run) -> None:
        """Do what the keys of a run meant, now that it is over; say why where they meant nothing."""
        if run.scanned:
            self._take_scan(run.text)
            return
        self._frame.hint("")
        for intention in run.meant:
            self._do(intention, run.presses[0].at)
        if run.held_back:
            self._frame.hint(self._shared.words("hint-too-fast"))
        elif all(press.means is None for press in run.presses):
            self._hint_keys()

    def _take_scan(self, text: str) -> None:
        """Let the counter see what was scanned; where it does nothing with it, say so."""
        self._frame.hint("")
        task = self.counter.task
        self.dispatch(Scanned(text))
        if self.counter.task == task:
            self._frame.hint(self._shared.words("hint-scanned"))

    def _hint_keys(self) -> None:
        around = self._shared.surroundings
        keys = " ".join(caps(self.counter.state, len(around.practice_cards), printer=around.printer))
        self._frame.hint(self._shared.words("hint-wrong-key", keys=keys))

    def _do(self, intention: Intention, pressed_at: float) -> None:
        """Do what was pressed, unless that was before anybody can have read what it would leave."""
        here = at(self.counter.state)
        if leaves(here.row.phase, intention) and pressed_at - self._since < here.read_first:
            self._frame.hint(self._shared.words("hint-read-first"))
        else:
            self.perform(intention)

    def perform(self, intention: Intention) -> None:
        """Do what somebody meant by pressing something."""
        match intention:
            case Command.HELP:
                # While a PIN is asked for, its digits may still be arriving.
                numbered = at(self.counter.state).row.digits is not Digits.PIN
                shown = HelpScreen(keys_of(self.counter.state), _ADVICE, self._shared, numbered=numbered)
                self.app.push_screen(shown, self._after_help)
            case Command.LANGUAGE:
                self._turn_language()
            case Command.PRINT:
                self._print(self.counter.state)
            case Command.QUIT:
                leave(self.app, self._shared, sending=at(self.counter.state).row.phase is Phase.WRITTEN)
            case Go(screen):
                self.post_message(KazasuApp.Open(screen))
            case Hold(card):
                self._hold(card)
            case Entered() if isinstance(self.counter.state, EnteringPin):
                self._enter_pin(self.counter.state)
            case _:  # every other intention is an event, or does not pass the type checker here
                matter = matter_of(self.counter, step(self.counter, intention))
                if self._shared.owner.asks(matter, self._shared.surroundings.clerk):
                    self._ask_owner(intention)
                else:
                    self.dispatch(intention)

    def _after_help(self, chosen: Intention | None) -> None:
        if chosen is not None:
            self.perform(chosen)

    def _ask_owner(self, event: Event) -> None:
        """Do it only once the owner's code was given, if the counter still is where it was."""
        state = self.counter.state

        def go_on(right: bool | None) -> None:
            if right and self.counter.state is state:
                self.dispatch(event)

        self.app.push_screen(CodeScreen(CODE, self._shared.owner.knows, self._shared), go_on)

    @work(group="printing")
    async def _print(self, state: State) -> None:
        """Print the slip of what is shown, and say what came of it; the sale goes on meanwhile."""
        match at(state).paper(self.counter.terms):
            case Written(receipt):
                said = await printed.operation(self._shared, receipt.operation_id, receipt.balances)
            case Undoing(Undoable(operation_id)):
                said = await printed.operation(self._shared, operation_id, again=True)
            case _:  # nothing that is written is shown
                return
        self._frame.hint(said)

    def _enter_pin(self, state: EnteringPin) -> None:
        """Hand the PIN to the engine, which wipes it, once it is whole and the card has said its tries."""
        if state.can_be_tried:
            self.dispatch(PinEntered(self._pin.hand_over()))

    # The counter ------------------------------------------------------------------------------------------------

    def dispatch(self, event: Event) -> None:
        """Let the counter make its step, hand the effects to the engine, and show what the counter is at now."""
        before = self.counter
        after, effects = step(before, event)
        for effect in effects:
            if self._shared.engine is not None:
                self._shared.engine.carry_out(effect)
        self._stand_at(after)
        if at(after.state).row.passes:
            self.set_timer(PASSING_SECONDS, partial(self._draw_if_still_at, after.state))
        else:
            self._draw()
        if type(after.state) is not type(before.state):
            self._entered()

    def _echoed(self) -> Counter:
        """Return the counter with all that was typed since, which is shown and not yet done."""
        counter = self.counter
        for event in self._keyboard.run.echo:
            counter, _ = step(counter, event)
        return counter

    def _entered(self) -> None:
        """Mark a new state by its sound; after a result, take away a practice card that nobody's hand holds."""
        state = self.counter.state
        if isinstance(state, AwaitCard):
            # While hands look for a card this holds up nobody; left to itself, it would come between tap and verdict.
            gc.collect()
        row = at(state).row
        if isinstance(state, Done | Queued) and self._shared.prints_always:
            self._print(state)
        if self._shared.settings.sound and row.sound is not None:
            self._shared.play(row.sound)
        if (
            row.phase in (Phase.RESTING, Phase.PAUSED)
            and self._shared.surroundings.practice_cards
            and self.counter.field is not Field.EMPTY
        ):
            self.call_after_refresh(self._lift_if_still_at, state)

    def _lift_if_still_at(self, state: State) -> None:
        if self.counter.state is state:
            self._hold(None)

    def _tick(self) -> None:
        self.dispatch(Tick(self._shared.monotonic()))
        self._frame.show_time(self._shared.now())

    # What is shown ----------------------------------------------------------------------------------------------

    def show(self, counter: Counter) -> None:
        """Show a counter at once, whatever it is at."""
        self._stand_at(counter)
        self._draw()

    def _stand_at(self, counter: Counter) -> None:
        """Go on with a counter; of a PIN, no more digits are kept than it counts."""
        self._shared.learn(counter.terms)
        if type(counter.state) is not type(self.counter.state):
            self._since = self._shared.timing.now()
        self.counter = counter
        echoed = self._echoed().state
        self._pin.keep(echoed.typed if isinstance(echoed, EnteringPin) else 0)

    def _draw_if_still_at(self, state: State) -> None:
        if self.counter.state is state:
            self._draw()

    def _draw(self) -> None:
        self._frame.show(self._scene())
        if self._shared.display is not None:
            self._shared.display.show(Shown(resident_view(self._echoed()), self._shared.words.texts.lang))

    def _turn_language(self) -> None:
        self._shared.turn_language()
        self.show(self.counter)

    def _scene(self) -> FrameView:
        return FrameView(self._echoed(), self._shared.surroundings, self._shared.words, self._shared.settings.motion)


def make(shared: Shared) -> CounterScreen:
    """Return the counter."""
    return CounterScreen(shared)
