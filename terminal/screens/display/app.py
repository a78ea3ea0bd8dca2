"""The application of the resident's display: it shows, and takes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.screen import Screen

from config.settings import ScreenSettings
from config.texts import Texts
from terminal.counter.resident import ResidentView, Scene
from terminal.screens.display.link import Shown
from terminal.screens.display.scene import display
from terminal.shell.app import SHELL
from terminal.shell.themes import theme_name, themes
from terminal.shell.words import Words

_FOLDER = Path(__file__).parent
_CLOSED = ResidentView(Scene.CLOSED)


class Stage(Vertical):
    """All of the display, composed anew whenever something else is to be shown."""

    latest: reactive[Shown | None] = reactive(None, recompose=True)

    def __init__(self, *, motion: bool) -> None:
        super().__init__()
        self._motion = motion

    def compose(self) -> ComposeResult:
        """Lay out what is shown."""
        if self.latest is not None:
            yield from display(self.latest.view, Words(Texts(self.latest.lang)), motion=self._motion)


class DisplayScreen(Screen[None], inherit_bindings=False):
    """The one screen of the display."""

    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (20, "-short"), (30, "-tall")]  # noqa: RUF012  # Textual reads a plain class attribute

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def compose(self) -> ComposeResult:
        """Show the stage."""
        yield self._stage


class DisplayApp(App[None], inherit_bindings=False):
    """The resident's display; `follow` yields what is to be shown."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = [SHELL / "type.tcss", _FOLDER / "display.tcss"]  # noqa: RUF012  # Textual reads a plain class attribute
    BINDINGS = [("ctrl+q", "quit", "")]  # noqa: RUF012  # as above

    def __init__(self, follow: Callable[[], AsyncIterator[Shown | None]], settings: ScreenSettings) -> None:
        super().__init__()
        for theme in themes():
            self.register_theme(theme)
        self.theme = theme_name(settings.theme, settings.borders)
        self._follow = follow
        self._resting = Shown(_CLOSED, settings.language)
        self._stage = Stage(motion=settings.motion)

    def get_default_screen(self) -> DisplayScreen:
        """Begin with the only screen there is."""
        return DisplayScreen(self._stage)

    def on_mount(self) -> None:
        """Say that the counter is closed until it says something itself."""
        self.show(self._resting)
        self.run_worker(self._show_all())

    def show(self, shown: Shown) -> None:
        """Show what the counter says."""
        self._stage.latest = shown

    async def _show_all(self) -> None:
        async for shown in self._follow():
            self.show(shown or self._resting)
