"""No row ties a resident to a shop or to any single operation, its time or its amount; totals outlive the keys."""

import random
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.points.counters import seal_counts_of_0_1_0
from ledger.points.periods import LASTING
from ledger.points.schema import debts, lots, metadata, operations, usage, wallets
from ledger.points.store import Request
from ledger.wire.answers import Status
from tests.ledger.points.conftest import Store, city
from tests.ledger.points.scenes import CITY, DAY, MYKEY, SHOP, award, convert, elsewhere, give_back, sale, void

PEOPLE = [f"K7QM3V9T{number:02d}" for number in range(20)]
OF_PERSONS = {table.name for table in (wallets, lots, debts)}
NEXT_DAY = date(2026, 11, 24)

Row = dict[str, Any]


@pytest.fixture
def busy(store: Store) -> Store:
    """Return a store after a day on which people with and without a history did all that can be done."""
    chance = random.Random(7)  # noqa: S311  # the same day every time
    for mykey in PEOPLE:
        store.points.deposit(mykey, city(), date(2027, 3, 31), chance.randint(500, 1_500))
    seq = 0
    for _ in range(60):
        seq += 1
        sold = replace(sale(seq, chance.randint(300, 3_000), city=chance.randint(1, 300)), mykey=chance.choice(PEOPLE))
        done: list[Request] = [sold]
        if chance.random() < 0.2:
            done.append(void(seq + 1, seq))
        elif chance.random() < 0.2:
            done.append(give_back(seq + 1, seq, 100))
        seq += len(done) - 1
        store.decide(*done)
    store.decide(
        replace(award(501, 37), mykey=PEOPLE[0]),
        replace(convert(502, 100, 110), mykey=PEOPLE[1]),
        elsewhere(sale(503, 900), refusal="card_revoked", mykey=PEOPLE[2]),
        replace(sale(504, 9_000, city=5_000, pin=True), mykey=PEOPLE[3]),
    )
    return store


def dump(store: Store) -> dict[str, list[Row]]:
    """Return every row of every table."""
    with store.engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in metadata.sorted_tables
        }


def names(row: Row, mykey: str) -> bool:
    """Return whether a row has a MyKey ID anywhere, as text or in bytes."""
    return any(mykey in str(cell) or mykey.encode() in bytes(str(cell), "utf-8") for cell in row.values()) or any(
        mykey.encode() in cell for cell in row.values() if isinstance(cell, bytes)
    )


def test_a_mykey_id_stands_only_beside_points(busy: Store) -> None:
    """The tables that name somebody have no column for a shop, an operation or a time, and the others name nobody."""
    for table, rows in dump(busy).items():
        if table in OF_PERSONS:
            columns = set(metadata.tables[table].c.keys())
            assert columns <= {
                "municipality",
                "mykey",
                "programme",
                "charge",
                "expires_on",
                "counter",
                "period",
                "points",
            }
        else:
            assert not any(names(row, mykey) for row in rows for mykey in PEOPLE), table


def test_no_value_of_a_person_leads_to_one_operation(busy: Store) -> None:
    """What stands both beside a MyKey ID and in the rows of operations stands in many of them."""
    rows = dump(busy)
    of_persons = {cell for table in OF_PERSONS for row in rows[table] for cell in row.values()}
    of_operations = Counter(cell for row in rows[operations.name] for cell in row.values() if cell is not None)
    shared = {cell: of_operations[cell] for cell in of_persons & of_operations.keys()}
    assert set(shared) == {"252034"}
    assert min(shared.values()) == len(rows[operations.name])


def test_no_amount_of_a_person_leads_to_a_shop_once_the_day_is_over(busy: Store) -> None:
    """Claims are sums of a day by then, and the counters of limits are gone."""
    busy.tidy(NEXT_DAY)
    rows = dump(busy)
    claims = {row["points"] for row in rows["totals"] if row["shop"]}
    assert len(claims) == 1
    assert not claims & {row["points"] for row in rows["lots"]}
    assert {row["period"] for row in rows["counters"]} <= {LASTING}
    assert rows["gauges"] == [row for row in rows["gauges"] if row["day"] == "always"]


def test_what_is_sealed_shows_nothing_by_its_length(busy: Store) -> None:
    """All are padded alike, whatever the amounts, and the refused ones have nothing to seal."""
    sealed = [row["sealed"] for row in dump(busy)[operations.name] if row["status"] == Status.ACCEPTED]
    assert len({len(each) for each in sealed}) == 1
    assert len(set(sealed)) == len(sealed)
    assert all(row["sealed"] is None for row in dump(busy)[operations.name] if row["status"] == Status.REFUSED)


def test_shredding_leaves_totals_without_people(busy: Store) -> None:
    """Verdicts stand, sums stay, and nobody can be found or refunded any more."""
    asked = replace(sale(601, 1_100, city=100), mykey=PEOPLE[0])
    (before,) = busy.decide(asked)
    sums = busy.sums()
    assert busy.keys.shred("2026-12") == ["2026-11"]
    assert busy.sums() == sums
    assert sum(sums.values()) == 0
    assert sums["held"] == sum(row["points"] for row in dump(busy)["lots"])
    assert busy.decide(asked) == [before]
    found = busy.points.verdict(asked.operation_id)
    assert found is not None
    assert (found.status, found.redeemed) == (Status.ACCEPTED, 0)
    refused = busy.decide(give_back(602, 601, 100), void(603, 601))
    assert {verdict.code for verdict in refused} == {"target_forgotten"}


def test_what_was_returned_outlives_the_person(busy: Store) -> None:
    """Yen and points of a return are the same for ever, also once nobody can say whose they were."""
    asked = replace(sale(601, 1_100, city=100), mykey=PEOPLE[0])
    back = give_back(602, 601, 300)
    _, before = busy.decide(asked, back)
    assert before.redeemed < 0
    assert before.amount_due == -300 - before.redeemed
    busy.keys.shred("2026-12")
    assert busy.decide(back) == [before]
    assert busy.points.verdict(back.operation_id) == before
    assert not any(names(row, PEOPLE[0]) for row in dump(busy)[operations.name])


def test_the_terminals_of_a_shop_share_a_sum(busy: Store) -> None:
    """No row of the totals is one terminal's: two that sold once each are one sum."""
    busy.decide(replace(sale(701, 1_000, city=10), mykey=PEOPLE[0]))
    other = replace(sale(702, 1_000, city=10), terminal_id=f"{SHOP}-02", operation_id=f"{SHOP}-02-000001")
    busy.decide(replace(other, mykey=PEOPLE[1]))
    claims = [row for row in dump(busy)["totals"] if row["shop"] == SHOP and row["account"] == "claim"]
    assert len({row["part"] for row in claims}) == 1


def test_rows_of_persons_keep_no_order_of_insertion(tmp_path: Path) -> None:
    """On SQLite they have no row number: the order of rows would be that of operations."""
    Store(f"sqlite:///{tmp_path / 'points.db'}", tmp_path).engine.dispose()
    with sqlite3.connect(tmp_path / "points.db") as connection:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        without = {name for name, sql in connection.execute(query) if sql.rstrip().endswith("WITHOUT ROWID")}
    connection.close()
    set_aside = {"reserved", "reservation_links", "pack_slots"}
    assert OF_PERSONS | set_aside | {"totals", "counters", "usage", "award_rows", "suspended"} == without


def test_what_an_earlier_release_counted_in_plain_is_sealed(store: Store) -> None:
    """A limit goes on where it stood, and nobody can read any more where that is."""
    plain = [
        {"programme": CITY, "counter": "redeemed", "period": DAY.isoformat(), "points": 900},
        {"programme": CITY, "counter": "uses", "period": DAY.isoformat(), "points": 1},
    ]
    with store.engine.begin() as connection:
        for row in plain:
            connection.execute(usage.insert(), {"municipality": CITY, "mykey": MYKEY, **row})
    for _ in range(2):
        seal_counts_of_0_1_0(store.engine, store.keys)
    assert dump(store)["usage"] == []
    assert [balance.redeemable for balance in store.points.balances(MYKEY, SHOP, DAY)] == [100]
