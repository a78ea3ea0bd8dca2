"""The two palettes of the screens, dark and light, each also with ASCII borders; every pair of colours reaches 7:1."""

from __future__ import annotations

from typing import Literal

from textual.theme import Theme

Palette = Literal["dark", "light"]
Borders = Literal["lines", "ascii"]
PALETTES: tuple[Palette, ...] = ("dark", "light")
BORDERS: tuple[Borders, ...] = ("lines", "ascii")
"""What the settings `screen.theme` and `screen.borders` may be; the first is the default."""

_DARK = {
    "ground": "#0f1319",
    "paper": "#1a212b",
    "key": "#27303d",
    "edge": "#5f6c7d",
    "ink": "#f5f7fa",
    "quiet": "#c3ccd8",
    "now": "#ffc857",
    "done": "#7fdc9d",
    "refused": "#ffa59c",
    "unknown": "#dab6ff",
    "waiting": "#93cdf3",
    "on-tone": "#0f1319",
}
"""`now` is the one accent: what the person should do. The others are results, and never stand without their word."""

_LIGHT = {
    "ground": "#f5f3ee",
    "paper": "#ffffff",
    "key": "#e3e0d8",
    "edge": "#7c776c",
    "ink": "#14171c",
    "quiet": "#38404b",
    "now": "#0b3a82",
    "done": "#0a4a29",
    "refused": "#7d1212",
    "unknown": "#54187f",
    "waiting": "#0a4266",
    "on-tone": "#ffffff",
}

_COLOURS: dict[Palette, dict[str, str]] = {"dark": _DARK, "light": _LIGHT}
_LINES: dict[Borders, str] = {"lines": "solid", "ascii": "ascii"}


def theme_name(palette: Palette, borders: Borders) -> str:
    """Return the name of the theme for two settings."""
    return f"kazasu-{palette}-{borders}"


def themes() -> list[Theme]:
    """Return every theme of the screens."""
    return [_theme(palette, borders) for palette in PALETTES for borders in BORDERS]


def _theme(palette: Palette, borders: Borders) -> Theme:
    colours = _COLOURS[palette]
    return Theme(
        name=theme_name(palette, borders),
        primary=colours["now"],
        accent=colours["now"],
        success=colours["done"],
        error=colours["refused"],
        warning=colours["unknown"],
        foreground=colours["ink"],
        background=colours["ground"],
        surface=colours["paper"],
        panel=colours["key"],
        dark=palette == "dark",
        variables={**colours, "line": _LINES[borders]},
    )


def has_ascii_borders(theme: Theme) -> bool:
    """Return whether only ASCII and wide characters may be drawn."""
    return theme.variables["line"] == "ascii"
