"""Says whether a text is plain enough to be kept, and makes any text safe to draw, print, list or log.

What people type and what other machines send meets the same check at every door; what is shown passes `shown` once
more, because it may have been kept before the check was made.
"""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

from config.my_number import looks_like_my_number

Flaw = Literal["empty", "long", "wide", "control", "direction", "invisible", "unassigned", "marks", "my_number"]
"""Why a text is not plain; the texts `text-<fault>` have the sentence."""

MOST_MARKS: Final = 2
"""How many combining marks may follow one character: a variation selector beside a voicing mark."""

UNSHOWN: Final = "?"
"""Stands on a screen for a character that is not plain."""

_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of writing (Unicode Standard Annex 9, 2)."""

_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
"""What is drawn as nothing without being a format character: fillers, joiners, the empty Braille cell."""

_SPACES: Final = frozenset(" \u3000")
"""The spaces that people type."""


def normal(text: str) -> str:
    """Return a text composed (NFC), without space around it."""
    return unicodedata.normalize("NFC", text).strip()


def flaw_of(text: str, *, chars: int, cells: int) -> Flaw | None:
    """Return why a text is not plain: empty, longer than `chars`, wider than `cells`, or with a hidden character."""
    if len(text) > chars:
        return "long"  # asked first, so that a text of a gigabyte is not looked at letter by letter
    if not text.strip():
        return "empty"
    for character in text:
        if (fault := _fault(character)) is not None:
            return fault
    if _most_marks(text) > MOST_MARKS:
        return "marks"
    if looks_like_my_number(text):
        return "my_number"
    return "wide" if width(text) > cells else None


def width(text: str) -> int:
    """Return the cells that a text takes on a terminal: two for a wide character, none for a combining mark."""
    return sum(_width(character) for character in text)


def shown(text: str, cells: int | None = None) -> str:
    """Return a text that steers no terminal: `?` for what is not plain, cut to so many cells."""
    limit = None if cells is None else text[: 4 * cells + 1]
    whole = text if limit is None else limit
    safe = "".join(UNSHOWN if _fault(each) is not None else each for each in unicodedata.normalize("NFC", whole))
    if cells is None or (width(safe) <= cells and len(whole) == len(text)):
        return safe
    return f"{_cut(safe, cells - 1)}…"


def _cut(text: str, cells: int) -> str:
    used = 0
    for place, character in enumerate(text):
        used += _width(character)
        if used > cells:
            return text[:place]
    return text


def _fault(character: str) -> Flaw | None:
    if character.isascii():
        return None if character.isprintable() else "control"
    if character in _DIRECTIONS:
        return "direction"
    if character in _BLANK:
        return "invisible"
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return "control"
        case "Cf":
            return "invisible"
        case "Zs" if character not in _SPACES:
            return "invisible"
        case "Cs" | "Co" | "Cn":
            return "unassigned"
        case _:
            return None


def _most_marks(text: str) -> int:
    most = row = 0
    for character in text:
        row = row + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        most = max(most, row)
    return most


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
