"""The Textual application: it paints at once, opens the engine behind that, and joins screens, counter and engine."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from textual.app import App
from textual.message import Message

from config.settings import ScreenSettings
from config.texts import LANGUAGES, Texts
from terminal.counter import Counter, step
from terminal.counter.events import Event, Tick, Trouble
from terminal.counter.facts import Fault
from terminal.counter.resident import resident_view
from terminal.counter.states import Done, Field, Idle, Queued, Refused, ShowingBalance
from terminal.display.link import Broadcaster, Shown
from terminal.port import Engine, Report, Surroundings
from terminal.screens.counter import CounterScreen, Scene
from terminal.screens.help import HelpScreen
from terminal.sound import sound_for
from terminal.themes import theme_name, themes
from terminal.widgets.touch import Command, Hold, Intention
from terminal.words import Words

TICK_SECONDS = 1.0

_FOLDER = Path(__file__).parent

_log = logging.getLogger(__name__)


class KazasuApp(App[None], inherit_bindings=False):
    """The counter terminal."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = [_FOLDER / "type.tcss", _FOLDER / "kazasu.tcss"]  # noqa: RUF012  # Textual reads a plain class attribute

    class Reported(Message):
        """The engine reports something, from whatever thread."""

        def __init__(self, report: Report) -> None:
            super().__init__()
            self.report = report

    def __init__(
        self,
        make_engine: Callable[[], Engine],
        settings: ScreenSettings,
        surroundings: Surroundings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        display: Broadcaster | None = None,
        play: Callable[[str], None] = lambda _name: None,
    ) -> None:
        """Prepare to show the counter.

        `make_engine` is called on a thread once the first frame is painted, so that it may import what is heavy;
        `display` tells the resident's display, `play` plays a sound by its name.
        """
        super().__init__()
        self.counter = Counter()
        self.surroundings = surroundings
        self._settings = settings
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._monotonic = monotonic
        self._now = now
        self._resident = display
        self._play = play
        self._words = Words(Texts(settings.language))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the style sheet the colours of its own names before a theme of ours is set."""
        return themes()[0].variables

    async def on_mount(self) -> None:
        """Paint the counter, then open the engine."""
        for theme in themes():
            self.register_theme(theme)
        self.theme = theme_name(self._settings.theme, self._settings.borders)
        self._counter_screen = CounterScreen(self._scene(), self.perform)
        await self.push_screen(self._counter_screen)
        self._tick()
        self.set_interval(TICK_SECONDS, self._tick)
        self.call_after_refresh(threading.Thread(target=self._open_engine, daemon=True).start)
        if self._resident is not None:
            await self._resident.start()

    async def on_unmount(self) -> None:
        """Let the engine finish what must be durable."""
        if self._resident is not None:
            await self._resident.close()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.stop)

    # The engine -------------------------------------------------------------------------------------------------

    def _open_engine(self) -> None:
        try:
            engine = self._make_engine()
        except Exception:  # noqa: BLE001  # the outermost edge of this thread: whatever it was, the counter says so
            _log.exception("the engine could not be made")
            self._report(Trouble(Fault("unexpected")))
        else:
            self._engine = engine
            engine.start(self._report)

    def _report(self, report: Report) -> None:
        self.post_message(self.Reported(report))

    def on_kazasu_app_reported(self, message: Reported) -> None:
        """Take what the engine reports."""
        if isinstance(message.report, Surroundings):
            self.surroundings = message.report
            self.show(self.counter)
        else:
            self.dispatch(message.report)

    # The counter ------------------------------------------------------------------------------------------------

    def perform(self, intention: Intention) -> None:
        """Do what somebody meant by pressing something."""
        match intention:
            case Command.HELP:
                self.push_screen(HelpScreen(self.counter.state, self._words), self._after_help)
            case Command.LANGUAGE:
                self._turn_language()
            case Command.QUIT:
                self.exit()
            case Hold(card):
                self._hold(card)
            case _:
                self.dispatch(intention)

    def _after_help(self, chosen: Intention | None) -> None:
        if chosen is not None:
            self.perform(chosen)

    def dispatch(self, event: Event) -> None:
        """Let the counter make its step, hand the effects to the engine, and show what the counter is at now."""
        before = self.counter
        after, effects = step(before, event)
        for effect in effects:
            if self._engine is not None:
                self._engine.carry_out(effect)
        self.show(after)
        if type(after.state) is not type(before.state):
            self._entered()

    def _entered(self) -> None:
        """Mark a new state by its sound; after a result, take away a practice card that nobody's hand holds."""
        state = self.counter.state
        if self._settings.sound and (name := sound_for(state)):
            self._play(name)
        finished = isinstance(state, Idle | Done | Queued | Refused | ShowingBalance)
        if finished and self.surroundings.practice_cards and self.counter.field is not Field.EMPTY:
            self._hold(None)

    def _hold(self, card: str | None) -> None:
        if self._engine is not None:
            self._engine.hold(card)

    def _tick(self) -> None:
        self.dispatch(Tick(self._monotonic()))
        self._counter_screen.show_time(self._now())

    # What is shown ----------------------------------------------------------------------------------------------

    def show(self, counter: Counter) -> None:
        """Show what the counter is at."""
        if counter.terms is not self.counter.terms:
            self._words = Words(Texts(self._words.texts.lang), counter.terms.programmes)
        self.counter = counter
        self._counter_screen.show(self._scene())
        if self._resident is not None:
            self._resident.show(Shown(resident_view(counter), self._words.texts.lang))

    def _turn_language(self) -> None:
        lang = LANGUAGES[(LANGUAGES.index(self._words.texts.lang) + 1) % len(LANGUAGES)]
        self._words = Words(Texts(lang), self.counter.terms.programmes)
        self.show(self.counter)

    def _scene(self) -> Scene:
        return Scene(self.counter, self.surroundings, self._words, self._settings.motion)
