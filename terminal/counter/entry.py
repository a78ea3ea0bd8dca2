"""What the clerk types before a card is there: the bill, an award, an exchange, the consent to first registration."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ledger.wire.values import MAX_YEN
from terminal.counter import pricing, undoing
from terminal.counter.amounts import amount_of, edited
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
)
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    ConvertIntent,
    Fault,
    LinkIntent,
    ReleaseIntent,
    ReserveIntent,
    SaleIntent,
    UnlinkIntent,
)
from terminal.counter.moves import Step, begin, begin_to_wait, go, home, read_card, stay
from terminal.counter.states import (
    AwaitCard,
    Consenting,
    Counter,
    EnteringAward,
    EnteringConvert,
    EnteringReserve,
    Field,
    Idle,
    PickingExchange,
    PickingReason,
    PickingTask,
)


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
            return begin_to_wait(counter, SaleIntent(bill))
        case Asked(task):
            return _begin(counter, task)
        case _:  # no other event is for this state
            return stay(counter)


def _begin(counter: Counter, task: Task) -> Step:
    match task:
        case Task.BALANCE:
            return begin_to_wait(counter, BalanceIntent())
        case Task.LINK:
            return begin(counter, Consenting()), ()
        case Task.UNDO:
            return undoing.begin_undo(counter)
        case Task.CARD:
            return begin(counter, PickingTask()), ()
        case Task.CONVERT:
            return _begin_convert(counter)
        case Task.RESERVE:
            return begin_reserve(counter)
        case Task.RELEASE if not pricing.may_be_reserved(counter.terms):
            return go(counter, Idle(notice=Fault("offline_not_allowed")))
        case Task.RELEASE:
            return begin_to_wait(counter, ReleaseIntent())
        case Task.LEAVE:
            return begin_to_wait(counter, UnlinkIntent(chosen=True))
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
        return begin_to_wait(counter, AwardIntent(state.programme, reason.points, code))
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
            return begin_to_wait(counter, AwardIntent(state.picking.programme, points, code))
        case _:  # no other event is for this state
            return stay(counter)


def consenting(counter: Counter, _state: Consenting, event: Event) -> Step:
    """Begin a first registration when the resident agrees."""
    match event:
        case Entered():
            return begin_to_wait(counter, LinkIntent())
        case Escaped():
            return home(counter)
        case _:  # no other event is for this state
            return stay(counter)


# What else a card is wanted for --------------------------------------------------------------------------------


def picking_task(counter: Counter, state: PickingTask, event: Event) -> Step:
    """Let the clerk pick what else a card is wanted for."""
    match event:
        case Escaped():
            return home(counter)
        case Moved(by):
            return go(counter, replace(state, cursor=(state.cursor + by) % len(state.tasks)))
        case Picked(number) if 1 <= number <= len(state.tasks):
            return _begin(counter, state.tasks[number - 1])
        case Entered():
            return _begin(counter, state.tasks[state.cursor])
        case _:  # no other event is for this state
            return stay(counter)


def _begin_convert(counter: Counter) -> Step:
    """Ask which points become which; where there is one rate, it is the one."""
    exchanges = counter.terms.exchanges
    if not exchanges:
        return go(counter, Idle(notice=Fault("no_exchange")))
    picking = PickingExchange(exchanges)
    return begin(counter, EnteringConvert(picking) if len(exchanges) == 1 else picking), ()


def begin_reserve(counter: Counter, most: int = MAX_YEN, *, same: bool = False) -> Step:
    """Ask how many points to set aside for this shop; `same` where the card is meant that was just served."""
    if not pricing.may_be_reserved(counter.terms):
        return go(counter, Idle(notice=Fault("offline_not_allowed")))
    return begin(counter, EnteringReserve(most=most, same=same)), ()


def entering_reserve(counter: Counter, state: EnteringReserve, event: Event) -> Step:
    """Take the points to set aside."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event, state.most))
        case Escaped():
            return home(counter)
        case Entered() if state.notice is None:
            points = amount_of(state.text, state.most)
            if isinstance(points, Fault):
                return go(counter, replace(state, notice=points))
            intent = ReserveIntent(points)
            if state.same and counter.field is Field.USED_CARD:
                # It lies there since its sale, and its holder has still to type the PIN: it need not be lifted.
                return read_card(begin(counter, AwaitCard(intent)), intent)
            return begin_to_wait(counter, intent)
        case _:  # no other event is for this state
            return stay(counter)


def picking_exchange(counter: Counter, state: PickingExchange, event: Event) -> Step:
    """Let the clerk pick which points become which."""
    match event:
        case Escaped():
            return home(counter)
        case Moved(by):
            return go(counter, replace(state, cursor=(state.cursor + by) % len(state.exchanges)))
        case Picked(number) if 1 <= number <= len(state.exchanges):
            return go(counter, EnteringConvert(replace(state, cursor=number - 1)))
        case Entered():
            return go(counter, EnteringConvert(state))
        case _:  # no other event is for this state
            return stay(counter)


def entering_convert(counter: Counter, state: EnteringConvert, event: Event) -> Step:
    """Take the points that are exchanged: as many as the rate takes at once, or a multiple."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event))
        case Escaped():
            several = len(state.picking.exchanges) > 1
            return go(counter, state.picking) if several else home(counter)
        case Entered() if state.notice is None:
            points, exchange = amount_of(state.text), state.picking.exchange
            if isinstance(points, Fault):
                return go(counter, replace(state, notice=points))
            if exchange.given(points) is None:
                return go(counter, replace(state, notice=Fault("rate_multiple", (("take", exchange.rate.take),))))
            return begin_to_wait(counter, ConvertIntent(exchange, points))
        case _:  # no other event is for this state
            return stay(counter)
