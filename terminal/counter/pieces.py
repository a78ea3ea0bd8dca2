"""The pieces that the left of the counter is made of: what is said and asked, and nothing of how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Say:
    """A text; `look` names classes of the style sheet."""

    text: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Texts that belong together: what was wrong with the last key or tap, why, and what to do."""

    texts: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One amount in figures as large as the room allows; `known` is False while nobody has typed it."""

    amount: int
    unit: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Option:
    """One line to choose from: its name, and what it comes to."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to choose from by number, of which the one at `cursor` is highlighted."""

    lines: tuple[Option, ...]
    cursor: int


@dataclass(frozen=True, slots=True)
class PracticeCards:
    """Practice cards that can be tapped, by number."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A card over a reader; it moves while the card is read."""

    reading: bool = False


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of the PIN, of which so many are filled."""

    typed: int


Piece = Say | Notice | Figure | Lines | PracticeCards | Picture | Boxes
