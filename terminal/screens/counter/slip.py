"""The right of the counter: the slip being written, as far as it is known in every state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.operations import Award, Leg, Link, Sale, Void
from ledger.wire.rules import Quote
from terminal.counter.facts import CounterOperation, Receipt, Resident, Voidable
from terminal.counter.paper import (
    Awarding,
    Bill,
    Blank,
    Holding,
    Paper,
    Quoted,
    Registering,
    Undoing,
    Unnumbered,
    Unwritten,
    Written,
)
from terminal.counter.states import Counter
from terminal.counter.table import at
from terminal.shell.widgets.slip import RULE, Row, Weight
from terminal.shell.words import Words, given, moment, number_at_shop, points, taken, yen

UNKNOWN = "-"
"""What stands where nothing is known yet."""

GAP = Row()
"""An empty row."""


def slip(counter: Counter, words: Words) -> tuple[Row, ...]:
    """Return the rows of the slip."""
    paper = at(counter.state).paper(counter.terms)
    return (Row(words("slip-title"), weight=Weight.STRONG), *_body(paper, words))


def _body(paper: Paper, words: Words) -> Iterator[Row]:
    match paper:
        case Written(receipt):
            yield from _receipt(receipt, words)
        case Undoing(Voidable() as item):
            yield from _of(item.operation_id, item.at, words)
            yield from _operation(item.content, words)
        case _:  # of everything else there is no number and no time yet, so a gap stands in their place
            yield GAP
            yield from _unwritten(paper, words)


def _unwritten(paper: Unnumbered | Undoing, words: Words) -> Iterator[Row]:
    match paper:
        case Blank():
            yield from _sale(None, (), None, (), words)
        case Bill(bill):
            yield from _bill_alone(bill, words)
        case Awarding(programme, amount):
            yield Row(words("slip-award"), UNKNOWN if amount is None else given(amount), Weight.STRONG)
            yield Row(words.programme(programme), weight=Weight.QUIET)
        case Registering():
            yield Row(words("slip-link"))
        case Holding(resident):
            yield from _holding(resident, words)
        case Quoted(quote, resident):
            yield from _quoted(quote, resident, words)
        case Unwritten(content):
            yield from _operation(content, words)
        case Undoing():
            yield Row(words("slip-void"), UNKNOWN)
        case _:
            assert_never(paper)


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
        case _:
            assert_never(content)


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


def _holding(resident: Resident | None, words: Words) -> Iterator[Row]:
    if resident is None:
        yield Row(words("slip-held"), UNKNOWN)
        return
    yield from _held(resident.balances, words)
    yield GAP
    yield from (Row(words("slip-linked", service=each.service), each.number) for each in resident.services)


def _held(balances: Sequence[ProgrammeBalance], words: Words) -> Iterator[Row]:
    for balance in balances:
        yield Row(words.programme(balance.programme), points(balance.points))
        if balance.expires_on is not None:
            yield Row(f"  {words('slip-expiring', date=balance.expires_on)}", points(balance.expiring), Weight.QUIET)
