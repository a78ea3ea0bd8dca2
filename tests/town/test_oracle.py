"""A person's limit for a day, held by an account of its own: whatever arrives in whatever order, nobody gets more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from config.japan import JST
from ledger.database import open_engine
from ledger.points.operations import Request
from ledger.points.periods import PeriodKeys
from ledger.points.registry import Registry
from ledger.points.schema import metadata
from ledger.points.store import PointsStore
from ledger.points.upkeep import tidy
from ledger.wire.answers import Verdict
from ledger.wire.days import business_day, earliest_running
from ledger.wire.operations import Leg, Sale, TapOnly, Void
from tests.town.clocks import zone
from tests.town.setting import NORTH, PROGRAMMES, SHOPS, SOUTH
from tests.town.simulation import MEMORY

PER_DAY = {NORTH: 500, SOUTH: 400}
PEOPLE = ("K7QM3V9T-0", "K7QM3V9T-1")
FIRST = date(2026, 12, 29)
"""The days that are played are around a turn of the year, and of a month."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Somebody pays with points: when, at whose till, in which zone that stands, and how much later it arrives.

    `off` is how many days the till's clock is off. Where `undone`, a void follows.
    """

    who: int
    shop: int
    programme: str
    points: int
    minute: int
    zone: int
    off: int
    delay: int
    undone: bool


DEEDS = st.lists(
    st.builds(
        Deed,
        who=st.integers(0, 1),
        shop=st.integers(0, 2),
        programme=st.sampled_from((NORTH, SOUTH)),
        points=st.integers(1, 200),
        minute=st.one_of(
            st.integers(0, 4 * 1440),
            st.integers(1, 3).map(lambda day: day * 1440 - 1),
            st.integers(1, 3).map(lambda day: day * 1440 + 1),
            st.integers(1, 3).map(lambda day: day * 1440 + 300),
        ),
        zone=st.sampled_from((9, 0, -5, 14)),
        off=st.sampled_from((0, 0, 0, 0, -1, 1, -3, 3, -30)),
        delay=st.sampled_from((0, 0, 1, 30, 1440, 3 * 1440, 8 * 1440)),
        undone=st.booleans(),
    ),
    min_size=8,
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(deeds=DEEDS, tidied=st.lists(st.integers(0, 12 * 1440), max_size=6), restarted=st.integers(1, 9))
def test_nobody_redeems_more_in_a_day_than_a_day_allows(deeds: list[Deed], tidied: list[int], restarted: int) -> None:
    """Any arrival order, zone, midnight, tidying and restart: a person's sum on a business day is within the limit."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        engine = open_engine(f"sqlite:///{folder}/points.db")
        try:
            _play(engine, Path(folder), deeds, tidied, restarted)
        finally:
            engine.dispose()


def _play(engine: Engine, folder: Path, deeds: list[Deed], tidied: list[int], restarted: int) -> None:
    metadata.create_all(engine)
    Registry(engine).add_programmes(PROGRAMMES.values())
    keys = PeriodKeys(folder, engine)
    points = PointsStore(engine, keys)
    for who in PEOPLE:
        for code in PER_DAY:
            points.deposit(who, PROGRAMMES[code], None if code == NORTH else date(2027, 12, 1), 100_000)
    redeemed: Counter[tuple[int, str, str]] = Counter()
    arrivals = sorted(
        [(deed.minute + deed.delay, number, deed) for number, deed in enumerate(deeds)]
        + [(minute, len(deeds) + number, None) for number, minute in enumerate(tidied)],
        key=lambda each: each[:2],
    )
    for turn, (minute, number, deed) in enumerate(arrivals):
        now = _moment(minute)
        if turn % restarted == 0:
            keys = PeriodKeys(folder, engine)
            points = PointsStore(engine, keys)
        if deed is None:
            tidy(engine, keys, earliest_running(now))
            continue
        verdict = _decided(points, _sale(number, deed, now))
        assert verdict.day == _counts_on(deed, now)
        key = (deed.who, deed.programme, verdict.day)
        redeemed[key] += verdict.redeemed
        assert redeemed[key] <= PER_DAY[deed.programme], f"{key}: {redeemed[key]} points"
        if deed.undone and _decided(points, _void(number, deed, now)).code is None:
            redeemed[key] -= verdict.redeemed


def _decided(points: PointsStore, request: Request) -> Verdict:
    return points.apply([request])[0].verdict


def _counts_on(deed: Deed, now: datetime) -> str:
    """Return the day on which a deed counts, reckoned by hand."""
    stated, today = _day(_clock(deed), deed.shop), _day(now, deed.shop)
    if stated > _day(now + timedelta(minutes=5), deed.shop) or stated < today - timedelta(days=7):
        return today.isoformat()
    return stated.isoformat()


def _moment(minute: int) -> datetime:
    return datetime.combine(FIRST, time(), JST) + timedelta(minutes=minute)


def _clock(deed: Deed) -> datetime:
    """Return what the till's clock showed."""
    return (_moment(deed.minute) + timedelta(days=deed.off)).astimezone(zone(deed.zone))


def _day(at: datetime, shop: int) -> date:
    local = at.astimezone(JST)
    return local.date() - timedelta(days=1 if local.hour < SHOPS[shop].day_starts_at else 0)


def _sale(number: int, deed: Deed, now: datetime) -> Request:
    content = Sale(
        kind="sale",
        municipality=deed.programme,
        resident="AAAA",
        bill=1_000,
        redeem=[Leg(programme=deed.programme, points=deed.points)],
        amount_due=1_000 - deed.points,
        rules={deed.programme: 1},
        assurance=TapOnly(method="tap"),
    )
    return _request(2 * number + 1, deed, now, content, PEOPLE[deed.who])


def _void(number: int, deed: Deed, now: datetime) -> Request:
    target = _id(2 * number + 1, deed)
    content = Void(kind="void", municipality=deed.programme, target=target)
    return _request(2 * number + 2, deed, now, content, None)


def _id(seq: int, deed: Deed) -> str:
    return f"{SHOPS[deed.shop].code}-01-{seq:06d}"


def _request(seq: int, deed: Deed, now: datetime, content: Sale | Void, mykey: str | None) -> Request:
    shop = SHOPS[deed.shop]
    return Request(
        operation_id=_id(seq, deed),
        terminal_id=f"{shop.code}-01",
        shop=shop.code,
        business_date=business_day(_clock(deed), shop.day_starts_at).isoformat(),
        content=content,
        content_hash=f"{seq:064x}",
        mykey=mykey,
        pin_verified=True,
        arrived=now,
        day_starts_at=shop.day_starts_at,
    )
