"""Draws a slip as plain text, for printers with 32 or 48 columns (58 and 80 mm) and for whoever reads it on a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from rich.cells import cell_len

from config.plain import shown
from terminal.shell.typesetting import spread, wrapped
from terminal.slips.rows import Gap, QrCode, Row, Rule, SlipRow

COLUMNS = {58: 32, 80: 48}
"""Columns of a paper's width in millimetres, in the font of 12 dots that such printers begin with."""


def as_text(rows: Iterable[SlipRow], columns: int) -> list[str]:
    """Return the lines of a slip; on paper a label that is too long gets lines of its own, and loses nothing."""
    return [line for row in rows for line in _lines(row, columns)]


def _lines(row: SlipRow, columns: int) -> Iterator[str]:
    match row:
        case Row():
            yield from _row(shown(row.label), shown(row.value), columns)
        case Gap():
            yield ""
        case Rule():
            yield "-" * columns
        case QrCode(text):
            yield from wrapped(text, columns)
        case _:
            assert_never(row)


def _row(label: str, value: str, columns: int) -> Iterator[str]:
    together = cell_len(label) + cell_len(value) + (1 if label and value else 0)
    if together <= columns:
        yield spread(label, value, columns).rstrip()
        return
    yield from wrapped(label, columns)
    if value:
        yield spread("", value, columns)
