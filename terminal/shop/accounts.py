"""A shop's operations for its accountant: a line for each, or a day's journal entries (仕訳)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final

from config.japan import JST
from ledger.wire.answers import Status
from ledger.wire.kinds import asked, granted, kind_of
from ledger.wire.operations import Award, Close, Operation, Return, Sale, Void
from offline_queue.reading import JournalReader, Recorded
from terminal.shop.periods import DayRange


@dataclass(frozen=True, slots=True)
class OperationLine:
    """One operation. Yen and points of a void or return are negative; `cash` is what the customer paid or got back."""

    business_date: str
    time: str
    operation: str
    kind: str
    clerk: str
    bill: int
    redeemed: int
    awarded: int
    cash: int
    status: str
    programmes: str
    reference: str


@dataclass(frozen=True, slots=True)
class Booking:
    """One journal entry of a day: so many yen from one account to another."""

    date: str
    debit: str
    credit: str
    yen: int
    note: str


OPERATION_COLUMNS: Final = tuple(each.name for each in fields(OperationLine))
POSTING_COLUMNS: Final = tuple(each.name for each in fields(Booking))


def operation_lines(journal: JournalReader, days: DayRange) -> Iterator[OperationLine]:
    """Yield the operations of some business days, oldest first, the refused and the undecided too."""
    for day in days.every:
        for record in journal.on_day(day.isoformat()):
            if isinstance(content := record.entry.content, Operation) and not isinstance(content, Close):
                yield _line(journal, record, content)


def _line(journal: JournalReader, record: Recorded, content: Operation) -> OperationLine:
    entry, verdict = record.entry, record.verdict
    status = "undecided" if verdict is None else verdict.status.value
    undone = journal.find(content.target) if isinstance(content, Void | Return) else None
    came = granted(content, verdict)
    legs = undone.entry.content if undone is not None else content
    return OperationLine(
        business_date=entry.business_date,
        time=datetime.fromisoformat(entry.at).astimezone(JST).strftime("%H:%M:%S"),
        operation=record.operation_id,
        kind=content.kind,
        clerk=entry.operator,
        bill=0 if status == Status.REFUSED else _bill(content, undone),
        redeemed=came.redeemed,
        awarded=came.awarded,
        cash=0 if status == Status.REFUSED else _cash(record, content, undone),
        status=status,
        programmes=" ".join(_programmes(legs)),
        reference=entry.reference or "",
    )


def _bill(content: Operation, undone: Recorded | None) -> int:
    row = kind_of(content)
    sign = row.bill_sign if row is not None else 0
    match content:
        case Sale(bill=bill) | Return(bill=bill):
            return sign * bill
        case Void() if undone is not None and isinstance(undone.entry.content, Sale):
            return sign * undone.entry.content.bill
        case _:  # everything else has no bill
            return 0


def _cash(record: Recorded, content: Operation, undone: Recorded | None) -> int:
    """Return what went through the till: after the customer had left, nobody paid what turned out short."""
    if isinstance(content, Void):
        return -_cash(undone, undone.entry.content, None) if undone and isinstance(undone.entry.content, Sale) else 0
    came = granted(content, record.verdict if record.awaited else None)
    if came.amount_due is None and isinstance(content, Sale):
        return asked(content).amount_due or 0
    return came.amount_due or 0


def _programmes(content: object) -> list[str]:
    legs = [*content.redeem, *content.award] if isinstance(content, Sale) else []
    legs = list(content.award) if isinstance(content, Award) else legs
    return sorted({leg.programme for leg in legs})


def postings(lines: Sequence[OperationLine], accounts: Accounts) -> Iterator[Booking]:
    """Yield each day's journal entries: what was paid in cash, what the municipality owes for points, what was lost.

    What awards cost the shop depends on its agreement with the programme, and is billed by the office: it is not here.
    """
    for day in sorted({line.business_date for line in lines}):
        ours = [line for line in lines if line.business_date == day and line.status != "undecided"]
        bill, cash = sum(line.bill for line in ours), sum(line.cash for line in ours)
        points = sum(line.redeemed for line in ours if line.bill or line.kind in ("sale", "void", "return"))
        lost = bill - cash - points
        for debit, yen in ((accounts.cash, cash), (accounts.claim, points), (accounts.loss, lost)):
            if yen:
                yield Booking(day, debit, accounts.sales, yen, accounts.note)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the accounts are called."""

    cash: str
    claim: str
    loss: str
    sales: str
    note: str


def named_days(first: date, last: date) -> DayRange:
    """Return days in their order, whichever was named first."""
    return DayRange(min(first, last), max(first, last))
