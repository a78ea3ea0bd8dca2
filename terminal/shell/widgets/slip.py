"""The slip being written: what the sale comes to, line by line, as it will be printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Weight(StrEnum):
    """How a row of the slip is set."""

    PLAIN = ""
    STRONG = "bold"
    QUIET = "$quiet"


@dataclass(frozen=True, slots=True)
class Row:
    """A name at the left and a value at the right; both may be empty."""

    name: str = ""
    value: str = ""
    weight: Weight = Weight.PLAIN


RULE = Row("-")
"""A line across the slip, above what it sums up."""


class Slip(Widget):
    """The rows of a slip."""

    rows: reactive[tuple[Row, ...]] = reactive(())

    def render(self) -> Content:
        """Draw each row with its value right-aligned; a name that is too long gives way, a figure never does."""
        width = self.content_size.width
        return Content("\n").join(_row(row, width) for row in self.rows)


def _row(row: Row, width: int) -> Content:
    if row is RULE:
        return Content("-" * width)
    room = width - cell_len(row.value) - (1 if row.value else 0)
    name = row.name if cell_len(row.name) <= room else set_cell_size(row.name, max(0, room))
    gap = width - cell_len(name) - cell_len(row.value)
    return Content.styled(f"{name}{' ' * max(0, gap)}{row.value}", row.weight)
