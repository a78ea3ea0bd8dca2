"""The numbers of docs/authority.md are those of the code."""

from __future__ import annotations

import re
from dataclasses import astuple
from pathlib import Path

from ledger.points.events import EventKind
from ledger.points.gauges import SLICES
from ledger.wire.rules import COUNTS_FOR_DAYS, Ceilings, Programme, Redeeming
from tests.adversary.caps import cap, sample
from tests.adversary.conftest import SHOP

PAGE = (Path(__file__).parents[2] / "docs" / "authority.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return a section of the page."""
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(title: str) -> list[list[str]]:
    """Return the rows of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(text: str) -> int:
    """Return a number as the page writes it."""
    return int(text.replace(",", ""))


def test_the_caps_are_those_of_the_sample_rules() -> None:
    """What a dishonest terminal can gain, in yen, row by row."""
    stated = [number(row[1]) for row in rows("What a dishonest terminal can gain")]
    assert stated == list(astuple(cap(SHOP)))
    assert f"{cap(SHOP).terminal:,} yen a day of one terminal" in PAGE


def test_the_ceilings_are_the_defaults() -> None:
    """Where a file says nothing."""
    stated = {re.findall(r"ceilings\.(\w+)", row[0])[0]: (number(row[1]), number(row[2])) for row in rows("How much")}
    held = {scope: (each["issued"], each["redeemed"]) for scope, each in Ceilings().model_dump().items()}
    assert stated == held


def test_the_sample_rules_state_no_ceilings_of_their_own() -> None:
    """So that the sample shows what the defaults bound."""
    assert not any("ceilings" in each.model_fields_set for each in sample())


def test_the_other_numbers_are_those_of_the_code() -> None:
    """Budget, second person, memory of the tap, late work, and the overrun of the slices."""
    fields = Programme.model_fields
    assert f"{fields['budget'].default:,} points where the file says nothing" in PAGE
    assert f"Over {fields['approval_above'].default:,} points of one programme" in PAGE
    redeeming = next(each.redeeming for each in sample() if each.redeeming is not None)
    assert redeeming.most_by_tap == 5 * redeeming.tap_ceiling
    assert Redeeming.model_fields["tap_count"].default == 10
    assert f"(`offline.counts_for_days`, {COUNTS_FOR_DAYS})" in PAGE
    assert f"in {SLICES} slices" in PAGE
    assert f"{(SLICES - 1) * Ceilings().terminal.issued:,} points at the most" in PAGE


def test_every_event_is_explained() -> None:
    """And no other."""
    assert {row[0].strip("`") for row in rows("What the office sees")} == set(EventKind)
