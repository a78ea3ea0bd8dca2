"""A line that is cut: replies lost after the commit, no line at all, and a line that is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from config.home import Home
from config.settings import Settings
from ledger.practice import prepare
from ledger.wire.answers import Status
from offline_queue.sync import Line as LineState
from offline_queue.sync import Syncer, SyncState
from reader.practice import PracticeSource
from reader.virtual.cards import practice_cards
from terminal.cli.walk import Final, Walk
from terminal.counter import pricing
from terminal.counter.effects import AskAgain, Commit, ReadCard
from terminal.counter.events import CardRead, Decided, Unanswered
from terminal.counter.facts import AwardIntent, Draft, Fault, Intent, Resident, SaleIntent, Use
from terminal.counter.moves import begin_to_wait
from terminal.counter.states import Queued, Refused
from terminal.shop import enrolment
from terminal.shop.desk import Desk
from terminal.shop.engine import Surroundings
from terminal.shop.engine_thread import BackgroundEngine
from terminal.shop.opening import Opener, Station
from terminal.shop.practice import enrol_for_practice
from tests.faults.line import Line, line_to
from tests.faults.shop import HOLDER, Shop
from tests.served import served

pytestmark = pytest.mark.anyio

AWARD = AwardIntent("252034", 1, "volunteering")

EARNED = "252034-MIHON"
"""Whose points a sale earns."""

EVERY = 50
"""Bytes between two places at which a reply is cut."""


class Branch:
    """A shop that reads practice cards as if they were real ones."""

    def __init__(self, opener: Opener, source: PracticeSource) -> None:
        self._opener = opener
        self._source = source

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Station, Desk]]:
        """Yield the open shop, with the holder's card on its reader."""
        self._source.tap(HOLDER)
        async with self._opener(lambda _state: None) as station:
            yield station, Desk(station, lambda _online: None)
        self._source.lift()

    def walk(self, intent: Intent) -> Final:
        """Return how a task ends that the whole engine carries out."""
        engine = BackgroundEngine(self._opener, self._source, Surroundings("12"), self._hold)
        walk = Walk(engine, lambda _counter, _around: None, 10.0, HOLDER)
        try:
            return walk.run(lambda counter: begin_to_wait(counter, intent))
        finally:
            self._source.lift()

    def _hold(self, card: str | None) -> None:
        if card is not None:
            self._source.tap(card)


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Branch, Line]]:
    """Yield a shop that is enrolled at a ledger in another process, and the line to it."""
    ledger, home, source = tmp_path_factory.mktemp("ledger"), Home(tmp_path_factory.mktemp("home")), PracticeSource()
    code = prepare(ledger, practice_cards())
    with served(ledger) as url, line_to(url) as line:
        asyncio.run(enrolment.enrol(home, code, line.url))
        yield Branch(Opener(home, Settings(), source), source), line


async def read(desk: Desk) -> Resident:
    """Return who holds the card."""
    event = await desk.carry_out(ReadCard(1, AWARD))
    assert isinstance(event, CardRead)
    return event.resident


def a_point(resident: Resident, station: Station) -> Draft:
    """Return the draft of a sale that earns one point: as many as one likes on one day."""
    terms = station.terms()
    return pricing.sale(pricing.as_wished(SaleIntent(110, Use.NONE), resident, terms), terms)


def points_of(resident: Resident) -> int:
    """Return the points that sales earn."""
    return next(held.points for held in resident.balances if held.programme == EARNED)


async def test_a_reply_cut_anywhere_leads_to_the_same_verdict(branch: tuple[Branch, Line]) -> None:
    """The ledger has committed each time, and the terminal does not know: it asks again, and nothing is done twice."""
    shop, line = branch
    async with shop.open() as (station, desk):
        before = await read(desk)
        draft = a_point(before, station)
        line.replied = 0
        assert isinstance(await desk.carry_out(Commit(1, draft)), Decided)
        cuts = range(0, line.replied, EVERY)
        assert len(cuts) > 5
        for cut in cuts:
            await read(desk)
            line.cut_after = cut
            lost = await desk.carry_out(Commit(1, draft))
            assert isinstance(lost, Unanswered)
            known = await station.client.operation(lost.receipt.operation_id)
            assert known is not None
            found = await desk.carry_out(AskAgain(1, lost.receipt))
            assert isinstance(found, Decided)
            assert found.receipt.verdict == known
        assert points_of(await read(desk)) == points_of(before) + 1 + len(cuts)
        assert station.journal.unsent_count() == 0
        station.journal.verify()


async def test_without_a_line_awards_wait_and_points_cannot_be_used(branch: tuple[Branch, Line]) -> None:
    """The award goes out by itself once the line is back, however often it was tried in vain."""
    shop, line = branch
    line.down = True
    assert isinstance(await asyncio.to_thread(shop.walk, AWARD), Queued)
    refused = await asyncio.to_thread(shop.walk, SaleIntent(1200, Use.ALL))
    assert isinstance(refused, Refused)
    assert refused.fault == Fault("line_needed")
    online = asyncio.Event()

    def on_change(state: SyncState) -> None:
        line.down = state.line is not LineState.OFFLINE
        if state.line is LineState.ONLINE:
            online.set()

    async with shop.open() as (station, _):
        waiting = station.journal.undecided()
        sending = asyncio.create_task(Syncer(station.journal, station.client, on_change, jitter=lambda: 0.0).run())
        await asyncio.wait_for(online.wait(), 10)
        sending.cancel()
        assert len(waiting) == 1
        verdict = await station.client.operation(waiting[0].operation_id)
        assert verdict is not None
        assert verdict.status is Status.ACCEPTED
        assert station.journal.unsent_count() == 0


async def test_a_verdict_that_comes_too_late_is_the_same_in_one_process(shop: Shop) -> None:
    """However short the wait, the ledger in the terminal's own process decides once, and says so when asked again."""
    source = PracticeSource()
    branch = Branch(Opener(shop.home.practice, Settings(), source, enrol_for_practice), source)
    async with branch.open() as (station, desk):
        before = await read(desk)
        draft = a_point(before, station)
        for milliseconds in range(20):
            await read(desk)
            operation = desk.record(1, draft).operation_id
            in_time = await station.syncer.submit(operation, milliseconds / 1000)
            decided = in_time or await station.syncer.submit(operation, 10)
            assert decided is not None
            assert decided.verdict == await station.client.operation(operation)
        assert points_of(await read(desk)) == points_of(before) + 20
