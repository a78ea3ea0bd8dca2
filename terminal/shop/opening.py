"""Opens what a terminal works with: lock, key, journal, ledger, cards, clock; and closes it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time

from config.home import Home
from config.japan import JST
from config.settings import Settings
from config.trust import Anchors
from ledger.wire.client import LedgerClient, LedgerError
from ledger.wire.days import business_day
from ledger.wire.rules import Programme, in_force
from ledger.wire.setup import TerminalSetup
from offline_queue.day_end import DayEnd
from offline_queue.errors import JournalReadOnly
from offline_queue.journal import Journal
from offline_queue.lock import InstanceLock
from offline_queue.sync import Syncer, SyncState
from reader.source import CardSource
from terminal.counter.facts import Terms
from terminal.counter.pricing import exchanges
from terminal.shop import enrolment as enrolments
from terminal.shop.cards import Cards
from terminal.shop.enrolment import Enrolment, NotEnrolled
from terminal.shop.ledger_access import open_client
from terminal.shop.pocket import Pocket

Clock = Callable[[], datetime]
"""The time, with its offset."""


def local_time() -> datetime:
    """Return the time in Japan, whatever zone this machine is in."""
    return datetime.now(JST)


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
    clerk: str = ""
    """Who is at the counter: the operator of each entry."""
    reference: str | None = None
    """The caller's own name for the one operation that is done here."""
    pocket: Pocket | None = None
    """What may be redeemed without a line."""

    def __post_init__(self) -> None:
        """Begin with the clerk of the settings, until somebody signs on."""
        self.clerk = self.clerk or self.settings.counter.clerk

    def renew(self, setup: TerminalSetup) -> None:
        """Take what the ledger says now: rules change, and so does its key."""
        self.setup = setup
        self.keep(setup)

    async def in_contact(self, *, renew: bool) -> None:
        """Ask for what else the ledger has to say, now that the line is there; without an answer the old goes on."""
        if renew:
            with suppress(LedgerError):
                self.renew(await self.client.setup())
        if self.pocket is not None and any(each.offline.redeem for each in self.terms().programmes.values()):
            await self.pocket.keep_fresh(self.client, self.clock())

    def business_date(self, at: datetime) -> date:
        """Return the shop's day, which begins at the hour that the ledger knows."""
        return business_day(at, self.setup.shop.day_starts_at)

    def terms(self) -> Terms:
        """Return what the counter works with today."""
        setup = self.setup
        today = self.business_date(self.clock())
        programmes = in_force([Programme.recall(fields) for fields in setup.programmes], today)
        return Terms(
            terminal_id=setup.terminal_id,
            shop_code=setup.shop.code,
            shop_name=setup.shop.name,
            programmes=programmes,
            tap_seconds=self.settings.counter.tap_seconds,
            exchanges=exchanges(programmes, setup.shop.code[:6], today),
        )


async def enrolled(home: Home) -> Enrolment:
    """Return what this machine is enrolled as; raise NotEnrolled."""
    enrolment = enrolments.load_enrolment(home)
    if enrolment is None:
        raise NotEnrolled(home.enrolment)
    return enrolment


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens a station, as often as it is asked to.

    `enrol` returns the enrolment of the home, which is locked by then; `ledger` names another ledger than it does.
    Where it stays open `all_day`, the journal's room is reserved.
    """

    home: Home
    settings: Settings
    source: CardSource
    enrol: Callable[[Home], Awaitable[Enrolment]] = enrolled
    ledger: str | None = None
    all_day: bool = False
    reference: str | None = None
    clerk: str = ""
    clock: Clock = local_time

    @asynccontextmanager
    async def __call__(self, on_line: Callable[[SyncState], None]) -> AsyncIterator[Station]:
        """Yield the open station; raise one of `config.faults.KNOWN`."""
        home = self.home
        async with AsyncExitStack() as stack:
            try:
                home.create()
            except OSError as error:
                raise JournalReadOnly(f"{home.path}: {error.strerror}") from error
            stack.enter_context(InstanceLock(home.lock))
            enrolment = await self.enrol(home)
            setup, key = enrolment.setup, enrolments.key_of(home)
            journal = Journal(home.journal, setup.terminal_id, key, self.clock, setup.signing_keys)
            stack.callback(journal.close)
            if self.all_day:
                journal.reserve()
            url = self.ledger or str(self.settings.ledger.url or enrolment.ledger)
            client = await stack.enter_async_context(
                open_client(
                    home,
                    url,
                    terminal_id=setup.terminal_id,
                    key=key,
                    pinned=setup.signing_keys,
                    wait_seconds=self.settings.ledger.wait_seconds,
                    language=self.settings.screen.language,
                    plain_http=self.settings.ledger.plain_http,
                )
            )
            day_end = self._day_end()
            station = Station(
                setup=setup,
                keep=lambda renewed: enrolments.save(home, Enrolment(ledger=enrolment.ledger, setup=renewed)),
                settings=self.settings,
                journal=journal,
                client=client,
                syncer=Syncer(
                    journal,
                    client,
                    on_line,
                    day_end=day_end,
                    in_contact=lambda: station.in_contact(renew=bool(day_end)),
                ),
                cards=Cards(self.source, Anchors.load(home.anchors), self.clock),
                clock=self.clock,
                reference=self.reference,
                clerk=self.clerk,
                pocket=Pocket.open(home.pack, setup.terminal_id, client.pinned, journal),
            )
            yield station

    def _day_end(self) -> DayEnd | None:
        """Return when is sent, where that is not at once."""
        if self.settings.ledger.mode == "realtime":
            return None
        return DayEnd(self.clock, tuple(map(time.fromisoformat, self.settings.ledger.send_at)))
