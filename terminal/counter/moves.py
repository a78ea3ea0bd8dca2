"""The moves that every part of the counter makes, and the one door through which money moves."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from terminal.counter.effects import Commit, Effect, ReadCard
from terminal.counter.facts import Draft, Fault, Intent
from terminal.counter.states import AwaitCard, Counter, Field, Idle, Reading, Sending, State

Step = tuple[Counter, tuple[Effect, ...]]
"""The counter afterwards, and what is to be done."""


def stay(counter: Counter) -> Step:
    """Leave everything as it is."""
    return counter, ()


def go(counter: Counter, state: State, *effects: Effect) -> Step:
    """Change the state within a task."""
    return replace(counter, state=state), effects


def begin(counter: Counter, state: State) -> Counter:
    """Begin another task: answers to earlier ones are not for it."""
    return replace(counter, state=state, task=counter.task + 1)


def home(counter: Counter, text: str = "") -> Step:
    """Leave the task: ready for the next bill."""
    return begin(counter, Idle(text)), ()


def begin_to_wait(counter: Counter, intent: Intent, notice: Fault | None = None) -> Step:
    """Begin to wait for a card, or read the one that lies there unless it has served already."""
    if counter.field is Field.CARD:
        return read_card(begin(counter, AwaitCard(intent)), intent)
    return begin(counter, AwaitCard(intent, notice or _field_notice(counter.field))), ()


def read_card(counter: Counter, intent: Intent) -> Step:
    """Read the card in the field, which then has served."""
    return go(replace(counter, field=Field.USED_CARD), Reading(intent), ReadCard(counter.task, intent))


def commit(counter: Counter, draft: Draft) -> Step:
    """Write an operation. No other function does."""
    return go(counter, Sending(draft), Commit(counter.task, draft))


def _field_notice(found: Field) -> Fault | None:
    match found:
        case Field.OTHER_CARD:
            return Fault("other_card")
        case Field.USED_CARD:
            return Fault("card_left_behind")
        case Field.EMPTY | Field.CARD:
            return None
        case _:
            assert_never(found)
