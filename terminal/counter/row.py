"""What is to be known of a state of the counter: one row, with a column for everybody who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Generic, TypeVar

from terminal.counter.events import Event
from terminal.counter.facts import Terms
from terminal.counter.keys import Digits, Key
from terminal.counter.left import AskingContext
from terminal.counter.moves import Step
from terminal.counter.paper import Paper
from terminal.counter.pieces import Piece
from terminal.counter.resident import ResidentView
from terminal.counter.states import Counter, State

S = TypeVar("S", bound=State)
T = TypeVar("T")


class Phase(Enum):
    """How far things are, for whatever must know no more of a state."""

    CLOSED = auto()
    """Nothing can be done until the engine says that it is ready."""
    OPEN = auto()
    """Something is being prepared: nothing is written, and trouble ends it."""
    WRITTEN = auto()
    """An operation is durable or just being made so: only what becomes of it leads on."""
    PAUSED = auto()
    """Nobody went on: what lies on the reader is to be taken away, and nothing begins until somebody says so."""
    RESTING = auto()
    """Nothing is under way: what lies on the reader is to be taken away, and the next bill can begin."""


class Sound(StrEnum):
    """The sounds that a state is entered with; each is a file."""

    SEEN = "seen"
    YOUR_TURN = "your_turn"
    DONE = "done"
    TROUBLE = "trouble"


class Fades(Enum):
    """When the resident's display goes back to its invitation by itself."""

    FORGOTTEN = auto()
    """Ten seconds after the card is gone, so that nothing personal stays."""
    THANKED = auto()
    """Three seconds after the card is gone and the result was shown."""


def always(value: T) -> Callable[[object], T]:
    """Return a column that is the same for every state of its kind."""
    return lambda _state: value


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience(Generic[S]):
    """How many seconds somebody is waited for, and what is done when nobody came."""

    seconds: Callable[[Terms], float]
    given_up: Callable[[Counter, S], Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow(Generic[S]):
    """One row of the table; a column is a function of the state where it varies with it.

    `forward` is the key Enter, where it does something, and `keys` are the others that the state has of its own.
    `lines` counts what can be chosen by number. `ready` is whether Enter is what should be done now. `forgets` is the
    state once the card has been gone for long, None where nothing is to be forgotten. `passes` where a card or a
    ledger ends the state, mostly sooner than it could be drawn. `read_first` is for how many seconds the state must
    have been there before it can be left: a key of a moment ago was meant for what stood there before.
    """

    state: type[S]
    phase: Phase
    step: Callable[[Counter, S, Event], Step]
    left: Callable[[S, AskingContext], Iterator[Piece]]
    paper: Callable[[S, Terms], Paper]
    resident: Callable[[S], ResidentView]
    forward: Callable[[S], Key | None] = lambda _state: None
    keys: Callable[[S], tuple[Key, ...]] = lambda _state: ()
    digits: Digits = Digits.NOTHING
    lines: Callable[[S], int] = lambda _state: 0
    ready: Callable[[S, bool], bool] = lambda _state, _card_there: True
    sound: Sound | None = None
    patience: Patience[S] | None = None
    fades: Fades | None = None
    forgets: Callable[[S], State | None] = lambda _state: None
    passes: bool = False
    read_first: Callable[[S], float] = lambda _state: 0.0


@dataclass(frozen=True, slots=True)
class Here(Generic[S]):
    """The row of a state, read at that very state."""

    row: StateRow[S]
    state: S

    def step(self, counter: Counter, event: Event) -> Step:
        """Return the counter after an event that is this state's own."""
        return self.row.step(counter, self.state, event)

    def left(self, room: AskingContext) -> Iterator[Piece]:
        """Yield what the left says and asks."""
        return self.row.left(self.state, room)

    def paper(self, terms: Terms) -> Paper:
        """Return what the slip shows."""
        return self.row.paper(self.state, terms)

    def ready(self, card_there: bool) -> bool:
        """Return whether Enter is what should be done now."""
        return self.row.ready(self.state, card_there)

    def given_up(self, counter: Counter) -> Step | None:
        """Return the counter once nobody was seen for so long that the task is given up, None before that."""
        patience = self.row.patience
        if patience is None or counter.now - counter.changed_at < patience.seconds(counter.terms):
            return None
        return patience.given_up(counter, self.state)

    @property
    def read_first(self) -> float:
        """For how many seconds it must have been there before it can be left."""
        return self.row.read_first(self.state)

    @property
    def resident(self) -> ResidentView:
        """What the resident sees."""
        return self.row.resident(self.state)

    @property
    def forward(self) -> Key | None:
        """The key Enter: on the large button, or on the key line where a list is chosen from."""
        return self.row.forward(self.state)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys beside Enter that this state has of its own."""
        return self.row.keys(self.state)

    @property
    def lines(self) -> int:
        """How many lines there are to choose from."""
        return self.row.lines(self.state)

    @property
    def forgotten(self) -> State | None:
        """The state once the card has been gone for long, None where nothing is to be forgotten."""
        return self.row.forgets(self.state)
