"""The clerk's screen: it lays out what the counter is at, and passes on what is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.reactive import reactive
from textual.screen import Screen

from terminal.counter.events import PinEntered, PinTyped, Typed
from terminal.counter.states import Counter, EnteringPin, Field, State
from terminal.port import Surroundings
from terminal.screens.keys import Key, caps, digit, forward, keys_of, lines_of, meaning, takes_amount
from terminal.screens.question import Room, question
from terminal.screens.slip import slip
from terminal.widgets.pin_boxes import PIN_DIGITS
from terminal.widgets.prose import Prose
from terminal.widgets.slip import Slip
from terminal.widgets.status_line import StatusLine
from terminal.widgets.touch import Intention, KeyCap, Touchable
from terminal.words import Words


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the screen shows, but the clock."""

    counter: Counter
    surroundings: Surroundings
    words: Words
    motion: bool = True

    @property
    def cards(self) -> tuple[str, ...]:
        """The practice cards that can be tapped."""
        return self.surroundings.practice_cards


class Question(VerticalScroll, can_focus=False):
    """The left: composed anew whenever what is asked changes."""

    asked: reactive[tuple[State, Room] | None] = reactive(None, recompose=True)

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        if self.asked is not None:
            yield from question(*self.asked)
            self.call_after_refresh(self._follow_cursor)

    def _follow_cursor(self) -> None:
        for chosen in self.query(".chosen"):
            chosen.scroll_visible(animate=False)


class KeyLine(Horizontal):
    """The bottom: the keys that work now, to be read, pressed or touched."""

    keys: reactive[tuple[tuple[Key, str], ...]] = reactive((), recompose=True)

    def compose(self) -> ComposeResult:
        """Lay the keys out."""
        for key, label in self.keys:
            yield KeyCap(key.cap, label, key.means)


class CounterScreen(Screen[None], inherit_bindings=False):
    """The counter."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012  # Textual reads a plain class attribute

    def __init__(self, scene: Scene, act: Callable[[Intention], None]) -> None:
        super().__init__()
        self._act = act
        """Does at once what was meant, and shows the scene after it: no key is read against a scene that has passed."""
        self._scene = scene
        self._pin = bytearray()
        """The digits of the PIN, as many as the counter counts; wiped when it counts none."""

    def compose(self) -> ComposeResult:
        """Lay the four parts out."""
        yield StatusLine()
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Question()
                yield Prose("", id="hint")
            yield Slip()
        yield KeyLine()

    def on_mount(self) -> None:
        """Show the first scene."""
        self.show(self._scene)

    def show(self, scene: Scene) -> None:
        """Show what the counter is at."""
        state, words = scene.counter.state, scene.words
        if state != self._scene.counter.state:
            self.query_one("#hint", Prose).text = ""
        self._scene = scene
        if not (isinstance(state, EnteringPin) and state.typed == len(self._pin)):
            self._wipe_pin()
        card_there = scene.counter.field is not Field.EMPTY
        room = Room(words, card_there, scene.surroundings.practice, scene.cards, scene.motion)
        self.query_one(Question).asked = (state, room)
        self.query_one(Slip).rows = slip(scene.counter, words)
        self.query_one(KeyLine).keys = tuple((key, words(key.text)) for key in _on_key_line(state))
        self._show_status(scene)

    def show_time(self, now: datetime) -> None:
        """Show the hour and minute."""
        self.query_one(StatusLine).time = now.strftime("%H:%M")

    def _show_status(self, scene: Scene) -> None:
        words, around, terms = scene.words, scene.surroundings, scene.counter.terms
        line = self.query_one(StatusLine)
        terminal = words("status-terminal", number=terms.terminal_id[-2:]) if terms.terminal_id else ""
        line.place = "  ".join(filter(None, (terms.shop_name, terminal, words("status-clerk", clerk=around.clerk))))
        line.practice = words("status-practice") if around.practice else ""
        line.things = "  ".join(_things(scene.counter.field, around, words))

    # What people do ---------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Pass on what a key means now; one that means nothing says which would."""
        event.stop()
        state = self._scene.counter.state
        intention = meaning(state, event.key, event.character, self._scene.cards)
        if isinstance(state, EnteringPin):
            intention = self._pin_key(state, event) or intention
        self._intend(intention)

    def on_paste(self, event: events.Paste) -> None:
        """Take a pasted amount as if it had been typed."""
        event.stop()
        self._intend(Typed(event.text) if takes_amount(self._scene.counter.state) else None)

    @on(Touchable.Pressed)
    def pass_on(self, message: Touchable.Pressed) -> None:
        """Pass on what was touched; Enter on the PIN hands the PIN over."""
        message.stop()
        state = self._scene.counter.state
        ahead = forward(state)
        if isinstance(state, EnteringPin) and ahead is not None and message.intention == ahead.means:
            self._intend(self._complete_pin(state))
        else:
            self._intend(message.intention)

    def _intend(self, intention: Intention | None) -> None:
        words = self._scene.words
        keys = " ".join(caps(self._scene.counter.state, len(self._scene.cards)))
        self.query_one("#hint", Prose).text = "" if intention is not None else words("hint-wrong-key", keys=keys)
        if intention is not None:
            self._act(intention)

    # The PIN ----------------------------------------------------------------------------------------------------

    def _pin_key(self, state: EnteringPin, event: events.Key) -> Intention | None:
        if event.key == "enter":
            return self._complete_pin(state)
        typed = digit(event.character)
        if typed and len(self._pin) < PIN_DIGITS:
            self._pin += typed.encode("ascii")
        elif event.key == "backspace" and self._pin:
            self._pin[-1] = 0
            del self._pin[-1]
        else:
            return None
        return PinTyped(len(self._pin))

    def _complete_pin(self, state: EnteringPin) -> Intention:
        """Hand the PIN over, to be wiped by whoever gets it, once it is whole and the card has said its tries."""
        if len(self._pin) < PIN_DIGITS or state.tries_left is None:
            return PinTyped(len(self._pin))
        pin, self._pin = self._pin, bytearray()
        return PinEntered(pin)

    def _wipe_pin(self) -> None:
        self._pin[:] = bytes(len(self._pin))
        self._pin.clear()


def _on_key_line(state: State) -> tuple[Key, ...]:
    """Return the keys of the bottom line: Enter stands there only where there is no large button for it."""
    ahead = forward(state)
    return keys_of(state) if ahead is None or lines_of(state) else keys_of(state)[1:]


def _things(field: Field, around: Surroundings, words: Words) -> Iterator[str]:
    match field:
        case Field.CARD | Field.USED_CARD:
            yield words("status-card")
        case Field.OTHER_CARD:
            yield words("status-other-card")
        case Field.EMPTY:
            yield words(f"status-reader-{around.reader.replace('_', '-')}")
    yield words({None: "status-line-asking", True: "status-line-up", False: "status-line-down"}[around.online])
    yield words("status-unsent", count=around.unsent)
