"""The slip being written: what the sale comes to, line by line, as it will be printed."""

from __future__ import annotations

from typing import assert_never

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from config.plain import shown
from terminal.shell.typesetting import spread
from terminal.slips.rows import Emphasis, Gap, QrCode, Row, Rule, SlipRow

_STYLES = {Emphasis.PLAIN: "", Emphasis.STRONG: "bold", Emphasis.QUIET: "$quiet"}


class Slip(Widget):
    """The rows of a slip."""

    rows: reactive[tuple[SlipRow, ...]] = reactive(())

    def render(self) -> Content:
        """Draw each row with its value right-aligned."""
        width = self.content_size.width
        return Content("\n").join(_row(row, width) for row in self.rows if not isinstance(row, QrCode))


def _row(row: Row | Gap | Rule, width: int) -> Content:
    match row:
        case Row(label, value, emphasis):
            return Content.styled(spread(shown(label), shown(value), width), _STYLES[emphasis])
        case Gap():
            return Content("")
        case Rule():
            return Content("-" * width)
        case _:
            assert_never(row)
