"""`kazasu close`: the day's report, Z that closes or X that only reads."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from config.faults import fault_of
from config.output import answer, say, tell
from config.texts import Texts
from offline_queue.errors import NothingToClose
from terminal.cli.context import AsJson, Globals, given, sentences
from terminal.cli.queue import opening
from terminal.shell.words import Words
from terminal.shop import books
from terminal.shop.books import DayReport
from terminal.shop.opening import local_time
from terminal.slips.report import report_rows
from terminal.slips.text import COLUMNS, as_text

EXAMPLE = "Example: kazasu close --x --json"


def command(
    context: typer.Context,
    x: Annotated[bool, typer.Option("--x", help="Only read: the interim total, also beside an open terminal.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Close although nothing happened since the last close.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send what is unsent and close the day (Z); with --x, say what it comes to so far."""
    chosen = given(context)
    closed = _interim(chosen) if x else asyncio.run(_close(chosen, even_if_empty=yes, as_json=as_json))
    if as_json:
        answer(_as_json(closed))
    else:
        tell("\n".join(_lines(closed, chosen.texts)))


def _interim(chosen: Globals) -> DayReport:
    with books.journal_to_read(chosen.home) as journal:
        return books.interim_report(journal)


async def _close(chosen: Globals, *, even_if_empty: bool, as_json: bool) -> DayReport:
    async with opening(chosen) as station:
        try:
            return await books.close(station, even_if_empty=even_if_empty)
        except NothingToClose as nothing:
            if as_json or not sys.stdin.isatty():
                raise
            say(sentences(chosen.texts, fault_of(nothing)))
            typer.confirm(chosen.texts("close-even-so"), abort=True, err=True)
            return await books.close(station, even_if_empty=True)


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
    at = local_time().isoformat() if closed.entry is None else closed.entry.entry.at
    return as_text(report_rows(closed.report, Words(texts), at=at, entry=closed.entry), COLUMNS[80])
