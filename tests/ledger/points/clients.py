"""A points store with several clients, and all that can be seen of it in its tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select

from ledger.database import open_engine, reading
from ledger.points.operations import Account
from ledger.points.periods import PeriodKeys
from ledger.points.registry import Registry
from ledger.points.schema import counters, debts, lots, metadata, operations, totals, wallets
from ledger.points.store import PointsStore
from ledger.wire.rules import (
    AwardReason,
    DaysAfterAward,
    DaysAfterUse,
    Earning,
    Name,
    Programme,
    Rate,
    Redeeming,
    Returning,
)
from ledger.wire.setup import Shop
from tests.ledger.points.model import CITY_A_DAY, DAYS, EXTENDED, YEN_PER_POINT, Model
from tests.ledger.points.scenes import CITY, STREET

SHOPS = ("252034-0001", "252034-0002")
CLIENTS = 3


def programmes() -> list[Programme]:
    """Return the rules by which the model works, as the store reads them."""
    start, no_ceiling = date(2026, 4, 1), 1_000_000
    city = Programme(
        code=CITY,
        name=Name(ja="長浜市ポイント", en="Nagahama"),
        version=1,
        effective_from=start,
        deduction_order=10,
        earning=Earning(yen_per_point=YEN_PER_POINT[CITY]),
        reasons={"visit": AwardReason(name=Name(ja="来館", en="Visit"), up_to=1_000, times=1_000)},
        redeeming=Redeeming(per_day=CITY_A_DAY, tap_ceiling=no_ceiling, tap_count=no_ceiling),
        expiry=DaysAfterUse(rule="days_after_use", days=DAYS[CITY]),
        convert=(Rate(to=STREET, take=10, give=11, since=start),),
    )
    street = Programme(
        code=STREET,
        name=Name(ja="見本商店街ポイント", en="Mihon"),
        version=1,
        effective_from=start,
        deduction_order=20,
        earning=Earning(yen_per_point=YEN_PER_POINT[STREET]),
        redeeming=Redeeming(tap_ceiling=no_ceiling, tap_count=no_ceiling),
        expiry=DaysAfterAward(rule="days_after_award", days=DAYS[STREET]),
        returning=Returning(lapsed="extend", days=EXTENDED),
        overdraft=True,
    )
    return [city, street]


class Seen(NamedTuple):
    """What a store's tables say: who is known, lots and debts by resident, totals by account, programme, shop, day."""

    people: set[str]
    lots: dict[Any, int]
    debts: dict[Any, int]
    totals: dict[Any, int]

    def is_like(self, model: Model, today: str) -> bool:
        """Return whether lots, debts and claims are a model's; a lot that lapsed may wait for somebody to tidy up."""
        model = model.copy()
        model.lapse(today)
        live = {lot: points for lot, points in self.lots.items() if model.last_day(lot) >= today}
        claims = {
            tuple(key): points for (account, *key), points in self.totals.items() if account == Account.CLAIM and points
        }
        return (live, self.debts, claims) == (model.lots, model.debts, model.claims)

    def of(self, programme: str, *accounts: Account) -> int:
        """Return the points of a programme in some accounts, over all shops and days."""
        return sum(points for key, points in self.totals.items() if key[0] in accounts and key[1] == programme)


class Ledger:
    """One points store, and clients of it that share nothing but database and keys, as server processes do."""

    def __init__(self, url: str, folder: Path) -> None:
        self.engines = [open_engine(url) for _ in range(CLIENTS)]
        metadata.create_all(self.engines[0])
        self.keys = PeriodKeys(folder / "periods", self.engines[0])
        self.clients = [PointsStore(engine, PeriodKeys(folder / "periods", engine)) for engine in self.engines]
        registry = Registry(self.engines[0])
        registry.add_programmes(programmes())
        for shop in SHOPS:
            registry.add_shop(Shop(code=shop, name="見本商店"))

    def empty(self) -> None:
        """Forget all residents and operations."""
        with self.engines[0].begin() as connection:
            for table in (operations, totals, counters, debts, lots, wallets):
                connection.execute(delete(table))

    def seen(self) -> Seen:
        """Return what is in the tables now."""
        by = [totals.c[name] for name in ("account", "programme", "shop", "business_date")]
        with reading(self.engines[0]) as connection:
            return Seen(
                people=set(connection.scalars(select(wallets.c.mykey))),
                lots=_by_key(connection, lots.c.mykey, lots.c.programme, lots.c.expires_on, lots.c.points),
                debts=_by_key(connection, debts.c.mykey, debts.c.programme, debts.c.points),
                totals=_by_key(connection, *by, func.sum(totals.c.points), by=by),
            )

    def close(self) -> None:
        """Let go of all connections."""
        for engine in self.engines:
            engine.dispose()


def _by_key(connection: Connection, *columns: Any, by: Sequence[Any] = ()) -> dict[Any, int]:
    """Return the last column's numbers by the columns before it."""
    return {tuple(key): int(points) for *key, points in connection.execute(select(*columns).group_by(*by))}
