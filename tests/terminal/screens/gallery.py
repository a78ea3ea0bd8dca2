"""Draws pictures of the counter: `python -m tests.terminal.screens.gallery docs/screenshots` makes those of the README.

Names of `scenes.STATES` after the folder draw those states instead. It needs rsvg-convert and Noto Sans Mono CJK
(Debian: librsvg2-bin, fonts-noto-cjk). Textual's own export leaves the places of characters to the viewer's fonts, and
Japanese does not line up in it; here every character stands in its cell.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from config.settings import ScreenSettings
from config.texts import LANGUAGES, Lang
from tests.terminal.screens.measures import painted
from tests.terminal.screens.scenes import STATES, at_counter, counter_in

SIZE = (80, 24)
CELL, ROW = 10, 24
"""Units of a cell: half of the em of a Japanese font, and its line."""
EDGE = 12
"""Units of margin around the screen."""
FONT = "Noto Sans Mono CJK JP"
BASE_LINE = 18
ZOOM = 2

_BLOCKS = {"█": (0.0, 1.0), "▀": (0.0, 0.5), "▄": (0.5, 0.5)}
"""Top and height, in rows, of the blocks that figures are drawn with: as text they would leave seams."""

_LINES = {
    "│": "m5 0v24",
    "─": "m0 12h10",
    "┌": "m10 12h-5v12",
    "┐": "m0 12h5v12",
    "└": "m5 0v12h5",
    "┘": "m5 0v12h-5",
}
"""How a border goes through its cell."""


def svg(rows: list[Strip], ground: str) -> str:
    """Return the drawing of a screen."""
    width, height = rows[0].cell_length * CELL + 2 * EDGE, len(rows) * ROW + 2 * EDGE
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
            _box(0, 0, width, height, ground),
            f'<g transform="translate({EDGE} {EDGE})" font-family="{FONT}" font-size="{2 * CELL}">',
            *(mark for row, strip in enumerate(rows) for mark in _row(row * ROW, strip)),
            "</g></svg>",
        )
    )


def _row(top: float, segments: Iterable[Segment]) -> Iterator[str]:
    left = 0
    for text, style, _ in segments:
        ink, paper = _colours(style)
        yield _box(left, top, cell_len(text) * CELL, ROW, paper)
        weight = "bold" if style is not None and style.bold else "normal"
        for mark in text:
            if mark in _BLOCKS:
                above, share = _BLOCKS[mark]
                yield _box(left, top + above * ROW, CELL, share * ROW, ink)
            elif mark in _LINES:
                yield f'<path d="M{left} {top}{_LINES[mark]}" fill="none" stroke="{ink}"/>'
            elif mark != " ":
                place = f'x="{left}" y="{top + BASE_LINE}"'
                yield f'<text {place} fill="{ink}" font-weight="{weight}">{escape(mark)}</text>'
            left += cell_len(mark) * CELL


def _colours(style: Style | None) -> tuple[str, str]:
    """Return the colours of ink and paper; what has none is blank, and shows nothing."""
    ink, paper = (style.color, style.bgcolor) if style is not None else (None, None)
    names = [colour.get_truecolor().hex if colour is not None else "none" for colour in (ink, paper)]
    if style is not None and style.reverse:
        names.reverse()
    return names[0], names[1]


def _box(left: float, top: float, width: float, height: float, colour: str) -> str:
    place = f'x="{left}" y="{top}" width="{width}" height="{height}"'
    return f'<rect {place} fill="{colour}" shape-rendering="crispEdges"/>'


async def drawings(lang: Lang, states: Iterable[str], size: tuple[int, int] = SIZE) -> dict[str, str]:
    """Return the drawing of each state in one language."""
    drawn = {}
    async with at_counter(ScreenSettings(language=lang, motion=False), size) as (screen, pilot):
        for name in states:
            screen.show(counter_in(STATES[name]))
            await pilot.pause()
            drawn[name] = svg(painted(screen), screen.styles.background.hex)
    return drawn


def write(folder: Path, states: Iterable[str]) -> None:
    """Write a PNG file of each state in each language."""
    for lang in LANGUAGES:
        for name, drawing in asyncio.run(drawings(lang, states)).items():
            file = folder / f"counter-{name}-{lang}.png"
            subprocess.run(["rsvg-convert", "--zoom", str(ZOOM), "-o", file], input=drawing, text=True, check=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2:] or ["choosing"])
