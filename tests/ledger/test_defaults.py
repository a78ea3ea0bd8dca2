"""What holds where a rules file is silent: every key, in every language, and never more than the file's own word."""

from __future__ import annotations

from typing import Any

import pytest

from config.texts import LANGUAGES, Texts
from ledger.defaults import silent
from ledger.wire.rules import Programme

SILENT: dict[str, Any] = {
    "code": "252034",
    "name": {"ja": "長浜市ポイント", "en": "Nagahama"},
    "version": 1,
    "effective_from": "2026-04-01",
    "expiry": {"rule": "fiscal_year_end"},
    "redeeming": {"tap_ceiling": 1_000},
    "reasons": {"visit": {"name": {"ja": "来館", "en": "Visit"}, "points": 5}},
}
HELD = {
    "ceilings.card.issued": 20_000,
    "ceilings.card.redeemed": 50_000,
    "ceilings.terminal.issued": 100_000,
    "ceilings.terminal.redeemed": 300_000,
    "ceilings.shop.issued": 300_000,
    "ceilings.shop.redeemed": 1_000_000,
    "ceilings.programme.issued": 3_000_000,
    "ceilings.programme.redeemed": 5_000_000,
    "budget": 100_000_000,
    "approval_above": 100_000,
    "redeeming.tap_sum": 5_000,
    "redeeming.tap_count": 10,
    "reasons.visit.every": "day",
    "reasons.visit.times": 1,
}


def held(**stated: Any) -> dict[str, int | str]:
    """Return what holds of a programme beside what its file states."""
    return {each.key: each.value for each in silent(Programme.model_validate(SILENT | stated))}


def test_a_silent_file_has_safe_numbers() -> None:
    """These, and no others: whoever changes one changes what a stolen terminal can gain."""
    assert held() == HELD


@pytest.mark.parametrize(
    ("stated", "gone"),
    [
        ({"budget": 5}, {"budget"}),
        ({"approval_above": 0}, {"approval_above"}),
        ({"ceilings": {"card": {"issued": 1, "redeemed": 2}}}, {"ceilings.card.issued", "ceilings.card.redeemed"}),
        (
            {"redeeming": {"tap_ceiling": 10, "tap_sum": 30, "tap_count": 3}},
            {"redeeming.tap_sum", "redeeming.tap_count"},
        ),
        (
            {"reasons": {"visit": {"name": {"ja": "来館", "en": "Visit"}, "points": 5, "every": "life", "times": 2}}},
            {"reasons.visit.every", "reasons.visit.times"},
        ),
    ],
)
def test_what_the_file_states_is_no_default(stated: dict[str, Any], gone: set[str]) -> None:
    """The rest still holds."""
    assert held(**stated).keys() == HELD.keys() - gone


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_default_is_explained(language: Any) -> None:
    """In every language, and as a line that a rules file may have."""
    texts = Texts(language)
    for each in silent(Programme.model_validate(SILENT)):
        assert texts(f"default-{each.meaning}")
        assert each.toml.startswith(f"{each.key} = ")
