"""Sets text in a grid of cells, in which a Japanese character takes two: wrapping, and a label with its value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

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
    """Return the lines of a text that fit a width in cells; a piece that is wider than a line is cut.

    It wraps as Japanese is set: no line begins with a closing mark or ends with an opening one.
    """
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


def spread(label: str, value: str, width: int) -> str:
    """Return a row with its value right-aligned; a label that is too long gives way, a figure never does."""
    room = width - cell_len(value) - (1 if value else 0)
    shown = label if cell_len(label) <= room else set_cell_size(label, max(0, room))
    return f"{shown}{' ' * max(0, width - cell_len(shown) - cell_len(value))}{value}"
