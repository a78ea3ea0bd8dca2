"""Draws the pictures of the README and of the guides: `python -m tests.terminal.screens.gallery`.

Names of `scenes.STATES` after a folder draw those states into it instead. It needs rsvg-convert and Noto Sans Mono CJK
(Debian: librsvg2-bin, fonts-noto-cjk). Textual's own export leaves the places of characters to the viewer's fonts, and
Japanese does not line up in it; here every character stands in its cell.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from html import escape
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from config.settings import ScreenSettings
from config.texts import LANGUAGES, Lang
from terminal.counter import resident_view
from terminal.screens.display.app import DisplayApp
from terminal.screens.display.link import Shown
from tests.terminal.screens.measures import painted
from tests.terminal.screens.owner_scenes import BUSY, at_owner
from tests.terminal.screens.pictures import painting
from tests.terminal.screens.scenes import STATES, at_counter, counter_in

DOCS = Path(__file__).parents[3] / "docs"
SIZE = (80, 24)
CELL, ROW = 10, 24
"""Units of a cell: half of the em of a Japanese font, and its line."""
EDGE = 12
"""Units of margin around the screen."""
FONT = "Noto Sans Mono CJK JP"
BASE_LINE = 18
ZOOM, SMALL = 2, 1
"""Pixels to a unit: for a page's one picture, and for a guide's many."""

COUNTERS = ("idle", "await", "choosing", "pin", "done", "queued", "unknown", "refused")
DISPLAYS = ("idle", "choosing", "pin", "done")
"""What the guides show."""

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


async def owners_drawing(lang: Lang) -> str:
    """Return the drawing of the owner's screen on a busy day."""
    async with at_owner(BUSY, ScreenSettings(language=lang, motion=False)) as (screen, pilot, _):
        await painting(screen, pilot)
        return svg(painted(screen), screen.styles.background.hex)


async def display_drawings(lang: Lang, states: Iterable[str]) -> dict[str, str]:
    """Return the drawing of the resident's display beside a counter in each state."""
    app, drawn = DisplayApp(_nobody, ScreenSettings(language=lang, theme="light", motion=False)), {}
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        for name in states:
            app.show(Shown(resident_view(counter_in(STATES[name])), lang))
            await painting(app.screen, pilot)
            drawn[name] = svg(painted(app.screen), app.screen.styles.background.hex)
    return drawn


async def _nobody() -> AsyncIterator[Shown | None]:
    """Follow no counter."""
    yield None


def write(folder: Path, states: Iterable[str], zoom: float = ZOOM) -> None:
    """Write a PNG file of each state of the counter in each language."""
    for lang in LANGUAGES:
        for name, drawing in asyncio.run(drawings(lang, states)).items():
            _render(drawing, folder / f"counter-{name}-{lang}.png", zoom)


def write_guides() -> None:
    """Write the pictures of the guides."""
    folder = DOCS / "guide" / "pictures"
    folder.mkdir(exist_ok=True)
    write(folder, COUNTERS, SMALL)
    for lang in LANGUAGES:
        _render(asyncio.run(owners_drawing(lang)), folder / f"owner-{lang}.png", SMALL)
        for name, drawing in asyncio.run(display_drawings(lang, DISPLAYS)).items():
            _render(drawing, folder / f"display-{name}-{lang}.png", SMALL)


def _render(drawing: str, file: Path, zoom: float) -> None:
    subprocess.run(["rsvg-convert", "--zoom", str(zoom), "-o", file], input=drawing, text=True, check=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        write(Path(sys.argv[1]), sys.argv[2:] or ["choosing"])
    else:
        write(DOCS / "screenshots", ["choosing"])
        write_guides()
