"""An amount in figures as large as the room allows, with 円 or P."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from terminal.shell.themes import has_ascii_borders
from terminal.shell.widgets.glyphs import HEIGHT, largest
from terminal.shell.words import figure


class AmountDisplay(Widget):
    """One number, right-aligned as on a till."""

    def __init__(self, amount: int, unit: str, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.amount = amount
        """The number in whole yen or points."""
        self.unit = unit
        """円 or P."""

    def render(self) -> Content:
        """Draw the number, in plain type where there is no room for a large one."""
        room = self.content_size
        if room.height < HEIGHT:
            return Content(f"{figure(self.amount)} {self.unit}")
        rows = [Content(row) for row in largest(figure(self.amount), self.unit, room.width, room.height)]
        if has_ascii_borders(self.app.current_theme):
            rows = [_in_blanks(row.plain) for row in rows]
        return Content("\n").join(rows)


def _in_blanks(row: str) -> Content:
    """Return a row with its blocks as coloured blanks, since some consoles draw block characters two cells wide."""
    return Content.assemble(*((" ", "" if mark == " " else "reverse") for mark in row))
