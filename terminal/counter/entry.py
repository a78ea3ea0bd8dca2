"""What the clerk types before a card is there: the bill, an award, what to undo, the consent to first registration."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from terminal.counter import pricing
from terminal.counter.amounts import amount_of, edited
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
from terminal.counter.scanned import SlipCode
from terminal.counter.states import ConfirmingVoid, Consenting, Counter, EnteringAward, Idle, PickingReason, PickingVoid


def idle(counter: Counter, state: Idle, event: Event) -> Step:
    """Take the bill, or begin what a function key asks for; nothing goes on over a wrong key that nobody saw."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event))
        case Escaped():
            return go(counter, Idle())
        case Entered() if state.notice is None:
            bill = amount_of(state.text)
            if isinstance(bill, Fault):
                return go(counter, replace(state, notice=bill))
            return wait_for_card(counter, SaleIntent(bill))
        case Asked(task):
            return _begin(counter, task)
        case _:  # no other event is for this state
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
            return begin(counter, PickingReason(giving.code, tuple(giving.reasons.items()))), ()
        case _:
            assert_never(task)


def picking_reason(counter: Counter, state: PickingReason, event: Event) -> Step:
    """Let the clerk pick what the points are for: a number picks at once, Enter takes the highlighted line."""
    match event:
        case Escaped():
            return home(counter)
        case Moved(by):
            return go(counter, replace(state, cursor=(state.cursor + by) % len(state.reasons)))
        case Picked(number) if 1 <= number <= len(state.reasons):
            return _for_reason(counter, replace(state, cursor=number - 1))
        case Entered():
            return _for_reason(counter, state)
        case _:  # no other event is for this state
            return stay(counter)


def _for_reason(counter: Counter, state: PickingReason) -> Step:
    """Go on with a reason; where that fixes the points, none need be typed."""
    code, reason = state.reasons[state.cursor]
    if reason.points is not None:
        return wait_for_card(counter, AwardIntent(state.programme, reason.points, code))
    return go(counter, EnteringAward(state))


def entering_award(counter: Counter, state: EnteringAward, event: Event) -> Step:
    """Take the points of an award."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event, state.most))
        case Escaped():
            return go(counter, state.picking)
        case Entered() if state.notice is None:
            points = amount_of(state.text, state.most)
            if isinstance(points, Fault):
                return go(counter, replace(state, notice=points))
            code, _ = state.picking.reasons[state.picking.cursor]
            return wait_for_card(counter, AwardIntent(state.picking.programme, points, code))
        case _:  # no other event is for this state
            return stay(counter)


def consenting(counter: Counter, _state: Consenting, event: Event) -> Step:
    """Begin a first registration when the resident agrees."""
    match event:
        case Entered():
            return wait_for_card(counter, LinkIntent())
        case Escaped():
            return home(counter)
        case _:  # no other event is for this state
            return stay(counter)


def open_slip(counter: Counter, slip: SlipCode) -> Step:
    """Look for the operation of a slip that was scanned."""
    begun = begin(counter, PickingVoid(slip=slip))
    return begun, (ListVoidable(begun.task, slip.operation_id, slip.short_hash),)


def picking_void(counter: Counter, state: PickingVoid, event: Event) -> Step:
    """Let the clerk pick what to undo; a slip has picked already."""
    items = state.items or ()
    match event:
        case VoidableListed(_, ()) if state.slip is not None:
            return go(counter, Idle(notice=Fault("slip_unknown")))
        case VoidableListed(_, (item, *_)) if state.slip is not None:
            return go(counter, ConfirmingVoid(item))
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
        case _:  # no other event is for this state
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
        case _:  # no other event is for this state
            return stay(counter)
