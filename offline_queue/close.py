"""X and Z reports (中間計, 日計・締め): what the ledger decided since the last close, bounded by numbers and no clock.

A report counts verdicts in the order in which they came, from where the last Z ended. So each operation is in exactly
one Z, whatever the clock did; what has no verdict yet is named, and goes into the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime

from pydantic import BaseModel

from ledger.wire.answers import Status, Verdict
from ledger.wire.kinds import kind_of
from ledger.wire.operations import Close, Convert, Mark, Return, Sale, Void
from offline_queue.errors import JournalCorrupt, JournalNewer, NothingToClose, OperationIdTaken
from offline_queue.journal import Journal
from offline_queue.reading import JournalReader, Recorded

ALWAYS_COUNTED = frozenset({"sales", "awards", "voids", "returns", "refused", "bill", "redeemed", "awarded"})
"""The totals that every close states; 0.1.0 had these. Those that came later have a default of 0 and are not here."""

_PERPETUAL = "total_"
"""Comes before the names of the perpetual totals in a close of form 1, where all figures stand side by side."""


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Operations by kind, bills in yen, points; what was undone is taken off.

    `redeemed` and `awarded` are those of sales and awards; points that were exchanged (振替) are `converted_out` and
    `converted_in`. 0.1.0 counted these among the others, and its totals keep what they had. `short_redeemed` are points
    that were to pay and did not, `short_awarded` points that were promised and not given, `late` the operations that
    count on another day than theirs.
    """

    sales: int = 0
    awards: int = 0
    voids: int = 0
    returns: int = 0
    refused: int = 0
    bill: int = 0
    redeemed: int = 0
    awarded: int = 0
    conversions: int = 0
    converted_out: int = 0
    converted_in: int = 0
    short_redeemed: int = 0
    short_awarded: int = 0
    late: int = 0

    @property
    def amount_due(self) -> int:
        """Yen that were to be paid."""
        return self.bill - self.redeemed

    def __add__(self, other: DayTotals) -> DayTotals:
        mine, others = asdict(self), asdict(other)
        return DayTotals(**{name: mine[name] + others[name] for name in mine})

    @classmethod
    def read(cls, written: Mapping[str, str | int]) -> DayTotals:
        """Return totals that a close states by name: what was not counted yet when it was written is 0.

        Raise KeyError where one is missing that has always been there, ValueError where one is no number.
        """
        if missing := ALWAYS_COUNTED - written.keys():
            raise KeyError(*missing)
        return cls(**{name: int(value) for name, value in written.items()})


@dataclass(frozen=True, slots=True)
class Report:
    """What a close says: `number` is that of this Z, or of the Z that will follow an X.

    It covers the entries `first_seq` to `last_seq` and what was left over from before, as far as the ledger had decided
    them when it had given `verdicts` verdicts in all. `undecided` operations, whose bills are `undecided_bill`, have
    none yet.
    """

    number: int
    first_seq: int
    last_seq: int
    verdicts: int
    day: DayTotals
    perpetual: DayTotals
    undecided: int
    undecided_bill: int


@dataclass(frozen=True, slots=True)
class _Closed:
    """Where the last Z ended."""

    number: int
    seq: int
    verdicts: int
    perpetual: DayTotals


def interim(journal: JournalReader) -> Report:
    """Return the X report, which changes nothing; raise JournalCorrupt where it would rest on what was altered."""
    journal.examine_tail()
    last_seq, _ = journal.head()
    closed = _last_close(journal)
    verdicts = journal.verdict_count()
    day = total(journal.decided(closed.verdicts, verdicts), journal.find)
    undecided = [record for record in journal.undecided() if not isinstance(record.entry.content, Close)]
    return Report(
        number=closed.number + 1,
        first_seq=closed.seq + 1,
        last_seq=last_seq,
        verdicts=verdicts,
        day=day,
        perpetual=closed.perpetual + day,
        undecided=len(undecided),
        undecided_bill=sum(_bill(record) for record in undecided),
    )


def decided_since_close(journal: JournalReader) -> Iterator[Recorded]:
    """Yield what the X report counts: the operations that were decided since the last Z."""
    return journal.decided(_last_close(journal).verdicts, journal.verdict_count())


def closed_upto(journal: JournalReader) -> int:
    """Return the last entry that a close covers: what follows can be voided, what it covers only be returned."""
    return max(0, _last_close(journal).seq - 1)


def close_day(
    journal: Journal, *, at: datetime, operator: str, business_date: date, even_if_empty: bool = False
) -> tuple[Report, Recorded]:
    """Write the Z report into the journal and return it with its entry.

    Raise NothingToClose where nothing was done or decided since the last one, unless it is wanted all the same.
    """
    while True:
        expected = journal.next_operation_id()
        report = interim(journal)
        if not even_if_empty and not (any(asdict(report.day).values()) or _is_anything_new(journal, report)):
            raise NothingToClose
        try:
            entry = journal.append(
                _close(report, journal.terminal_id),
                at=at,
                operator=operator,
                business_date=business_date,
                expected_id=expected,
            )
        except OperationIdTaken:
            continue  # a sale came in between: it is in this close or in the next, but never in the gap
        return report, entry


def total(decided: Iterable[Recorded], find: Callable[[str], Recorded | None]) -> DayTotals:
    """Return what operations with their verdicts come to; `find` returns the one that another undoes."""
    totals = DayTotals()
    for record in decided:
        if record.verdict is not None:
            totals += _effect(record, record.verdict, find)
    return totals


def _effect(record: Recorded, verdict: Verdict, find: Callable[[str], Recorded | None]) -> DayTotals:
    content = record.entry.content
    row = kind_of(content)
    if isinstance(content, Close):
        return DayTotals()
    if verdict.status is Status.REFUSED:
        return DayTotals(refused=1)
    undone = find(content.target) if isinstance(content, Void | Return) else None
    effect = _points(content if undone is None else undone.entry.content, verdict)
    if row is not None and row.counted_as is not None:
        effect += DayTotals(**{row.counted_as: 1})
    bill = _bill_of(content, undone) * (row.bill_sign if row is not None else 0)
    return replace(
        effect,
        bill=bill,
        short_redeemed=verdict.short_redeemed - _never_short(content, undone, "redeem"),
        short_awarded=verdict.short_awarded - _never_short(content, undone, "award"),
        late=int(verdict.late),
    )


def _points(content: BaseModel, verdict: Verdict) -> DayTotals:
    """Return the points that a verdict moved, under the names of what moved them: of an undoing, what was undone."""
    if isinstance(content, Convert):
        return DayTotals(converted_out=verdict.redeemed, converted_in=verdict.awarded)
    return DayTotals(redeemed=verdict.redeemed, awarded=verdict.awarded)


def _bill_of(content: BaseModel, undone: Recorded | None) -> int:
    """Return the yen of goods that an operation is about: of a void, those that it takes back."""
    match content:
        case Sale(bill=bill) | Return(bill=bill):
            return bill
        case Void():
            return _bill(undone) if undone is not None and _stood(undone) else 0
        case _:
            return 0


def _never_short(content: BaseModel, undone: Recorded | None, leg: str) -> int:
    """Return the shortfall of the operation that a void takes back; it is taken off the day's shortfall."""
    if not isinstance(content, Void) or undone is None or undone.verdict is None:
        return 0
    return undone.verdict.short_redeemed if leg == "redeem" else undone.verdict.short_awarded


def _stood(record: Recorded) -> bool:
    """Return whether an operation was accepted before it was undone."""
    return record.verdict is not None and record.verdict.status is not Status.REFUSED


def _bill(record: Recorded) -> int:
    content = record.entry.content
    return content.bill if isinstance(content, Sale) else 0


def _is_anything_new(journal: JournalReader, report: Report) -> bool:
    return journal.operations_since(report.first_seq - 1) > 0


def _last_close(journal: JournalReader) -> _Closed:
    record = journal.last_close()
    if record is None:
        return _Closed(0, 0, 0, DayTotals())
    content, seq = record.entry.content, record.entry.seq
    try:
        match content:
            case Close(number=number, verdicts=verdicts, perpetual=perpetual):
                return _Closed(number, seq, verdicts, _perpetual(perpetual, record))
            case Mark(detail=detail):
                named = {name.removeprefix(_PERPETUAL): each for name, each in detail.items() if _is_perpetual(name)}
                return _Closed(int(detail["number"]), seq, int(detail["verdicts"]), _perpetual(named, record))
    except (KeyError, ValueError) as error:
        raise JournalCorrupt(f"the last close cannot be read: {error}", seq) from None
    raise JournalCorrupt("the last close cannot be read", seq)


def _perpetual(written: Mapping[str, str | int], record: Recorded) -> DayTotals:
    if not written.keys() <= {each.name for each in fields(DayTotals)}:
        # Left out, they would begin at 0 again once the newer program is back.
        raise JournalNewer(record.entry.form)
    return DayTotals.read(written)


def _is_perpetual(name: str) -> bool:
    return name.startswith(_PERPETUAL)


def _close(report: Report, terminal_id: str) -> Close:
    return Close(
        kind="close",
        municipality=terminal_id[:6],
        number=report.number,
        first_seq=report.first_seq,
        last_seq=report.last_seq,
        verdicts=report.verdicts,
        undecided=report.undecided,
        undecided_bill=report.undecided_bill,
        day=asdict(report.day),
        perpetual=asdict(report.perpetual),
    )
