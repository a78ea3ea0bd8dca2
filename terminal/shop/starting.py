"""Makes the engine for what this machine is: a terminal of some ledger, or one that practises."""

from __future__ import annotations

from config import settings as settings_file
from config.home import Home
from reader.pcsc import PcscSource
from reader.practice import PracticeSource
from terminal.shop.engine import BackgroundEngine
from terminal.shop.opening import Opener
from terminal.shop.port import Surroundings
from terminal.shop.practice import PracticeReader, enrol_for_practice


def make_engine(
    home: Home, ledger: str | None = None, *, card: str | None = None, all_day: bool = False
) -> BackgroundEngine:
    """Return the engine of a home; raise SettingsError.

    Where nothing is enrolled, it practises. `card` names a practice card that will be held: then no other reader is
    looked for. `all_day` is a counter that stays open, and not one operation.
    """
    settings = settings_file.load(home.settings)
    clerk = settings.counter.clerk
    if home.enrolment.exists():
        source = PcscSource(settings.reader.name)
        return BackgroundEngine(
            Opener(home, settings, source, ledger=ledger, all_day=all_day), source, Surroundings(clerk)
        )
    reader = PracticeReader(PracticeSource(), None if card else PcscSource(settings.reader.name))
    return BackgroundEngine(
        Opener(home.practice, settings, reader, enrol_for_practice, all_day=all_day),
        reader,
        Surroundings(clerk, practice=True),
        reader.hold,
        reader.names,
    )
