"""Points set aside with a line, used without one, and settled when it is back: the whole way, over the real ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.home import Home
from config.settings import LedgerSettings, Settings
from ledger import practice
from ledger.wire.answers import Status
from ledger.wire.pack import read_pack
from reader.practice import PracticeSource
from reader.virtual.cards import practice_cards
from terminal.counter import facts, pricing
from terminal.counter.effects import Authorise, Commit, ReadCard
from terminal.counter.events import Authorised, CardRead, Decided, Unanswered
from terminal.counter.facts import Draft, ReserveIntent, Resident, SaleIntent
from terminal.shop import enrolment
from terminal.shop.desk import Desk
from terminal.shop.opening import Opener, Station
from terminal.shop.practice import enrol_for_practice
from tests.faults.chaos import DEADLINE, FAULTS, Fault, ReplyCut, chaos_before
from tests.faults.shop import HOLDER
from tests.served import served
from tests.terminal.counters import MUNICIPALITY

pytestmark = pytest.mark.anyio

EVERY = 173
"""Bytes between two places at which a pack is cut."""

WAITED_FOR = {"half-open", "half-open after", "delayed answer", "delayed request", "hung up", "reset before"}
"""Faults that a pack meets as any call does: those of a line alone, which the chaos of sales has tried."""

REALTIME, DAY_END = Settings(), Settings(ledger=LedgerSettings(mode="day_end"))


@pytest.fixture(autouse=True)
def _allowing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the practice town's points be set aside."""
    sample = practice._SAMPLE.read_text(encoding="utf-8")
    assert sample.count(f'code = "{MUNICIPALITY}"\n') == 1
    changed = tmp_path / "practice.toml"
    allowed = f'code = "{MUNICIPALITY}"\noffline = {{ redeem = true }}\n'
    changed.write_text(sample.replace(f'code = "{MUNICIPALITY}"\n', allowed), encoding="utf-8")
    monkeypatch.setattr(practice, "_SAMPLE", changed)


@asynccontextmanager
async def counter(home: Path, settings: Settings) -> AsyncIterator[tuple[Desk, Station]]:
    """Yield a counter with the holder's card on its reader."""
    source = PracticeSource()
    opener = Opener(Home(home), settings, source, enrol_for_practice)
    async with opener(lambda _state: None) as station:
        source.tap(HOLDER)
        yield Desk(station, lambda _online: None), station


async def tapped(desk: Desk) -> Resident:
    """Return who is there."""
    event = await desk.carry_out(ReadCard(1, SaleIntent(1)))
    assert isinstance(event, CardRead)
    return event.resident


async def signed(desk: Desk, draft: Draft) -> Decided | Unanswered:
    """Have the card sign an operation, and write it."""
    event = await desk.carry_out(Authorise(1, draft, False, bytearray(b"1234")))
    assert isinstance(event, Authorised)
    said = await desk.carry_out(Commit(1, event.draft))
    assert isinstance(said, Decided | Unanswered)
    return said


def points(resident: Resident) -> int:
    """Return what the holder has of the town's points, set aside or not."""
    return sum(held.points + held.reserved for held in resident.balances if held.programme == MUNICIPALITY)


async def test_points_go_from_a_reservation_through_a_pack_into_a_sale_and_back(tmp_path: Path) -> None:
    """300 are set aside, 200 of them used without a line, the rest is given back: 200 are gone, and no more."""
    home = tmp_path / "home"
    async with counter(home, REALTIME) as (desk, station):
        who, terms = await tapped(desk), station.terms()
        before = points(who)
        reserved = await signed(desk, pricing.reserve(ReserveIntent(300), who, terms))
        assert isinstance(reserved, Decided)
        assert reserved.receipt.verdict is not None
        assert reserved.receipt.verdict.status is Status.ACCEPTED, reserved.receipt.verdict.code
        who = await tapped(desk)
        assert points(who) == before
        assert [held.reserved for held in who.balances if held.programme == MUNICIPALITY] == [300]
    async with counter(home, DAY_END) as (desk, station):
        who = await tapped(desk)
        assert [held.redeemable for held in who.balances] == [300]
        choice = pricing.as_wished(SaleIntent(1000, 200), who, terms)
        used = await signed(desk, pricing.sale(choice, terms, online=False))
        assert isinstance(used, Unanswered)
        assert sum(held.redeemable for held in (await tapped(desk)).balances) == 100
        await station.syncer.sync()
        record = station.journal.find(used.receipt.operation_id)
        assert record is not None
        assert record.verdict is not None
        assert (record.verdict.status, record.verdict.redeemed) == (Status.ACCEPTED, 200)
        assert sum(held.redeemable for held in (await tapped(desk)).balances) == 100
    async with counter(home, REALTIME) as (desk, station):
        await tapped(desk)
        released = await desk.carry_out(Commit(1, pricing.release(terms)))
        assert isinstance(released, Decided)
        who = await tapped(desk)
        assert points(who) == before - 200
        assert not any(held.reserved for held in who.balances)
    async with counter(home, DAY_END) as (desk, station):
        assert await tapped(desk) == Resident(barred=facts.Fault("not_reserved_here"))


async def test_whatever_the_line_does_to_a_pack_the_one_that_is_held_goes_on(tmp_path: Path) -> None:
    """Cut, delayed, doubled, somebody else's, a log-in page: what is held is always one that the ledger made."""
    ledger, home = tmp_path / "ledger", Home(tmp_path / "home")
    code = practice.prepare(ledger, practice_cards())
    with served(ledger) as url, chaos_before(url) as line:
        await enrolment.enrol(home, code, line.url)
        settings = Settings(ledger=LedgerSettings().model_copy(update={"wait_seconds": 5.0}))
        source = PracticeSource()
        async with Opener(home, settings, source)(lambda _state: None) as station:
            source.tap(HOLDER)
            desk = Desk(station, lambda _online: None)
            who, terms = await tapped(desk), station.terms()
            assert isinstance(await signed(desk, pricing.reserve(ReserveIntent(300), who, terms)), Decided)
            pocket, now = station.pocket, station.clock()
            assert pocket is not None
            assert pocket.pack is not None
            held = pocket.pack
            length = len(await station.client.pack())
            station.client._timeout = DEADLINE
            faults: list[Fault] = [row.fault for name, row in FAULTS.items() if name not in WAITED_FOR]
            faults += [ReplyCut(at) for at in range(0, length, EVERY)]
            for fault in faults:
                pocket.asked_at = pocket.pack = None  # so that the whole is asked for
                line.trouble(fault, path="/v1/pack")
                await pocket.keep_fresh(station.client, now)
                line.troubled = 0
                stored = read_pack(home.pack.read_bytes(), terms.terminal_id, station.client.pinned, stored=True)
                assert stored.slots == held.slots
