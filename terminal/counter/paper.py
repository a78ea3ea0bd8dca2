"""What the slip shows, as far as it is known in every state; how it is worded is the slip's own matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from ledger.wire.rules import Quote
from terminal.counter import pricing
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    ConvertIntent,
    CounterOperation,
    Exchange,
    Intent,
    LinkIntent,
    Receipt,
    ReleaseIntent,
    ReserveIntent,
    Resident,
    SaleIntent,
    Terms,
    Undoable,
    UnlinkIntent,
)
from terminal.counter.states import EnteringPart, Refused


@dataclass(frozen=True, slots=True)
class Blank:
    """A slip of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill alone."""

    yen: int


@dataclass(frozen=True, slots=True)
class Awarding:
    """Points of a programme that are to be given; None while they are not typed."""

    programme: str
    points: int | None


@dataclass(frozen=True, slots=True)
class Registering:
    """A first registration."""


@dataclass(frozen=True, slots=True)
class Exchanging:
    """Points that become others; None while they are not typed, or where the rate has a rest."""

    exchange: Exchange
    points: int | None


@dataclass(frozen=True, slots=True)
class SettingAside:
    """Points that are set aside for this shop; None while they are not typed."""

    points: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a resident holds; None while no card was read."""

    resident: Resident | None


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a bill comes to with the points chosen so far."""

    quote: Quote
    resident: Resident


@dataclass(frozen=True, slots=True)
class Unwritten:
    """An operation that is not written yet."""

    content: CounterOperation


@dataclass(frozen=True, slots=True)
class Written:
    """An operation that is durable."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is to be undone; None while it is not picked."""

    item: Undoable | None


Unnumbered = Blank | Bill | Awarding | Registering | Exchanging | SettingAside | Holding | Quoted | Unwritten
"""What has no number and no time yet."""

Paper = Unnumbered | Written | Undoing


def intended(intent: Intent) -> Paper:
    """Return what is known before a card was read."""
    match intent:
        case SaleIntent(bill):
            return Bill(bill)
        case AwardIntent(programme, points):
            return Awarding(programme, points)
        case LinkIntent():
            return Registering()
        case ConvertIntent(exchange, points):
            return Exchanging(exchange, points)
        case ReserveIntent(points):
            return SettingAside(points)
        case BalanceIntent() | UnlinkIntent() | ReleaseIntent():
            return Holding(None)
        case _:
            assert_never(intent)


def part(state: EnteringPart, terms: Terms) -> Paper:
    """Return what the bill comes to with the points typed so far."""
    chosen = state.choosing
    try:
        choice = pricing.choice_of(
            chosen.choice, int(state.text or 0), chosen.resident, terms, tap_only=chosen.tap_only
        )
    except ValueError:
        return Bill(chosen.intent.bill)
    return Quoted(choice.quote, chosen.resident)


def refused(state: Refused) -> Paper:
    """Return what was refused: what is written, or what was wanted."""
    if state.receipt is not None:
        return Written(state.receipt)
    return Blank() if state.intent is None else intended(state.intent)
