"""What an X or Z report (中間計, 日計・締め) says, as rows that screen, printer and page each draw."""

from __future__ import annotations

from collections.abc import Iterator

from offline_queue.close import Report
from offline_queue.reading import Recorded
from terminal.shell.words import Words, moment, number_at_shop, points, signed_points, yen
from terminal.slips.rows import Emphasis, Gap, Row, Rule, SlipRow


def report_rows(
    report: Report, words: Words, *, at: str, entry: Recorded | None = None, shop: str = ""
) -> tuple[SlipRow, ...]:
    """Return a report made at a time: a Z where `entry` is what stands in the journal, else an X.

    On paper `shop` names where it is from, and a Z says which clerk closed.
    """
    name = words("report-x") if entry is None else words("report-z", number=report.number)
    number = "" if entry is None else number_at_shop(entry.operation_id)
    return (
        Row(name, emphasis=Emphasis.STRONG),
        *((Row(shop),) if shop else ()),
        Row(moment(at), number, Emphasis.QUIET),
        *((Row(words("status-clerk", clerk=entry.entry.operator)),) if shop and entry is not None else ()),
        *_money(report, words),
        Gap(),
        *_counts(report, words),
        Gap(),
        *_perpetual(report, words),
        *(() if entry is None else (Row(entry.short_hash, emphasis=Emphasis.QUIET),)),
    )


def _money(report: Report, words: Words) -> Iterator[SlipRow]:
    day = report.day
    yield Row(words("slip-bill"), yen(day.bill))
    yield Row(words("slip-redeemed"), signed_points(-day.redeemed))
    yield Rule()
    yield Row(words("slip-due"), yen(day.amount_due), Emphasis.STRONG)
    yield Gap()
    yield Row(words("slip-award"), signed_points(day.awarded))


def _counts(report: Report, words: Words) -> Iterator[SlipRow]:
    """Yield how many there were of each: sales always, the others where there were any; and what waits for the next."""
    day = report.day
    yield Row(words("report-sales"), words("count", count=day.sales))
    for name, count in (
        ("report-awards", day.awards),
        ("report-voids", day.voids),
        ("report-returns", day.returns),
        ("report-conversions", day.conversions),
        ("report-refused", day.refused),
        ("report-late", day.late),
    ):
        if count:
            yield Row(words(name), words("count", count=count))
    for name, missing in (
        ("report-converted-out", day.converted_out),
        ("report-converted-in", day.converted_in),
        ("report-short-redeemed", day.short_redeemed),
        ("report-short-awarded", day.short_awarded),
    ):
        if missing:
            yield Row(words(name), points(missing))
    if report.undecided:
        yield Row(words("report-undecided", count=report.undecided), yen(report.undecided_bill))


def _perpetual(report: Report, words: Words) -> Iterator[SlipRow]:
    whole = report.perpetual
    yield Row(words("report-perpetual"), yen(whole.bill), Emphasis.QUIET)
    yield Row(words("slip-redeemed"), points(whole.redeemed), Emphasis.QUIET)
    yield Row(words("slip-award"), points(whole.awarded), Emphasis.QUIET)
