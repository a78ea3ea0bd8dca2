"""Settings: defaults, and mistakes named by line and key."""

from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, load_settings


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    """A terminal starts without any settings file."""
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_a_file_may_set_only_what_differs(tmp_path: Path) -> None:
    """Keys that are not named keep their defaults."""
    path = tmp_path / "settings.toml"
    path.write_text('[screen]\nlanguage = "en"\n', encoding="utf-8")
    settings = load_settings(path)
    assert settings.screen.language == "en"
    assert settings.counter == Settings().counter


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ('[screen]\n\nlangage = "ja"\n', 3, "screen.langage", "no such key; there are: language, theme"),
        ("\n[scren]\n", 2, "scren", "no such key; there are: screen, counter"),
        ('[screen]\ntheme = "dark"\nlanguage = "fr"\n', 3, "screen.language", "'ja' or 'en'"),
        ("[counter]\nday_starts_at = 13\n", 2, "counter.day_starts_at", "less than or equal to 12"),
        ('counter.clerk = "山田"\n', 1, "counter.clerk", "match pattern"),
        ("[ledger]\nurl = 12\n", 2, "ledger.url", "URL"),
        ("[screen\n", 1, "TOML", "Expected ']'"),
        ("[screen]\nsound = yes\n", 2, "TOML", "Invalid value"),
    ],
)
def test_a_mistake_is_named_by_line_and_key(tmp_path: Path, text: str, line: int, key: str, reason: str) -> None:
    """Whoever mistyped is told where to look and what would be right."""
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert reason in caught.value.reason
