"""Figures drawn large: two fonts of block characters, and the scaling of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Glyph = tuple[str, ...]
"""Rows of equal width, of spaces and the blocks █ ▀ ▄."""

Font = Mapping[str, Glyph]

HEIGHT = 5
"""Rows of every figure."""


def _font(rows: Sequence[str], names: str) -> Font:
    """Cut rows, in which glyphs are separated by a bar, into a font."""
    columns = [row.split("|") for row in rows]
    return {name: tuple(column[index] for column in columns) for index, name in enumerate(names)}


WIDE = _font(
    (
        "▄████▄|  ▄██ |▄████▄|▄████▄|██  ██|██████|▄████▄|██████|▄████▄|▄████▄|  |    ",
        "██  ██| ▀▀██ |    ██|    ██|██  ██|██    |██    |    ██|██  ██|██  ██|  |    ",
        "██  ██|   ██ |▄████▀|  ███ |▀█████|█████▄|█████▄|   ██ | ████ |▀█████|  |████",
        "██  ██|   ██ |██    |    ██|    ██|    ██|██  ██|  ██  |██  ██|    ██|▄▄|    ",
        "▀████▀|   ██ |██████|▀████▀|    ██|▀████▀|▀████▀|  ██  |▀████▀|▀████▀|▄▀|    ",
    ),
    "0123456789,−",
)
"""Strokes two cells wide and one high, which is the same to the eye."""

NARROW = _font(
    (
        "▄██▄| ▄█ |▄██▄|▄██▄|█  █|████|▄██▄|████|▄██▄|▄██▄| |   ",
        "█  █|  █ |   █|   █|█  █|█   |█   |   █|█  █|█  █| |   ",
        "█  █|  █ |▄██▀| ██ |▀███|███▄|███▄|  █ | ██ |▀███| |███",
        "█  █|  █ |█   |   █|   █|   █|█  █|  █ |█  █|   █|▄|   ",
        "▀██▀|  █ |████|▀██▀|   █|▀██▀|▀██▀|  █ |▀██▀|▀██▀|▀|   ",
    ),
    "0123456789,−",
)

UNITS: Font = {"円": ("█▀██▀█", "█▄██▄█", "█    █"), "P": ("█▀▀▄", "█▄▄▀", "█   ")}
"""The units, smaller than the figures and on their base line."""

_PIXELS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
_BLOCKS = {pair: block for block, pair in _PIXELS.items()}


def draw(figure: str, font: Font) -> Glyph:
    """Return the rows of a figure such as `1,200`."""
    glyphs = [font[mark] for mark in figure]
    return tuple(" ".join(glyph[row] for glyph in glyphs) for row in range(HEIGHT))


def beside(figure: Glyph, unit: Glyph) -> Glyph:
    """Return a figure with its unit to the right, on the same base line."""
    above = len(figure) - len(unit)
    blank = " " * len(unit[0])
    return tuple(f"{row}  {unit[index - above] if index >= above else blank}" for index, row in enumerate(figure))


def doubled(rows: Glyph) -> Glyph:
    """Return rows drawn twice as large."""
    lines: list[list[int]] = []
    for row in rows:
        for half in (0, 1):
            wide = [_PIXELS[mark][half] for mark in row for _ in (0, 1)]
            lines += [wide, wide]
    return tuple(
        "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(lines[::2], lines[1::2], strict=True)
    )


def largest(figure: str, unit: str, width: int, height: int) -> Glyph:
    """Return a figure with its unit as large as a room allows; in the narrow font even where that is too wide."""
    wide, narrow = (beside(draw(figure, font), UNITS[unit]) for font in (WIDE, NARROW))
    for rows in (doubled(wide), doubled(narrow), wide):
        if len(rows[0]) <= width and len(rows) <= height:
            return rows
    return narrow
