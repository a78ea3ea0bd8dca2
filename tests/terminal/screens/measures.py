"""What can be measured of a screen: contrast, sizes, and whether all of it is there."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from rich.color import Color
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

LINES = set("│─┌┐└┘|+-_ ")
"""Characters that draw borders, for which less contrast is enough."""


def painted(screen: Screen[Any]) -> list[Strip]:
    """Return the rows of a screen as the terminal gets them."""
    return screen._compositor.render_strips()


def text_of(screen: Screen[Any]) -> str:
    """Return the text of a screen, row by row."""
    return "\n".join("".join(segment.text for segment in strip) for strip in painted(screen))


def _luminance(colour: Color) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = colour.get_truecolor()
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def faint(screen: Screen[Any]) -> Iterator[str]:
    """Yield every piece of text that does not stand out 7:1, and every border that does not 3:1."""
    for strip in painted(screen):
        for segment in strip:
            style = segment.style
            if not segment.text.strip() or style is None or style.color is None or style.bgcolor is None:
                continue
            enough = 3 if set(segment.text) <= LINES else 7
            found = contrast(style.color, style.bgcolor)
            if found < enough:
                yield f"{segment.text!r}: {found:.1f}"


def cut_off(screen: Screen[Any], kind: type[Widget]) -> Iterator[str]:
    """Yield the widgets of a kind that are not wholly on the screen."""
    for widget in screen.query(kind):
        if not widget.display:
            continue
        place = screen.find_widget(widget)
        if widget.size.area and not place.clip.contains_region(place.region):
            yield f"{widget!r}: {place.region} is not in {place.clip}"


def ambiguous(text: str) -> set[str]:
    """Return the characters that some consoles draw one cell wide, and others two (UAX 11)."""
    return {mark for mark in text if unicodedata.east_asian_width(mark) == "A"}
