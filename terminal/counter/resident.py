"""What the resident's display shows: one scene for each state, with nothing in it that the resident need not see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from ledger.wire.answers import Cut, ProgrammeBalance
from ledger.wire.operations import Award, Convert, Link, Release, Reserve, Return, Sale, Unlink, Void
from reader.pin import PIN_TRIES
from terminal.counter.facts import (
    AwardIntent,
    ConvertIntent,
    Draft,
    Fault,
    Intent,
    Receipt,
    ReserveIntent,
    SaleIntent,
    Use,
)
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    Done,
    EnteringPart,
    EnteringPin,
    PickingUnlink,
    Queued,
    Refused,
    ShowingBalance,
    Unknown,
)


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
    RETURNED = "returned"
    CONVERTED = "converted"
    LEAVING = "leaving"
    LEFT = "left"
    QUEUED = "queued"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"
    BALANCE = "balance"
    RESERVED = "reserved"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class OfferedUse:
    """One line to choose from, with the points that it would use."""

    use: Use
    municipality: str
    points: int


@dataclass(frozen=True, slots=True)
class ResidentView:
    """One sentence, at most one number, and what belongs to them.

    `yen` or `points` is the number; `boxes` counts the PIN digits typed; `tries_left` is given when it is few;
    `cuts` are points that were not taken, or not given.
    """

    scene: Scene
    yen: int | None = None
    points: int | None = None
    lines: tuple[OfferedUse, ...] = ()
    cursor: int = 0
    boxes: int = 0
    tries_left: int | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    fault: Fault | None = None
    cuts: tuple[Cut, ...] = ()
    reserved: int | None = None
    """Points that may be used here without a line, where that is why no others can."""


WELCOME = ResidentView(Scene.WELCOME)
"""The idle invitation, and what is shown whenever the card has been gone for long."""


CLOSED = ResidentView(Scene.CLOSED)
"""What is shown while nothing can be done."""


def await_card(state: AwaitCard) -> ResidentView:
    """Invite to hold the card over the reader."""
    return ResidentView(Scene.HOLD_CARD, yen=_bill(state.intent), points=_points(state.intent), fault=state.notice)


def choosing(state: Choosing) -> ResidentView:
    """Show what can be chosen, and what is held."""
    lines = tuple(OfferedUse(choice.use, choice.municipality, choice.quote.redeemed) for choice in state.choices)
    balances = state.resident.balances
    return ResidentView(
        Scene.CHOOSE,
        yen=state.intent.bill,
        points=sum(balance.points for balance in balances) if state.resident.online else None,
        lines=lines,
        cursor=state.cursor,
        balances=balances,
        fault=state.notice,
        reserved=None if state.resident.online or not balances else sum(balance.redeemable for balance in balances),
    )


def picking_unlink(state: PickingUnlink) -> ResidentView:
    """Show what would lapse."""
    balances = state.resident.balances
    return ResidentView(Scene.LEAVING, points=sum(balance.points for balance in balances), balances=balances)


def entering_part(state: EnteringPart) -> ResidentView:
    """Show the points typed so far."""
    return ResidentView(Scene.PART, yen=state.choosing.intent.bill, points=int(state.text) if state.text else None)


def entering_pin(state: EnteringPin) -> ResidentView:
    """Show the boxes, and the tries left when they are few."""
    tries = state.tries_left
    few = tries if tries is not None and tries < PIN_TRIES else None
    return ResidentView(Scene.PIN, yen=_due(state.draft), boxes=state.typed, tries_left=few, fault=state.notice)


def confirming_last_try(state: ConfirmingLastTry) -> ResidentView:
    """Warn of the lock."""
    return ResidentView(Scene.LAST_TRY, yen=_due(state.pin.draft), tries_left=1)


def await_card_again(state: AwaitCardAgain) -> ResidentView:
    """Ask for the same card once more."""
    return ResidentView(Scene.HOLD_CARD_AGAIN, yen=_due(state.pin.draft), fault=state.notice)


def authorising(state: Authorising) -> ResidentView:
    """Ask to keep the card in place."""
    return ResidentView(Scene.KEEP_CARD, yen=_due(state.pin.draft), boxes=state.pin.typed)


def done(state: Done) -> ResidentView:
    """Say what was done, and the one number that matters."""
    receipt = state.receipt
    due = receipt.amount_due
    yen = abs(due) if due is not None else None
    earned = max(receipt.awarded, 0) or None
    if isinstance(receipt.content, Reserve):
        earned = sum(leg.points for leg in receipt.content.points)
    return ResidentView(_done(receipt), yen, earned, balances=receipt.balances, cuts=receipt.cuts)


def queued(state: Queued) -> ResidentView:
    """Say that it is taken."""
    return ResidentView(Scene.QUEUED, abs(state.receipt.amount_due or 0) or None, state.receipt.awarded or None)


def unknown(state: Unknown) -> ResidentView:
    """Say that the outcome is being asked for."""
    return ResidentView(Scene.UNKNOWN, state.receipt.bill)


def refused(state: Refused) -> ResidentView:
    """Say what was refused, and why."""
    return ResidentView(Scene.REFUSED, fault=state.fault)


def showing_balance(state: ShowingBalance) -> ResidentView:
    """Show what is held."""
    balances = state.resident.balances
    return ResidentView(Scene.BALANCE, points=sum(balance.points for balance in balances), balances=balances)


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
        case Return():
            return Scene.RETURNED
        case Convert():
            return Scene.CONVERTED
        case Unlink():
            return Scene.LEFT
        case Reserve():
            return Scene.RESERVED
        case Release():
            return Scene.RELEASED
        case _:
            assert_never(receipt.content)


def _bill(intent: Intent) -> int | None:
    return intent.bill if isinstance(intent, SaleIntent) else None


def _points(intent: Intent) -> int | None:
    return intent.points if isinstance(intent, AwardIntent | ConvertIntent | ReserveIntent) else None


def _due(draft: Draft) -> int | None:
    return draft.content.amount_due if isinstance(draft.content, Sale) else None
