"""What the office reads: totals that sum and agree with the wallets, and claims exact to the point."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from sqlalchemy import update

from ledger.points.reports import ProgrammeTotals, claims, count, holdings
from ledger.points.schema import lots
from ledger.points.store import Request
from ledger.wire.setup import Shop
from tests.ledger.points.conftest import Store, city
from tests.ledger.points.scenes import (
    CITY,
    DAY,
    MYKEY,
    SHOP,
    STREET,
    award,
    convert,
    elsewhere,
    give_back,
    sale,
    void,
)

TOMORROW = date(2026, 11, 24)
OTHER = "252034-0002"


def on(asked: Request, day: date) -> Request:
    """Return a request of another business day."""
    return replace(asked, business_date=day.isoformat())


def test_claims_are_the_operations_to_the_point(store: Store) -> None:
    """What a shop is owed per programme and business day is the sum of its verdicts, voids and returns taken off."""
    store.registry.add_shop(Shop(code=OTHER, name="二号店"))
    asked = [
        award(1, 700),
        convert(2, 200, 220, pin=True),
        sale(3, 900, city=123, street=45),
        sale(4, 500, city=77),
        void(5, 4),
        award(6, 1_001),
        on(sale(7, 800, street=31), TOMORROW),
        on(give_back(8, 3, 300), TOMORROW),
        elsewhere(sale(9, 500, city=11), shop=OTHER, terminal_id=f"{OTHER}-01"),
    ]
    verdicts = store.decide(*asked, today=TOMORROW)
    owed: Counter[str] = Counter()
    for request, verdict in zip(asked, verdicts, strict=True):
        if request.shop == SHOP and request.content.__class__.__name__ in {"Sale", "Void", "Return"}:
            owed[request.business_date] += verdict.redeemed
    found = claims(store.engine, SHOP, DAY, TOMORROW)
    assert {(each.business_date, each.programme): each.points for each in found} == {
        ("2026-11-23", CITY): 123,
        ("2026-11-23", STREET): 45,
        ("2026-11-24", CITY): -11,
        ("2026-11-24", STREET): 31 - 45,
    }
    by_day: Counter[str] = Counter()
    for each in found:
        by_day[each.business_date] += each.points
    assert by_day == owed
    assert [each.points for each in claims(store.engine, OTHER, DAY, DAY)] == [11]
    assert claims(store.engine, SHOP, date(2026, 12, 1), date(2026, 12, 31)) == []


def test_points_of_another_town_are_claimed_too(store: Store) -> None:
    """A town whose points are accepted here owes the shop of this one."""
    accepted = city().model_copy(update={"code": "131164", "convert": ()})
    accepted = accepted.model_copy(update={"usable": accepted.usable.model_copy(update={"also_in": (CITY,)})})
    store.registry.add_programmes([accepted])
    store.points.deposit(MYKEY, accepted, date(2028, 3, 31), 500)
    asked = sale(1, 500, city=40)
    legs = [leg.model_copy(update={"programme": "131164"}) for leg in getattr(asked.content, "redeem", [])]
    there = {"municipality": "131164", "redeem": legs, "award": [], "rules": {"131164": 1}}
    store.decide(replace(asked, content=asked.content.model_copy(update=there)))
    assert [(each.programme, each.points) for each in claims(store.engine, SHOP, DAY, DAY)] == [("131164", 40)]


def test_totals_sum_and_agree_with_the_wallets(store: Store) -> None:
    """Issued is held, claimed, lapsed and converted, less what is owed; before and after a day's end."""
    store.decide(award(1, 700), convert(2, 200, 220, pin=True), sale(3, 900, city=123, street=45))
    assert holdings(store.engine, MYKEY) == [(CITY, 1_197), (STREET, 181)]
    assert count(store.engine, CITY) == [
        ProgrammeTotals(CITY, 1_520, 1_197, 123, 0, 200, 0, in_wallets=1_197, owed=0),
        ProgrammeTotals(STREET, 226, 181, 45, 0, 0, 0, in_wallets=181, owed=0),
    ]
    store.tidy(date(2028, 4, 1))
    assert holdings(store.engine, MYKEY) == []
    assert count(store.engine, CITY) == [
        ProgrammeTotals(CITY, 1_520, 0, 123, 1_197, 200, 0, in_wallets=0, owed=0),
        ProgrammeTotals(STREET, 226, 0, 45, 181, 0, 0, in_wallets=0, owed=0),
    ]
    assert all(each.agree for each in count(store.engine, CITY))


def test_a_point_too_many_is_seen(store: Store) -> None:
    """Somebody who writes into the database by hand is found out."""
    with store.engine.begin() as connection:
        connection.execute(update(lots).where(lots.c.expires_on == "2028-03-31").values(points=521))
    assert not all(each.agree for each in count(store.engine, CITY))
