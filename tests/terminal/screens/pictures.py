"""Pictures of screens, kept in `pictures/` as text: what stands on each row, and in which colours.

A test that draws a screen compares it with its picture. After a change that is meant, look at the screens, write the
pictures anew with `./kazasu test --only tests tests/terminal/screens --write-pictures`, and read what git shows of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
from rich.style import Style
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from config.settings import ScreenSettings
from tests.terminal.screens.measures import painted

FOLDER = Path(__file__).parent / "pictures"

Album = Callable[[str, Mapping[str, str]], None]
"""Compares pictures, by what they show, with those kept in a file of this name; fails where they differ."""


async def painting(screen: Screen[Any], pilot: Pilot[Any]) -> None:
    """Wait until a screen is laid out and painted: composing, laying out and painting each take a refresh."""
    for _ in range(3):
        await pilot.pause()
        painted_once = asyncio.Event()
        screen.call_after_refresh(painted_once.set)
        await painted_once.wait()


def picture(screen: Screen[Any]) -> str:
    """Return a screen as text: `|` and a row, below it `:` and its colours where the row above has others.

    Colours are runs of cells: how many, then ink on paper, and `b`, `r` or `u` for bold, reversed or underlined.
    """
    return "\n".join(_rows(painted(screen)))


def named(size: tuple[int, int], settings: ScreenSettings) -> str:
    """Return the name of a look: `80x24-ja-dark`."""
    borders = "-ascii" if settings.borders == "ascii" else ""
    return f"{size[0]}x{size[1]}-{settings.language}-{settings.theme}{borders}"


def _rows(strips: list[Strip]) -> Iterator[str]:
    above = ""
    for strip in strips:
        yield f"|{strip.text.rstrip()}"
        colours = " ".join(f"{cells} {name}" for cells, name in _runs(strip))
        if colours != above:
            yield f":{colours}"
            above = colours


def _runs(strip: Strip) -> list[tuple[int, str]]:
    """Return the runs of cells of one look; the ink of a blank does not show, and belongs to the run before it."""
    runs: list[tuple[int, str]] = []
    for segment in strip.simplify():
        name = _name(segment.style)
        if runs and runs[-1][1] == name:
            runs[-1] = (runs[-1][0] + segment.cell_length, name)
        else:
            runs.append((segment.cell_length, name))
    return runs


def _name(style: Style | None) -> str:
    if style is None:
        return "-"
    colours = [colour.get_truecolor().hex[1:] if colour is not None else "-" for colour in (style.color, style.bgcolor)]
    marks = "".join(mark for mark, is_on in (("b", style.bold), ("r", style.reverse), ("u", style.underline)) if is_on)
    return "/".join(colours) + marks


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Album:
    """Return what compares pictures, or writes them where the command line says so."""
    is_writing = bool(request.config.getoption("--write-pictures"))

    def compared(name: str, pictures: Mapping[str, str]) -> None:
        file = FOLDER / f"{name}.txt"
        if is_writing:
            FOLDER.mkdir(exist_ok=True)
            file.write_text(_album(pictures), encoding="utf-8")
        kept = _kept(file)
        changed = sorted(what for what in {*kept, *pictures} if kept.get(what) != pictures.get(what))
        assert changed == [], f"{file.name} shows these otherwise; look at them, and see {__name__}"

    return compared


def _album(pictures: Mapping[str, str]) -> str:
    """Return a file of pictures: first the colours, each with a short name, then the pictures, which use the names."""
    lines = [line for drawn in pictures.values() for line in drawn.split("\n") if line.startswith(":")]
    looks = sorted({look for line in lines for look in line[1:].split(" ")[1::2]})
    names = dict(zip(looks, map("".join, product(ascii_lowercase, repeat=2)), strict=False))
    legend = "".join(f"{name} = {look}\n" for look, name in names.items())
    return legend + "".join(f"== {what}\n{_with_looks(drawn, names.__getitem__)}\n" for what, drawn in pictures.items())


def _kept(file: Path) -> dict[str, str]:
    """Return the pictures of a file by what they show."""
    if not file.exists():
        return {}
    legend, *sections = file.read_text(encoding="utf-8").removesuffix("\n").split("\n== ")
    looks = dict(line.split(" = ") for line in legend.splitlines())
    pictures = dict(section.split("\n", 1) for section in sections)
    return {what: _with_looks(drawn, looks.__getitem__) for what, drawn in pictures.items()}


def _with_looks(drawn: str, rename: Callable[[str], str]) -> str:
    """Return a picture whose colours have other names."""
    return "\n".join(_renamed(line, rename) if line.startswith(":") else line for line in drawn.split("\n"))


def _renamed(line: str, rename: Callable[[str], str]) -> str:
    words = line[1:].split(" ")
    words[1::2] = map(rename, words[1::2])
    return ":" + " ".join(words)
