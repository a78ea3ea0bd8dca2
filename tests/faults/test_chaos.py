"""Whatever a line does to a sale: nothing is lost, nothing doubled, and what was said stays true."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from config.home import Home
from config.settings import Settings
from ledger.practice import prepare
from ledger.wire.answers import Status
from offline_queue.sync import Line as LineState
from reader.practice import PracticeSource
from reader.virtual.cards import practice_cards
from terminal.counter.effects import AskAgain, Commit
from terminal.counter.events import Decided, Unanswered
from terminal.counter.facts import Receipt
from terminal.shop import enrolment
from terminal.shop.desk import Desk
from terminal.shop.opening import Opener, Station
from tests.faults.chaos import DEADLINE, FAULTS, Chaos, Fault, ReplyCut, RequestCut, chaos_before, hung_up
from tests.faults.test_line import Branch, a_point, points_of, read
from tests.served import served

pytestmark = pytest.mark.anyio

EVERY = 211
"""Bytes between two places at which a message is cut, unless every byte is asked for."""

TRIES = 20


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Branch, Chaos]]:
    """Yield a shop of short patience that is enrolled at a ledger in another process, and the line to it."""
    ledger, home, source = tmp_path_factory.mktemp("ledger"), Home(tmp_path_factory.mktemp("home")), PracticeSource()
    code = prepare(ledger, practice_cards())
    with served(ledger) as url, chaos_before(url) as line:
        asyncio.run(enrolment.enrol(home, code, line.url))
        settings = Settings()
        hasty = settings.ledger.model_copy(update={"wait_seconds": DEADLINE})
        yield Branch(Opener(home, settings.model_copy(update={"ledger": hasty}), source), source), line


async def settled(desk: Desk, station: Station, receipt: Receipt) -> Receipt:
    """Ask until there is a verdict; a line that is back is found at once."""
    for _ in range(TRIES):
        found = await desk.carry_out(AskAgain(1, receipt))
        if isinstance(found, Decided):
            return found.receipt
    raise AssertionError(f"no verdict on {receipt.operation_id}: {station.syncer.state}")


async def sell(desk: Desk, station: Station, line: Chaos, fault: Fault | None) -> Decided | Unanswered:
    """Sell for one point over a line that does something to the upload."""
    resident = await read(desk)
    for _ in range(TRIES):
        if resident.online:
            break
        resident = await read(desk)
    draft = a_point(resident, station)
    if fault is not None:
        line.trouble(fault)
    said = await desk.carry_out(Commit(1, draft))
    assert isinstance(said, Decided | Unanswered)
    return said


async def holds(desk: Desk, station: Station, points: int) -> None:
    """Make sure that the books say so many points, here and there."""
    for _ in range(TRIES):
        if (resident := await read(desk)).online:
            break
    assert points_of(resident) == points
    assert station.journal.unsent_count() == 0
    station.journal.verify()


@pytest.mark.parametrize("name", FAULTS)
async def test_a_sale_over_a_line_of_every_fault(branch: tuple[Branch, Chaos], name: str) -> None:
    """It counts once, its verdict is the ledger's, and nothing else was said of it before."""
    shop, line = branch
    row = FAULTS[name]
    async with shop.open() as (station, desk):
        first = await sell(desk, station, line, None)
        before = points_of(await read(desk))
        said = await sell(desk, station, line, row.fault)
        line.troubled = 0
        assert isinstance(first, Decided)
        assert isinstance(said, Decided) is row.answered
        assert station.syncer.state.line is not LineState.STOPPED
        receipt = await settled(desk, station, said.receipt)
        assert receipt.verdict is not None
        assert receipt.verdict.status is Status.ACCEPTED
        assert receipt.verdict == await station.client.operation(receipt.operation_id)
        assert said.receipt.verdict in (None, receipt.verdict)
        await holds(desk, station, before + 1)


@pytest.mark.parametrize("cut", [ReplyCut, RequestCut], ids=["reply", "request"])
async def test_a_sale_over_a_line_that_is_cut_at_every_byte(
    branch: tuple[Branch, Chaos], cut: type[ReplyCut] | type[RequestCut], every_byte: bool
) -> None:
    """Wherever request or answer ends, the sale counts once."""
    shop, line = branch
    async with shop.open() as (station, desk):
        await settled(desk, station, (await sell(desk, station, line, None)).receipt)
        before = points_of(await read(desk))
        places = range(0, 3_000, 1 if every_byte else EVERY)
        for place in places:
            said = await sell(desk, station, line, cut(place))
            line.troubled = 0
            await settled(desk, station, said.receipt)
        await holds(desk, station, before + len(places))


async def test_a_tap_over_a_line_of_every_fault_shows_nobody_elses_points(branch: tuple[Branch, Chaos]) -> None:
    """The inquiry fails as if there were no line, or is answered truly."""
    shop, line = branch
    async with shop.open() as (station, desk):
        await settled(desk, station, (await sell(desk, station, line, None)).receipt)
        true = points_of(await read(desk))
        for row in FAULTS.values():
            if row.fault in (FAULTS["half-open"].fault, FAULTS["slow drip"].fault, FAULTS["forged refusal"].fault):
                continue  # waiting is told above; a refusal of the request is told as one
            line.trouble(row.fault, path="/v1/inquiries")
            try:
                found = await read(desk)
            except AssertionError:  # a refusal of the request, which nobody signed
                continue
            finally:
                line.troubled = 0
            assert not found.online or points_of(found) == true


async def test_offline_ends_within_three_seconds_of_the_lines_return(branch: tuple[Branch, Chaos]) -> None:
    """And what waited is sent by itself."""
    shop, line = branch
    async with shop.open() as (station, desk):
        resident = await read(desk)
        draft = a_point(resident, station)
        line.trouble(hung_up, path="", times=1_000)
        assert isinstance(await desk.carry_out(Commit(1, draft)), Unanswered)
        assert station.syncer.state.error == "line_down"
        sending = asyncio.create_task(station.syncer.run())
        await asyncio.sleep(0.1)  # it has just been looked at, in vain
        line.troubled = 0
        back = asyncio.get_running_loop().time()
        while station.syncer.state.line is not LineState.ONLINE:  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - back < 3
        sending.cancel()
        assert station.journal.unsent_count() == 0
