"""Texts: both languages say the same things, and every error says what, why and what to do."""

from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast

import config.texts
from config.texts import LANGUAGES, Lang, TextError, Texts

_FOLDER = Path(config.texts.__file__).parent


def _messages(lang: Lang) -> dict[str, dict[str, ast.Pattern | None]]:
    """Return every message of a language, by part and key, with its value and attributes."""
    found: dict[str, dict[str, ast.Pattern | None]] = {}
    for path in sorted((_FOLDER / lang).glob("*.ftl")):
        for entry in FluentParser().parse(path.read_text(encoding="utf-8")).body:
            assert not isinstance(entry, ast.Junk), f"{lang}/{path.name}: {entry.content!r}"
            if isinstance(entry, ast.Message):
                key = entry.id.name
                assert key not in found, f"{lang}/{path.name}: {key} is there twice"
                found[key] = {"": entry.value, **{a.id.name: a.value for a in entry.attributes}}
    return found


def test_every_language_has_the_same_texts() -> None:
    """No text is missing in one of the languages, and none lacks an attribute there."""
    first, *others = ({key: value.keys() for key, value in _messages(lang).items()} for lang in LANGUAGES)
    assert all(other == first for other in others)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_error_says_what_why_and_what_to_do(lang: Lang) -> None:
    """A refusal has its three sentences."""
    for key, parts in _messages(lang).items():
        if key.startswith("error-"):
            assert parts.keys() == {"", "why", "todo"}, key


def test_an_unknown_code_still_says_what_to_do() -> None:
    """A code that has no sentence of its own gets the general one."""
    assert "doctor" in Texts("en").refusal("no_such_code").todo


def test_a_missing_text_or_argument_is_a_defect() -> None:
    """Nothing is shown half."""
    with pytest.raises(TextError):
        Texts("ja")("no-such-text")
    with pytest.raises(TextError):
        Texts("ja").refusal("settings_invalid")
