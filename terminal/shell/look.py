"""How the first frame looks: read from the settings file without the models that check it, which cost time to load."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from config.texts import LANGUAGES, Lang
from terminal.shell.themes import BORDERS, PALETTES, Borders, Palette, theme_name

T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class Look:
    """The language and the theme."""

    lang: Lang
    palette: Palette
    borders: Borders

    @property
    def theme(self) -> str:
        """The name of the theme."""
        return theme_name(self.palette, self.borders)


def look_of(settings: Path, lang: Lang | None = None) -> Look:
    """Return the look that a settings file asks for; mistakes are reported later, when the file is read in full."""
    try:
        found = tomllib.loads(settings.read_text(encoding="utf-8-sig")).get("screen")
    except (OSError, ValueError):
        found = None
    screen = found if isinstance(found, dict) else {}
    return Look(
        lang or _one_of(LANGUAGES, screen.get("language")),
        _one_of(PALETTES, screen.get("theme")),
        _one_of(BORDERS, screen.get("borders")),
    )


def _one_of(known: tuple[T, ...], value: Any) -> T:
    return next((name for name in known if name == value), known[0])
