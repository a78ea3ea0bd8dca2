"""The Textual application: it paints at once, loads what it needs behind that, and holds the screens."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message

from terminal.shell.curtain import Curtain
from terminal.shell.look import Look
from terminal.shell.registry import COUNTER, ScreenRow, row_of
from terminal.shell.themes import themes

if TYPE_CHECKING:  # its import would come before the first frame
    from terminal.shell.shared import Shared

SHELL = Path(__file__).parent
"""The folder of this package, where the style sheets lie that every application shares."""

_log = logging.getLogger(__name__)


class KazasuApp(App[None], inherit_bindings=False):
    """The frame of the terminal: every screen is a row of `terminal.shell.registry`, and imported when it is opened."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = [SHELL / "type.tcss", SHELL / "kazasu.tcss"]  # noqa: RUF012  # Textual reads a plain class attribute

    class Loaded(Message):
        """What the screens share is loaded, with the first of them; or cannot be."""

        def __init__(self, loaded: Shared | Exception) -> None:
            super().__init__()
            self.loaded = loaded

    class Open(Message):
        """Open a screen by its name, over the one that is there."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, look: Look, load: Callable[[], Shared]) -> None:
        """Prepare to paint; `load` is called on a thread after that, and may import what is heavy."""
        super().__init__()
        for theme in themes():
            self.register_theme(theme)
        self.theme = look.theme
        self._look = look
        self._load = load
        self._shared: Shared | None = None
        self.failure: Exception | None = None
        """Why the application ended before it began."""

    def get_default_screen(self) -> Curtain:
        """Begin with a frame that needs next to nothing."""
        return Curtain(self._look.lang)

    def on_mount(self) -> None:
        """Paint first."""
        self.call_after_refresh(threading.Thread(target=self._load_first, daemon=True).start)

    def _load_first(self) -> None:
        try:
            loaded: Shared | Exception = self._load()
            import_module(COUNTER.module)
        except Exception as error:  # noqa: BLE001  # handed to whoever started the application
            loaded = error
        self.post_message(self.Loaded(loaded))

    def _fatal_error(self) -> None:
        """End with the stack alone: the values that Textual would show beside it may be keys of a PIN."""
        from rich.traceback import Traceback  # only where something broke

        _log.critical("the terminal broke down", exc_info=True)
        self.panic(Traceback())

    async def on_kazasu_app_loaded(self, message: Loaded) -> None:
        """Show the counter; without what it needs, end."""
        if isinstance(message.loaded, Exception):
            self.failure = message.loaded
            self.exit()
        else:
            self._shared = message.loaded
            await self._open(COUNTER)

    async def on_kazasu_app_open(self, message: Open) -> None:
        """Show a screen, unless it, or the question for its code, is there: a key pressed twice opens it once."""
        if self._shared is None or message.name in {screen.name for screen in self.screen_stack}:
            return
        row = row_of(message.name)
        if self._shared.asks_code(row.audience):
            await self._ask_code(row, self._shared)
        else:
            await self._open(row)

    async def _ask_code(self, row: ScreenRow, shared: Shared) -> None:
        from terminal.shell.code import CodeScreen  # only where a code is set

        async def open_it(right: bool | None) -> None:
            if right:
                await self._open(row)

        await self.push_screen(CodeScreen(row.name, shared.owner.knows, shared), open_it)

    async def _open(self, row: ScreenRow) -> None:
        # The first time it is imported, which would hold up the counter's clock and its keys.
        module = await asyncio.to_thread(import_module, row.module)
        await self.push_screen(module.make(self._shared))
