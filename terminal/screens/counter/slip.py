"""The right of the counter: the slip being written, as far as it is known in every state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.operations import Award, Leg, Link, Sale, Void
from ledger.wire.rules import Quote
from terminal.counter import pricing
from terminal.counter.facts import (
    AwardIntent,
    CounterOperation,
    Intent,
    LinkIntent,
    Receipt,
    Resident,
    SaleIntent,
)
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
    Idle,
    PickingReason,
    PickingVoid,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Unknown,
)
from terminal.shell.widgets.slip import RULE, Row, Weight
from terminal.shell.words import Words, given, moment, number_at_shop, points, taken, yen

UNKNOWN = "-"
"""What stands where nothing is known yet."""

GAP = Row()
"""An empty row."""


def slip(counter: Counter, words: Words) -> tuple[Row, ...]:
    """Return the rows of the slip."""
    return (Row(words("slip-title"), weight=Weight.STRONG), *_body(counter, words))


def _body(counter: Counter, words: Words) -> Iterator[Row]:
    match counter.state:
        case Idle(text) if text:
            yield GAP
            yield from _bill_alone(int(text), words)
        case PickingReason() | EnteringAward():
            yield GAP
            yield from _awarding(counter.state, words)
        case Consenting():
            yield GAP
            yield from _intended(LinkIntent(), words)
        case PickingVoid():
            yield GAP
            yield Row(words("slip-void"), UNKNOWN)
        case AwaitCard(intent) | Reading(intent):
            yield GAP
            yield from _intended(intent, words)
        case Choosing(resident=resident):
            yield GAP
            yield from _quoted(counter.state.choice.quote, resident, words)
        case EnteringPart():
            yield GAP
            yield from _part(counter, counter.state, words)
        case (EnteringPin() as pin) | ConfirmingLastTry(pin) | AwaitCardAgain(pin) | Authorising(pin):
            yield GAP
            yield from _operation(pin.draft.content, words)
        case Sending(draft):
            yield GAP
            yield from _operation(draft.content, words)
        case Done(receipt) | Queued(receipt) | Unknown(receipt) | Refused(receipt=Receipt() as receipt):
            yield from _receipt(receipt, words)
        case Refused(intent=intent) if intent is not None:
            yield GAP
            yield from _intended(intent, words)
        case ShowingBalance(resident):
            yield GAP
            yield from _held(resident.balances, words)
            yield GAP
            yield from (Row(words("slip-linked", service=each.service), each.number) for each in resident.services)
        case ConfirmingVoid(item):
            yield from _of(item.operation_id, item.at, words)
            yield from _operation(item.content, words)
        case _:
            yield GAP
            yield from _sale(None, (), None, (), words)


def _awarding(state: PickingReason | EnteringAward, words: Words) -> Iterator[Row]:
    """Show the award as far as it is known."""
    text, picking = ("", state) if isinstance(state, PickingReason) else (state.text, state.picking)
    yield Row(words("slip-award"), given(int(text)) if text else UNKNOWN, Weight.STRONG)
    yield Row(words.programme(picking.programme), weight=Weight.QUIET)


def _intended(intent: Intent, words: Words) -> Iterator[Row]:
    match intent:
        case SaleIntent(bill):
            yield from _bill_alone(bill, words)
        case AwardIntent(programme, amount):
            yield Row(words("slip-award"), given(amount), Weight.STRONG)
            yield Row(words.programme(programme), weight=Weight.QUIET)
        case LinkIntent():
            yield Row(words("slip-link"))
        case _:
            yield Row(words("slip-held"), UNKNOWN)


def _part(counter: Counter, state: EnteringPart, words: Words) -> Iterator[Row]:
    """Show what the bill comes to with the points typed so far."""
    chosen = state.choosing
    wanted = int(state.text or 0)
    try:
        choice = pricing.part(chosen.choice, wanted, chosen.resident, counter.terms, tap_only=chosen.tap_only)
    except ValueError:
        yield from _bill_alone(chosen.intent.bill, words)
    else:
        yield from _quoted(choice.quote, chosen.resident, words)


def _operation(content: CounterOperation, words: Words) -> Iterator[Row]:
    match content:
        case Sale(bill=bill, redeem=redeem, amount_due=due, award=award):
            yield from _sale(bill, redeem, due, award, words)
        case Award(award=award):
            yield from _legs(words("slip-award"), award, words, sign=1)
        case Link():
            yield Row(words("slip-link"))
        case Void(target=target):
            yield Row(words("slip-void"), number_at_shop(target))


def _receipt(receipt: Receipt, words: Words) -> Iterator[Row]:
    yield Row(moment(receipt.at), number_at_shop(receipt.operation_id), Weight.QUIET)
    if receipt.undoes is None:
        yield GAP
    yield from _operation(receipt.content, words)
    if receipt.undoes is not None:
        yield from _operation(receipt.undoes, words)
    if receipt.balances:
        yield GAP
        yield from _balances(words("slip-balance"), receipt.balances, words)
    yield GAP
    took = words("say-elapsed", seconds=f"{receipt.elapsed_ms / 1000:.1f}") if receipt.verdict is not None else ""
    yield Row(receipt.short_hash, took, Weight.QUIET)


def _of(operation_id: str, at: str, words: Words) -> Iterator[Row]:
    yield Row(words("slip-of"), number_at_shop(operation_id))
    yield Row(moment(at), weight=Weight.QUIET)
    yield GAP


# The arithmetic of a sale ----------------------------------------------------------------------------------------


def _bill_alone(bill: int, words: Words) -> Iterator[Row]:
    yield from _sale(bill, (), None, (), words)


def _sale(
    bill: int | None, redeem: Sequence[Leg], due: int | None, award: Sequence[Leg], words: Words
) -> Iterator[Row]:
    known = due is not None
    yield Row(words("slip-bill"), UNKNOWN if bill is None else yen(bill))
    yield from _legs(words("slip-redeemed"), redeem, words, sign=-1, known=known)
    yield RULE
    yield Row(words("slip-due"), UNKNOWN if due is None else yen(due), Weight.STRONG)
    yield GAP
    yield from _legs(words("slip-awarded"), award, words, sign=1, known=known)


def _legs(name: str, legs: Sequence[Leg], words: Words, *, sign: int, known: bool = True) -> Iterator[Row]:
    """Show points that move: the sum, and each programme beneath where there is more than one."""
    total = sum(leg.points for leg in legs)
    shown = given if sign > 0 else taken
    yield Row(name, shown(total) if known else UNKNOWN)
    if len(legs) > 1:
        for leg in legs:
            yield Row(f"  {words.programme(leg.programme)}", shown(leg.points), Weight.QUIET)


def _quoted(quote: Quote, resident: Resident, words: Words) -> Iterator[Row]:
    yield from _sale(quote.bill, quote.redeem, quote.amount_due, quote.award, words)
    if resident.online:
        held = sum(balance.points for balance in resident.balances)
        yield Row(words("slip-balance"), points(held - quote.redeemed + quote.awarded))


def _balances(name: str, balances: Sequence[ProgrammeBalance], words: Words) -> Iterator[Row]:
    yield Row(name, points(sum(balance.points for balance in balances)))
    if len(balances) > 1:
        for balance in balances:
            yield Row(f"  {words.programme(balance.programme)}", points(balance.points), Weight.QUIET)


def _held(balances: Sequence[ProgrammeBalance], words: Words) -> Iterator[Row]:
    for balance in balances:
        yield Row(words.programme(balance.programme), points(balance.points))
        if balance.expires_on is not None:
            yield Row(f"  {words('slip-expiring', date=balance.expires_on)}", points(balance.expiring), Weight.QUIET)
