"""The journal's services, over a real journal; and how a screen asks for them while the counter is open."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from config.home import Home
from config.settings import Settings
from ledger.wire.operations import Sale
from offline_queue.errors import DiskFull
from reader.practice import PracticeSource
from terminal.counter import pricing
from terminal.counter.events import Opened
from terminal.counter.facts import Draft, Fault, SaleIntent, Undoable, Use
from terminal.counter.scanned import slip_code
from terminal.shop import books
from terminal.shop.books import Need
from terminal.shop.engine import EngineReport, Surroundings, Unanswerable
from terminal.shop.engine_thread import BackgroundEngine
from terminal.shop.opening import Opener, Station
from terminal.shop.practice import enrol_for_practice
from terminal.slips.operation import qr_text
from tests.terminal.counters import MUNICIPALITY, TERMINAL, TERMS, held, resident
from tests.terminal.desks import NOON, OpenDesk, TestLedger, desk

pytestmark = pytest.mark.anyio

WHO = resident(held(MUNICIPALITY, 800))


def draft(bill: int, points: int = 0) -> Draft:
    """Return the draft of a sale that uses so many points."""
    wished = SaleIntent(bill, points or Use.NONE)
    return pricing.sale(pricing.as_wished(wished, WHO, TERMS), TERMS)


async def write(counter: OpenDesk, made: Draft, at: datetime = NOON, *, sent: bool = True) -> str:
    """Write an operation, send it if the line is there, and return its id."""
    station = counter.station
    recorded = station.journal.append(made.content, at=at, operator="12", business_date=station.business_date(at))
    if sent:
        await station.syncer.submit(recorded.operation_id, 2)
    return recorded.operation_id


async def test_the_day_so_far_is_the_x_report_by_the_hour(tmp_path: Path) -> None:
    """Bills stand in the hour in which they were, a void takes its bill off, yesterday stands beside today."""
    async with desk(tmp_path) as counter:
        await write(counter, draft(700), NOON - timedelta(days=1, hours=2))
        await write(counter, draft(1200, 500), NOON - timedelta(hours=1))
        undone = await write(counter, draft(300))
        await write(counter, draft(400))
        (item,) = [each for each in await books.CanBeUndone()(counter.station) if each.operation_id == undone]
        await write(counter, pricing.void(item))
        assert undone not in [each.operation_id for each in await books.CanBeUndone()(counter.station)]
        found = await books.overview(counter.station)
    assert {hour: yen for hour, yen in enumerate(found.today) if yen} == {11: 1200, 12: 400}
    assert {hour: yen for hour, yen in enumerate(found.yesterday) if yen} == {10: 700}
    assert (found.report.day.bill, found.report.day.redeemed, found.unsent) == (2300, 500, 0)
    assert [record.operation_id[-2:] for record in found.last] == ["05", "04", "03", "02", "01"]
    assert found.needs == {}


async def test_a_day_that_begins_late_has_its_hours_in_its_own_order(tmp_path: Path) -> None:
    """A bar's sale at one in the morning is of the evening before, and its last bar."""
    async with desk(tmp_path) as counter:
        setup = counter.station.setup
        shop = setup.shop.model_copy(update={"day_starts_at": 5})
        counter.station.setup = setup.model_copy(update={"shop": shop})
        await write(counter, draft(900), NOON + timedelta(hours=13))
        found = await books.overview(counter.station)
    assert {hour: yen for hour, yen in enumerate(found.today) if yen} == {20: 900}


def decided_here(wanted: Draft) -> Draft:
    """Return a sale whose points were decided without a line."""
    return replace(wanted, content=wanted.content.model_copy(update={"offline": pricing.UNDECIDED}))


async def test_what_needs_a_hand_is_named(tmp_path: Path) -> None:
    """Points of which nobody knows, what was refused or short when nobody was there any more, what is unsent.

    What turned out short while the customer was there, they paid.
    """
    async with desk(tmp_path, TestLedger(refuses_with="card_revoked")) as counter:
        refused = await write(counter, draft(500), sent=False)
        await books.send(counter.station)
        counter.ledger.refuses_with = None
        counter.ledger.short = 100
        paid = await write(counter, draft(600, 300))
        short = await write(counter, draft(600, 300), sent=False)
        await books.send(counter.station)
        counter.ledger.down = True
        unknown = await write(counter, draft(700, 300))
        unsent = await write(counter, draft(800))
        counted = await write(counter, decided_here(draft(900, 300)))
        found = await books.overview(counter.station)
        losses = [record.operation_id for record in counter.station.journal.losses()]
    named = {need: [record.operation_id for record in records] for need, records in found.needs.items()}
    assert named == {
        Need.UNKNOWN: [unknown],
        Need.REFUSED: [refused],
        Need.SHORT: [short],
        Need.UNSENT: [unsent, counted],
    }
    assert (losses, paid in losses) == ([short], False)


async def test_a_close_ends_what_needs_a_hand(tmp_path: Path) -> None:
    """After Z the day begins anew: what was refused or short is in the report that was closed."""
    async with desk(tmp_path, TestLedger(refuses_with="card_revoked")) as counter:
        await write(counter, draft(500), sent=False)
        closed = await books.close(counter.station)
        found = await books.overview(counter.station)
    assert (closed.report.number, closed.report.day.refused) == (1, 1)
    assert closed.entry is not None
    assert (found.report.number, found.report.day.refused, found.needs) == (2, 0, {})


async def test_an_operation_is_found_by_number_bill_or_amount_due(tmp_path: Path) -> None:
    """Newest first, the number before all amounts; a void comes with what it undid."""
    async with desk(tmp_path) as counter:
        first = await write(counter, draft(4))
        await write(counter, draft(900, 300))
        await write(counter, draft(600))
        record = counter.station.journal.find(first)
        assert record is not None
        assert isinstance(record.entry.content, Sale)
        void = await write(counter, pricing.void(Undoable(first, record.entry.at, record.entry.content)))
        searched = {number: await books.Search(number)(counter.station) for number in (4, 600, 1, 77)}
    ids = {number: [each.record.entry.seq for each in found] for number, found in searched.items()}
    assert ids == {4: [4, 1], 600: [3, 2], 1: [1], 77: []}
    assert (searched[4][0].record.operation_id, searched[4][0].undoes) == (void, books.undoable(record))


async def test_what_a_close_covers_is_returned_and_what_follows_is_voided(tmp_path: Path) -> None:
    """Newest first, until nothing of it is left; found by number, amount and time of today too."""
    async with desk(tmp_path) as counter:
        old = await write(counter, draft(1200, 300))
        await write(counter, draft(700), NOON - timedelta(minutes=3))
        await books.close(counter.station)
        new = await write(counter, draft(400), NOON + timedelta(minutes=5))
        listed = await books.CanBeUndone()(counter.station)
        assert [(each.operation_id, each.undone_by) for each in listed] == [
            (new, "void"),
            (f"{TERMINAL}-000002", "return"),
            (old, "return"),
        ]
        assert [each.operation_id for each in await books.CanBeUndone(number=1205)(counter.station)] == [new]
        (found,) = await books.CanBeUndone(number=1157)(counter.station)
        assert found.operation_id == f"{TERMINAL}-000002"
        (whole,) = await books.CanBeUndone(old)(counter.station)
        assert (whole.bill, whole.gives_back(1200), whole.gives_back(400)) == (1200, 900, 300)
        await write(counter, pricing.take_back(whole, 400))
        (rest,) = await books.CanBeUndone(number=1200)(counter.station)
        assert (rest.returned, rest.bill, rest.gives_back(800)) == (400, 800, 600)
        await write(counter, pricing.take_back(rest, 800))
        assert await books.CanBeUndone(number=1200)(counter.station) == ()


async def test_a_slip_names_one_operation_by_number_and_hash(tmp_path: Path) -> None:
    """Another terminal's, or one of a journal that was restored, is not found."""
    async with desk(tmp_path) as counter:
        written = await write(counter, draft(900, 300))
        record = counter.station.journal.find(written)
        assert record is not None
        code = slip_code(qr_text(written, record.short_hash))
        assert code is not None
        (found,) = await books.OfSlip(code)(counter.station)
        assert found.record == record
        for wrong in (replace(code, short_hash="0" * 8), replace(code, operation_id=f"{written[:-1]}9")):
            assert await books.OfSlip(wrong)(counter.station) == ()


async def test_a_search_lists_only_so_many(tmp_path: Path) -> None:
    """Of many like amounts, the last."""
    async with desk(tmp_path, TestLedger(down=True)) as counter:
        for _ in range(books.FOUND + 2):
            await write(counter, draft(500), sent=False)
        found = await books.Search(500)(counter.station)
    assert [each.record.entry.seq for each in found] == [7, 6, 5, 4, 3]


# The engine -----------------------------------------------------------------------------------------------------


class Asked:
    """An engine in practice mode, and what it reports."""

    def __init__(self, home: Home) -> None:
        source = PracticeSource()
        opener = Opener(home, Settings(), source, enrol_for_practice)
        self.engine = BackgroundEngine(opener, source, Surroundings("12", practice=True))
        self.reports: queue.SimpleQueue[EngineReport] = queue.SimpleQueue()

    def wait_until_open(self) -> None:
        """Wait until the terminal is open."""
        while not isinstance(self.reports.get(timeout=60), Opened):
            pass


@contextmanager
def running(home: Home) -> Iterator[Asked]:
    """Yield an engine that is started, and stopped at the end."""
    asked = Asked(home)
    asked.engine.start(asked.reports.put)
    try:
        yield asked
    finally:
        asked.engine.stop()


def fault(answer: Future[object]) -> Fault:
    """Return why a question was not answered."""
    error = answer.exception(timeout=60)
    assert isinstance(error, Unanswerable)
    return error.fault


async def number(station: Station) -> str:
    """Return whose terminal is open."""
    return station.setup.terminal_id


async def test_a_screen_is_answered_while_the_counter_is_open(tmp_path: Path) -> None:
    """An empty day is closed on demand, and looked at, over the terminal that the counter works with."""
    with running(Home(tmp_path)) as asked:
        asked.wait_until_open()
        assert fault(asked.engine.ask(books.close)) == Fault("nothing_to_close")
        first, second = (asked.engine.ask(partial(books.close, even_if_empty=True)) for _ in range(2))
        numbers = sorted([first.result(60).report.number, second.result(60).report.number])
        assert numbers == [1, 2]
        assert asked.engine.ask(books.overview).result(60).report.number == 3
        assert asked.engine.ask(number).result(60) == "252034-0001-01"


async def test_what_goes_wrong_below_reaches_the_screen_as_a_fault(tmp_path: Path) -> None:
    """An error that is known has its sentence, a defect the general one, and neither ends the counter."""

    async def full(_station: Station) -> object:
        raise DiskFull("no room")

    async def broken(_station: Station) -> object:
        raise ZeroDivisionError

    with running(Home(tmp_path)) as asked:
        assert fault(asked.engine.ask(full)).code == "disk_full"
        assert fault(asked.engine.ask(broken)) == Fault("unexpected")
        assert asked.engine.ask(number).result(60)


async def test_no_question_is_left_without_an_answer(tmp_path: Path) -> None:
    """Where the terminal cannot be opened, and once it is closed, it says so at once."""
    closed = Home(tmp_path / "closed")
    with running(closed) as asked:
        asked.wait_until_open()
        began = asked.engine.ask(number)
    assert await asyncio.wrap_future(began)
    assert fault(asked.engine.ask(number)) == Fault("terminal_not_open")
    broken = Home(tmp_path / "broken")
    broken.create()
    broken.enrolment.write_text("{", encoding="utf-8")
    with running(broken) as asked:
        assert fault(asked.engine.ask(number)) == Fault("terminal_not_open")
