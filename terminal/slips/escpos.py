"""Draws a slip as the bytes of a receipt printer (ESC/POS), Japanese in Shift_JIS.

What people or other machines wrote cannot become a command: every text is stripped of what is no printable character,
and in Shift_JIS no byte of a character is one that begins a command.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final, assert_never

from escpos.printer import Dummy
from PIL import Image
from rich.cells import cell_len

from config.plain import UNSHOWN, shown
from terminal.slips.qr import dots
from terminal.slips.rows import Emphasis, Gap, QrCode, Row, Rule, SlipRow
from terminal.slips.text import as_text

RESET: Final = b"\x1b@"
KANJI: Final = b"\x1c&\x1cC\x01"
"""FS & begins Kanji mode, FS C 1 takes characters as Shift_JIS."""
BOLD, NOT_BOLD = b"\x1bE\x01", b"\x1bE\x00"
LEFT, CENTRE = b"\x1ba\x00", b"\x1ba\x01"
FEED_AND_CUT: Final = b"\x1bd\x05\x1dVB\x00"
"""Five lines beyond the cutter; a printer without one ignores GS V."""

CODEC: Final = "cp932"
"""Shift_JIS as such printers have it."""

PROFILE: Final = "TM-T88III"
"""Whose width is known: of a printer without one, the library prints a complaint on standard output."""

DOT: Final = 6
"""Printer's dots to a dot of the QR code: three quarters of a millimetre, which any scanner reads."""

_PLAINER: Final = str.maketrans({"−": "-", "…": "~", "—": "-", "–": "-", "’": "'", "“": '"', "”": '"'})
"""What Shift_JIS has not, or only twice as wide as it was reckoned."""


def as_escpos(rows: Iterable[SlipRow], columns: int, *, japanese: bool) -> bytes:
    """Return a slip as all the bytes that print it and cut it off."""
    printed = bytearray(RESET + (KANJI if japanese else b""))
    for row in rows:
        match row:
            case Row() | Gap() | Rule():
                strong = isinstance(row, Row) and row.emphasis is Emphasis.STRONG
                lines = b"".join(encoded(line, japanese=japanese) + b"\n" for line in as_text([_plainer(row)], columns))
                printed += BOLD + lines + NOT_BOLD if strong else lines
            case QrCode(text):
                printed += b"\n" + CENTRE + _picture(text) + b"\n" + LEFT
            case _:
                assert_never(row)
    return bytes(printed + FEED_AND_CUT)


def encoded(text: str, *, japanese: bool) -> bytes:
    """Return a line of text as a printer's bytes, none of which begins a command."""
    return "".join(_printable(each, japanese=japanese) for each in shown(text)).encode(CODEC if japanese else "ascii")


def _plainer(row: Row | Gap | Rule) -> Row | Gap | Rule:
    if not isinstance(row, Row):
        return row
    return Row(row.label.translate(_PLAINER), row.value.translate(_PLAINER), row.emphasis)


def _printable(character: str, *, japanese: bool) -> str:
    """Return a character that the printer has and draws as wide as it was reckoned, or `?`."""
    plain = character.translate(_PLAINER)
    for candidate in (plain, unicodedata.normalize("NFKD", plain)[:1]):
        if candidate.isascii() and candidate.isprintable():
            return candidate
        try:
            if japanese and len(candidate.encode(CODEC)) == cell_len(candidate):
                return candidate
        except UnicodeEncodeError:
            continue
    return UNSHOWN * cell_len(character)


def _picture(text: str) -> bytes:
    """Return a QR code as a raster picture: every such printer draws one, and not every one has codes of its own."""
    matrix = dots(text)
    image = Image.new("1", (len(matrix[0]), len(matrix)), 1)
    image.putdata([0 if dot else 255 for row in matrix for dot in row])
    printer = Dummy(profile=PROFILE)
    printer.image(image.resize((image.width * DOT, image.height * DOT), Image.Resampling.NEAREST))
    return bytes(printer.output)
