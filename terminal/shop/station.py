"""What a terminal works with once it is open: enrolment, journal, ledger, cards, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from config.settings import Settings
from ledger.wire.client import LedgerClient
from ledger.wire.rules import Programme, in_force
from ledger.wire.setup import TerminalSetup
from offline_queue.journal import Journal
from offline_queue.sync import Syncer
from terminal.counter.facts import Terms
from terminal.shop.cards import Cards

Clock = Callable[[], datetime]
"""The local time, with its offset."""


def local_time() -> datetime:
    """Return the time of this machine, with its offset."""
    return datetime.now().astimezone()


@dataclass(slots=True)
class Station:
    """Everything that is open; `setup` is what the ledger said last, and `keep` writes it down."""

    setup: TerminalSetup
    keep: Callable[[TerminalSetup], None]
    settings: Settings
    journal: Journal
    client: LedgerClient
    syncer: Syncer
    cards: Cards
    clock: Clock

    def renew(self, setup: TerminalSetup) -> None:
        """Take what the ledger says now: rules change, and so does its key."""
        self.setup = setup
        self.keep(setup)

    def business_date(self, at: datetime) -> date:
        """Return the shop's day: one that closes after midnight has its day begin later."""
        return (at - timedelta(hours=self.settings.counter.day_starts_at)).date()

    def terms(self) -> Terms:
        """Return what the counter works with today."""
        setup = self.setup
        programmes = [Programme.model_validate(fields) for fields in setup.programmes]
        return Terms(
            terminal_id=setup.terminal_id,
            shop_code=setup.shop.code,
            shop_name=setup.shop.name,
            programmes=in_force(programmes, self.business_date(self.clock())),
            tap_seconds=self.settings.counter.tap_seconds,
        )
