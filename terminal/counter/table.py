"""The table of the counter: what each state is, in one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, assert_never

from terminal.counter import card, entry, left, outcome, paper, resident, undoing
from terminal.counter.facts import Intent, LinkIntent, Receipt, SaleIntent, Terms, UnlinkIntent
from terminal.counter.keys import (
    BACK,
    CANCEL,
    CLEAR,
    IN_PART,
    LINK,
    PRINT,
    RESERVE,
    TASKS,
    TO_BILL,
    TO_UNDO,
    Digits,
    Key,
    enter,
)
from terminal.counter.moves import go
from terminal.counter.resident import CLOSED, WELCOME, ResidentView, Scene
from terminal.counter.row import Fades, Here, Patience, Phase, Sound, StateRow, always
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    ConfirmingUndo,
    Consenting,
    Done,
    EnteringAward,
    EnteringConvert,
    EnteringPart,
    EnteringPin,
    EnteringReserve,
    EnteringReturn,
    FindingUndo,
    Idle,
    PickingExchange,
    PickingReason,
    PickingTask,
    PickingUndo,
    PickingUnlink,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    State,
    TimedOut,
    Unfit,
    Unknown,
)

RESIDENT_SECONDS = 120.0
"""Seconds in which a resident is expected to do something, before the task is given up."""


def _resident_seconds(_terms: Terms) -> float:
    return RESIDENT_SECONDS


def _blank(_state: object, _terms: Terms) -> paper.Paper:
    return paper.Blank()


def _given_back(intent: Intent | None) -> Key:
    """Return what Esc is called where it gives the bill back, and where there is none."""
    return TO_BILL if isinstance(intent, SaleIntent) else CANCEL


def _card_taken(_state: object, card_there: bool) -> bool:
    """Return whether the card is gone: while it lies there, to take it is what should be done."""
    return not card_there


def _time_out(intent: Callable[[Any], Intent], seconds: Callable[[Terms], float] = _resident_seconds) -> Patience[Any]:
    """Return the patience after which it is said that nobody went on."""
    return Patience(seconds=seconds, given_up=lambda counter, state: go(counter, TimedOut(intent(state))))


_GLANCE, _QUESTION, _RESULT = 0.3, 0.5, 1.0
"""Seconds that a list, a yes-or-no question and a result are there before they can be answered or left.

Where a PIN was asked for a moment ago it is as long as for a result: somebody may still be typing it.
"""


# Before a card is wanted -----------------------------------------------------------------------------------------

_STARTING = StateRow(
    state=Starting,
    phase=Phase.CLOSED,
    step=outcome.starting,
    left=left.starting,
    paper=_blank,
    resident=always(CLOSED),
)
_UNFIT = StateRow(
    state=Unfit,
    phase=Phase.CLOSED,
    step=outcome.unfit,
    left=left.unfit,
    paper=_blank,
    resident=always(CLOSED),
    forward=always(enter("key-retry")),
)
_IDLE = StateRow(
    state=Idle,
    phase=Phase.RESTING,
    step=entry.idle,
    left=left.idle,
    paper=lambda state, _terms: paper.Bill(int(state.text)) if state.text else paper.Blank(),
    resident=always(WELCOME),
    forward=always(enter("key-accept")),
    keys=lambda state: (CLEAR,) if state.text or state.notice else TASKS,
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: bool(state.text) and state.notice is None,
)
_PICKING_REASON = StateRow(
    state=PickingReason,
    phase=Phase.OPEN,
    step=entry.picking_reason,
    left=left.picking_reason,
    paper=lambda state, _terms: paper.Awarding(state.programme, None),
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.LINE,
    lines=lambda state: len(state.reasons),
)
_ENTERING_AWARD = StateRow(
    state=EnteringAward,
    phase=Phase.OPEN,
    step=entry.entering_award,
    left=left.entering_award,
    paper=lambda state, _terms: paper.Awarding(state.picking.programme, int(state.text) if state.text else None),
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=always((BACK,)),
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: bool(state.text) and state.notice is None,
)
_CONSENTING = StateRow(
    state=Consenting,
    phase=Phase.OPEN,
    step=entry.consenting,
    left=left.consenting,
    paper=lambda _state, _terms: paper.intended(LinkIntent()),
    resident=always(ResidentView(Scene.CONSENT)),
    forward=always(enter("key-agree")),
    keys=always((CANCEL,)),
    patience=_time_out(lambda _state: LinkIntent()),
    read_first=always(_QUESTION),
)
_PICKING_UNDO = StateRow(
    state=PickingUndo,
    phase=Phase.OPEN,
    step=undoing.picking_undo,
    left=left.picking_undo,
    paper=lambda _state, _terms: paper.Undoing(None),
    resident=always(WELCOME),
    forward=lambda state: None if state.items is None else enter("key-ok"),
    keys=always((CANCEL,)),
    digits=Digits.LINE,
    lines=lambda state: 0 if state.items is None else len(state.items) + 1,
)
_FINDING_UNDO = StateRow(
    state=FindingUndo,
    phase=Phase.OPEN,
    step=undoing.finding_undo,
    left=left.finding_undo,
    paper=lambda _state, _terms: paper.Undoing(None),
    resident=always(WELCOME),
    forward=always(enter("key-search")),
    keys=always((CANCEL,)),
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: bool(state.text) and state.notice is None,
)
_ENTERING_RETURN = StateRow(
    state=EnteringReturn,
    phase=Phase.OPEN,
    step=undoing.entering_return,
    left=left.entering_return,
    paper=lambda state, _terms: paper.Undoing(state.item),
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=always((CANCEL, PRINT)),
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: state.notice is None,
)
_CONFIRMING_UNDO = StateRow(
    state=ConfirmingUndo,
    phase=Phase.OPEN,
    step=undoing.confirming_undo,
    left=left.confirming_undo,
    paper=lambda state, _terms: paper.Undoing(state.item),
    resident=always(WELCOME),
    forward=lambda state: enter("key-do-void" if state.bill is None else "key-do-return"),
    keys=lambda state: (
        BACK if state.unknown or state.bill is not None else CANCEL,
        *((IN_PART,) if undoing.may_be_part(state) else ()),
        PRINT,
    ),
    read_first=always(_QUESTION),
)
_PICKING_TASK = StateRow(
    state=PickingTask,
    phase=Phase.OPEN,
    step=entry.picking_task,
    left=left.picking_task,
    paper=_blank,
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.LINE,
    lines=lambda state: len(state.tasks),
)
_PICKING_EXCHANGE = StateRow(
    state=PickingExchange,
    phase=Phase.OPEN,
    step=entry.picking_exchange,
    left=left.picking_exchange,
    paper=lambda state, _terms: paper.Exchanging(state.exchange, None),
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.LINE,
    lines=lambda state: len(state.exchanges),
)
_ENTERING_CONVERT = StateRow(
    state=EnteringConvert,
    phase=Phase.OPEN,
    step=entry.entering_convert,
    left=left.entering_convert,
    paper=lambda state, _terms: paper.Exchanging(state.picking.exchange, int(state.text) if state.text else None),
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=lambda state: (BACK if len(state.picking.exchanges) > 1 else CANCEL,),
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: bool(state.text) and state.notice is None,
)
_ENTERING_RESERVE = StateRow(
    state=EnteringReserve,
    phase=Phase.OPEN,
    step=entry.entering_reserve,
    left=left.entering_reserve,
    paper=lambda state, _terms: paper.SettingAside(int(state.text) if state.text else None),
    resident=always(WELCOME),
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: bool(state.text) and state.notice is None,
)

# What the resident does ------------------------------------------------------------------------------------------

_AWAIT_CARD = StateRow(
    state=AwaitCard,
    phase=Phase.OPEN,
    step=card.await_card,
    left=left.await_card,
    paper=lambda state, _terms: paper.intended(state.intent),
    resident=resident.await_card,
    keys=always((CANCEL,)),
    digits=Digits.PRACTICE_CARD,
    patience=_time_out(lambda state: state.intent, lambda terms: terms.tap_seconds),
)
_READING = StateRow(
    state=Reading,
    phase=Phase.OPEN,
    step=card.reading,
    left=left.reading,
    paper=lambda state, _terms: paper.intended(state.intent),
    resident=always(ResidentView(Scene.KEEP_CARD)),
    keys=always((CANCEL,)),
    sound=Sound.SEEN,
    passes=True,
)
_PICKING_UNLINK = StateRow(
    state=PickingUnlink,
    phase=Phase.OPEN,
    step=card.picking_unlink,
    left=left.picking_unlink,
    paper=lambda state, _terms: paper.Holding(state.resident),
    resident=resident.picking_unlink,
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.LINE,
    lines=lambda state: state.lines,
    patience=_time_out(lambda _state: UnlinkIntent(chosen=True)),
    fades=Fades.FORGOTTEN,
    read_first=always(_RESULT),
)
_CHOOSING = StateRow(
    state=Choosing,
    phase=Phase.OPEN,
    step=card.choosing,
    left=left.choosing,
    paper=lambda state, _terms: paper.Quoted(state.choice.quote, state.resident),
    resident=resident.choosing,
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.LINE,
    lines=lambda state: len(state.choices),
    patience=_time_out(lambda state: state.intent),
    fades=Fades.FORGOTTEN,
    read_first=lambda state: _RESULT if state.tap_only else _GLANCE,
)
_ENTERING_PART = StateRow(
    state=EnteringPart,
    phase=Phase.OPEN,
    step=card.entering_part,
    left=left.entering_part,
    paper=paper.part,
    resident=resident.entering_part,
    forward=always(enter("key-ok")),
    keys=always((BACK,)),
    digits=Digits.AMOUNT,
    ready=lambda state, _card_there: bool(state.text) and state.notice is None,
    patience=_time_out(lambda state: state.choosing.intent),
    fades=Fades.FORGOTTEN,
)
_ENTERING_PIN = StateRow(
    state=EnteringPin,
    phase=Phase.OPEN,
    step=card.entering_pin,
    left=left.entering_pin,
    paper=lambda state, _terms: paper.Unwritten(state.draft.content),
    resident=resident.entering_pin,
    forward=always(enter("key-ok")),
    keys=always((CANCEL,)),
    digits=Digits.PIN,
    ready=lambda state, _card_there: state.can_be_tried,
    sound=Sound.YOUR_TURN,
    patience=_time_out(lambda state: state.intent),
)
_CONFIRMING_LAST_TRY = StateRow(
    state=ConfirmingLastTry,
    phase=Phase.OPEN,
    step=card.confirming_last_try,
    left=left.confirming_last_try,
    paper=lambda state, _terms: paper.Unwritten(state.pin.draft.content),
    resident=resident.confirming_last_try,
    forward=always(enter("key-use-last-try")),
    keys=always((BACK,)),
    ready=lambda _state, _card_there: False,
    patience=_time_out(lambda state: state.pin.intent),
    read_first=always(_QUESTION),
)
_AWAIT_CARD_AGAIN = StateRow(
    state=AwaitCardAgain,
    phase=Phase.OPEN,
    step=card.await_card_again,
    left=left.await_card_again,
    paper=lambda state, _terms: paper.Unwritten(state.pin.draft.content),
    resident=resident.await_card_again,
    keys=always((CANCEL,)),
    digits=Digits.PRACTICE_CARD,
    patience=_time_out(lambda state: state.pin.intent),
    read_first=always(_RESULT),
)
_AUTHORISING = StateRow(
    state=Authorising,
    phase=Phase.OPEN,
    step=card.authorising,
    left=left.authorising,
    paper=lambda state, _terms: paper.Unwritten(state.pin.draft.content),
    resident=resident.authorising,
    passes=True,
)

# What became of it -----------------------------------------------------------------------------------------------

_SENDING = StateRow(
    state=Sending,
    phase=Phase.WRITTEN,
    step=outcome.sending,
    left=left.sending,
    paper=lambda state, _terms: paper.Unwritten(state.draft.content),
    resident=always(ResidentView(Scene.WORKING)),
    passes=True,
)
_DONE = StateRow(
    state=Done,
    phase=Phase.RESTING,
    step=outcome.finished,
    left=left.done,
    paper=lambda state, _terms: paper.Written(state.receipt),
    resident=resident.done,
    forward=always(enter("key-next")),
    keys=lambda state: (PRINT, *TASKS, RESERVE) if state.receipt.reservable else (PRINT, *TASKS),
    digits=Digits.AMOUNT,
    ready=_card_taken,
    sound=Sound.DONE,
    fades=Fades.THANKED,
    forgets=lambda state: replace(state, receipt=_impersonal(state.receipt)) if state.receipt.balances else None,
    read_first=always(_RESULT),
)
_QUEUED = StateRow(
    state=Queued,
    phase=Phase.RESTING,
    step=outcome.finished,
    left=left.queued,
    paper=lambda state, _terms: paper.Written(state.receipt),
    resident=resident.queued,
    forward=always(enter("key-next")),
    keys=always((PRINT, *TASKS)),
    digits=Digits.AMOUNT,
    ready=_card_taken,
    sound=Sound.DONE,
    fades=Fades.THANKED,
    read_first=always(_RESULT),
)
_REFUSED = StateRow(
    state=Refused,
    phase=Phase.RESTING,
    step=outcome.refused,
    left=left.refused,
    paper=lambda state, _terms: paper.refused(state),
    resident=resident.refused,
    forward=lambda state: enter("key-again" if outcome.may_go_better(state) else "key-next"),
    keys=lambda state: (*((LINK,) if state.fault.code == "card_unregistered" else ()), _given_back(state.intent)),
    ready=_card_taken,
    sound=Sound.TROUBLE,
    fades=Fades.THANKED,
    read_first=always(_RESULT),
)
_TIMED_OUT = StateRow(
    state=TimedOut,
    phase=Phase.PAUSED,
    step=outcome.timed_out,
    left=left.timed_out,
    paper=lambda state, _terms: paper.intended(state.intent),
    resident=always(ResidentView(Scene.TIMED_OUT)),
    forward=always(enter("key-again")),
    keys=lambda state: (_given_back(state.intent),),
    sound=Sound.TROUBLE,
    fades=Fades.THANKED,
    read_first=always(_RESULT),
)
_UNKNOWN = StateRow(
    state=Unknown,
    phase=Phase.WRITTEN,
    step=outcome.unknown,
    left=left.unknown,
    paper=lambda state, _terms: paper.Written(state.receipt),
    resident=resident.unknown,
    forward=lambda state: None if state.asking else enter("key-ask-again"),
    keys=always((TO_UNDO,)),
    ready=_card_taken,
    sound=Sound.TROUBLE,
    read_first=always(_RESULT),
)
_SHOWING_BALANCE = StateRow(
    state=ShowingBalance,
    phase=Phase.RESTING,
    step=outcome.finished,
    left=left.showing_balance,
    paper=lambda state, _terms: paper.Holding(state.resident),
    resident=resident.showing_balance,
    forward=always(enter("key-next")),
    keys=always(TASKS),
    digits=Digits.AMOUNT,
    ready=_card_taken,
    fades=Fades.THANKED,
    forgets=always(Idle()),
    read_first=always(_RESULT),
)


def _impersonal(receipt: Receipt) -> Receipt:
    return replace(receipt, balances=(), reservable=0)


def at(state: State) -> Here[Any]:
    """Return the row of a state, read at that very state; a state without a row does not pass the type checker."""
    match state:
        case Starting():
            return Here(_STARTING, state)
        case Unfit():
            return Here(_UNFIT, state)
        case Idle():
            return Here(_IDLE, state)
        case PickingReason():
            return Here(_PICKING_REASON, state)
        case EnteringAward():
            return Here(_ENTERING_AWARD, state)
        case Consenting():
            return Here(_CONSENTING, state)
        case AwaitCard():
            return Here(_AWAIT_CARD, state)
        case Reading():
            return Here(_READING, state)
        case Choosing():
            return Here(_CHOOSING, state)
        case EnteringPart():
            return Here(_ENTERING_PART, state)
        case EnteringPin():
            return Here(_ENTERING_PIN, state)
        case ConfirmingLastTry():
            return Here(_CONFIRMING_LAST_TRY, state)
        case AwaitCardAgain():
            return Here(_AWAIT_CARD_AGAIN, state)
        case Authorising():
            return Here(_AUTHORISING, state)
        case Sending():
            return Here(_SENDING, state)
        case Done():
            return Here(_DONE, state)
        case Queued():
            return Here(_QUEUED, state)
        case Refused():
            return Here(_REFUSED, state)
        case TimedOut():
            return Here(_TIMED_OUT, state)
        case Unknown():
            return Here(_UNKNOWN, state)
        case ShowingBalance():
            return Here(_SHOWING_BALANCE, state)
        case PickingUndo():
            return Here(_PICKING_UNDO, state)
        case FindingUndo():
            return Here(_FINDING_UNDO, state)
        case EnteringReturn():
            return Here(_ENTERING_RETURN, state)
        case ConfirmingUndo():
            return Here(_CONFIRMING_UNDO, state)
        case PickingTask():
            return Here(_PICKING_TASK, state)
        case PickingExchange():
            return Here(_PICKING_EXCHANGE, state)
        case EnteringConvert():
            return Here(_ENTERING_CONVERT, state)
        case EnteringReserve():
            return Here(_ENTERING_RESERVE, state)
        case PickingUnlink():
            return Here(_PICKING_UNLINK, state)
        case _:
            assert_never(state)
