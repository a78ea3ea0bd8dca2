"""`kazasu slip`: the slip of an operation, found again by its number or amount, as lines for a printer."""

from __future__ import annotations

from typing import Annotated

import typer

from config.errors import CommandFailed
from config.output import answer, tell
from ledger.wire.rules import Programme, in_force
from terminal.cli.context import AsJson, Globals, given
from terminal.shell.words import Words
from terminal.shop import books
from terminal.shop.books import FoundOperation, Search
from terminal.shop.opening import local_time
from terminal.slips.operation import of_journal, slip
from terminal.slips.text import COLUMNS, as_text

EXAMPLE = "Example: kazasu slip 42 --paper 58"


def command(
    context: typer.Context,
    number: Annotated[int, typer.Argument(min=1, max=999_999_999_999, help="Its number at the shop, or an amount.")],
    paper: Annotated[int, typer.Option(help="The paper's width in millimetres: 58 or 80.")] = 80,
    as_json: AsJson = False,
) -> None:
    """Print the slip of an operation again, marked as a copy; of several with one amount, the newest's."""
    chosen = given(context)
    if paper not in COLUMNS:
        raise typer.BadParameter("58 or 80", param_hint="--paper")
    with books.journal_to_read(chosen.home) as journal:
        found = Search(number).within(journal)
    if not found:
        raise CommandFailed("slip_missing", number=number)
    lines = _lines(chosen, found[0], COLUMNS[paper])
    if as_json:
        answer({"operation_id": found[0].record.operation_id, "lines": lines})
    else:
        tell("\n".join(lines))


def _lines(chosen: Globals, found: FoundOperation, columns: int) -> list[str]:
    setup = books.setup_of(chosen.home)
    programmes = in_force([Programme.recall(fields) for fields in setup.programmes], local_time().date())
    rows = slip(of_journal(found), Words(chosen.texts, programmes), shop=setup.shop.name, reprint=True)
    return as_text(rows, columns)
