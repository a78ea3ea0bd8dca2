"""Four boxes for the PIN: they say how many digits were typed, and never which."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from reader.pin import PIN_DIGITS


class PinBoxes(Horizontal):
    """The boxes, filled from the left."""

    def __init__(self, typed: int) -> None:
        super().__init__()
        self._typed = typed

    def compose(self) -> ComposeResult:
        """Lay four boxes out; the one to be filled now is marked."""
        for place in range(PIN_DIGITS):
            if place < self._typed:
                yield Static("＊", classes="box filled", markup=False)
            else:
                yield Static("_" if place == self._typed else "", classes="box", markup=False)
