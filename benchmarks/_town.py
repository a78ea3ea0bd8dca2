"""A town full of residents with points of three programmes, put into a points store in bulk; and their shopping."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import islice, product
from typing import Any, Final

from sqlalchemy import Engine

from config.japan import JST
from ledger.points.bulk import add
from ledger.points.registry import Registry
from ledger.points.schema import lots, wallets
from ledger.points.store import Request
from ledger.wire.operations import Leg, Sale, TapOnly
from ledger.wire.rules import DaysAfterAward, Earning, FiscalYearEnd, Name, Programme, Redeeming

DAY: Final = date(2026, 11, 23)

PRODUCTION: Final = (
    "shared_buffers = 512MB",
    "max_wal_size = 4GB",
    "random_page_cost = 1.1",  # an SSD
)
"""PostgreSQL's settings on a small server; what concerns durability stays as it comes: commits wait for their fsync."""

_NAME: Final = Name(ja="見本ポイント", en="Sample")
_CHUNK: Final = 10_000


def programmes(municipality: str) -> list[Programme]:
    """Return a town's own points, with a limit for the day, and those of two of its streets."""
    city = Programme(
        code=municipality,
        name=_NAME,
        version=1,
        effective_from=date(2026, 4, 1),
        deduction_order=10,
        redeeming=Redeeming(per_day=1_000_000, tap_ceiling=1_000),
        expiry=FiscalYearEnd(rule="fiscal_year_end", years=1),
    )
    east = Programme(
        code=f"{municipality}-EAST",
        name=_NAME,
        version=1,
        effective_from=date(2026, 4, 1),
        deduction_order=20,
        earning=Earning(yen_per_point=110),
        redeeming=Redeeming(tap_ceiling=1_000),
        expiry=DaysAfterAward(rule="days_after_award", days=365),
    )
    return [city, east, east.model_copy(update={"code": f"{municipality}-WEST", "deduction_order": 30})]


def settle(engine: Engine, municipality: str, residents: int) -> None:
    """Let so many people have points of a town's three programmes."""
    Registry(engine).add_programmes(programmes(municipality))
    people = [resident(number) for number in range(residents)]
    codes = [programme.code for programme in programmes(municipality)]
    held = ((mykey, code, "free", "2028-03-31", 1_000_000) for mykey, code in product(people, codes))
    for table, rows in ((wallets, ((mykey,) for mykey in people)), (lots, held)):
        for chunk in _chunks(rows):
            with engine.begin() as connection:
                add(connection, table, municipality, chunk)
    if engine.dialect.name == "postgresql":
        # The planner must know what was filled, as autovacuum would tell it soon, and `pgbench -i` does at once.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def resident(number: int) -> str:
    """Return a resident's MyKey ID."""
    return f"R{number:09d}"


def sales(municipality: str, terminal: int, residents: int) -> Iterator[Request]:
    """Yield the sales of one terminal: each to somebody of the town, who pays a part in points and earns some."""
    shop = f"{municipality}-0001"
    content = Sale(
        kind="sale",
        municipality=municipality,
        resident="A" * 300,
        bill=1_200,
        redeem=[Leg(programme=municipality, points=20)],
        award=[Leg(programme=f"{municipality}-EAST", points=1_180 // 110)],
        amount_due=1_180,
        rules={municipality: 1, f"{municipality}-EAST": 1},
        assurance=TapOnly(method="tap"),
    )
    chance = random.Random(terminal)  # noqa: S311  # the same people in every run
    seq = 0
    while seq := seq + 1:
        yield Request(
            operation_id=f"{shop}-{terminal:02d}-{seq:06d}",
            terminal_id=f"{shop}-{terminal:02d}",
            shop=shop,
            business_date=DAY.isoformat(),
            content=content.model_copy(),
            content_hash=f"{seq:064x}",
            mykey=resident(chance.randrange(residents)),
            arrived=datetime.combine(DAY, time(12), JST),
        )


def _chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk
