"""Bills by the hour or the day as bars, with those of the period before beside them, or behind where it is narrow.

They are our own and not textual-plotext's: its axes are drawn with characters that some consoles draw two cells wide,
and its colours are not those of our themes, whose contrast is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from terminal.shell.themes import has_ascii_borders

FEWEST = 10
"""Bars that are shown at least, so that the first sale of a day is no wall."""

WIDEST = 6
"""Cells that a bar takes at most, its gap with it."""

TODAY, HALF, YESTERDAY = "█", "▄", ":"
"""What bars are drawn of; yesterday is told from today by its character, and not by colour alone."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Yen for each hour or day of two periods, with the `names` beneath; the names of both periods for the legend."""

    names: Sequence[str]
    today: Sequence[int]
    yesterday: Sequence[int]
    today_name: str
    yesterday_name: str
    highest: str
    """The highest bar, in words."""


class HourBars(Widget):
    """The bars, as high as the room allows, with the hours beneath and the legend above."""

    hours: reactive[Hours | None] = reactive(None)

    def render(self) -> Content:
        """Draw them."""
        if self.hours is None:
            return Content("")
        rows = drawn(self.hours, self.content_size.width, self.content_size.height)
        plain = has_ascii_borders(self.app.current_theme)
        return Content("\n").join(_styled(row, plain=plain) for row in rows)


def drawn(hours: Hours, width: int, height: int) -> list[str]:
    """Return the rows: legend, bars, hours."""
    begin, end = hours_shown(hours, width)
    each = max(1, min(WIDEST, width // (end - begin)))
    bars = max(1, height - 2)
    top = max(*hours.today, *hours.yesterday)
    columns = [_column(hours.today[hour], hours.yesterday[hour], top, each, bars) for hour in range(begin, end)]
    return [
        _legend(hours, width),
        *("".join(column[row] for column in columns).rstrip() for row in range(bars)),
        _names(hours, begin, end, each),
    ]


def hours_shown(hours: Hours, width: int) -> tuple[int, int]:
    """Return the first hour that is shown, and the one after the last: all that had sales, as far as there is room."""
    every = len(hours.names)
    busy = [hour for hour in range(every) if hours.today[hour] or hours.yesterday[hour]]
    if not busy:
        busy = [hours.names.index("9") if "9" in hours.names else 0]
    begin, end = busy[0], busy[-1] + 1
    end = min(every, max(end, begin + FEWEST))
    begin = max(0, min(begin, end - FEWEST))
    return max(begin, end - width), end


def _column(today: int, yesterday: int, highest: int, each: int, rows: int) -> list[str]:
    """Return an hour's column from top to bottom."""
    gap = 1 if each > 2 else 0
    wide = (each - gap + 1) // 2
    beside = each - gap - wide
    ours, theirs = (_stack(value, highest, rows) for value in (today, yesterday))
    behind = [YESTERDAY if old != " " else " " for old in theirs]
    if not beside:
        return [mine if mine != " " else old for mine, old in zip(ours, behind, strict=True)]
    return [f"{mine * wide}{old * beside}".ljust(each) for mine, old in zip(ours, behind, strict=True)]


def _stack(value: int, highest: int, rows: int) -> list[str]:
    """Return one bar from top to bottom in half rows; whatever was sold shows."""
    halves = ceil(2 * rows * value / highest) if highest else 0
    full, half = divmod(halves, 2)
    return [*" " * (rows - full - half), *HALF * half, *TODAY * full]


def _legend(hours: Hours, width: int) -> str:
    left = f"{TODAY} {hours.today_name}  {YESTERDAY} {hours.yesterday_name}"
    return f"{left}{' ' * max(2, width - cell_len(left) - cell_len(hours.highest))}{hours.highest}"


def _names(hours: Hours, begin: int, end: int, each: int) -> str:
    """Return the names of the hours, or of some where each has not room enough for its own."""
    row = ""
    for hour in range(begin, end, ceil(3 / each)):
        name = hours.names[hour]
        if (place := (hour - begin) * each) + len(name) <= (end - begin) * each:
            row = f"{row.ljust(place)}{name}"
    return row


def _styled(row: str, *, plain: bool) -> Content:
    """Return a row with its bars as coloured blanks where block characters may be drawn two cells wide."""
    return Content.assemble(*_marks(row, plain=plain))


def _marks(row: str, *, plain: bool) -> Iterator[tuple[str, str]]:
    for mark in row:
        if mark == YESTERDAY:
            yield mark, "$quiet"
        elif plain and mark in (TODAY, HALF):
            yield " ", "reverse"
        else:
            yield mark, ""
