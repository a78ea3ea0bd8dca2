"""`kazasu` alone: paints the counter at once, and opens what it works with behind that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from terminal.app import KazasuApp, MakeScreen
from terminal.cli.context import Globals
from terminal.look import look_of

if TYPE_CHECKING:  # its import would come before the first frame
    from terminal.port import Engine


def open_screen(chosen: Globals) -> None:
    """Run the terminal until it is closed; raise SettingsError."""
    application = KazasuApp(look_of(chosen.home.settings, chosen.lang), lambda: _load(chosen))
    application.run()
    if application.failure is not None:
        raise application.failure


def _load(chosen: Globals) -> MakeScreen:
    """Import and read what the counter needs: only once something is on the screen."""
    from config import settings as settings_file
    from terminal.display.link import Broadcaster
    from terminal.port import Surroundings
    from terminal.screens.counter import CounterScreen
    from terminal.sound import play

    settings = settings_file.load(chosen.home.settings)
    screen = settings.screen
    if chosen.lang is not None:
        screen = screen.model_copy(update={"language": chosen.lang})
    around = Surroundings(settings.counter.clerk, practice=not chosen.home.enrolment.exists())

    def make_engine() -> Engine:
        from terminal import starting  # ledger, journal and cards

        return starting.make_engine(chosen.home, chosen.ledger)

    return lambda: CounterScreen(make_engine, screen, around, display=Broadcaster(chosen.home.display), play=play)
