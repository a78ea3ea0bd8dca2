"""The counter as one pure function: from every state, every event leads to a defined state."""

from __future__ import annotations

from dataclasses import replace

from terminal.counter import card, entry, outcome
from terminal.counter.effects import Authorise, Wipe
from terminal.counter.events import (
    Authorised,
    CardArrived,
    CardFailed,
    CardLeft,
    CardRead,
    Decided,
    Event,
    NotRecorded,
    Opened,
    OtherCardArrived,
    PinEntered,
    Tick,
    TriesLeft,
    Trouble,
    Unanswered,
    VoidableListed,
)
from terminal.counter.moves import Step, go, home, stay
from terminal.counter.resident import FORGET_AFTER, card_gone_for
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    ConfirmingVoid,
    Consenting,
    Counter,
    Done,
    EnteringAward,
    EnteringPart,
    EnteringPin,
    Field,
    Idle,
    PickingReason,
    PickingVoid,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    Unfit,
    Unknown,
)

PATIENCE = 120.0
"""Seconds in which the resident is expected to do something, before the task is given up."""

_ANSWERS = (CardRead, CardFailed, TriesLeft, Authorised, Decided, Unanswered, NotRecorded, VoidableListed)
_WRITTEN = (Sending, Unknown)


def step(counter: Counter, event: Event) -> Step:
    """Return the counter after an event, and what is to be done about it."""
    if isinstance(event, _ANSWERS) and event.task != counter.task:
        return stay(counter)
    after, effects = _in_general(_with_field(counter, event), event)
    forgot = isinstance(event, Tick) and type(after.state) is type(counter.state)
    if after.state != counter.state and not forgot:
        after = replace(after, changed_at=counter.now)
    if isinstance(event, PinEntered) and not any(isinstance(effect, Authorise) for effect in effects):
        effects = (*effects, Wipe(event.pin))
    return after, effects


def _with_field(counter: Counter, event: Event) -> Counter:
    match event:
        case CardArrived():
            found = Field.CARD
        case OtherCardArrived():
            found = Field.OTHER_CARD
        case CardLeft():
            found = Field.EMPTY
        case _:
            return counter
    return replace(counter, field=found, field_changed_at=counter.now)


def _in_general(counter: Counter, event: Event) -> Step:
    match event:
        case Tick(now):
            return _tick(replace(counter, now=now))
        case Opened(terms):
            opened = replace(counter, terms=terms)
            return home(opened) if isinstance(counter.state, Starting | Unfit) else stay(opened)
        case Trouble(fault) if not isinstance(counter.state, _WRITTEN):
            return go(replace(counter, task=counter.task + 1), Unfit(fault))
        case _:
            return _in_state(counter, event)


def _in_state(counter: Counter, event: Event) -> Step:
    match counter.state:
        case Starting():
            return stay(counter)
        case Unfit():
            return outcome.unfit(counter, event)
        case Idle() as state:
            return entry.idle(counter, state, event)
        case PickingReason() as state:
            return entry.picking_reason(counter, state, event)
        case EnteringAward() as state:
            return entry.entering_award(counter, state, event)
        case Consenting():
            return entry.consenting(counter, event)
        case AwaitCard() as state:
            return card.await_card(counter, state, event)
        case Reading() as state:
            return card.reading(counter, state, event)
        case Choosing() as state:
            return card.choosing(counter, state, event)
        case EnteringPart() as state:
            return card.entering_part(counter, state, event)
        case EnteringPin() as state:
            return card.entering_pin(counter, state, event)
        case ConfirmingLastTry() as state:
            return card.confirming_last_try(counter, state, event)
        case AwaitCardAgain() as state:
            return card.await_card_again(counter, state, event)
        case Authorising() as state:
            return card.authorising(counter, state, event)
        case Sending():
            return outcome.sending(counter, event)
        case Unknown() as state:
            return outcome.unknown(counter, state, event)
        case PickingVoid() as state:
            return entry.picking_void(counter, state, event)
        case ConfirmingVoid() as state:
            return entry.confirming_void(counter, state, event)
        case Refused() as state:
            return outcome.refused(counter, state, event)
        case Done() | Queued() | ShowingBalance():
            return outcome.finished(counter, event)


def _tick(counter: Counter) -> Step:
    """Give up what nobody goes on with, and forget the resident once the card is gone."""
    idle_for = counter.now - counter.changed_at
    card_gone = card_gone_for(counter) >= FORGET_AFTER
    match counter.state:
        case AwaitCard() if idle_for >= counter.terms.tap_seconds:
            return card.give_up(counter, counter.state.intent)
        case Choosing() | EnteringPart() | EnteringPin() | ConfirmingLastTry() | AwaitCardAgain() | Consenting():
            return home(counter) if idle_for >= PATIENCE else stay(counter)
        case ShowingBalance() if card_gone and idle_for >= FORGET_AFTER:
            return home(counter)
        case Done(receipt) | Queued(receipt) if card_gone and receipt.balances:
            forgotten = replace(receipt, balances=())
            return go(counter, replace(counter.state, receipt=forgotten))
        case _:
            return stay(counter)
