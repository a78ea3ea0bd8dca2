"""How the owner's screen is laid out: the left and the slip, for every state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from textual.containers import Grid, Vertical
from textual.widget import Widget

from config.faults import Fault
from ledger.wire.answers import Status
from ledger.wire.operations import Award, Content, Sale
from offline_queue.reading import Recorded
from terminal.counter.events import Picked
from terminal.screens.owner.bars import HourBars, Hours
from terminal.screens.owner.state import (
    Closed,
    Closing,
    Comparing,
    Confirming,
    Failed,
    Looking,
    OwnerState,
    Picking,
    Searching,
    Showing,
    forward,
)
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine, KeyCap
from terminal.shell.words import Words, clock, moment, number_at_shop, signed_points, yen
from terminal.shop.books import FoundOperation, Need, Overview
from terminal.shop.periods import Compared, Period
from terminal.slips.operation import body, of_journal, title
from terminal.slips.report import report_rows
from terminal.slips.rows import Emphasis, Gap, Row, SlipRow

SHARES = 4
"""Clerks and programmes that a period names."""

NAMED = 3
"""Operations of each need that are named by their number."""


def left(state: OwnerState, day: Overview | None, words: Words) -> Iterator[Widget]:
    """Yield what stands at the left, from top to bottom."""
    match state:
        case Looking():
            if day is None:
                yield Prose(words("owner-reading"), "heading")
            else:
                yield _figures(day, words)
                yield _bars(day, words)
                yield from _needs(day, words)
        case Comparing(period, found):
            yield from _compared(period, found, words)
        case Searching(text, missed):
            yield Prose(words("owner-ask-search"), "heading" if text else "heading now")
            yield Prose(text or "_", "strong spaced")
            yield Prose(words("owner-not-found") if missed else "", "refused strong spaced")
            yield Prose(words("owner-say-search"), "quiet")
        case Picking(found):
            yield Prose(words("owner-ask-pick"), "heading now")
            lines = (_line(number, each, words) for number, each in enumerate(found, start=1))
            yield Vertical(*lines, classes="lines tight")
        case Showing(found):
            yield Prose(words("owner-found", number=number_at_shop(found.record.operation_id)), "heading")
            yield Prose(words("owner-say-found"), "quiet")
        case Confirming(empty=True):
            yield Prose(words("owner-ask-close-empty"), "heading now")
            yield Prose(words("owner-say-close-empty"), "spaced")
        case Confirming():
            yield Prose(words("owner-ask-close"), "heading now")
            yield Prose(words("owner-say-close"), "spaced")
            yield Prose(words("owner-say-close-late"), "spaced")
        case Closing():
            yield Prose(words("owner-closing"), "heading")
            yield Prose(words("owner-say-closing"), "quiet")
        case Closed(closed):
            yield Prose(words("owner-closed", number=closed.report.number), "band done")
            yield Prose(words("owner-say-closed"), "spaced")
        case Failed(fault):
            refusal = words.refusal(fault)
            yield Prose(refusal.what, "band refused")
            yield Prose(refusal.why, "spaced")
            yield Prose(refusal.todo, "spaced strong")
            yield Prose(words("say-code", code=fault.code), "quiet")
        case _:
            assert_never(state)
    if key := forward(state):
        yield KeyCap(key.cap, words(key.text), key.means, "forward now")


def right(state: OwnerState, day: Overview | None, words: Words) -> tuple[SlipRow, ...]:
    """Return the slip at the right."""
    match state:
        case Closed(closed):
            assert closed.entry is not None  # noqa: S101  # a Z report is always written
            return report_rows(closed.report, words, at=closed.entry.entry.at, entry=closed.entry)
        case Showing(found):
            return (title(words), *body(of_journal(found), words))
        case Comparing(_, found):
            return () if found is None else _shares(found, words)
        case Looking(x=False) | Failed() | Searching() | Picking():
            return () if day is None else _last(day, words)
        case Looking() | Confirming() | Closing():
            return () if day is None else report_rows(day.report, words, at=day.at)
        case _:
            assert_never(state)


def _compared(period: Period, found: Compared | None, words: Words) -> Iterator[Widget]:
    """Yield a period's sums, and its chart with the period before behind."""
    yield Prose(words(f"period-{period}"), "strong")
    if found is None:
        yield Prose(words("owner-reading"), "quiet")
        return
    now, before = found.now.whole, found.before.whole
    figures = (
        ("owner-sales", yen(now.bill), yen(before.bill)),
        ("owner-count", words("count", count=now.sales), words("count", count=before.sales)),
        ("slip-redeemed", signed_points(-now.redeemed), signed_points(-before.redeemed)),
        ("slip-award", signed_points(now.awarded), signed_points(before.awarded)),
    )
    yield Grid(
        *(Vertical(Prose(words(name), "quiet"), Prose(value, "strong")) for name, value, _ in figures), id="figures"
    )
    names, ours, theirs = found.bars()
    bars = HourBars()
    highest = words("owner-highest", yen=yen(max(*ours, *theirs)))
    bars.hours = Hours(names, ours, theirs, words(f"period-{period}"), words(f"period-before-{period}"), highest)
    yield bars
    told = [theirs for _, _, theirs in figures]
    yield Prose(f"{words(f'period-before-{period}')}  {told[0]}", "quiet")
    yield Prose("  ".join(told[1:]), "quiet")


def _shares(found: Compared, words: Words) -> tuple[SlipRow, ...]:
    """Return a period's sums by clerk and by programme, the largest first."""
    now = found.now
    rows: list[SlipRow] = [
        Row(words(f"period-{found.period}"), emphasis=Emphasis.STRONG),
        Row(f"{now.first.month}/{now.first.day} - {now.last.month}/{now.last.day}", emphasis=Emphasis.QUIET),
        Gap(),
        Row(words("period-clerks"), emphasis=Emphasis.STRONG),
    ]
    clerks = sorted(now.clerks.items(), key=lambda each: -each[1].bill)
    rows += [Row(words("status-clerk", clerk=clerk), yen(moved.bill)) for clerk, moved in clerks[:SHARES]]
    rows += [Gap(), Row(words("period-programmes"), emphasis=Emphasis.STRONG)]
    programmes = sorted(now.programmes.items(), key=lambda each: -each[1].redeemed)
    for code, moved in programmes[:SHARES]:
        rows += [
            Row(words.programme(code)),
            Row(f"  {signed_points(-moved.redeemed)}", signed_points(moved.awarded), Emphasis.QUIET),
        ]
    return tuple(rows)


def _line(number: int, found: FoundOperation, words: Words) -> ChoiceLine:
    record = found.record
    name = f"{moment(record.entry.at)}  {number_at_shop(record.operation_id)}"
    return ChoiceLine(number, name, _value(found.content, words), Picked(number), chosen=False)


def _figures(day: Overview, words: Words) -> Widget:
    report = day.report
    figures = (
        ("owner-sales", yen(report.day.bill)),
        ("slip-redeemed", signed_points(-report.day.redeemed)),
        ("slip-award", signed_points(report.day.awarded)),
        ("owner-unsent", words("count", count=day.unsent)),
    )
    return Grid(
        *(Vertical(Prose(words(name), "quiet"), Prose(value, "strong")) for name, value in figures), id="figures"
    )


def _bars(day: Overview, words: Words) -> Widget:
    bars = HourBars()
    bars.hours = Hours(
        [str((day.first_hour + hour) % 24) for hour in range(24)],
        day.today,
        day.yesterday,
        words("owner-today"),
        words("owner-yesterday"),
        words("owner-highest", yen=yen(max(*day.today, *day.yesterday))),
    )
    return bars


def _needs(day: Overview, words: Words) -> Iterator[Widget]:
    if not day.needs:
        yield Prose(words("owner-nothing"), "quiet")
        return
    yield Prose(words("owner-needs"), "strong")
    for need, records in day.needs.items():
        yield Vertical(
            Prose(words(f"owner-need-{need}", count=len(records)), _TONES[need]),
            Prose(_named(need, records[-NAMED:], words), "numbers"),
            classes="need",
        )


_TONES = {
    Need.UNKNOWN: "strong",
    Need.REFUSED: "refused strong",
    Need.SHORT: "refused strong",
    Need.PROMISED: "",
    Need.UNSENT: "",
}


def _named(need: Need, records: Sequence[Recorded], words: Words) -> str:
    """Name operations by their number; where the ledger cut or refused them, with why of the last."""
    numbers = [number_at_shop(record.operation_id) for record in records]
    if need not in (Need.UNKNOWN, Need.UNSENT):
        *numbers, last = numbers
        numbers = ["  ".join(numbers), f"{last}  {_why(need, records[-1], words)}"]
        return "\n".join(filter(None, numbers))
    return "  ".join(numbers)


def _why(need: Need, record: Recorded, words: Words) -> str:
    verdict = record.verdict
    assert verdict is not None  # noqa: S101  # what is without one needs no reason
    leg = "redeem" if need is Need.SHORT else "award"
    for cut in verdict.cuts:
        if cut.leg == leg:
            return f"{signed_points(cut.granted - cut.asked)}  {words.refusal(Fault(cut.reason)).what}"
    return words.refusal(Fault(verdict.code or "not_known")).what


def _last(day: Overview, words: Words) -> tuple[SlipRow, ...]:
    heading = Row(words("owner-last"), emphasis=Emphasis.STRONG)
    if not day.last:
        return (heading, Gap(), Row(words("owner-none"), emphasis=Emphasis.QUIET))
    return (heading, Gap(), *(_operation(record, words) for record in day.last))


def _operation(record: Recorded, words: Words) -> Row:
    """Return one operation: when, its number or else what became of it, and what it came to."""
    verdict, value = record.verdict, _value(record.entry.content, words)
    at = clock(record.entry.at)
    if verdict is None:
        return Row(f"{at} {words('owner-undecided')}", value)
    if verdict.status is Status.REFUSED:
        return Row(f"{at} {words('owner-refused')}", value, Emphasis.QUIET)
    return Row(f"{at} {number_at_shop(record.operation_id).rpartition('-')[2]}", value)


def _value(content: Content, words: Words) -> str:
    match content:
        case Sale(bill=bill):
            return yen(bill)
        case Award(award=award):
            return signed_points(sum(leg.points for leg in award))
        case _:  # every other kind is named, and its slip says the rest
            return words(f"owner-kind-{content.kind}")
