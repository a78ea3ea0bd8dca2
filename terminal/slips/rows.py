"""The rows that a slip is made of; nothing heavy is loaded for them, since the first frame draws some."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Emphasis(StrEnum):
    """How a row is set."""

    PLAIN = "plain"
    STRONG = "strong"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Row:
    """A label at the left and a value at the right; either may be empty."""

    label: str = ""
    value: str = ""
    emphasis: Emphasis = Emphasis.PLAIN


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty row."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the slip, above what it sums up."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code by which the sale is found again; a screen, which nobody scans, leaves it out."""

    text: str


SlipRow = Row | Gap | Rule | QrCode
