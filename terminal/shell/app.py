"""The Textual application: it paints at once, and loads the counter behind that."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.message import Message
from textual.screen import Screen

from terminal.shell.curtain import Curtain
from terminal.shell.look import Look
from terminal.shell.themes import themes

SHELL = Path(__file__).parent
"""The folder of this package, where the style sheets lie that every application shares."""

_log = logging.getLogger(__name__)

MakeScreen = Callable[[], Screen[None]]


class KazasuApp(App[None], inherit_bindings=False):
    """The frame of the terminal; whatever has to do with the counter is in the screen that `load` returns."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = [SHELL / "type.tcss", SHELL / "kazasu.tcss"]  # noqa: RUF012  # Textual reads a plain class attribute

    class Loaded(Message):
        """The counter is loaded, or cannot be."""

        def __init__(self, loaded: MakeScreen | Exception) -> None:
            super().__init__()
            self.loaded = loaded

    def __init__(self, look: Look, load: Callable[[], MakeScreen]) -> None:
        """Prepare to paint; `load` is called on a thread after that, and may import what is heavy."""
        super().__init__()
        for theme in themes():
            self.register_theme(theme)
        self.theme = look.theme
        self._look = look
        self._load = load
        self.failure: Exception | None = None
        """Why the application ended before it began."""

    def get_default_screen(self) -> Curtain:
        """Begin with a frame that needs next to nothing."""
        return Curtain(self._look.lang)

    def on_mount(self) -> None:
        """Paint first."""
        self.call_after_refresh(threading.Thread(target=self._load_counter, daemon=True).start)

    def _load_counter(self) -> None:
        try:
            loaded: MakeScreen | Exception = self._load()
        except Exception as error:  # noqa: BLE001  # handed to whoever started the application
            loaded = error
        self.post_message(self.Loaded(loaded))

    def _fatal_error(self) -> None:
        """End with the stack alone: the values that Textual would show beside it may be keys of a PIN."""
        from rich.traceback import Traceback  # only where something broke

        _log.critical("the terminal broke down", exc_info=True)
        self.panic(Traceback())

    async def on_kazasu_app_loaded(self, message: Loaded) -> None:
        """Show the counter; without one, end."""
        if isinstance(message.loaded, Exception):
            self.failure = message.loaded
            self.exit()
        else:
            await self.push_screen(message.loaded())
