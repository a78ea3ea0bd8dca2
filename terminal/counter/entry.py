"""What the clerk types before a card is there: the bill, an award, what to undo, the consent to first registration."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from terminal.counter import pricing
from terminal.counter.amounts import amount_of, digits_of
from terminal.counter.effects import ListVoidable
from terminal.counter.events import (
    Asked,
    Entered,
    Erased,
    Escaped,
    Event,
    Moved,
    Picked,
    Task,
    Typed,
    VoidableListed,
)
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    Fault,
    LinkIntent,
    SaleIntent,
)
from terminal.counter.moves import Step, begin, commit, go, home, stay, wait_for_card
from terminal.counter.states import ConfirmingVoid, Consenting, Counter, EnteringAward, Idle, PickingVoid

S = TypeVar("S", Idle, EnteringAward)


def idle(counter: Counter, state: Idle, event: Event) -> Step:
    """Take the bill, or begin what a function key asks for."""
    match event:
        case Typed(text):
            return go(counter, _typed(state, text))
        case Erased():
            return go(counter, Idle(state.text[:-1]))
        case Escaped():
            return go(counter, Idle())
        case Entered():
            bill = amount_of(state.text)
            if isinstance(bill, Fault):
                return go(counter, replace(state, notice=bill))
            return wait_for_card(counter, SaleIntent(bill))
        case Asked(task):
            return _begin(counter, task)
        case _:
            return stay(counter)


def _begin(counter: Counter, task: Task) -> Step:
    match task:
        case Task.BALANCE:
            return wait_for_card(counter, BalanceIntent())
        case Task.LINK:
            return begin(counter, Consenting()), ()
        case Task.VOID:
            begun = begin(counter, PickingVoid())
            return begun, (ListVoidable(begun.task),)
        case Task.AWARD:
            terms = counter.terms
            own = (programme for programme in terms.programmes.values() if programme.municipality == terms.municipality)
            giving = next((programme for programme in own if programme.reasons), None)
            if giving is None:
                return go(counter, Idle(notice=Fault("no_programme")))
            return begin(counter, EnteringAward(giving.code, tuple(giving.reasons))), ()


def entering_award(counter: Counter, state: EnteringAward, event: Event) -> Step:
    """Take the points and the reason of an award."""
    match event:
        case Typed(text):
            return go(counter, _typed(state, text))
        case Erased():
            return go(counter, replace(state, text=state.text[:-1], notice=None))
        case Escaped():
            return home(counter)
        case Moved(by):
            return go(counter, replace(state, cursor=(state.cursor + by) % len(state.reasons)))
        case Picked(number) if 1 <= number <= len(state.reasons):
            return go(counter, replace(state, cursor=number - 1))
        case Entered():
            intent = _award(counter, state)
            if isinstance(intent, Fault):
                return go(counter, replace(state, notice=intent))
            return wait_for_card(counter, intent)
        case _:
            return stay(counter)


def _award(counter: Counter, state: EnteringAward) -> AwardIntent | Fault:
    """Return the award as far as its reason allows it; where that fixes the points, none need be typed."""
    code = state.reasons[state.cursor]
    reason = counter.terms.programmes[state.programme].reasons[code]
    points = reason.points if reason.points and not state.text else amount_of(state.text)
    if isinstance(points, Fault):
        return points
    if not reason.allows(points):
        return Fault("award_not_allowed", (("points", reason.points or reason.up_to or 0),))
    return AwardIntent(state.programme, points, code)


def consenting(counter: Counter, event: Event) -> Step:
    """Begin a first registration when the resident agrees."""
    match event:
        case Entered():
            return wait_for_card(counter, LinkIntent())
        case Escaped():
            return home(counter)
        case _:
            return stay(counter)


def picking_void(counter: Counter, state: PickingVoid, event: Event) -> Step:
    """Let the clerk pick what to undo."""
    items = state.items or ()
    match event:
        case VoidableListed(_, found):
            return go(counter, PickingVoid(found))
        case Escaped():
            return home(counter)
        case Moved(by) if items:
            return go(counter, replace(state, cursor=(state.cursor + by) % len(items)))
        case Picked(number) if 1 <= number <= len(items):
            return go(counter, ConfirmingVoid(items[number - 1]))
        case Entered() if items:
            return go(counter, ConfirmingVoid(items[state.cursor]))
        case _:
            return stay(counter)


def confirming_void(counter: Counter, state: ConfirmingVoid, event: Event) -> Step:
    """Undo what was picked, or go back."""
    match event:
        case Entered():
            return commit(begin(counter, state), pricing.void(state.item))
        case Escaped() if state.unknown is not None:
            return go(counter, state.unknown)
        case Escaped():
            return home(counter)
        case _:
            return stay(counter)


def _typed(state: S, text: str) -> S:
    digits = digits_of(state.text + text)
    if isinstance(digits, Fault):
        return replace(state, notice=digits)
    return replace(state, text=digits, notice=None)
