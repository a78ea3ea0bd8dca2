"""Files of awards: encodings, lines that are refused, and what is never accepted."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from config.texts import LANGUAGES, Texts
from ledger.awards import AwardLine, read_awards
from ledger.sheets import MAX_ROW, LineError
from ledger.wire.tokens import ServiceId

HEADER = "who,programme,points,reason"
GOOD = "K7QM3V9TXW,252034,100,visit"


def read(content: bytes) -> list[AwardLine | LineError]:
    """Return what is read of a file."""
    return list(read_awards(io.BytesIO(content)))


def errors(content: bytes) -> list[tuple[int, str]]:
    """Return the line and code of each mistake."""
    return [(each.line, each.code) for each in read(content) if isinstance(each, LineError)]


JAPANESE = "理由,マイキーID,ポイント,ポイント制度\r\n来館,k7qm-3v9t-xw,１００,２５２０３４\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_file_as_a_town_hall_saves_it(encoding: str) -> None:
    """Shift_JIS or UTF-8, with BOM or without; columns in any order, digits of full width, Windows' line ends."""
    assert read(JAPANESE.encode(encoding)) == [AwardLine(2, "K7QM3V9TXW", "252034", 100, "来館")]


def test_a_linked_number_stands_for_its_holder() -> None:
    """The library knows its own numbers, and no MyKey ID."""
    found = read(f"{HEADER}\nlibrary:0042,252034-MIHON,5,visit\n\n".encode())
    assert found == [AwardLine(2, ServiceId(service="library", number="0042"), "252034-MIHON", 5, "visit")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("K7QM3V9TXW,252034,100", "columns"),
        ("K7QM3V9TXW,252034,100,visit,x", "columns"),
        ('K7QM3V9TXW,252034,100,"visit', "quotes"),
        ("123456789018,252034,100,visit", "my-number"),
        ("K7QM3V9TXW,252034,100,1234 5678 9018", "my-number"),
        ("123456789019,252034,100,visit", "who"),
        ("K7QM3V9TXU,252034,100,visit", "who"),
        (",252034,100,visit", "who"),
        ("LIBRARY:0042,252034,100,visit", "who"),
        ("K7QM3V9TXW,252035,100,visit", "municipality"),
        ("K7QM3V9TXW,999993,100,visit", "municipality"),
        ("K7QM3V9TXW,長浜市,100,visit", "programme"),
        ("K7QM3V9TXW,252034,0,visit", "points"),
        ("K7QM3V9TXW,252034,-5,visit", "points"),
        ("K7QM3V9TXW,252034,1.5,visit", "points"),
        ("K7QM3V9TXW,252034,10000000,visit", "points"),
    ],
)
def test_a_line_that_is_wrong_is_named(line: str, code: str) -> None:
    """The lines around it are read all the same, so that all mistakes are known at once."""
    assert errors(f"{HEADER}\n{GOOD}\n{line}\n{GOOD}\n".encode()) == [(3, code)]
    assert all(Texts(lang)(f"award-line-{code}", told="x") for lang in LANGUAGES)


@pytest.mark.parametrize("header", ["", "who,points", f"{HEADER},氏名", "who,who,points,reason", "a,b,c,d"])
def test_other_columns_are_refused(header: str) -> None:
    """A name or an address is not taken in, not even to be thrown away."""
    assert errors(f"{header}\n{GOOD}\n".encode()) == [(1, "header")]


@pytest.mark.parametrize(
    ("encodings", "wrong"),
    [
        (("utf-8", "utf-8", "cp932"), [4]),
        (("cp932", "utf-8", "cp932"), [3]),
        (("utf-8-sig", "cp932", "cp932"), [3, 4]),
    ],
)
def test_two_encodings_in_one_file_are_refused_by_line(encodings: tuple[str, ...], wrong: list[int]) -> None:
    """Two files were put together: one half would be read as nonsense."""
    lines = [f"{GOOD[:-5]}来館した\n".encode(encoding.removesuffix("-sig")) for encoding in encodings]
    start = HEADER.encode(encodings[0] if encodings[0] == "utf-8-sig" else "ascii")
    assert errors(b"\n".join((start, b"".join(lines)))) == [(line, "encoding") for line in wrong]


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\xff\xff\n", b"\0" * 100, b"PK\x03\x04 no", b"\xff\xfe\x00"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    """A picture that was named .csv does no harm."""
    assert errors(content)[0][0] == 1
    assert not any(isinstance(each, AwardLine) for each in read(content))


def test_a_line_without_an_end_is_not_read() -> None:
    """A file of one line of a gigabyte takes no more memory than a piece of it."""
    file = io.BytesIO(HEADER.encode() + b"\n" + b"x" * 1000 * MAX_ROW)
    assert [each.code for each in read_awards(file) if isinstance(each, LineError)] == ["too-long"]
    assert file.tell() <= 2 * 64 * 1024


CASES = Path(__file__).parent / "sheets"
"""What spreadsheets wrote, one kind each."""

LINE = AwardLine(2, ServiceId(service="library", number="0042"), "252034", 300, "volunteering")

READ = {
    "csv-cr-only.csv": [LINE, AwardLine(3, ServiceId(service="library", number="0043"), "252034", 20, "visit")],
    "csv-cr-in-cell.csv": [LINE],
    "csv-utf16le-tab.csv": [LINE],
    "csv-trailing-commas-cp932.csv": [
        LINE,
        AwardLine(3, ServiceId(service="library", number="0043"), "252034", 20, "visit"),
    ],
    "csv-double-bom.csv": [LINE],
    "csv-zwsp.csv": [LINE],
    "csv-sep-line.csv": [replace(LINE, line=3)],
    "csv-title-row.csv": [replace(LINE, line=3)],
    "csv-eq-quote.csv": [LineError(2, "formula", '="library:0042"')],
    "csv-thousands.csv": [LineError(2, "comma", "1,000")],
    "csv-leading-zero-lost.csv": [LineError(2, "lost-zero", "022012")],
    "csv-dup-lines.csv": [LINE, replace(LINE, line=3)],
    "csv-pdf.csv": [LineError(1, "pdf")],
}


@pytest.mark.parametrize("name", READ)
def test_what_a_spreadsheet_wrote_is_read_as_it_was_meant(name: str) -> None:
    """Or refused by line, in a sentence that names the very mark."""
    found = read((CASES / name).read_bytes())
    assert found == READ[name]
    for each in found:
        if isinstance(each, LineError):
            assert all(each.told in Texts(lang)(f"award-line-{each.code}", told=each.told) for lang in LANGUAGES)


ROW = "library:0042,252034,300,volunteering"


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\r{ROW}\r".encode("utf-16-le"),
        f"{HEADER}\n{ROW}".replace(",", ";").encode("utf-16"),
        f"sep=;\n{HEADER}\n{ROW}".replace(",", ";").encode(),
        f'"sep=\t"\r\n{HEADER}\r\n{ROW}\r\n'.replace(",", "\t").encode(),
        f"\ufeff\ufeff\ufeff{HEADER}\n{ROW}".encode(),
        f"付与表,,,\n,,,\n作成 2026-11-23,,,\n{HEADER}\n{ROW}\n,,,".encode("cp932"),
        f"{HEADER},,\n{ROW},,\n,,,,,,\n".encode(),
        f"{HEADER}\n\u200b{ROW}\u200b\n\u200b,\u00a0,,\n".encode(),
        f"{HEADER}\nｌｉｂｒａｒｙ：００４２，".encode()[:-3] + ",２５２０３４,３００,volunteering\n".encode(),
        f'{HEADER}\n"library:0042","252034","300","volun\nteering"\n'.encode(),
        f'{HEADER}\r\n"lib\r\nrary:0042",252034,300,volunteering\r\n'.encode(),
    ],
)
def test_siblings_are_read_too(content: bytes) -> None:
    """Other ends, encodings, delimiters and titles."""
    (found,) = read(content)
    assert isinstance(found, AwardLine)
    assert (found.who, found.programme, found.points, found.reason) == (LINE.who, "252034", 300, "volunteering")


def test_dashes_of_a_japanese_keyboard_are_hyphens() -> None:
    """A street's programme is typed with what the input method gives."""
    for dash in "－‐−ー—":
        (found,) = read(f"{HEADER}\nK7QM3V{dash}9TXW,252034{dash}MIHON,5,visit\n".encode())
        assert found == AwardLine(2, "K7QM3V9TXW", "252034-MIHON", 5, "visit")


@pytest.mark.parametrize(
    ("day", "row", "found"),
    [
        ("2026-11-23", "", ("2026-11-23", "")),
        ("2026/11/3", "A-7", ("2026-11-03", "A-7")),
        ("２０２６．１１．３", "７", ("2026-11-03", "7")),
        ("2026-11-31", "", "day"),
        ("昨日", "", "day"),
        ("", "行 1", "row"),
    ],
)
def test_a_day_or_a_number_tells_two_awards_apart(day: str, row: str, found: tuple[str, str] | str) -> None:
    """Both columns are optional, each may be empty."""
    (each,) = read(f"日付,{HEADER},整理番号\n{day},{GOOD},{row}\n".encode())
    assert ((each.day, each.row) if isinstance(each, AwardLine) else each.code) == found


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("=A1,252034,100,visit", "formula"),
        ("K7QM3V9TXW,252034,=1+1,visit", "formula"),
        ("K7QM3V9TXW,2.52E+05,100,visit", "rounded"),
        ("K7QM3V9TXW,22012-AOMORI,100,visit", "lost-zero"),
        ('K7QM3V9TXW,252034,"1,000,000",visit', "comma"),
        ('K7QM3V9TXW,252034,"１，０００",visit', "comma"),
    ],
)
def test_what_a_spreadsheet_made_of_a_value_is_named(line: str, code: str) -> None:
    """The sentence says what to mend, not that something is wrong."""
    assert errors(f"{HEADER}\n{line}\n".encode()) == [(2, code)]


def workbook(*cells: tuple[object, ...]) -> bytes:
    """Return a workbook with some rows."""
    book, kept = Workbook(), io.BytesIO()
    assert book.active is not None
    for each in cells:
        book.active.append(each)
    book.save(kept)
    return kept.getvalue()


def test_a_workbook_is_read_like_a_table() -> None:
    """Numbers and dates as they are shown, an empty column, a title, a formula without its value."""
    content = workbook(
        ("2026年11月の付与",),
        ("マイキーID", "ポイント制度", "ポイント", "理由", "日付", None),
        ("library:0042", 252034, 300.0, "volunteering", date(2026, 11, 23), None),
        ("K7QM-3V9T-XW", "22012", 1.5, "visit", None, None),
        ("K7QM3V9TXW", "252034", 1.5, "visit", None, None),
        (None, None, None, None, None, None),
    )
    assert read(content) == [
        replace(LINE, line=3, day="2026-11-23"),
        LineError(4, "lost-zero", "022012"),
        LineError(5, "points", "1.5"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7", "pdf"),
        (b"\xef\xbb\xbf%PDF-1.7", "pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (b"<html><table>", "markup"),
        (b"PK\x03\x04broken", "archive"),
    ],
)
def test_another_kind_of_file_is_named_in_one_sentence(content: bytes, code: str) -> None:
    """It says what the file is, and as what to save it."""
    assert errors(content) == [(1, code)]
    assert all(Texts(lang)(f"award-line-{code}", told="") for lang in LANGUAGES)
