"""Reads a municipality's file of awards, row by row: who gets how many points of which programme, and what for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final

from config.municipalities import is_known
from config.my_number import looks_like_my_number
from ledger.sheets import Cells, LineError, rows, visible
from ledger.wire.codes import CONTACT_LENGTH, as_contact, as_meant, as_mykey
from ledger.wire.tokens import ServiceId
from ledger.wire.values import MAX_YEN, PROGRAMME

COLUMNS: Final = {
    "who": "who",
    "マイキーID": "who",
    "だれに": "who",
    "programme": "programme",
    "ポイント制度": "programme",
    "points": "points",
    "ポイント": "points",
    "reason": "reason",
    "理由": "reason",
    "day": "day",
    "日付": "day",
    "row": "row",
    "整理番号": "row",
}
"""The names of each column in a header, in any order; other columns, such as names of people, are refused."""

NEEDED: Final = frozenset({"who", "programme", "points", "reason"})
"""The columns that every file has; `day` and `row` tell two awards apart that are otherwise the same."""

_TITLES: Final = 10
"""How many rows may stand above the header: a title, a date, an empty row."""

_SHORT = re.compile(r"\d{5}(-[A-Z][A-Z0-9]{0,15})?")
_NUMBER = re.compile(r"(?:([0-9]{6})/)?([a-z][a-z0-9-]{0,31}):([0-9A-Za-z-]{1,32})")
_POINTS = re.compile(r"[0-9]{1,7}")
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")
_ROUNDED = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+", re.IGNORECASE)
_ROW = re.compile(r"[0-9A-Za-z._/-]{1,40}")
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-"))
"""What a Japanese keyboard puts in the place of a hyphen."""


@dataclass(frozen=True, slots=True)
class AwardLine:
    """One line: who gets how many points of which programme, and what for.

    `who` is a MyKey ID, a contact number or a linked number; `day` and `row` are empty where there is no such column.
    """

    line: int
    who: str | ServiceId
    programme: str
    points: int
    reason: str
    day: str = ""
    row: str = ""


def read_awards(file: BinaryIO) -> Iterator[AwardLine | LineError]:
    """Yield every line after the header; nothing comes after a header that names other columns."""
    columns: Sequence[str] | None = None
    delimiter = ""
    above: list[Cells] = []
    for each in rows(file):
        if isinstance(each, LineError):
            yield each
        elif columns is None:
            above.append(each)
            if (found := _header(each)) is not None:
                delimiter, columns = found
            elif len(above) > _TITLES:
                break
        elif any(fields := [visible(cell) for cell in each.by(delimiter)]):
            yield _read(each.line, columns, fields)
    if columns is None and above:
        yield _no_header(above)


def _header(row: Cells) -> tuple[str, Sequence[str]] | None:
    """Return by which delimiter a row names the columns, and which they are; None where it does not."""
    for delimiter in row.delimiters:
        cells = [visible(cell) for cell in row.by(delimiter)]
        named = [COLUMNS.get(cell, None if cell else "") for cell in cells]
        known = [name for name in named if name]
        if None not in named and len(known) == len(set(known)) and set(known) >= NEEDED:
            return delimiter, [name or "" for name in named]
    return None


def _no_header(above: Sequence[Cells]) -> LineError:
    """Return the error of a file without a header, at the row that comes nearest to one."""
    seen = [(row.line, [visible(cell) for cell in row.by(each)]) for row in above for each in row.delimiters]
    line, cells = max(seen, key=lambda found: sum(cell in COLUMNS for cell in found[1]))
    return LineError(line, "header", ", ".join(filter(None, cells)))


def _read(number: int, columns: Sequence[str], fields: Sequence[str]) -> AwardLine | LineError:
    padded = [*fields, *[""] * (len(columns) - len(fields))]
    named = {name: field for name, field in zip(columns, padded, strict=False) if name}
    unnamed = [field for name, field in zip(columns, padded, strict=False) if not name] + padded[len(columns) :]
    missing = any(name in NEEDED for name in columns[len(fields) :])  # an empty cell at the end need not be written
    if any(unnamed) or missing:
        return LineError(number, "columns", str(len(fields)))
    if looks_like_my_number(" , ".join(fields)):
        return LineError(number, "my-number")
    for field in fields:
        if field.startswith("="):
            return LineError(number, "formula", field)
        if _ROUNDED.fullmatch(field):
            return LineError(number, "rounded", field)
    return _parsed(number, named)


def _parsed(number: int, named: Mapping[str, str]) -> AwardLine | LineError:
    who, programme = who_of(named["who"]), named["programme"].translate(_DASHES).upper()
    if who is None:
        mistyped = len(as_meant(named["who"].translate(_DASHES))) == CONTACT_LENGTH
        return LineError(number, "contact" if mistyped else "who", named["who"])
    if _SHORT.fullmatch(programme) and is_known(f"0{programme[:5]}"):
        return LineError(number, "lost-zero", f"0{programme}")
    if not PROGRAMME.fullmatch(programme):
        return LineError(number, "programme", named["programme"])
    if not is_known(programme[:6]):
        return LineError(number, "municipality", programme[:6])
    if _THOUSANDS.fullmatch(named["points"]):
        return LineError(number, "comma", named["points"])
    if not _POINTS.fullmatch(named["points"]) or not 0 < int(named["points"]) <= MAX_YEN:
        return LineError(number, "points", named["points"])
    day, row = _day(named.get("day", "")), named.get("row", "").translate(_DASHES)
    if day is None:
        return LineError(number, "day", named["day"])
    if row and not _ROW.fullmatch(row):
        return LineError(number, "row", row)
    return AwardLine(number, who, programme, int(named["points"]), named["reason"], day, row)


def who_of(text: str) -> str | ServiceId | None:
    """Return whom somebody wrote: a MyKey ID, a contact number, or a number of a service; None where it is none."""
    text = text.translate(_DASHES)
    if number := _NUMBER.fullmatch(text):
        return ServiceId(service=number[2], number=number[3], municipality=number[1])
    return as_mykey(text) or as_contact(text)


def _day(text: str) -> str | None:
    """Return a day as ISO 8601 writes it, from 2026-11-23, 2026/11/3 or 2026.11.3; None where it is none."""
    if not text:
        return ""
    parts = re.fullmatch(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", text.translate(_DASHES))
    try:
        return date(*map(int, parts.groups())).isoformat() if parts else None
    except ValueError:
        return None
