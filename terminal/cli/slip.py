"""`kazasu slip`: the slip of an operation, found again by its number or amount: as lines, on paper, or as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config import settings as settings_file
from config.errors import CommandFailed
from config.output import answer, tell
from config.settings import Settings
from ledger.wire.rules import Programme, in_force
from terminal.cli.context import AsJson, Exit, Globals, given
from terminal.shell.words import Words
from terminal.shop import books
from terminal.shop.books import FoundOperation, Search
from terminal.shop.opening import local_time
from terminal.slips.operation import of_journal, slip
from terminal.slips.rows import Emphasis, QrCode, Row, SlipRow
from terminal.slips.text import COLUMNS, as_text

EXAMPLE = "Example: kazasu slip 42 --print"


def command(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(min=1, max=999_999_999_999, help="Its number at the shop, or an amount.")
    ] = None,
    paper: Annotated[int | None, typer.Option(help="The paper's width in millimetres: 58 or 80.")] = None,
    print_it: Annotated[bool, typer.Option("--print", help="Print it on the printer of the settings.")] = False,
    pdf: Annotated[Path | None, typer.Option(help="Write it as a page for a normal printer.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Not an operation's: a page that tries the printer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the slip of an operation again, marked as a copy; of several with one amount, the newest's."""
    chosen = given(context)
    settings = settings_file.load_settings(chosen.home.settings)
    wide = paper or settings.printer.paper
    if wide not in COLUMNS:
        raise typer.BadParameter("58 or 80", param_hint="--paper")
    if (number is None) is not test:
        raise CommandFailed("slip_unnamed", Exit.USAGE)
    name, rows = ("test", _test_page(chosen)) if number is None else _slip(chosen, number, settings)
    lines = as_text(rows, COLUMNS[wide])
    if pdf is not None:
        from terminal.slips.pdf import as_pdf  # heavy, and wanted only here

        pdf.write_bytes(as_pdf(rows, wide))
    if print_it:
        _print(settings, name, rows)
    if as_json:
        answer({"operation_id": None if number is None else name, "lines": lines, "printed": print_it})
    elif print_it or pdf is not None:
        tell(chosen.texts("print-done"))
    else:
        tell("\n".join(lines))


def _slip(chosen: Globals, number: int, settings: Settings) -> tuple[str, tuple[SlipRow, ...]]:
    with books.journal_to_read(chosen.home) as journal:
        found = Search(number).within(journal)
    if not found:
        raise CommandFailed("slip_missing", number=number)
    return found[0].record.operation_id, _rows(chosen, found[0], settings)


def _rows(chosen: Globals, found: FoundOperation, settings: Settings) -> tuple[SlipRow, ...]:
    setup = books.setup_of(chosen.home)
    programmes = in_force([Programme.recall(fields) for fields in setup.programmes], local_time().date())
    words = Words(chosen.texts, programmes)
    return slip(of_journal(found), words, shop=setup.shop.name, reprint=True, tax=settings.slip)


def _test_page(chosen: Globals) -> tuple[SlipRow, ...]:
    """Return rows that show whether letters, width, bold and code come out."""
    words = chosen.texts
    return (
        Row(words("slip-title"), emphasis=Emphasis.STRONG),
        Row(words("print-test")),
        Row("0123456789" * 4),
        Row(words("slip-due"), "1,234 円", Emphasis.STRONG),
        QrCode("https://example.invalid/kazasu"),
    )


def _print(settings: Settings, name: str, rows: tuple[SlipRow, ...]) -> None:
    from terminal.shop.printing import PrinterUnset, Sheet, device_of

    if settings.printer.kind == "none":
        raise PrinterUnset
    device_of(settings.printer).send(Sheet(name, rows))
