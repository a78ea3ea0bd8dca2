"""A points store on either engine, two programmes, and a shop."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger.database import open_engine
from ledger.points.periods import PeriodKeys
from ledger.points.registry import Registry
from ledger.points.schema import lots, metadata, totals
from ledger.points.store import PointsStore, Request
from ledger.points.upkeep import tidy
from ledger.wire.answers import Verdict
from ledger.wire.rules import (
    COUNTS_FOR_DAYS,
    AwardReason,
    DaysAfterAward,
    Earning,
    FiscalYearEnd,
    Name,
    Programme,
    Rate,
    Redeeming,
)
from ledger.wire.setup import Shop
from tests.ledger.points.scenes import CITY, DAY, MYKEY, SHOP, STREET, noon


class Store:
    """The parts of one store, and the rules that it works by."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.engine = open_engine(url)
        metadata.create_all(self.engine)
        self.keys = PeriodKeys(folder / "periods", self.engine)
        self.points = PointsStore(self.engine, self.keys)
        self.registry = Registry(self.engine)
        self.registry.add_programmes([city(), street()])
        self.registry.add_shop(Shop(code=SHOP, name="見本商店"))
        self.points.deposit(MYKEY, city(), date(2027, 3, 31), 300)
        self.points.deposit(MYKEY, city(), date(2028, 3, 31), 520)

    def decide(self, *requests: Request, today: date | None = None) -> list[Verdict]:
        """Apply requests in one upload, at noon of a day if one is given, and return their verdicts."""
        arriving = requests if today is None else [replace(each, arrived=noon(today)) for each in requests]
        return [outcome.verdict for outcome in self.points.apply(arriving)]

    def tidy(self, oldest: date) -> None:
        """Tidy up when no operation from before a day can come any more."""
        tidy(self.engine, self.keys, oldest + timedelta(days=COUNTS_FOR_DAYS))

    def lots(self, mykey: str = MYKEY) -> dict[tuple[str, str], int]:
        """Return a resident's lots, by programme and last day."""
        query = select(lots.c.programme, lots.c.expires_on, lots.c.points).where(lots.c.mykey == mykey)
        with self.engine.connect() as connection:
            return {(programme, last): points for programme, last, points in connection.execute(query)}

    def sums(self) -> dict[str, int]:
        """Return the points of each account, over all programmes."""
        query = select(totals.c.account, func.sum(totals.c.points)).group_by(totals.c.account)
        with self.engine.connect() as connection:
            return {str(account): int(points) for account, points in connection.execute(query) if points}

    def held(self, mykey: str = MYKEY) -> dict[str, int]:
        """Return what a resident holds, by programme."""
        return {each.programme: each.points for each in self.points.balances(mykey, SHOP, DAY) if each.points}


def city() -> Programme:
    """Return the municipality's points: redeemed at a ceiling, earned by no bill."""
    return Programme(
        code=CITY,
        name=Name(ja="長浜市ポイント", en="Nagahama"),
        version=1,
        effective_from=date(2026, 4, 1),
        deduction_order=10,
        reasons={"visit": AwardReason(name=Name(ja="来館", en="Visit"), up_to=1_000, times=1_000)},
        redeeming=Redeeming(per_day=1_000, tap_ceiling=500, tap_count=1_000, tap_sum=1_000_000),
        expiry=FiscalYearEnd(rule="fiscal_year_end", years=1),
        convert=(Rate(to=STREET, take=100, give=110, since=date(2026, 11, 1), until=date(2026, 11, 30)),),
    )


def street() -> Programme:
    """Return the street's points: one for 110 yen."""
    return Programme(
        code=STREET,
        name=Name(ja="見本商店街ポイント", en="Mihon"),
        version=1,
        effective_from=date(2026, 4, 1),
        deduction_order=20,
        earning=Earning(yen_per_point=110),
        redeeming=Redeeming(tap_ceiling=1_000, tap_count=1_000, tap_sum=1_000_000),
        expiry=DaysAfterAward(rule="days_after_award", days=365),
    )


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """Yield a store with one resident in it."""
    made = Store(database_url, tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def now() -> datetime:
    """Return a moment of the test's day."""
    return datetime(2026, 11, 23, 5, 5, tzinfo=UTC)
