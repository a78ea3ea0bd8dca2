"""Reads the rows of what a spreadsheet wrote: CSV in any encoding and with any line end that it uses, or xlsx.

Rows come one at a time, so that a million take no more memory than one. What nobody sees is no value: byte order marks,
zero-width characters, a line break inside a cell.
"""

from __future__ import annotations

import codecs
import csv
import unicodedata
import warnings
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, Final

from ledger.encodings import BOM, encoding_of, is_in

MAX_ROW: Final = 1_000
"""Characters of the longest row."""

DELIMITERS: Final = (",", "\t", ";")
"""What may stand between two cells; a first row `sep=…` says which it is."""

_ROW_LINES: Final = 20
"""How many lines a row may take whose cells have line breaks in them."""

_HEAD: Final = 64 * 1024
"""Bytes that are looked at to see what a file is."""

_MOST_UNPACKED: Final = 512 * 1024 * 1024
"""Bytes of all parts of a workbook."""

_OTHERS: Final = (
    (b"%PDF", "pdf"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"<", "markup"),
)
"""How files begin that are no table that can be read here, and the code of the sentence that says what they are."""


@dataclass(frozen=True, slots=True)
class Cells:
    """One row: the number of the line on which it begins, and its cells; of a text, by each delimiter it may mean."""

    line: int
    content: str | tuple[str, ...]
    delimiters: tuple[str, ...] = ("",)

    def by(self, delimiter: str) -> Sequence[str]:
        """Return the cells that a delimiter parts."""
        if not isinstance(self.content, str):
            return self.content
        return next(csv.reader([self.content], delimiter=delimiter), [])


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a line is refused: the texts `award-line-<code>` have the sentence."""

    line: int
    code: str
    told: str = ""


def rows(file: BinaryIO) -> Iterator[Cells | LineError]:
    """Yield the rows of a file, and what is wrong with a line; a file that is no table gives one error."""
    head = _peek(file)
    start = head.lstrip(codecs.BOM_UTF8).lstrip()
    if (other := next((code for mark, code in _OTHERS if start.startswith(mark)), None)) is not None:
        yield LineError(1, other)
    elif head.startswith(b"PK"):
        yield from _workbook(file)
    else:
        yield from _text_rows(file, head)


def visible(cell: str) -> str:
    """Return what somebody sees of a cell: compatible forms (NFKC), nothing invisible, no space around it."""
    plain = unicodedata.normalize("NFKC", cell)
    return "".join(each for each in plain if each not in "\r\n" and unicodedata.category(each) != "Cf").strip()


def _peek(file: BinaryIO) -> bytes:
    head = file.read(_HEAD)
    file.seek(0)
    return head


# Text ------------------------------------------------------------------------------------------------------------


def _text_rows(file: BinaryIO, head: bytes) -> Iterator[Cells | LineError]:
    utf16 = _utf16(head)
    if utf16 is not None:
        chunks: Iterable[str] = _decoded(file, utf16)
    else:
        # Every byte as a character: line ends are the same in all encodings that are left, and lines are decoded later.
        chunks = (chunk.decode("latin-1") for chunk in iter(lambda: file.read(_HEAD), b""))
    ends_cr = b"\r" in head and b"\n" not in head
    lines = _numbered(_lines(chunks, ends_cr=ends_cr))
    delimiters: tuple[str, ...] = DELIMITERS
    for each in _joined(lines if utf16 is not None else _each_decoded(lines)):
        if isinstance(each, LineError):
            yield each
            continue
        number, text = each
        if number == 1 and (said := _separator(text)):
            delimiters = (said,)
            continue
        yield Cells(number, text.replace("\r", "").replace("\n", ""), delimiters)


def _utf16(head: bytes) -> str | None:
    """Return which UTF-16 a file is in, None where it is in another encoding."""
    found = encoding_of(head[: len(head) // 2 * 2])
    return found if found is not None and found.startswith("utf-16") else None


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for chunk in iter(lambda: file.read(_HEAD), b""):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _lines(chunks: Iterable[str], *, ends_cr: bool) -> Iterator[str]:
    """Yield lines without their ends; one that does not end is cut off, and nothing comes after it."""
    end, rest = "\r" if ends_cr else "\n", ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(end)
        for line in whole:
            yield line if ends_cr else line.removesuffix("\r")
        if len(rest) > MAX_ROW:
            break
    if rest:
        yield rest if ends_cr else rest.removesuffix("\r")


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str] | LineError]:
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_ROW:
            yield LineError(number, "too-long")
            return
        yield number, line.lstrip(BOM) if number == 1 else line


def _each_decoded(lines: Iterable[tuple[int, str] | LineError]) -> Iterator[tuple[int, str] | LineError]:
    """Yield every line in its encoding; the first one that is not ASCII alone tells the encoding of all."""
    encoding: str | None = None
    for each in lines:
        if isinstance(each, LineError):
            yield each
            continue
        number, raw = each[0], each[1].encode("latin-1")
        if number == 1 and raw.startswith(codecs.BOM_UTF8):
            encoding = "utf-8"
        if not raw.isascii():
            found = next((name for name in ("utf-8", "cp932") if is_in(raw, name)), None)
            encoding = encoding or found
            if found is None or found != encoding:
                yield LineError(number, "encoding")
                continue
        yield number, raw.decode(encoding or "ascii").lstrip(BOM)


def _joined(lines: Iterable[tuple[int, str] | LineError]) -> Iterator[tuple[int, str] | LineError]:
    """Yield rows: a quotation mark that is not closed on its line is closed on one of the next ones, or is an error."""
    ahead: deque[tuple[int, str] | LineError] = deque()
    source = iter(lines)
    while (each := ahead.popleft() if ahead else next(source, None)) is not None:
        if isinstance(each, LineError) or each[1].count('"') % 2 == 0:
            yield each
            continue
        number, text = each
        taken: list[tuple[int, str] | LineError] = []
        while text.count('"') % 2 and len(taken) < _ROW_LINES and len(text) <= MAX_ROW:
            more = ahead.popleft() if ahead else next(source, None)
            if more is None:
                break
            taken.append(more)
            if isinstance(more, LineError):
                break
            text += more[1]
        if text.count('"') % 2 or len(text) > MAX_ROW:
            yield LineError(number, "quotes")
            ahead.extendleft(reversed(taken))
        else:
            yield number, text


def _separator(text: str) -> str | None:
    """Return what a first row `sep=;` says, by which a spreadsheet is told."""
    said = text.strip().strip('"')
    return said[4] if said[:4].lower() == "sep=" and len(said) >= 5 and said[4] in DELIMITERS else None


# xlsx ------------------------------------------------------------------------------------------------------------


def _workbook(file: BinaryIO) -> Iterator[Cells | LineError]:
    """Yield the rows of a workbook's first sheet."""
    from openpyxl import load_workbook  # a ledger that reads no workbook need not wait for it

    try:
        with zipfile.ZipFile(file) as parts:
            names = {part.filename for part in parts.infolist()}
            if sum(part.file_size for part in parts.infolist()) > _MOST_UNPACKED:
                yield LineError(1, "too-long")
                return
        if "xl/workbook.xml" not in names:
            yield LineError(1, "archive")
            return
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which hold no values
            book = load_workbook(file, read_only=True, data_only=True)
            try:
                sheet = book.worksheets[0]
                sheet.reset_dimensions()
                for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
                    yield _row(number, [_written(value) for value in values])
            finally:
                book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, SyntaxError):  # its XML's ParseError is one
        yield LineError(1, "archive")


def _row(number: int, cells: list[str]) -> Cells | LineError:
    if sum(map(len, cells)) > MAX_ROW:
        return LineError(number, "too-long")
    return Cells(number, tuple(cells))


def _written(value: object) -> str:
    """Return a cell's value as somebody would type it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)
