"""How something is undone: picked from a list or found, then voided before the close, or returned after it."""

from __future__ import annotations

from dataclasses import replace

from ledger.wire.operations import Sale
from terminal.counter import pricing
from terminal.counter.amounts import amount_of, edited
from terminal.counter.effects import ListUndoable
from terminal.counter.events import Asked, Entered, Erased, Escaped, Event, Moved, Picked, Task, Typed, UndoableListed
from terminal.counter.facts import Fault, Undoable
from terminal.counter.moves import Step, begin, commit, go, home, stay
from terminal.counter.scanned import SlipCode
from terminal.counter.states import ConfirmingUndo, Counter, EnteringReturn, FindingUndo, Idle, PickingUndo


def begin_undo(counter: Counter) -> Step:
    """List what can be undone."""
    begun = begin(counter, PickingUndo())
    return begun, (ListUndoable(begun.task),)


def open_slip(counter: Counter, slip: SlipCode) -> Step:
    """Look for the operation of a slip that was scanned."""
    begun = begin(counter, PickingUndo(slip=slip))
    return begun, (ListUndoable(begun.task, slip.operation_id, slip.short_hash),)


def picking_undo(counter: Counter, state: PickingUndo, event: Event) -> Step:
    """Let the clerk pick what to undo, or look for another; a slip has picked already."""
    items = state.items
    match event:
        case UndoableListed(_, found, fault):
            return _listed(counter, state, found, fault)
        case Escaped():
            return home(counter)
        case Moved(by) if items is not None:
            return go(counter, replace(state, cursor=(state.cursor + by) % (len(items) + 1)))
        case Picked(number) if items is not None and 1 <= number <= len(items) + 1:
            return _picked(counter, replace(state, cursor=number - 1), items)
        case Entered() if items is not None:
            return _picked(counter, state, items)
        case _:  # no other event is for this state
            return stay(counter)


def _listed(counter: Counter, state: PickingUndo, found: tuple[Undoable, ...], fault: Fault | None) -> Step:
    if state.slip is not None:
        return _undo(counter, found[0]) if found else go(counter, Idle(notice=fault or Fault("slip_unknown")))
    if state.number is not None and not found:
        number = state.number
        return go(counter, FindingUndo(str(number), Fault("undo_missing", (("number", number),))))
    return go(counter, replace(state, items=found, notice=fault))


def _picked(counter: Counter, state: PickingUndo, items: tuple[Undoable, ...]) -> Step:
    """Go on with a line; the one after the last looks for another."""
    if state.cursor == len(items):
        return go(counter, FindingUndo())
    item = items[state.cursor]
    return go(counter, ConfirmingUndo(item)) if state.to_void else _undo(counter, item)


def _undo(counter: Counter, item: Undoable) -> Step:
    """Ask whether to void it; what a close covers is returned instead, where it has a bill."""
    if item.undone_by == "return" and isinstance(item.content, Sale):
        return go(counter, EnteringReturn(item))
    return go(counter, ConfirmingUndo(item))


def finding_undo(counter: Counter, state: FindingUndo, event: Event) -> Step:
    """Take the number, amount or time of what is looked for."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event))
        case Escaped():
            return home(counter)
        case Entered() if state.notice is None:
            number = amount_of(state.text)
            if isinstance(number, Fault):
                return go(counter, replace(state, notice=number))
            return go(counter, PickingUndo(number=number), ListUndoable(counter.task, number=number))
        case _:  # no other event is for this state
            return stay(counter)


def entering_return(counter: Counter, state: EnteringReturn, event: Event) -> Step:
    """Take the yen that come back; all that is left of the bill where nothing is typed."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event, state.most))
        case Escaped():
            return home(counter)
        case Entered() if state.notice is None:
            bill = amount_of(state.text, state.most) if state.text else state.most or Fault("return_exceeds_bill")
            if isinstance(bill, Fault):
                return go(counter, replace(state, notice=bill))
            return go(counter, ConfirmingUndo(state.item, bill=bill))
        case _:  # no other event is for this state
            return stay(counter)


def confirming_undo(counter: Counter, state: ConfirmingUndo, event: Event) -> Step:
    """Undo what was picked, or go back; of a sale that could be voided, part can be returned too."""
    match event:
        case Entered() if state.bill is not None:
            return commit(begin(counter, state), pricing.take_back(state.item, state.bill))
        case Entered():
            return commit(begin(counter, state), pricing.void(state.item))
        case Asked(Task.UNDO) if may_be_part(state):
            return go(counter, EnteringReturn(state.item))
        case Escaped() if state.unknown is not None:
            return go(counter, state.unknown)
        case Escaped() if state.bill is not None:
            return go(counter, EnteringReturn(state.item))
        case Escaped():
            return home(counter)
        case _:  # no other event is for this state
            return stay(counter)


def may_be_part(state: ConfirmingUndo) -> bool:
    """Return whether part of it can be returned instead of the whole being voided."""
    decided = state.item.verdict is not None and state.unknown is None
    return decided and state.bill is None and isinstance(state.item.content, Sale)
