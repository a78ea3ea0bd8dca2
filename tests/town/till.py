"""A terminal: the real journal, sender and client, with a counter that asks, prices, writes, and only then sends."""

from __future__ import annotations

import asyncio
import base64
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.settings import Settings
from config.trust import Anchors
from ledger.wire.answers import Decision, InquiryResult, Standing
from ledger.wire.client import LedgerClient, LedgerError, NonceExpired
from ledger.wire.operations import Award, CardSigned, Convert, Leg, Return, Sale, TapOnly, Void
from ledger.wire.rules import Quote, quote
from ledger.wire.setup import Shop, TerminalSetup
from ledger.wire.values import Message
from offline_queue.errors import NothingToClose, QueueError
from offline_queue.journal import Journal, Recorded
from offline_queue.sync import Line as LineState
from offline_queue.sync import Syncer
from reader.practice import PracticeSource
from terminal.shop import books
from terminal.shop.cards import Cards
from terminal.shop.opening import Station
from terminal.shop.presence import Presence
from tests.town.clocks import MachineClock
from tests.town.line import Line
from tests.town.oracle import Oracle
from tests.town.setting import CARDS, NORTH, STREET, Card

Carded = Sale | Award | Convert
"""The operations that name a card."""

WAIT_SECONDS = 5.0
"""How long a resident waits for a verdict."""

CLIENT_SECONDS = 5.0
"""How long the client waits for a whole answer; an inquiry may take two."""

AT_ONCE = 0.5
"""How long nobody waits where the line is known to be down."""


class Killed(Exception):  # noqa: N818  # says what is the case
    """The terminal's process ended in the middle of a step."""


class WatchedJournal(Journal):
    """The journal, of which the oracle hears what is written into it, by whomever."""

    def __init__(
        self, path: Path, setup: TerminalSetup, key: Ed25519PrivateKey, clock: MachineClock, oracle: Oracle, number: int
    ) -> None:
        super().__init__(path, setup.terminal_id, key, clock, setup.signing_keys)
        self._oracle = oracle
        self._number = number
        self.who: int | None = None
        """Whose card lies on the reader."""

    def append(self, content: Message, **how: Any) -> Recorded:
        """Write an entry."""
        recorded = super().append(content, **how)
        self._oracle.journaled(self._number, recorded, self.who)
        return recorded


@dataclass(slots=True)
class Till:
    """One terminal. `dies_after` says how many seconds after it wrote the next entry it is killed."""

    number: int
    shop: Shop
    directory: Path
    line: Line
    clock: MachineClock
    oracle: Oracle
    random: Random
    key: Ed25519PrivateKey
    setup: TerminalSetup = field(init=False)
    journal: WatchedJournal = field(init=False)
    client: LedgerClient = field(init=False)
    station: Station = field(init=False)
    sending: asyncio.Task[None] | None = None
    dies_after: float | None = None
    opened: int = 0
    nonce: str = ""
    """What the next reading is proven with; fetched ahead."""

    # Its life -----------------------------------------------------------------------------------------------------

    async def enrol(self, code: str) -> None:
        """Enrol with a one-time code, and open."""
        async with LedgerClient(transport=self.line) as newcomer:
            self.setup = await newcomer.enrol(code, self.key.public_key())
        self.open()

    def open(self) -> None:
        """Open the journal, and send what is unsent."""
        home = self.directory / str(self.opened)
        home.mkdir(parents=True, exist_ok=True)
        self.journal = WatchedJournal(home / "journal.db", self.setup, self.key, self.clock, self.oracle, self.number)
        self.client = LedgerClient(
            transport=self.line,
            terminal_id=self.setup.terminal_id,
            key=self.key,
            pinned=self.setup.signing_keys,
            clock=self.clock,
        )
        self.station = Station(
            setup=self.setup,
            keep=lambda _setup: None,
            settings=Settings(),
            journal=self.journal,
            client=self.client,
            syncer=Syncer(self.journal, self.client, jitter=self.random.random),
            cards=Cards(PracticeSource({}), Anchors(), self.clock),
            clock=self.clock,
        )
        self.sending = asyncio.get_running_loop().create_task(self.station.syncer.run())

    async def shut(self) -> None:
        """End the program in order."""
        if self.sending is not None:
            self.sending.cancel()
            with suppress(asyncio.CancelledError):
                await self.sending
            self.sending = None
        self.journal.close()
        await self.client.close()

    async def restart(self) -> None:
        """End the program in order, and start it again."""
        await self.shut()
        self.open()

    async def kill(self) -> None:
        """Let the program end between two instructions: what it finds are its files as they lay there."""
        before = self.directory / str(self.opened)
        self.opened += 1
        shutil.copytree(before, self.directory / str(self.opened))
        await self.shut()
        shutil.rmtree(before)
        self.open()

    # What its counter does ----------------------------------------------------------------------------------------

    async def ask(self, card: Card) -> tuple[Presence, InquiryResult | None]:
        """Tap a card and ask the ledger about it; None where it gives no answer."""
        present = Presence(0, card.tap, self.nonce)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            told = await self._ask_who(present)
        except LedgerError:
            present.nonce = ""
            return present, None
        finally:
            self.oracle.waited(self.number, "an inquiry", loop.time() - began, most=2 * CLIENT_SECONDS)
        self.nonce = present.nonce = told.nonce
        return present, told

    async def _ask_who(self, present: Presence) -> InquiryResult:
        try:
            return await self.client.inquire(present.inquiry(self.setup))
        except NonceExpired as expired:
            present.nonce = expired.nonce
            return await self.client.inquire(present.inquiry(self.setup))

    async def sale(self, who: int, bill: int, part: int, away: int) -> None:
        """Sell something; of what could be redeemed, `part` sixths are, of another town's points where `away`.

        Where nothing is to be redeemed the card is tapped for its points alone, and nobody asks the ledger first.
        """
        present, told = Presence(0, CARDS[who].tap, ""), None
        if part:
            present, told = await self.ask(CARDS[who])
        if told is not None and told.standing is not Standing.ACTIVE:
            return
        terms = self.station.terms()
        towns = list(dict.fromkeys(each.municipality for each in terms.programmes.values()))
        own = self.shop.code[:6]
        town = towns[away % len(towns)] if told is not None and part else own
        balances = told.balances if told is not None else ()
        most = quote(bill, None if told is not None and part else 0, balances, terms.programmes, town)
        priced = most
        with suppress(ValueError):
            priced = quote(bill, most.redeemed * part // 6, balances, terms.programmes, town)
        content = _sale(priced, town, {code: each.version for code, each in terms.programmes.items()})
        await self._do(content, present, pin=priced.needs_pin, who=who)

    async def award(self, who: int, points: int) -> None:
        """Give points without a bill."""
        present = Presence(0, CARDS[who].tap, "")
        terms = self.station.terms()
        code = self.shop.code[:6]
        given = terms.programmes[code].reasons["visit"].points or points % 500 + 1
        content = Award(
            kind="award",
            municipality=code,
            resident="",
            award=[Leg(programme=code, points=given)],
            reason="visit",
            rules={code: terms.programmes[code].version},
            assurance=TapOnly(method="tap"),
        )
        await self._do(content, present, pin=False, who=who)

    async def convert(self, who: int, lots: int) -> None:
        """Exchange points of the town for the street's."""
        present, told = await self.ask(CARDS[who])
        if told is None or self.shop.code[:6] != NORTH:
            return
        content = Convert(
            kind="convert",
            municipality=NORTH,
            resident="",
            take=Leg(programme=NORTH, points=10 * lots),
            give=Leg(programme=STREET, points=11 * lots),
            rules={NORTH: 1, STREET: 1},
            assurance=TapOnly(method="tap"),
        )
        await self._do(content, present, pin=10 * lots > 200, who=who)

    async def void(self, target: str, municipality: str) -> None:
        """Undo an operation: of this journal, or of a sister's."""
        await self._do(Void(kind="void", municipality=municipality, target=target), None, pin=False, who=None)

    async def take_back(self, target: str, municipality: str, bill: int) -> None:
        """Take goods of a sale back."""
        content = Return(kind="return", municipality=municipality, target=target, bill=bill)
        await self._do(content, None, pin=False, who=None)

    async def close(self, *, even_if_empty: bool = False) -> None:
        """Close the day."""
        self.journal.who = None
        try:
            done = await books.close(self.station, even_if_empty=even_if_empty)
        except NothingToClose:
            return
        self.listen()
        self.oracle.closed(self.number, done.report)

    async def _do(
        self, content: Carded | Void | Return, present: Presence | None, *, pin: bool, who: int | None
    ) -> None:
        """Write an operation down, and only then send it."""
        station, at = self.station, self.clock()
        day = station.business_date(at)
        operation = self.journal.next_operation_id()
        if present is not None and not isinstance(content, Void | Return):
            if pin:
                content = content.model_copy(update={"assurance": CardSigned(method="pin")})
                # A conversion is sealed as a sale is, though no counter offers it yet.
                digest = present.digest(operation, at.isoformat(), day.isoformat(), cast("Sale", content))
                present.keep_signature(operation, base64.b64encode(CARDS[who or 0].sign(digest)).decode())
            content = cast("Carded", present.put_into(self.setup, cast("Sale", content), operation))
        self.journal.who = who
        recorded = self.journal.append(content, at=at, operator="1", business_date=day, expected_id=operation)
        if self.dies_after is not None:
            await self._die(recorded)
        decision = await self._submit(recorded.operation_id)
        self.oracle.shown(recorded.operation_id, decision)

    async def _submit(self, operation_id: str) -> Decision | None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        known_down = self.station.syncer.state.line is LineState.OFFLINE
        try:
            decision = await self.station.syncer.submit(operation_id, WAIT_SECONDS)
        except QueueError as error:
            self.oracle.stopped(self.number, f"{operation_id}: {error.code}, {error}")
            decision = None
        self.oracle.told_of_itself(self.number, self.station.syncer.state.error)
        most = AT_ONCE if known_down else WAIT_SECONDS
        self.oracle.waited(self.number, operation_id, loop.time() - began, most=most)
        return decision

    async def _die(self, recorded: Recorded) -> None:
        """Be killed while an operation is on its way, and start again."""
        assert self.dies_after is not None
        task = asyncio.ensure_future(self.station.syncer.submit(recorded.operation_id, WAIT_SECONDS))
        await asyncio.wait({task}, timeout=self.dies_after)
        self.dies_after = None
        await self.kill()
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
        raise Killed

    # What becomes of it -------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Tell the oracle which verdicts came into the journal."""
        known = self.oracle.heard_by(self.number)
        count = self.journal.verdict_count()
        if count > known:
            self.oracle.recorded(self.number, list(self.journal.decided(known, count)))

    @property
    def is_done(self) -> bool:
        """Whether the ledger has everything, and the terminal knows that it is there."""
        return self.journal.unsent_count() == 0 and self.station.syncer.state.line is LineState.ONLINE


def _sale(priced: Quote, town: str, versions: dict[str, int]) -> Sale:
    legs = (*priced.redeem, *priced.award)
    return Sale(
        kind="sale",
        municipality=town,
        resident="",
        bill=priced.bill,
        redeem=list(priced.redeem),
        award=list(priced.award),
        amount_due=priced.amount_due,
        rules={leg.programme: versions[leg.programme] for leg in legs},
        assurance=TapOnly(method="tap"),
    )
