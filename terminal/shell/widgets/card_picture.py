"""A picture of a card over a reader, which moves only while the card is being read."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widgets import Static

_WAVES = ("v           v", "  v       v  ", "    v   v    ", "      v      ")
"""What passes between card and reader, step by step."""
_STEP_SECONDS = 0.15


class Waves(Static):
    """What passes between the card and the reader."""

    step: reactive[int] = reactive(0)

    def __init__(self, *, moving: bool) -> None:
        super().__init__(_WAVES[1], markup=False)
        self._moving = moving

    def on_mount(self) -> None:
        """Begin to move, where motion is wanted."""
        if self._moving:
            self.set_interval(_STEP_SECONDS, self._move)

    def _move(self) -> None:
        self.step = (self.step + 1) % len(_WAVES)

    def watch_step(self, step: int) -> None:
        """Show the next step."""
        self.update(_WAVES[step])


class CardPicture(Vertical):
    """The card above, the reader below, each with its name."""

    def __init__(self, card: str, reader: str, *, moving: bool = False) -> None:
        super().__init__()
        self._card = card
        self._reader = reader
        self._moving = moving

    def compose(self) -> ComposeResult:
        """Lay the picture out."""
        yield Static(self._card, classes="card", markup=False)
        yield Waves(moving=self._moving)
        yield Static(self._reader, classes="reader", markup=False)
