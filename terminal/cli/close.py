"""`kazasu close`: the day's report, Z that closes or X that only reads."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer

from config.texts import Texts
from offline_queue.close import Report, close_day, interim
from offline_queue.journal import Recorded
from terminal.cli.context import Globals, answer, fail, given, say
from terminal.cli.queue import AsJson, opening, reading, send
from terminal.shop.faults import KNOWN, fault_of

EXAMPLE = "Example: kazasu close --x --json"


def command(
    context: typer.Context,
    x: Annotated[bool, typer.Option("--x", help="Only read: the interim total, also beside an open terminal.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send what is unsent and close the day (Z); with --x, say what it comes to so far."""
    chosen = given(context)
    entry: Recorded | None = None
    if x:
        with reading(chosen, as_json=as_json) as journal:
            report = interim(journal)
    else:
        try:
            report, entry = asyncio.run(_close(chosen))
        except KNOWN as error:
            fail(chosen, fault_of(error), as_json=as_json)
    if as_json:
        answer(_as_json(report, entry))
    else:
        say("\n".join(_lines(report, entry, chosen.texts)))


async def _close(chosen: Globals) -> tuple[Report, Recorded]:
    """Close the day, whether the line is up or not: what is decided later goes into the next close."""
    async with opening(chosen) as station:
        await send(station)
        at = station.clock()
        clerk, day = station.settings.counter.clerk, station.business_date(at)
        closed = await asyncio.to_thread(close_day, station.journal, at=at, operator=clerk, business_date=day)
        await send(station)
        return closed


def _as_json(report: Report, entry: Recorded | None) -> dict[str, Any]:
    return {
        "report": "x" if entry is None else "z",
        "operation_id": None if entry is None else entry.operation_id,
        "hash": None if entry is None else entry.hash,
        **asdict(report),
        "amount_due": report.day.amount_due,
    }


def _lines(report: Report, entry: Recorded | None, texts: Texts) -> list[str]:
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
