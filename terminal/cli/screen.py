"""`kazasu` alone: paints the counter at once, and opens what it works with behind that."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from config.home import Home
from terminal.cli.context import Globals
from terminal.shell.app import KazasuApp
from terminal.shell.look import look_of

if TYPE_CHECKING:  # its import would come before the first frame
    from terminal.shell.shared import Shared
    from terminal.shop.engine import Engine

LOG_BYTES = 1_000_000
"""What went wrong fills two files of this size at most."""


def open_screen(chosen: Globals) -> None:
    """Run the terminal until it is closed; raise SettingsError."""
    application = KazasuApp(look_of(chosen.home.settings, chosen.lang), lambda: _load(chosen))
    application.run()
    if application.failure is not None:
        raise application.failure


def _load(chosen: Globals) -> Shared:
    """Import and read what the screens share: only once something is on the screen."""
    from config import settings as settings_file
    from terminal.screens.display.link import Broadcaster
    from terminal.shell.shared import Shared
    from terminal.shell.sound import play
    from terminal.shop.engine import Surroundings

    keep_log(chosen.home)
    settings = settings_file.load(chosen.home.settings)
    screen = settings.screen
    if chosen.lang is not None:
        screen = screen.model_copy(update={"language": chosen.lang})
    around = Surroundings(settings.counter.clerk, practice=not chosen.home.enrolment.exists())

    def make_engine() -> Engine:
        from terminal.shop import engine_thread  # ledger, journal and cards

        return engine_thread.make_engine(chosen.home, chosen.ledger, all_day=True)

    display = Broadcaster(chosen.home.display)
    return Shared(screen, around, make_engine, display, play, owner_code=settings.owner.code)


def keep_log(home: Home) -> None:
    """Write down what goes wrong, in the home's log: the screen has no room for a stack."""
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(home.log, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
