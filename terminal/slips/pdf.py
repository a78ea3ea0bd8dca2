"""Draws a slip as a page (PDF) for a normal printer, with the Japanese letters that it needs embedded."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, assert_never

from fpdf import FPDF
from rich.cells import cell_len

from config.errors import KnownError
from config.plain import shown
from terminal.slips.qr import dots
from terminal.slips.rows import Emphasis, Gap, QrCode, Row, Rule, SlipRow
from terminal.slips.text import COLUMNS, as_text

FONTS: Final = (
    (Path("/usr/share/fonts/truetype/vlgothic/VL-Gothic-Regular.ttf"), 0),
    (Path("/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf"), 0),
    (Path("C:/Windows/Fonts/msgothic.ttc"), 0),
    (Path("/System/Library/Fonts/ヒラギノ角ゴシック W3.ttc"), 0),
)
"""Fonts whose licences let a document embed them, with the place in a collection.

VL Gothic is first: Debian has it in 2 MB, free to use, change and embed, and its letters are half and full width as on
receipt paper. `./kazasu` installs it. Windows and macOS come with one.
"""

MARGIN, LINE, DOT, PAGE = 15.0, 4.6, 0.7, (210.0, 297.0)
"""Millimetres: around the slip, from line to line, a dot of the QR code, and the page (A4)."""


class FontMissing(KnownError):  # noqa: N818  # says what is the case
    """No Japanese font was found that a page may embed."""

    code = "font_missing"


def font() -> tuple[Path, int]:
    """Return the first font that is here, and its place in its file; raise FontMissing."""
    found = next(((path, number) for path, number in FONTS if path.exists()), None)
    if found is None:
        raise FontMissing(sys.platform)
    return found


def as_pdf(rows: Iterable[SlipRow], paper: int) -> bytes:
    """Return a slip as a page, set as wide as on paper of so many millimetres; raise FontMissing."""
    path, number = font()
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of each table that it leaves out
    page = FPDF(format=PAGE)
    page.set_title("kazasu")
    page.add_font("slip", fname=path, collection_font_number=number)
    page.add_page()
    cell = (paper - 8) / COLUMNS[paper]
    size = _size(page, cell)
    top = MARGIN
    for row in rows:
        match row:
            case Row() | Gap() | Rule():
                page.set_font("slip", size=size)
                # A second pen of the same ink makes bold: the font has one weight.
                bold = isinstance(row, Row) and row.emphasis is Emphasis.STRONG
                for line in as_text([row], COLUMNS[paper]):
                    _line(page, line, top, cell, bold=bold)
                    top += LINE
            case QrCode(text):
                top = _code(page, text, top + 2, paper) + LINE
            case _:
                assert_never(row)
        if top > PAGE[1] - 2 * MARGIN:
            page.add_page()
            top = MARGIN
    return bytes(page.output())


def _size(page: FPDF, cell: float) -> float:
    """Return the size at which a half-width character is one cell wide."""
    page.set_font("slip", size=10)
    return 10 * cell / float(page.get_string_width("0"))


def _line(page: FPDF, line: str, top: float, cell: float, *, bold: bool) -> None:
    """Set each character in its cell, whatever its width in the font."""
    at = MARGIN
    for character in shown(line):
        if character != " ":
            for shift in (0.0, 0.15) if bold else (0.0,):
                page.text(at + shift, top, character)
        at += cell * cell_len(character)


def _code(page: FPDF, text: str, top: float, paper: int) -> float:
    matrix = dots(text)
    left = MARGIN + (paper - 8 - DOT * len(matrix)) / 2
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                page.rect(left + x * DOT, top + y * DOT, DOT, DOT, style="F")
    return top + DOT * len(matrix)
