"""The counter under thousands of random walks: always a defined state, and money through one door alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.wire.operations import CardSigned, Sale
from terminal.counter import Counter, State, resident_view, step
from terminal.counter.effects import Authorise, Commit, Effect, Wipe
from terminal.counter.events import (
    Asked,
    Authorised,
    CardArrived,
    CardFailed,
    CardLeft,
    CardRead,
    Decided,
    Entered,
    Escaped,
    Event,
    Opened,
    Picked,
    PinEntered,
    Task,
    Tick,
    TriesLeft,
    Typed,
    Unanswered,
    UndoableListed,
)
from terminal.counter.facts import Fault
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    EnteringAward,
    EnteringConvert,
    EnteringPart,
    EnteringPin,
    EnteringReserve,
    EnteringReturn,
    FindingUndo,
    Idle,
    PickingReason,
    PickingTask,
    PickingUndo,
    PickingUnlink,
    Reading,
    Sending,
    Starting,
    Unfit,
)
from tests.terminal.counters import TERMS, receipt, signed
from tests.terminal.happenings import CLOSED, ITEM, PEOPLE, RESIDENTS, WORLD, answers


@dataclass
class Walk:
    """A counter on its way, an engine that answers it (also late, also wrongly), and what was seen."""

    counter: Counter = field(default_factory=lambda: step(Counter(), Opened(TERMS))[0])
    asked: list[Authorise] = field(default_factory=list)
    read_for: set[int] = field(default_factory=set)
    sold_in: set[int] = field(default_factory=set)

    def do(self, event: Event) -> None:
        """Take one step, and check all that must hold of it."""
        before = self.counter
        if isinstance(event, CardRead) and event.task == before.task:
            self.read_for.add(event.task)
        self.counter, effects = step(before, event)
        assert isinstance(self.counter.state, get_args(State))
        resident_view(self.counter)
        self.asked += [effect for effect in effects if isinstance(effect, Authorise)]
        commits = [effect for effect in effects if isinstance(effect, Commit)]
        assert len(commits) == isinstance(self.counter.state, Sending) * (self.counter.state != before.state)
        for commit in commits:
            self.check(commit, before)
        self.check_pin(event, effects)

    def check(self, commit: Commit, before: Counter) -> None:
        """Check that a sale is committed once, after its card was read, with amounts that fit."""
        content = commit.draft.content
        if not isinstance(content, Sale):
            return
        assert commit.task in self.read_for
        assert commit.task not in self.sold_in
        self.sold_in.add(commit.task)
        redeemed = sum(leg.points for leg in content.redeem)
        assert content.amount_due == content.bill - redeemed
        assert {leg.programme[:6] for leg in [*content.redeem, *content.award]} <= {content.municipality}
        assert not commit.draft.lacks_signature
        assert isinstance(content.assurance, CardSigned) == any(leg.points > 500 for leg in content.redeem)
        if isinstance(before.state, Choosing):
            assert content.bill == before.state.intent.bill

    @staticmethod
    def check_pin(event: Event, effects: tuple[Effect, ...]) -> None:
        """Every PIN has exactly one owner, who wipes it."""
        owners = [effect.pin for effect in effects if isinstance(effect, Authorise | Wipe)]
        assert owners == ([event.pin] if isinstance(event, PinEntered) else [])

    def onward(self) -> list[Callable[[], Event]]:
        """Return what would most likely come next: without it, random walks seldom get past the tap."""
        state, task = self.counter.state, self.counter.task
        match state:
            case Starting() | Unfit():
                return [lambda: Opened(TERMS)]
            case Idle():
                return [lambda: Typed("1200"), Entered, Entered, *(partial(Asked, task) for task in Task)]
            case PickingReason():
                return [partial(Picked, number) for number in (1, 2)]
            case EnteringAward() | EnteringPart():
                return [lambda: Typed("40"), Entered]
            case AwaitCard() | AwaitCardAgain():
                return [CardLeft, CardArrived]
            case Reading():
                return [partial(CardRead, task, who, whole=True) for who in RESIDENTS]
            case Choosing():
                return [partial(Picked, number) for number in (1, 1, 2, 3, 4)]
            case EnteringPin(tries_left=None):
                return [partial(TriesLeft, task, tries) for tries in (3, 2, 1, 0)]
            case EnteringPin():
                return [lambda: PinEntered(bytearray(b"1234"))]
            case Authorising(pin):
                wrong = partial(CardFailed, task, Fault("pin_wrong"))
                return [lambda: Authorised(task, signed(pin.draft))] * 2 + [wrong]
            case Sending(draft):
                return [lambda: Decided(task, receipt(draft)), lambda: Unanswered(task, receipt(draft, None))]
            case PickingUndo(None):
                return [lambda: UndoableListed(task, (ITEM,)), lambda: UndoableListed(task, (CLOSED,))]
            case FindingUndo() | EnteringReturn() | EnteringConvert() | EnteringReserve():
                return [lambda: Typed("40"), Entered, Entered]
            case PickingTask() | PickingUnlink():
                return [partial(Picked, number) for number in (1, 2, 3)]
            case _:
                return [Entered, Entered, Escaped]

    def event(self, group: int, index: int) -> Event:
        """Return the event that two drawn numbers stand for, of all that could come now."""
        earlier = max(0, self.counter.task - 1)
        asked = self.asked[-1].draft if self.asked else None
        groups: list[list[Callable[[], Event]]] = [
            *[self.onward()] * 6,
            [partial(replace, event) for event in PEOPLE],
            [partial(replace, event) for event in WORLD],
            [lambda: Tick(self.counter.now + index), lambda: PinEntered(bytearray(b"1234"))],
            answers(self.counter, earlier, asked) + answers(self.counter, self.counter.task, asked),
        ]
        return groups[group][index % len(groups[group])]()


@settings(max_examples=400)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 200)), min_size=30, max_size=60))
def test_every_walk_stays_in_defined_states_and_commits_a_sale_once(choices: list[tuple[int, int]]) -> None:
    """Whatever people, cards, the clock and the engine do, in any order."""
    walk = Walk()
    for group, index in choices:
        walk.do(walk.event(group, index))
