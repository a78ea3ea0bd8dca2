"""Reads a municipality's file of awards (CSV), line by line, so that a million lines take no more memory than one."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from config.municipalities import is_known
from config.my_number import looks_like_my_number
from ledger.wire.codes import as_mykey
from ledger.wire.tokens import ServiceId
from ledger.wire.values import MAX_YEN

COLUMNS: Final = {
    "who": "who",
    "マイキーID": "who",
    "programme": "programme",
    "ポイント制度": "programme",
    "points": "points",
    "ポイント": "points",
    "reason": "reason",
    "理由": "reason",
}
"""What the first line may call each column, in any order; there is no other, so that nobody's name comes along."""

MAX_LINE: Final = 1_000
"""Bytes of the longest line."""

_PROGRAMME = re.compile(r"\d{6}(-[A-Z][A-Z0-9]{0,15})?")
_NUMBER = re.compile(r"([a-z][a-z0-9-]{0,31}):([0-9A-Za-z-]{1,32})")
_POINTS = re.compile(r"[0-9]{1,7}")
_ENCODINGS: Final = ("utf-8", "cp932")


@dataclass(frozen=True, slots=True)
class AwardLine:
    """One line: who gets how many points of which programme, and what for. `who` is a MyKey ID or a linked number."""

    line: int
    who: str | ServiceId
    programme: str
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a line is refused: the texts `award-line-<code>` have the sentence."""

    line: int
    code: str
    told: str = ""


class AwardFile:
    """A file of awards in UTF-8 (with or without BOM) or in Shift_JIS; `digest` is of what was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes that were read."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[AwardLine | LineError]:
        """Yield every line after the first; nothing comes after a first line that names other columns."""
        columns: list[str] | None = None
        for number, text in self._texts():
            if isinstance(text, LineError):
                yield text
                continue
            if text.count('"') % 2:
                yield LineError(number, "quotes")
                continue
            fields = [unicodedata.normalize("NFKC", field).strip() for field in next(csv.reader([text]))]
            if columns is None:
                columns = [COLUMNS.get(field, "") for field in fields]
                if sorted(columns) != sorted(set(COLUMNS.values())):
                    yield LineError(number, "header", ", ".join(fields))
                    return
            elif any(fields):
                yield _read(number, columns, fields)

    def _texts(self) -> Iterator[tuple[int, str | LineError]]:
        """Yield every line's number and text; the first one that is not ASCII alone tells the encoding of all."""
        encoding: str | None = None
        number = 0
        while raw := self._file.readline(MAX_LINE + 1):
            number += 1
            self._hash.update(raw)
            if len(raw) > MAX_LINE:
                yield number, LineError(number, "too-long")
                return
            if number == 1 and raw.startswith(codecs.BOM_UTF8):
                raw, encoding = raw.removeprefix(codecs.BOM_UTF8), "utf-8"
            if not raw.isascii():
                found = next((each for each in _ENCODINGS if _is_in(raw, each)), None)
                encoding = encoding or found
                if found is None or found != encoding:
                    yield number, LineError(number, "encoding")
                    continue
            yield number, raw.decode(encoding or "ascii").rstrip("\r\n")


def _is_in(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _read(number: int, columns: list[str], fields: list[str]) -> AwardLine | LineError:
    if len(fields) != len(columns):
        return LineError(number, "columns", str(len(fields)))
    if looks_like_my_number(" , ".join(fields)):
        return LineError(number, "my-number")
    named = dict(zip(columns, fields, strict=True))
    who, programme = _who(named["who"]), named["programme"].upper()
    if who is None:
        return LineError(number, "who", named["who"])
    if not _PROGRAMME.fullmatch(programme):
        return LineError(number, "programme", named["programme"])
    if not is_known(programme[:6]):
        return LineError(number, "municipality", programme[:6])
    if not _POINTS.fullmatch(named["points"]) or not 0 < int(named["points"]) <= MAX_YEN:
        return LineError(number, "points", named["points"])
    return AwardLine(number, who, programme, int(named["points"]), named["reason"])


def _who(text: str) -> str | ServiceId | None:
    if number := _NUMBER.fullmatch(text):
        return ServiceId(service=number[1], number=number[2])
    return as_mykey(text)
