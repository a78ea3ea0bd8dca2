"""`kazasu owner`: what the shop took, by period, clerk and programme; and files for the accountant."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer

from config.output import answer, say, tell
from config.plain import shown
from ledger.wire.days import business_day
from offline_queue.periods import Turnover
from terminal.cli.context import AsJson, Globals, given
from terminal.shell.words import signed_points, yen
from terminal.shop import books
from terminal.shop.accounts import (
    OPERATION_COLUMNS,
    POSTING_COLUMNS,
    Accounts,
    named_days,
    operation_lines,
    postings,
)
from terminal.shop.opening import local_time
from terminal.shop.periods import Compare, Period

app = typer.Typer(
    help="What the shop took, and files for the accountant.",
    epilog="Example: kazasu owner figures --period month",
    no_args_is_help=True,
)


class Form(StrEnum):
    """What is exported, and how."""

    CSV = "csv"
    JSON = "json"
    JOURNAL = "journal"
    """Journal entries for accounting, as CSV."""


class Encoding(StrEnum):
    """How a CSV file is written."""

    UTF_8 = "utf-8"
    """With a byte order mark, without which spreadsheets take it for something else."""
    SHIFT_JIS = "shift-jis"


@app.command(epilog="Example: kazasu owner figures --period month --json")
def figures(
    context: typer.Context,
    period: Annotated[Period, typer.Option(help="Which days.")] = Period.TODAY,
    as_json: AsJson = False,
) -> None:
    """Say what a period came to, beside the one before it: whole, by clerk and by programme."""
    chosen = given(context)
    today, first_hour = _today(chosen)
    with books.journal_to_read(chosen.home) as journal:
        found = Compare(period).within(journal, today, first_hour)
    if as_json:
        answer({"period": period, "now": _sums(found.now), "before": _sums(found.before)})
        return
    texts, now = chosen.texts, found.now
    tell(f"{texts(f'period-{period}')}  {now.first} - {now.last}")
    rows = [(texts("period-whole"), now.whole), (texts("period-before"), found.before.whole)]
    rows += [(texts("status-clerk", clerk=clerk), moved) for clerk, moved in sorted(now.clerks.items())]
    for name, moved in rows:
        tell(f"{name}  {yen(moved.bill)}  {signed_points(-moved.redeemed)}  {signed_points(moved.awarded)}")
    for code, moved in sorted(now.programmes.items()):
        tell(f"{code}  {signed_points(-moved.redeemed)}  {signed_points(moved.awarded)}")


@app.command(epilog="Example: kazasu owner export --from 2026-11-01 --to 2026-11-30 --form journal november.csv")
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output where left out.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first business day; today.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last business day; today.")
    ] = None,
    form: Annotated[Form, typer.Option(help="A line for each operation, or a day's journal entries.")] = Form.CSV,
    encoding: Annotated[Encoding, typer.Option(help="Of a CSV file.")] = Encoding.UTF_8,
) -> None:
    """Write the operations of some days for the accountant: CSV, JSON, or journal entries (仕訳)."""
    chosen = given(context)
    today, _ = _today(chosen)
    days = named_days(*(each.date() if each is not None else today for each in (first, last)))
    with books.journal_to_read(chosen.home) as journal:
        lines = list(operation_lines(journal, days))
    texts = chosen.texts
    match form:
        case Form.JSON:
            written = (json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=1) + "\n").encode()
        case Form.CSV:
            heads = [texts(f"export-{name.replace('_', '-')}") for name in OPERATION_COLUMNS]
            written = _csv(heads, map(astuple, lines), encoding)
        case Form.JOURNAL:
            accounts = Accounts(*(texts(f"account-{name}") for name in ("cash", "claim", "loss", "sales", "note")))
            heads = [texts(f"posting-{name}") for name in POSTING_COLUMNS]
            written = _csv(heads, map(astuple, postings(lines, accounts)), encoding)
        case _:
            assert_never(form)
    if file is None:
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()
        return
    file.write_bytes(written)
    say(texts("export-written", count=len(lines), path=str(file)))


def _csv(heads: Iterable[str], rows: Iterable[Iterable[Any]], encoding: Encoding) -> bytes:
    """Return a CSV file; a text that a spreadsheet would take for a formula is none any more."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    if encoding is Encoding.SHIFT_JIS:
        return text.getvalue().encode("cp932", "replace")
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    plain = shown(value)
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain


def _today(chosen: Globals) -> tuple[date, int]:
    shop = books.setup_of(chosen.home).shop
    return business_day(local_time(), shop.day_starts_at), shop.day_starts_at


def _sums(sums: Any) -> dict[str, Any]:
    def named(groups: Mapping[Any, Turnover]) -> dict[str, Any]:
        return {str(name): asdict(moved) for name, moved in sorted(groups.items())}

    return {
        "first": sums.first.isoformat(),
        "last": sums.last.isoformat(),
        **asdict(sums.whole),
        "days": named(sums.days),
        "hours": named(sums.hours),
        "clerks": named(sums.clerks),
        "programmes": named(sums.programmes),
    }
