"""The first frame: where everything will be, and that it is getting ready."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from config.texts import Lang, Texts
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.slip import Slip
from terminal.shell.widgets.status_line import StatusLine


class Curtain(Screen[None], inherit_bindings=False):
    """Shown until the counter is loaded."""

    def __init__(self, lang: Lang) -> None:
        super().__init__()
        self._texts = Texts(lang)

    def compose(self) -> ComposeResult:
        """Lay out the frame of the counter, with nothing in it but what is going on."""
        yield StatusLine()
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Prose(self._texts("ask-starting"), "heading")
                yield Prose(self._texts("say-starting"), "quiet")
            yield Slip()
