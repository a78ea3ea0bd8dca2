"""What happens once an operation is written, and how what is shown is left again."""

from __future__ import annotations

from dataclasses import replace

from ledger.wire.answers import Status
from ledger.wire.operations import Sale
from ledger.wire.values import MAX_YEN
from terminal.counter.card import give_up
from terminal.counter.effects import AskAgain, Reopen
from terminal.counter.entry import begin_reserve, idle
from terminal.counter.events import Asked, Decided, Entered, Escaped, Event, NotRecorded, Task, Typed, Unanswered
from terminal.counter.facts import (
    CounterOperation,
    Fault,
    LinkIntent,
    Receipt,
    SaleIntent,
    Undoable,
    is_decided_here,
)
from terminal.counter.moves import Step, begin, begin_to_wait, go, home, stay
from terminal.counter.states import (
    ConfirmingUndo,
    Consenting,
    Counter,
    Done,
    Idle,
    Queued,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    TimedOut,
    Unfit,
    Unknown,
)

MAY_GO_BETTER = frozenset(
    {
        "card_changed",
        "certificate_unreadable",
        "disk_full",
        "journal_busy",
        "ledger_busy",
        "ledger_failed",
        "ledger_unavailable",
        "line_needed",
        "operation_id_taken",
        "period_key_missing",
        "request_replayed",
        "request_slow",
        "smartphone_needs_pin",
        "too_many_requests",
        "unexpected",
        "wrong_issuer",
        "wrong_key_usage",
    }
)
"""Refusals after which the same bill, another choice or another card may be taken; all others stand."""


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


def sending(counter: Counter, state: Sending, event: Event) -> Step:
    """Show what became of the operation."""
    match event:
        case Decided(_, receipt):
            return go(counter, _decided(receipt))
        case Unanswered(_, receipt) if is_decided_here(receipt.content):
            return go(counter, Queued(receipt))
        case Unanswered(_, receipt) if isinstance(receipt.content, Sale) and receipt.content.redeem:
            return go(counter, Unknown(receipt))
        case Unanswered(_, receipt):
            return go(counter, Queued(receipt))
        case NotRecorded(_, fault):
            return go(counter, Refused(fault, _intent_of(state.draft.content)))
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
            item = Undoable(receipt.operation_id, receipt.at, state.receipt.content)
            return go(counter, ConfirmingUndo(item, replace(state, asking=False)))
        case _:  # no other event is for this state
            return stay(counter)


def finished(counter: Counter, state: Done | Queued | Refused | ShowingBalance, event: Event) -> Step:
    """Leave a result: Enter or Esc for the next customer, and the next bill or function key goes there directly."""
    match event:
        case Entered() | Escaped():
            return home(counter)
        case Asked(Task.RESERVE) if isinstance(state, Done):
            return begin_reserve(counter, state.receipt.reservable or MAX_YEN, same=True)
        case Typed() | Asked():
            cleared, _ = home(counter)
            return idle(cleared, Idle(), event)
        case _:  # no other event is for this state
            return stay(counter)


def refused(counter: Counter, state: Refused, event: Event) -> Step:
    """Leave a refusal: Enter asks for a card once more where that may help, Esc gives the bill back."""
    match event:
        case Entered() if state.intent is not None and may_go_better(state):
            return begin_to_wait(counter, state.intent)
        case Escaped() if state.intent is not None:
            return give_up(counter, state.intent)
        case Typed():  # a PIN that somebody still types is no bill
            return stay(counter)
        case _:  # everything else leaves a refusal as it leaves any result
            return finished(counter, state, event)


def may_go_better(state: Refused) -> bool:
    """Return whether the same once more may end otherwise; where it cannot, nobody is told to try again."""
    return state.intent is not None and state.fault.code in MAY_GO_BETTER


def timed_out(counter: Counter, state: TimedOut, event: Event) -> Step:
    """Go on only when somebody says so: Enter begins the same again, Esc gives the bill back."""
    match event:
        case Entered() if isinstance(state.intent, LinkIntent):
            # Whoever stands there now may be somebody else, who has not agreed.
            return begin(counter, Consenting()), ()
        case Entered():
            return begin_to_wait(counter, state.intent)
        case Escaped():
            return give_up(counter, state.intent)
        case _:  # digits, above all: somebody slow may still be typing a PIN
            return stay(counter)


def _decided(receipt: Receipt) -> Done | Refused:
    verdict = receipt.verdict
    if verdict is not None and verdict.status is Status.REFUSED:
        return Refused(Fault(verdict.code or "unexpected"), _intent_of(receipt.content), receipt)
    return Done(receipt)


def _intent_of(content: CounterOperation) -> SaleIntent | None:
    return SaleIntent(content.bill) if isinstance(content, Sale) else None
