"""`kazasu owner`: periods beside the one before, and files that an accountant's programs read."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from terminal.cli import main
from terminal.shop.periods import DayRange, Period, days_of


@pytest.mark.parametrize(
    ("period", "ours", "before"),
    [
        (Period.TODAY, ("2026-03-02", "2026-03-02"), ("2026-03-01", "2026-03-01")),
        (Period.YESTERDAY, ("2026-03-01", "2026-03-01"), ("2026-02-28", "2026-02-28")),
        (Period.WEEK, ("2026-03-02", "2026-03-08"), ("2026-02-23", "2026-03-01")),
        (Period.MONTH, ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
    ],
)
def test_a_period_has_one_before_it(period: Period, ours: tuple[str, str], before: tuple[str, str]) -> None:
    """Seen on a Monday, the second of March."""
    expected = tuple(DayRange(*map(date.fromisoformat, each)) for each in (ours, before))
    assert days_of(period, date(2026, 3, 2)) == expected


def test_a_day_is_exported_for_the_accountant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV with a byte order mark or in Shift_JIS, JSON, and journal entries whose sides agree."""

    def run(*words: str) -> str:
        assert main(["--home", str(tmp_path), "--lang", "ja", *words]) == 0
        return capsys.readouterr().out

    sale = ["op", "sale", "--card", "two-towns", "--json", "--bill"]
    run(*sale, "1200", "--redeem", "all", "--clerk", "12")
    undone = json.loads(run(*sale, "500"))["operation_id"]
    run("op", "void", "--target", undone, "--json")
    found = json.loads(run("owner", "figures", "--json"))
    assert (found["now"]["bill"], found["now"]["redeemed"]) == (1200, 970)
    assert found["now"]["clerks"]["12"]["bill"] == 1200
    assert found["before"]["operations"] == 0
    assert "1,200 円" in run("owner", "figures", "--period", "month")
    for words, codec in (([], "utf-8-sig"), (["--encoding", "shift-jis"], "cp932")):
        file = tmp_path / "day.csv"
        run("owner", "export", str(file), *words)
        lines = list(csv.reader(io.StringIO(file.read_bytes().decode(codec))))
        assert lines[0][:3] == ["営業日", "時刻", "取引番号"]
        assert [(line[3], line[5], line[6], line[8]) for line in lines[1:]] == [
            ("sale", "1200", "970", "230"),
            ("sale", "500", "0", "500"),
            ("void", "-500", "0", "-500"),
        ]
    file = tmp_path / "day.json"
    run("owner", "export", str(file), "--form", "json")
    told: list[dict[str, Any]] = json.loads(file.read_bytes())
    assert [line["cash"] for line in told] == [230, 500, -500]
    run("owner", "export", str(tmp_path / "book.csv"), "--form", "journal")
    book = list(csv.reader(io.StringIO((tmp_path / "book.csv").read_bytes().decode("utf-8-sig"))))
    assert [line[1:4] for line in book[1:]] == [
        ["現金", "売上高", "230"],
        ["未収入金（ポイント）", "売上高", "970"],
    ]
