"""The line on top: where we are, and whether reader and line are there."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class StatusLine(Widget):
    """The shop at the left, the state of things at the right, with practice mode plainly marked between them."""

    place: reactive[str] = reactive("")
    practice: reactive[str] = reactive("")
    things: reactive[str] = reactive("")
    time: reactive[str] = reactive("")

    def render(self) -> Content:
        """Draw the line; a long name of a shop gives way to what changes."""
        mark = f" {self.practice} " if self.practice else ""
        things = f"{self.things}  {self.time}"
        room = self.content_size.width - cell_len(mark) - cell_len(things) - 2
        place = self.place if cell_len(self.place) <= room - 1 else set_cell_size(self.place, max(0, room - 1))
        gap = room - cell_len(place)
        left, right = " " * (gap // 2), " " * (gap - gap // 2)
        return Content.assemble(f" {place}{left}", (mark, "bold reverse"), f"{right}{things} ")
