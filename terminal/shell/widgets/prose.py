"""Sentences that take as many rows as they need."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from terminal.shell.typesetting import wrapped


class Prose(Widget):
    """A text that takes as many rows as it needs, and none when it is empty."""

    text: reactive[str] = reactive("", layout=True)

    def __init__(self, text: str, classes: str = "", id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(classes=classes, id=id)
        self.set_reactive(Prose.text, text)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  # Textual's
        """Return the rows that the text needs at a width."""
        return len(wrapped(self.text, width)) if self.text else 0

    def render(self) -> Content:
        """Draw the wrapped text."""
        return Content("\n".join(wrapped(self.text, self.content_size.width)))
