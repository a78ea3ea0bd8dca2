"""`kazasu` alone: paints the counter at once, and opens what it works with behind that."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from config.errors import CommandFailed
from terminal.cli.context import Exit, Globals
from terminal.shell.app import KazasuApp
from terminal.shell.look import look_of

if TYPE_CHECKING:  # its import would come before the first frame
    from terminal.shell.shared import Shared
    from terminal.shop.engine import Engine


def open_screen(chosen: Globals) -> None:
    """Run the terminal until it is closed; raise KnownError."""
    need_terminal()
    application = KazasuApp(look_of(chosen.home.settings, chosen.lang), lambda: _load(chosen))
    application.run()
    if application.failure is not None:
        raise application.failure


def need_terminal() -> None:
    """Raise CommandFailed where output is no terminal: the screen would be drawn into a file, and never end.

    A browser has no terminal either; whoever serves it names a driver to Textual.
    """
    shown = sys.__stdout__ if sys.platform == "win32" else sys.__stderr__
    if "TEXTUAL_DRIVER" not in os.environ and not all(s is not None and s.isatty() for s in (sys.__stdin__, shown)):
        raise CommandFailed("no_terminal", Exit.USAGE)


def _load(chosen: Globals) -> Shared:
    """Import and read what the screens share: only once something is on the screen."""
    from config import settings as settings_file
    from terminal.cli.log import keep_log
    from terminal.counter.owner import OwnerRules
    from terminal.screens.display.link import Broadcaster
    from terminal.shell.shared import Shared
    from terminal.shell.sound import play
    from terminal.shop import clerks
    from terminal.shop.engine import Surroundings
    from terminal.shop.printing import Printing

    keep_log(chosen.home)
    settings = settings_file.load_settings(chosen.home.settings)
    screen = settings.screen
    if chosen.lang is not None:
        screen = screen.model_copy(update={"language": chosen.lang})
    around = Surroundings(settings.counter.clerk, practice=not chosen.home.enrolment.exists())

    def make_engine() -> Engine:
        from terminal.shop import engine_thread  # ledger, journal and cards

        return engine_thread.make_engine(chosen.home, chosen.ledger, all_day=True)

    display = Broadcaster(chosen.home.display)
    known = clerks.load(chosen.home.clerks)
    owner = OwnerRules(settings.owner.code, settings.owner.award_above)
    printing = Printing(settings.printer) if settings.printer.kind != "none" else None
    return Shared(
        screen,
        around,
        make_engine,
        display,
        play,
        owner=owner,
        clerks=known,
        printing=printing,
        slip=settings.slip,
    )
