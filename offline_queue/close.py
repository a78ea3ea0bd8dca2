"""X and Z reports (中間計, 日計・締め): what the ledger decided since the last close, bounded by numbers and no clock.

A report counts verdicts in the order in which they came, from where the last Z ended. So each operation is in exactly
one Z, whatever the clock did; what has no verdict yet is named, and goes into the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime

from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import Award, Mark, Return, Sale, Void
from offline_queue.errors import JournalCorrupt, JournalNewer, OperationIdTaken
from offline_queue.journal import Journal
from offline_queue.reading import JournalReader, Recorded

ALWAYS_COUNTED = frozenset({"sales", "awards", "voids", "returns", "refused", "bill", "redeemed", "awarded"})
"""The totals that every close states; 0.1.0 had these. Those that came later have a default of 0 and are not here."""

_PERPETUAL = "total_"
"""Comes before the names of the perpetual totals in a close of form 1, where all figures stand side by side."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Operations by kind, bills in yen, points; what was undone is taken off."""

    sales: int = 0
    awards: int = 0
    voids: int = 0
    returns: int = 0
    refused: int = 0
    bill: int = 0
    redeemed: int = 0
    awarded: int = 0

    @property
    def amount_due(self) -> int:
        """Yen that were to be paid."""
        return self.bill - self.redeemed

    def __add__(self, other: Totals) -> Totals:
        mine, others = asdict(self), asdict(other)
        return Totals(**{name: mine[name] + others[name] for name in mine})

    @classmethod
    def read(cls, written: Mapping[str, str | int]) -> Totals:
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
    day: Totals
    perpetual: Totals
    undecided: int
    undecided_bill: int


@dataclass(frozen=True, slots=True)
class _Closed:
    """Where the last Z ended."""

    number: int
    seq: int
    verdicts: int
    perpetual: Totals


def interim(journal: JournalReader) -> Report:
    """Return the X report, which changes nothing."""
    last_seq, _ = journal.head()
    closed = _last_close(journal)
    verdicts = journal.verdict_count()
    day = total(journal.decided(closed.verdicts, verdicts), journal.find)
    undecided = journal.undecided()
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


def close_day(journal: Journal, *, at: datetime, operator: str, business_date: date) -> tuple[Report, Recorded]:
    """Write the Z report into the journal and return it with its entry."""
    while True:
        expected = journal.next_operation_id()
        report = interim(journal)
        try:
            entry = journal.append(
                Mark(kind="closed", detail=_detail(report)),
                at=at,
                operator=operator,
                business_date=business_date,
                expected_id=expected,
            )
        except OperationIdTaken:
            continue  # a sale came in between: it is in this close or in the next, but never in the gap
        return report, entry


def total(decided: Iterable[Recorded], find: Callable[[str], Recorded | None]) -> Totals:
    """Return what operations with their verdicts come to; `find` returns the one that another undoes."""
    totals = Totals()
    for record in decided:
        if record.verdict is not None:
            totals += _effect(record, record.verdict, find)
    return totals


def _effect(record: Recorded, verdict: Verdict, find: Callable[[str], Recorded | None]) -> Totals:
    if verdict.status is Status.REFUSED:
        return Totals(refused=1)
    points = Totals(redeemed=verdict.redeemed, awarded=verdict.awarded)
    match record.entry.content:
        case Sale(bill=bill):
            return replace(points, sales=1, bill=bill)
        case Award():
            return replace(points, awards=1)
        case Void(target=target):
            undone = find(target)
            return replace(points, voids=1, bill=-_bill(undone) if undone and _stood(undone) else 0)
        case Return(bill=bill):
            return replace(points, returns=1, bill=-bill)
        case _:
            return points


def _stood(record: Recorded) -> bool:
    """Return whether an operation was accepted before it was undone."""
    return record.verdict is not None and record.verdict.status is not Status.REFUSED


def _bill(record: Recorded) -> int:
    content = record.entry.content
    return content.bill if isinstance(content, Sale) else 0


def _last_close(journal: JournalReader) -> _Closed:
    record = journal.last("closed")
    if record is None:
        return _Closed(0, 0, 0, Totals())
    assert isinstance(record.entry.content, Mark)  # noqa: S101  # that is what the kind says
    detail = record.entry.content.detail
    written = {name.removeprefix(_PERPETUAL): each for name, each in detail.items() if name.startswith(_PERPETUAL)}
    if not written.keys() <= {each.name for each in fields(Totals)}:
        # Left out, they would begin at 0 again once the newer program is back.
        raise JournalNewer(record.entry.form)
    try:
        perpetual = Totals.read(written)
        return _Closed(int(detail["number"]), record.entry.seq, int(detail["verdicts"]), perpetual)
    except (KeyError, ValueError) as error:
        raise JournalCorrupt(f"the last close cannot be read: {error}", record.entry.seq) from None


def _detail(report: Report) -> dict[str, str | int]:
    fields = asdict(report)
    day, perpetual = fields.pop("day"), fields.pop("perpetual")
    return {**fields, **day, **{f"{_PERPETUAL}{name}": value for name, value in perpetual.items()}}
