"""The slip being written: what the sale comes to, line by line, as it will be printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from config.plain import shown
from terminal.shell.typesetting import spread, wrapped
from terminal.slips.rows import Emphasis, Gap, QrCode, Row, Rule, SlipRow

_STYLES = {Emphasis.PLAIN: "", Emphasis.STRONG: "bold", Emphasis.QUIET: "$quiet"}


class Slip(Widget):
    """The rows of a slip."""

    rows: reactive[tuple[SlipRow, ...]] = reactive(())

    def render(self) -> Content:
        """Draw each row with its value right-aligned."""
        width = self.content_size.width
        drawn = (each for row in self.rows if not isinstance(row, QrCode) for each in _row(row, width))
        return Content("\n").join(drawn)


def _row(row: Row | Gap | Rule, width: int) -> Iterator[Content]:
    """Yield the lines of a row; a label that stands alone may take several."""
    match row:
        case Row(label, "", emphasis):
            yield from (Content.styled(line, _STYLES[emphasis]) for line in wrapped(shown(label), width))
        case Row(label, value, emphasis):
            yield Content.styled(spread(shown(label), shown(value), width), _STYLES[emphasis])
        case Gap():
            yield Content("")
        case Rule():
            yield Content("-" * width)
        case _:
            assert_never(row)
