"""What a slip says: a pure function of an operation, its verdict and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import assert_never

from config.faults import Fault
from config.settings import SlipSettings
from ledger.wire.answers import ProgrammeBalance, Status, Verdict
from ledger.wire.kinds import Amounts, granted
from ledger.wire.operations import (
    Award,
    Close,
    Convert,
    Leg,
    Link,
    Operation,
    Release,
    Reserve,
    Return,
    Sale,
    Unlink,
    Void,
)
from ledger.wire.rules import Quote
from terminal.counter.facts import Undoable
from terminal.shell.words import Words, moment, number_at_shop, points, signed_points, yen
from terminal.shop.books import FoundOperation
from terminal.slips.rows import Emphasis, Gap, QrCode, Row, Rule, SlipRow
from terminal.slips.tax import NONE as NO_TAX
from terminal.slips.tax import goods_rows, mark_rows, number_rows, tax_rows

NOT_KNOWN = "-"
"""What stands where nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An operation that is durable in the journal, and what is known of it: `verdict` is None until there is one.

    `undoes` is what a void or return undid; `balances` is what the resident holds now, where somebody is there to see
    it. `awaited` is whether the customer was there when the verdict came: otherwise they paid what had been agreed.
    """

    operation_id: str
    short_hash: str
    at: str
    content: Operation
    verdict: Verdict | None = None
    undoes: Undoable | None = None
    balances: Sequence[ProgrammeBalance] = ()
    awaited: bool = True


def of_journal(found: FoundOperation) -> Settled:
    """Return an operation as the journal has it: what its resident holds is not there."""
    record = found.record
    return Settled(
        record.operation_id,
        record.short_hash,
        record.entry.at,
        found.content,
        record.verdict,
        found.undoes,
        awaited=record.awaited,
    )


def slip(
    settled: Settled, words: Words, *, shop: str, reprint: bool = False, tax: SlipSettings = NO_TAX
) -> tuple[SlipRow, ...]:
    """Return the slip for the resident, as it is printed; a copy of an earlier one says so."""
    taxed = tax if isinstance(settled.content, Sale) else NO_TAX
    return (
        title(words),
        *((Row(words("slip-reprint"), emphasis=Emphasis.STRONG),) if reprint else ()),
        Row(shop),
        *number_rows(tax, words),
        *body(settled, words, tax=taxed),
        *(() if settled.verdict is not None else (Row(words("slip-undecided"), emphasis=Emphasis.QUIET),)),
        *mark_rows(taxed, words),
        QrCode(qr_text(settled.operation_id, settled.short_hash)),
    )


def title(words: Words) -> Row:
    """Return the row that says what this is."""
    return Row(words("slip-title"), emphasis=Emphasis.STRONG)


def qr_text(operation_id: str, short_hash: str) -> str:
    """Return what a slip's QR code says: form, operation id and short hash, as in `KZ1:131164-0001-01-000042:7f3a91c2`.

    Neither says who it was, and together they are found in the journal, and checked there.
    """
    return f"KZ1:{operation_id}:{short_hash.replace(' ', '')}"


def body(
    settled: Settled, words: Words, *, note: str = "", brief: bool = False, tax: SlipSettings = NO_TAX
) -> Iterator[SlipRow]:
    """Yield what an operation came to; `note` stands beside the hash. `brief` leaves out why points were cut."""
    yield Row(moment(settled.at), number_at_shop(settled.operation_id), Emphasis.QUIET)
    refused = settled.verdict is not None and settled.verdict.status is Status.REFUSED
    if settled.undoes is None and not refused:  # a refusal says so in this row
        yield Gap()
    yield from operation(settled.content, words, settled.verdict, awaited=settled.awaited, brief=brief, tax=tax)
    if settled.undoes is not None and isinstance(settled.content, Void):
        yield from operation(settled.undoes.content, words, settled.undoes.verdict)
    if settled.balances:
        yield Gap()
        yield from held(words("slip-balance"), settled.balances, words)
    yield Gap()
    yield Row(settled.short_hash, note, Emphasis.QUIET)


def operation(
    content: Operation,
    words: Words,
    verdict: Verdict | None = None,
    *,
    awaited: bool = True,
    brief: bool = False,
    tax: SlipSettings = NO_TAX,
) -> Iterator[SlipRow]:
    """Yield what an operation moves: as decided, or as asked while there is no verdict."""
    if verdict is not None and verdict.status is Status.REFUSED:
        yield Row(words("slip-refused"), emphasis=Emphasis.STRONG)
        verdict = None
    match content:
        case Sale():
            paid = granted(content, verdict if awaited else None)
            yield from priced(content, words, paid, tax)
            yield from _not_granted(content, words, verdict, paid, brief=brief)
        case Award(award=award):
            yield from _legs(words("slip-award"), award, verdict.awarded if verdict is not None else None, words)
        case Void(target=target):
            yield Row(words("slip-void"), number_at_shop(target))
        case Return(target=target, bill=bill):
            yield Row(words("slip-return"), number_at_shop(target))
            yield Row(words("slip-returned"), yen(-bill), Emphasis.STRONG)
            if verdict is not None:
                yield Row(words("slip-redeemed"), signed_points(-verdict.redeemed))
                yield Row(words("slip-awarded"), signed_points(verdict.awarded))
                if verdict.amount_due is not None:
                    yield Rule()
                    yield Row(words("slip-given-back"), yen(-verdict.amount_due), Emphasis.STRONG)
        case Convert(take=take, give=give):
            yield Row(words("slip-convert"))
            for leg, sign in ((take, -1), (give, 1)):
                yield Row(f"  {words.programme(leg.programme)}", signed_points(sign * leg.points))
        case Link():
            yield Row(words("slip-link"))
        case Unlink():
            yield Row(words("slip-unlink"))
        case Reserve(points=legs):
            yield from _legs(words("slip-reserve"), legs, None, words)
        case Release():
            yield Row(words("slip-release"))
        case Close(number=number):
            yield Row(words("report-z", number=number))
        case _:
            assert_never(content)


def _not_granted(sale: Sale, words: Words, verdict: Verdict | None, paid: Amounts, *, brief: bool) -> Iterator[SlipRow]:
    """Yield, beneath a sale as it was paid, what was asked for and not granted.

    Where the verdict came while the customer was there, they paid what it says; afterwards nobody could ask them.
    """
    if sale.offline is not None:
        yield Row(words("slip-offline"), emphasis=Emphasis.QUIET)
    if verdict is None:
        return
    for cut in verdict.cuts:
        yield Row(words(f"slip-cut-{cut.leg}"), points(cut.asked - cut.granted), Emphasis.STRONG)
        if len(verdict.cuts) > 1:
            yield Row(f"  {words.programme(cut.programme)}", emphasis=Emphasis.QUIET)
        if not brief:
            yield Row(words.refusal(Fault(cut.reason)).what, emphasis=Emphasis.QUIET)
    missing = paid.redeemed + (paid.amount_due or 0) - sale.bill
    if missing:  # 0.1.0: the customer did not pay what was short
        yield Row(words("slip-short"), signed_points(missing), Emphasis.QUIET)


def priced(
    sale: Sale | Quote, words: Words, paid: Amounts | None = None, tax: SlipSettings = NO_TAX
) -> Iterator[SlipRow]:
    """Yield what a sale comes to, quoted or written: both are priced by `ledger.wire.rules.quote` alone.

    `paid` is what it came to, where that is decided. `tax` is stated with the bill, which points pay like money.
    """
    redeemed, awarded, due = (None, None, sale.amount_due) if paid is None else astuple(paid)
    yield from goods_rows(sale.bill, tax)
    yield Row(words("slip-bill"), yen(sale.bill))
    yield from tax_rows(sale.bill, tax, words)
    yield from _legs(words("slip-redeemed"), sale.redeem, redeemed, words, sign=-1)
    yield Rule()
    yield Row(words("slip-due"), yen(due or 0), Emphasis.STRONG)
    yield Gap()
    yield from _legs(words("slip-awarded"), sale.award, awarded, words)


def begun(bill: int | None, words: Words) -> Iterator[SlipRow]:
    """Yield a sale of which at most the bill is known."""
    yield Row(words("slip-bill"), NOT_KNOWN if bill is None else yen(bill))
    yield Row(words("slip-redeemed"), NOT_KNOWN)
    yield Rule()
    yield Row(words("slip-due"), NOT_KNOWN, Emphasis.STRONG)
    yield Gap()
    yield Row(words("slip-awarded"), NOT_KNOWN)


def quoted(quote: Quote, balances: Sequence[ProgrammeBalance] | None, words: Words) -> Iterator[SlipRow]:
    """Yield what a bill would come to, and what the resident would hold then, where the ledger said what they hold."""
    yield from priced(quote, words)
    if balances is not None:
        after = sum(balance.points for balance in balances) - quote.redeemed + quote.awarded
        yield Row(words("slip-balance"), points(after))


def held(name: str, balances: Sequence[ProgrammeBalance], words: Words) -> Iterator[SlipRow]:
    """Yield what a resident holds: the sum, and each programme beneath where there is more than one."""
    yield Row(name, points(sum(balance.points for balance in balances)))
    if len(balances) > 1:
        for balance in balances:
            yield Row(f"  {words.programme(balance.programme)}", points(balance.points), Emphasis.QUIET)


def _legs(name: str, legs: Sequence[Leg], granted: int | None, words: Words, *, sign: int = 1) -> Iterator[SlipRow]:
    """Yield points that move: the sum, and each programme beneath where there is more than one.

    `granted` is None until that is decided; of what was not granted in full, only the sum is known.
    """
    asked = sum(leg.points for leg in legs)
    total = asked if granted is None else granted
    yield Row(name, signed_points(sign * total))
    if len(legs) > 1 and total == asked:
        for leg in legs:
            yield Row(f"  {words.programme(leg.programme)}", signed_points(sign * leg.points), Emphasis.QUIET)
