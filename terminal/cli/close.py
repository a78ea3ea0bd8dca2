"""`kazasu close`: the day's report, Z that closes or X that only reads."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer

from config.output import answer, tell
from config.texts import Texts
from terminal.cli.context import Globals, given
from terminal.cli.queue import AsJson, opening
from terminal.shop import books
from terminal.shop.books import DayReport

EXAMPLE = "Example: kazasu close --x --json"


def command(
    context: typer.Context,
    x: Annotated[bool, typer.Option("--x", help="Only read: the interim total, also beside an open terminal.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send what is unsent and close the day (Z); with --x, say what it comes to so far."""
    chosen = given(context)
    closed = _interim(chosen) if x else asyncio.run(_close(chosen))
    if as_json:
        answer(_as_json(closed))
    else:
        tell("\n".join(_lines(closed, chosen.texts)))


def _interim(chosen: Globals) -> DayReport:
    with books.reading(chosen.home) as journal:
        return books.interim_report(journal)


async def _close(chosen: Globals) -> DayReport:
    async with opening(chosen) as station:
        return await books.close(station)


def _as_json(closed: DayReport) -> dict[str, Any]:
    report, entry = closed.report, closed.entry
    return {
        "report": "x" if entry is None else "z",
        "operation_id": None if entry is None else entry.operation_id,
        "hash": None if entry is None else entry.hash,
        **asdict(report),
        "amount_due": report.day.amount_due,
    }


def _lines(closed: DayReport, texts: Texts) -> list[str]:
    report, entry = closed.report, closed.entry
    day, whole = report.day, report.perpetual
    lines = [
        texts("close-x") if entry is None else texts("close-z", number=report.number),
        texts("close-entries", count=report.last_seq - report.first_seq + 1, last=report.last_seq),
        texts("close-sales", count=day.sales),
        texts("close-voids", count=day.voids),
        texts("close-refused", count=day.refused),
        texts("close-bill", yen=day.bill),
        texts("close-redeemed", points=day.redeemed),
        texts("close-due", yen=day.amount_due),
        texts("close-awarded", points=day.awarded),
    ]
    if report.undecided:
        lines.append(texts("close-undecided", count=report.undecided, yen=report.undecided_bill))
    lines.append(texts("close-perpetual", bill=whole.bill, redeemed=whole.redeemed, awarded=whole.awarded))
    if entry is not None:
        lines.append(texts("close-hash", operation=entry.operation_id, hash=entry.short_hash))
    return lines
