"""Files of awards: encodings, lines that are refused, and what is never accepted."""

from __future__ import annotations

import io

import pytest

from config.texts import LANGUAGES, Texts
from ledger.awards import MAX_LINE, AwardFile, AwardLine, LineError
from ledger.wire.tokens import ServiceId

HEADER = "who,programme,points,reason"
GOOD = "K7QM3V9TXW,252034,100,visit"


def read(content: bytes) -> list[AwardLine | LineError]:
    """Return what is read of a file."""
    return list(AwardFile(io.BytesIO(content)))


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


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\xff\xff\n", JAPANESE.encode("utf-16"), b"\0" * 100])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    """A picture that was named .csv does no harm, nor does what a spreadsheet calls Unicode text."""
    assert errors(content)[0][0] == 1
    assert not any(isinstance(each, AwardLine) for each in read(content))


def test_a_line_without_an_end_is_not_read() -> None:
    """A file of one line of a gigabyte takes no more memory than a thousand bytes."""
    file = io.BytesIO(HEADER.encode() + b"\n" + b"x" * 10 * MAX_LINE)
    assert [each.code for each in AwardFile(file) if isinstance(each, LineError)] == ["too-long"]
    assert file.tell() < 3 * MAX_LINE


def test_the_digest_is_of_the_bytes() -> None:
    """The same file is known again, whatever it is called."""
    one, two = (AwardFile(io.BytesIO(f"{HEADER}\n{GOOD}\n".encode())) for _ in range(2))
    list(one)
    assert one.digest != two.digest
    list(two)
    assert one.digest == two.digest
