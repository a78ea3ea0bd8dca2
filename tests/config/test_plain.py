"""Texts: what is plain enough to be kept, and what any text is turned into before it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config.plain import flaw_of, normal, shown, width
from config.texts import LANGUAGES, Texts
from ledger.wire.rules import DaysAfterAward, Programme
from ledger.wire.values import PlainText

PLAIN = TypeAdapter[str](PlainText)

WRONG = {
    "": "empty",
    " 　 ": "empty",
    "長" * 41: "long",
    "x" * 5_000: "long",
    "\x1b[2J": "control",
    "a\0b": "control",
    "a\nb": "control",
    "a\x85b": "control",
    "a\u2028b": "control",
    "a\u202eb": "direction",
    "\u2066a": "direction",
    "a\u200bb": "invisible",
    "a\u200db": "invisible",
    "\ufeffa": "invisible",
    "a\u00adb": "invisible",
    "a\u00a0b": "invisible",
    "\u3164": "invisible",
    "\u2800x": "invisible",
    "\ue000": "unassigned",
    "\ud800": "unassigned",
    "\u0378": "unassigned",
    "a" + "\u0335" * 3: "marks",
    "番号 1234-5678-9018": "my_number",
}

RIGHT = (
    "見本商店",
    "Café",
    "O'Neill & Sons",
    "葛\U000e0100飾",
    "ｶﾌﾞｼｷ会社",
    "さくら　商店",
    "〇〇市",
    "①番館",
    "x" * 40,
)


@pytest.mark.parametrize(("text", "fault"), WRONG.items())
def test_what_nobody_can_read_is_refused(text: str, fault: str) -> None:
    """With its kind, for which both languages have a sentence."""
    with pytest.raises(ValidationError) as caught:
        PLAIN.validate_python(text)
    if text != "\ud800":
        assert flaw_of(normal(text), chars=40, cells=80) == fault
        assert caught.value.errors()[0]["type"] == f"text_{fault}"
    for lang in LANGUAGES:
        assert Texts(lang)(f"text-{fault}".replace("_", "-"), chars=40)


@pytest.mark.parametrize("text", RIGHT)
def test_what_people_call_their_shops_is_taken(text: str) -> None:
    """A decomposed text is composed, and space around it goes."""
    assert PLAIN.validate_python(f" {text}\n") == text
    assert PLAIN.validate_python("か\u3099") == "が"


def test_a_narrow_column_has_its_own_limit() -> None:
    """Cells are counted, not characters."""
    assert width("長浜A") == 5
    assert flaw_of("長浜市", chars=40, cells=5) == "wide"


@given(st.text(st.characters(), max_size=60), st.integers(4, 40))
def test_what_is_shown_steers_nothing(text: str, cells: int) -> None:
    """Whatever it was: printable, as wide as was asked for, and shown again it is the same."""
    safe = shown(text, cells)
    assert width(safe) <= cells
    assert all(each.isprintable() or each == "\u3000" for each in safe)
    assert shown(safe, cells) == safe
    assert "\x1b" not in shown(text)


def test_rules_of_an_earlier_version_are_brought_within_bounds() -> None:
    """A ledger that took them in goes on; a file with them is refused."""
    fields = {
        "code": "252034",
        "name": {"ja": "\x1b[2J長浜", "en": "x" * 5_000},
        "version": 1,
        "effective_from": "2026-04-01",
        "expiry": {"rule": "days_after_award", "days": 4_000_000},
    }
    with pytest.raises(ValidationError):
        Programme.model_validate(fields)
    recalled = Programme.recall(fields)
    assert recalled.expiry == DaysAfterAward(rule="days_after_award", days=3_660)
    assert (recalled.name.ja, width(recalled.name.en) <= 80) == ("?[2J長浜", True)
