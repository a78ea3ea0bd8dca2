"""The right of the counter: the slip being written, as far as it is known in every state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from terminal.counter.facts import Receipt, Resident, Undoable
from terminal.counter.paper import (
    Awarding,
    Bill,
    Blank,
    Exchanging,
    Holding,
    Paper,
    Quoted,
    Registering,
    SettingAside,
    Undoing,
    Unnumbered,
    Unwritten,
    Written,
)
from terminal.counter.states import Counter
from terminal.counter.table import at
from terminal.shell.words import Words, moment, number_at_shop, points, signed_points, yen
from terminal.slips.operation import NOT_KNOWN, Settled, begun, body, operation, quoted, title
from terminal.slips.rows import Emphasis, Gap, Row, SlipRow


def slip(counter: Counter, words: Words) -> tuple[SlipRow, ...]:
    """Return the rows of the slip."""
    paper = at(counter.state).paper(counter.terms)
    return (title(words), *_body(paper, words))


def _body(paper: Paper, words: Words) -> Iterator[SlipRow]:
    match paper:
        case Written(receipt):
            yield from _receipt(receipt, words)
        case Undoing(Undoable() as item):
            yield from _of(item.operation_id, item.at, words)
            yield from operation(item.content, words, item.verdict)
            if item.returned:
                yield Row(words("slip-returned-before"), yen(-item.returned))
        case _:  # of everything else there is no number and no time yet, so a gap stands in their place
            yield Gap()
            yield from _unwritten(paper, words)


def _unwritten(paper: Unnumbered | Undoing, words: Words) -> Iterator[SlipRow]:
    match paper:
        case Blank():
            yield from begun(None, words)
        case Bill(bill):
            yield from begun(bill, words)
        case Awarding(programme, amount):
            yield Row(words("slip-award"), NOT_KNOWN if amount is None else signed_points(amount), Emphasis.STRONG)
            yield Row(words.programme(programme), emphasis=Emphasis.QUIET)
        case Registering():
            yield Row(words("slip-link"))
        case Exchanging(exchange, amount):
            given = None if amount is None else exchange.given(amount)
            yield Row(words("slip-convert"))
            for code, moved, sign in ((exchange.source, amount, -1), (exchange.rate.to, given, 1)):
                yield Row(f"  {words.programme(code)}", NOT_KNOWN if moved is None else signed_points(sign * moved))
        case SettingAside(amount):
            yield Row(words("slip-reserve"), NOT_KNOWN if amount is None else points(amount), Emphasis.STRONG)
        case Holding(resident):
            yield from _holding(resident, words)
        case Quoted(quote, resident):
            yield from quoted(quote, resident.balances if resident.online else None, words)
        case Unwritten(content):
            yield from operation(content, words)
        case Undoing():
            yield Row(words("slip-void"), NOT_KNOWN)
        case _:
            assert_never(paper)


def _receipt(receipt: Receipt, words: Words) -> Iterator[SlipRow]:
    settled = Settled(
        receipt.operation_id,
        receipt.short_hash,
        receipt.at,
        receipt.content,
        receipt.verdict,
        receipt.undoes,
        receipt.balances,
    )
    took = words("say-elapsed", seconds=f"{receipt.elapsed_ms / 1000:.1f}") if receipt.verdict is not None else ""
    return body(settled, words, note=took, brief=True)  # the left says why


def _of(operation_id: str, at: str, words: Words) -> Iterator[SlipRow]:
    yield Row(words("slip-of"), number_at_shop(operation_id))
    yield Row(moment(at), emphasis=Emphasis.QUIET)
    yield Gap()


def _holding(resident: Resident | None, words: Words) -> Iterator[SlipRow]:
    if resident is None:
        yield Row(words("slip-held"), NOT_KNOWN)
        return
    for balance in resident.balances:
        yield Row(words.programme(balance.programme), points(balance.points))
        if balance.reserved:
            yield Row(f"  {words('slip-reserved')}", points(balance.reserved), Emphasis.QUIET)
        if balance.expires_on is not None:
            expiring = words("slip-expiring", date=balance.expires_on)
            yield Row(f"  {expiring}", points(balance.expiring), Emphasis.QUIET)
    yield Gap()
    yield from (Row(words("slip-linked", service=each.service), each.number) for each in resident.services)
