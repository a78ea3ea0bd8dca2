"""The counter as one pure function: from every state, every event leads to a defined state."""

from __future__ import annotations

from dataclasses import replace

from terminal.counter import undoing
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
    Scanned,
    Tick,
    TriesLeft,
    Trouble,
    Unanswered,
    UndoableListed,
)
from terminal.counter.moves import Step, go, home, stay
from terminal.counter.resident import WELCOME, ResidentView
from terminal.counter.row import Fades, Phase
from terminal.counter.scanned import slip_code
from terminal.counter.states import Counter, Field, Idle, Unfit
from terminal.counter.table import at

FORGET_AFTER = 10.0
"""Seconds after the card is gone until nothing personal is left on any screen."""

THANKS_FOR = 3.0
"""Seconds for which a result is shown once the card is gone."""

_ANSWERS = (CardRead, CardFailed, TriesLeft, Authorised, Decided, Unanswered, NotRecorded, UndoableListed)


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
        case _:  # no other event is about the field
            return counter
    return replace(counter, field=found, field_changed_at=counter.now)


def _in_general(counter: Counter, event: Event) -> Step:
    here = at(counter.state)
    match event:
        case Tick(now):
            return _tick(replace(counter, now=now))
        case Opened(terms):
            opened = replace(counter, terms=terms)
            return home(opened) if here.row.phase is Phase.CLOSED else stay(opened)
        case Trouble(fault) if here.row.phase is not Phase.WRITTEN:
            return go(replace(counter, task=counter.task + 1), Unfit(fault))
        case Scanned(text):
            return _scanned(counter, text)
        case _:  # every other event is the state's own
            return here.step(counter, event)


def _scanned(counter: Counter, text: str) -> Step:
    """Open what a slip is of, where nothing is under way; anything else that is scanned changes nothing."""
    code = slip_code(text)
    resting = at(counter.state).row.phase is Phase.RESTING
    typing = isinstance(counter.state, Idle) and counter.state.text
    return stay(counter) if code is None or not resting or typing else undoing.open_slip(counter, code)


def _tick(counter: Counter) -> Step:
    """Give up what nobody goes on with, and forget the resident once the card is gone."""
    here = at(counter.state)
    if (given_up := here.given_up(counter)) is not None:
        return given_up
    forgotten = here.forgotten
    if forgotten is None or _card_gone_for(counter) < FORGET_AFTER:
        return stay(counter)
    if type(forgotten) is type(counter.state):
        return go(counter, forgotten)
    # What is left altogether was on the screen for as long, even where it came after the card had gone.
    return home(counter) if counter.now - counter.changed_at >= FORGET_AFTER else stay(counter)


def resident_view(counter: Counter) -> ResidentView:
    """Return what the resident sees."""
    here, gone = at(counter.state), _card_gone_for(counter)
    thanked = min(gone, counter.now - counter.changed_at) >= THANKS_FOR
    if here.row.fades is Fades.FORGOTTEN and gone >= FORGET_AFTER:
        return WELCOME
    return WELCOME if here.row.fades is Fades.THANKED and thanked else here.resident


def _card_gone_for(counter: Counter) -> float:
    """Return for how many seconds the field has been empty; 0 while something lies there."""
    return counter.now - counter.field_changed_at if counter.field is Field.EMPTY else 0.0
