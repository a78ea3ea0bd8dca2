"""Sentences that wrap as Japanese is set: no line begins with a closing mark or ends with an opening one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

_OPENING = "（「『【〔"
"""Marks that stay with what is after them (JIS X 4051, 行末禁則)."""
_CLOSING = "、。，．・：；？！）」』】〕"
"""Marks that stay with what is before them (行頭禁則)."""

_KANA = r"(?:(?![おご][一-龠])[ぁ-ん])*"
"""Kana that inflect; an honorific お or ご belongs to what follows it."""

_PIECE = re.compile(
    rf"\s+|[{_OPENING}]*[おご]?(?:[0-9]*[^\s!-~ぁ-ん{_OPENING}{_CLOSING}]+|[!-~]+)?"
    rf"{_KANA}(?:[）」』】〕]+{_KANA})*[{_CLOSING}]*"
)
"""What is not broken: a word, or roughly a 文節 (characters of meaning, then kana that inflect), with its marks."""


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text that fit a width in cells; a piece that is wider than a line is cut."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for piece in _pieces(paragraph, width):
            if cell_len(line + piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece if line else piece.lstrip()
        lines.append(line.rstrip())
    return lines


def _pieces(paragraph: str, width: int) -> Iterator[str]:
    for piece in _PIECE.findall(paragraph):
        rest = piece
        while cell_len(rest) > width:
            cut = max((end for end in range(1, len(rest)) if cell_len(rest[:end]) <= width), default=1)
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


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
