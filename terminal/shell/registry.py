"""The screens that the terminal's application holds: one row each; none is imported before somebody opens it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Who may open a screen."""

    CLERK = "clerk"
    OWNER = "owner"
    """People who know the owner's code, where the settings have one."""


@dataclass(frozen=True, slots=True)
class ScreenRow:
    """One screen.

    `cap` stands on its key, which Textual calls `press`. `module` has a function `make` that takes what the screens
    share and returns the screen. The text `key-{name}` stands beside the key, `screen-{name}` in the screen's top line.
    """

    name: str
    cap: str
    press: str
    module: str
    audience: Audience

    @property
    def key_text(self) -> str:
        """The key of the text that stands beside the screen's key."""
        return f"key-{self.name}"

    @property
    def title(self) -> str:
        """The key of the text that names the screen."""
        return f"screen-{self.name}"


COUNTER = ScreenRow("counter", "Esc", "escape", "terminal.screens.counter.screen", Audience.CLERK)
"""The screen that the application begins with, and that the others lead back to."""

CLERK = ScreenRow("clerk", "F7", "f7", "terminal.screens.clerk.screen", Audience.CLERK)
"""Where a clerk signs on."""

SCREENS = (
    COUNTER,
    ScreenRow("owner", "F8", "f8", "terminal.screens.owner.screen", Audience.OWNER),
    CLERK,
)
"""Every screen."""


def row_of(name: str) -> ScreenRow:
    """Return the row of a screen."""
    return next(row for row in SCREENS if row.name == name)
