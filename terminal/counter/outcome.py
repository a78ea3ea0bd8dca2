"""What happens once an operation is written, and how what is shown is left again."""

from __future__ import annotations

from dataclasses import replace

from ledger.wire.answers import Status
from ledger.wire.operations import Sale
from terminal.counter.effects import AskAgain, Reopen
from terminal.counter.entry import idle
from terminal.counter.events import Asked, Decided, Entered, Escaped, Event, NotRecorded, Typed, Unanswered
from terminal.counter.facts import Fault, Receipt, SaleIntent, Voidable
from terminal.counter.moves import Step, go, home, stay, wait_for_card
from terminal.counter.states import (
    ConfirmingVoid,
    Counter,
    Done,
    Idle,
    Queued,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    Unfit,
    Unknown,
)


def starting(counter: Counter, _state: Starting, _event: Event) -> Step:
    """Wait for the engine."""
    return stay(counter)


def unfit(counter: Counter, _state: Unfit, event: Event) -> Step:
    """Try again when asked to."""
    match event:
        case Entered():
            return go(counter, Starting(), Reopen())
        case _:  # no other event is for this state
            return stay(counter)


def sending(counter: Counter, _state: Sending, event: Event) -> Step:
    """Show what became of the operation."""
    match event:
        case Decided(_, receipt):
            return go(counter, _decided(receipt))
        case Unanswered(_, receipt) if isinstance(receipt.content, Sale) and receipt.content.redeem:
            return go(counter, Unknown(receipt))
        case Unanswered(_, receipt):
            return go(counter, Queued(receipt))
        case NotRecorded(_, fault):
            return go(counter, Refused(fault))
        case _:  # no other event is for this state
            return stay(counter)


def unknown(counter: Counter, state: Unknown, event: Event) -> Step:
    """Ask again under the same id, or lead to voiding it; it can be left in no other way."""
    match event:
        case Decided(_, receipt):
            return go(counter, _decided(receipt))
        case Unanswered(_, receipt):
            return go(counter, Unknown(receipt))
        case Entered() if not state.asking:
            return go(counter, replace(state, asking=True), AskAgain(counter.task, state.receipt))
        case Escaped() if isinstance(state.receipt.content, Sale):
            receipt = state.receipt
            item = Voidable(receipt.operation_id, receipt.at, state.receipt.content)
            return go(counter, ConfirmingVoid(item, replace(state, asking=False)))
        case _:  # no other event is for this state
            return stay(counter)


def finished(counter: Counter, _state: Done | Queued | Refused | ShowingBalance, event: Event) -> Step:
    """Leave a result: Enter or Esc for the next customer, and the next bill or function key goes there directly."""
    match event:
        case Entered() | Escaped():
            return home(counter)
        case Typed() | Asked():
            cleared, _ = home(counter)
            return idle(cleared, Idle(), event)
        case _:  # no other event is for this state
            return stay(counter)


def refused(counter: Counter, state: Refused, event: Event) -> Step:
    """Leave a refusal: Enter asks for a card once more, Esc for the next customer."""
    match event:
        case Entered() if state.intent is not None:
            return wait_for_card(counter, state.intent)
        case _:  # everything else leaves a refusal as it leaves any result
            return finished(counter, state, event)


def _decided(receipt: Receipt) -> Done | Refused:
    verdict = receipt.verdict
    if verdict is not None and verdict.status is Status.REFUSED:
        return Refused(Fault(verdict.code or "unexpected"), _intent_of(receipt), receipt)
    return Done(receipt)


def _intent_of(receipt: Receipt) -> SaleIntent | None:
    return SaleIntent(receipt.bill) if receipt.bill is not None else None
