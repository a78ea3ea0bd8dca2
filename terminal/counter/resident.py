"""What the resident's display shows: a projection of the counter that holds nothing personal once the card is gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.operations import Award, Link, Sale, Void
from terminal.counter.facts import AwardIntent, Draft, Fault, Intent, Receipt, SaleIntent, Use
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

FORGET_AFTER = 10.0
"""Seconds after the card is gone until nothing personal is left on any screen."""

THANKS_FOR = 3.0
"""Seconds for which a result is shown once the card is gone."""

FEW_TRIES = 3
"""The tries that a fresh card has: only fewer are worth a word."""


class Scene(StrEnum):
    """The one sentence that the display says."""

    CLOSED = "closed"
    WELCOME = "welcome"
    CONSENT = "consent"
    HOLD_CARD = "hold_card"
    HOLD_CARD_AGAIN = "hold_card_again"
    KEEP_CARD = "keep_card"
    CHOOSE = "choose"
    PART = "part"
    PIN = "pin"
    LAST_TRY = "last_try"
    WORKING = "working"
    PAID = "paid"
    AWARDED = "awarded"
    LINKED = "linked"
    VOIDED = "voided"
    QUEUED = "queued"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class Line:
    """One line to choose from, with the points that it would use."""

    use: Use
    municipality: str
    points: int


@dataclass(frozen=True, slots=True)
class ResidentView:
    """One sentence, at most one number, and what belongs to them.

    `yen` or `points` is the number; `boxes` counts the PIN digits typed; `tries_left` is given when it is few.
    """

    scene: Scene
    yen: int | None = None
    points: int | None = None
    lines: tuple[Line, ...] = ()
    cursor: int = 0
    boxes: int = 0
    tries_left: int | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    fault: Fault | None = None


WELCOME = ResidentView(Scene.WELCOME)
"""The idle invitation, and what is shown whenever the card has been gone for long."""


def card_gone_for(counter: Counter) -> float:
    """Return for how many seconds the field has been empty; 0 while something lies there."""
    return counter.now - counter.field_changed_at if counter.field is Field.EMPTY else 0.0


def resident_view(counter: Counter) -> ResidentView:
    """Return what the resident sees."""
    gone = card_gone_for(counter)
    thanked = min(gone, counter.now - counter.changed_at) >= THANKS_FOR
    match counter.state:
        case Starting() | Unfit():
            return ResidentView(Scene.CLOSED)
        case Choosing() | EnteringPart() if gone >= FORGET_AFTER:
            return WELCOME
        case Done() | Queued() | Refused() | ShowingBalance() if thanked:
            return WELCOME
        case Done() | Queued() | Refused() | Unknown() | ShowingBalance() as state:
            return _result(state)
        case EnteringPin() | ConfirmingLastTry() | AwaitCardAgain() | Authorising() as state:
            return _pin(state)
        case Choosing() as state:
            return _choice(state)
        case EnteringPart(choosing, text):
            return ResidentView(Scene.PART, yen=choosing.intent.bill, points=int(text) if text else None)
        case Consenting():
            return ResidentView(Scene.CONSENT)
        case AwaitCard(intent, notice):
            return ResidentView(Scene.HOLD_CARD, yen=_bill(intent), points=_points(intent), fault=notice)
        case Reading():
            return ResidentView(Scene.KEEP_CARD)
        case Sending():
            return ResidentView(Scene.WORKING)
        case Idle() | PickingReason() | EnteringAward() | PickingVoid() | ConfirmingVoid():
            return WELCOME


def _choice(state: Choosing) -> ResidentView:
    lines = tuple(Line(choice.use, choice.municipality, choice.quote.redeemed) for choice in state.choices)
    balances = state.resident.balances
    return ResidentView(
        Scene.CHOOSE,
        yen=state.intent.bill,
        points=sum(balance.points for balance in balances) if state.resident.online else None,
        lines=lines,
        cursor=state.cursor,
        balances=balances,
        fault=state.notice,
    )


def _pin(state: EnteringPin | ConfirmingLastTry | AwaitCardAgain | Authorising) -> ResidentView:
    match state:
        case EnteringPin(draft, tries_left=tries, typed=typed, notice=notice):
            few = tries if tries is not None and tries < FEW_TRIES else None
            return ResidentView(Scene.PIN, yen=_due(draft), boxes=typed, tries_left=few, fault=notice)
        case ConfirmingLastTry(pin):
            return ResidentView(Scene.LAST_TRY, yen=_due(pin.draft), tries_left=1)
        case AwaitCardAgain(pin, notice):
            return ResidentView(Scene.HOLD_CARD_AGAIN, yen=_due(pin.draft), fault=notice)
        case Authorising(pin):
            return ResidentView(Scene.KEEP_CARD, yen=_due(pin.draft), boxes=pin.typed)


def _result(state: Done | Queued | Refused | Unknown | ShowingBalance) -> ResidentView:
    match state:
        case Done(receipt):
            return ResidentView(_done(receipt), receipt.amount_due, receipt.awarded or None, balances=receipt.balances)
        case Queued(receipt):
            return ResidentView(Scene.QUEUED, receipt.amount_due, receipt.awarded or None)
        case Unknown(receipt):
            return ResidentView(Scene.UNKNOWN, receipt.bill)
        case Refused(fault):
            return ResidentView(Scene.REFUSED, fault=fault)
        case ShowingBalance(resident):
            held = sum(balance.points for balance in resident.balances)
            return ResidentView(Scene.BALANCE, points=held, balances=resident.balances)


def _done(receipt: Receipt) -> Scene:
    match receipt.content:
        case Sale():
            return Scene.PAID
        case Award():
            return Scene.AWARDED
        case Link():
            return Scene.LINKED
        case Void():
            return Scene.VOIDED


def _bill(intent: Intent) -> int | None:
    return intent.bill if isinstance(intent, SaleIntent) else None


def _points(intent: Intent) -> int | None:
    return intent.points if isinstance(intent, AwardIntent) else None


def _due(draft: Draft) -> int | None:
    return draft.content.amount_due if isinstance(draft.content, Sale) else None
