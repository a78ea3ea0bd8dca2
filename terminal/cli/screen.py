"""`kazasu` alone: paints the counter at once, and opens what it works with behind that."""

from __future__ import annotations

from config import settings as settings_file
from terminal.app import KazasuApp
from terminal.cli.context import Globals
from terminal.display.link import Broadcaster
from terminal.port import Engine, Surroundings
from terminal.sound import play


def open_screen(chosen: Globals) -> None:
    """Run the terminal until it is closed; raise SettingsError."""
    settings = settings_file.load(chosen.home.settings)
    screen = settings.screen
    if chosen.lang is not None:
        screen = screen.model_copy(update={"language": chosen.lang})
    practice = not chosen.home.enrolment.exists()

    def make() -> Engine:
        from terminal.starting import make_engine  # ledger, journal and cards: only once something is on the screen

        return make_engine(chosen.home, chosen.ledger)

    around = Surroundings(settings.counter.clerk, practice)
    KazasuApp(make, screen, around, display=Broadcaster(chosen.home.display), play=play).run()
