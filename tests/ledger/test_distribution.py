"""What Citus needs: keys that begin with the municipality, statements that name it, transactions that touch one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint, event

from ledger.api import schema as api
from ledger.api.approvals import waiting
from ledger.api.audit import Audit
from ledger.api.desk import OfficeDesk, Officer
from ledger.api.replay import Replays
from ledger.api.state import Ledger
from ledger.api.webhook import deliver, remove_webhook, set_webhook, webhook_of
from ledger.points import schema as points
from ledger.points.counters import seal_counts_of_0_1_0
from ledger.points.events import EventKind, Events
from ledger.points.grants import Gift, grant, take_back
from ledger.points.packs import PackAsked, Packs
from ledger.points.reports import claims, count, holdings, losses_of
from ledger.points.upkeep import tidy
from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import CardSigned, Leg, Reserve, Sale
from ledger.wire.pack import PackRecord
from ledger.wire.rules import Floor, Offline, Usable
from tests.ledger.points.conftest import Store, city
from tests.ledger.points.scenes import (
    CITY,
    DAY,
    MYKEY,
    SHOP,
    TERMINAL,
    award,
    convert,
    give_back,
    operation_id,
    request,
    sale,
    void,
)

TABLES = {table.name: table for metadata in (points.metadata, api.metadata) for table in metadata.sorted_tables}
PAGE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
DISTRIBUTED = dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", PAGE))
REFERENCE = set(re.findall(r"create_reference_table\('(\w+)'\)", PAGE))
NEIGHBOUR = "131164"
NOW = datetime(2026, 11, 23, 5, 5, tzinfo=UTC)


def test_the_page_says_of_every_table_where_it_lies() -> None:
    """Distributed by municipality, or a reference table, and none of both."""
    assert DISTRIBUTED.keys() | REFERENCE == TABLES.keys()
    assert not DISTRIBUTED.keys() & REFERENCE
    assert set(DISTRIBUTED.values()) == {"municipality"}


@pytest.mark.parametrize("name", sorted(DISTRIBUTED))
def test_every_key_of_a_distributed_table_begins_with_the_municipality(name: str) -> None:
    """Primary, unique and foreign keys, and indexes: a node can keep and check them by itself."""
    for key in keys(TABLES[name]):
        assert key[0] == "municipality", key


@pytest.mark.parametrize("name", sorted(DISTRIBUTED))
def test_a_foreign_key_stays_in_its_municipality(name: str) -> None:
    """What it refers to lies on the same node."""
    for constraint in TABLES[name].foreign_key_constraints:
        assert constraint.elements[0].column.name == "municipality"
        assert constraint.referred_table.name in DISTRIBUTED


def keys(table: Table) -> list[list[str]]:
    """Return the columns of each key and index of a table."""
    kinds = (PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint)
    found: list[Any] = [each for each in table.constraints if isinstance(each, kinds)]
    indexes: list[Index] = sorted(table.indexes, key=lambda index: str(index.name))
    return [[column.name for column in each.columns] for each in (*found, *indexes)]


@dataclass
class Wire:
    """Every statement that was sent, with the municipalities that its values name, by transaction."""

    transactions: list[list[tuple[str, set[str]]]] = field(default_factory=list)

    def begin(self, *_: Any) -> None:
        """Note that a transaction begins."""
        self.transactions.append([])

    def execute(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        """Note a statement."""
        self.transactions[-1].append((statement, set(municipalities_in(parameters))))


def municipalities_in(parameters: Any) -> Iterator[str]:
    """Yield the municipalities that a statement's parameters name."""
    for row in parameters if isinstance(parameters, list) else [parameters]:
        yield from (value for name, value in row.items() if name.startswith("municipality"))


def tables_in(statement: str) -> set[str]:
    """Return the distributed tables that a statement works on."""
    return set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE) (\w+)", statement)) & DISTRIBUTED.keys()


def names_municipality(statement: str, table: str) -> bool:
    """Return whether a statement says which municipality's rows of a table it means."""
    return bool(
        re.search(rf"INSERT INTO {table} \(municipality,", statement)
        or re.search(rf"\b{table}\.municipality (=|IN) ", statement)
    )


FLOOR = Floor(per_operation=100, per_card_day=100, per_terminal_day=100)


@pytest.fixture
def wire(postgres_url: str, tmp_path: Path) -> Wire:
    """Return what all that a points store can be asked for sends to PostgreSQL."""
    store = Store(postgres_url, tmp_path)
    api.metadata.create_all(store.engine)
    heard = Wire()
    event.listen(store.engine, "begin", heard.begin)
    event.listen(store.engine, "before_cursor_execute", heard.execute)
    administer(store)
    trade(store)
    set_aside(store)
    tidy(store.engine, store.keys, DAY + timedelta(days=500))
    seal_counts_of_0_1_0(store.engine, store.keys)
    store.points.erase(MYKEY, DAY)
    store.engine.dispose()
    return heard


def administer(store: Store) -> None:
    """Do what an office and a new terminal do."""
    accepted = city().model_copy(update={"code": NEIGHBOUR, "convert": (), "usable": Usable(also_in=(CITY,))})
    store.registry.add_programmes([city(), accepted])
    store.points.deposit(MYKEY, accepted, date(2027, 3, 31), 400)
    code = store.registry.new_enrolment_code(SHOP, NOW)
    key = Ed25519PrivateKey.generate().public_key()
    assert store.registry.redeem_enrolment_code(code, key, NOW) is not None
    assert store.registry.advance_head(TERMINAL, 1, "1" * 64)
    assert Replays(store.engine).is_new(TERMINAL, "n" * 16, NOW, NOW)
    events = Events(store.engine)
    for _ in range(2):
        events.note(EventKind.WRONG_PROOF, TERMINAL, NOW)
    assert [each.times for each in events.since(CITY, DAY)] == [2]
    desk, officer = OfficeDesk(store.engine), Officer(CITY, "office")
    assert desk.officer(desk.new_token(officer, DAY), DAY) == officer
    audit = Audit(store.engine, store.keys, b"s" * 32)
    store.registry.set_service(CITY, "library", [SHOP])
    assert store.registry.services_at(SHOP) == {"library"}
    assert store.registry.services(CITY) == [("library", SHOP)]
    with audit.act(officer, "stop", {}, NOW, MYKEY, municipalities=[NEIGHBOUR]):
        assert audit.deliver(CITY) == 0
    assert (len(audit.acts(CITY)), len(audit.acts(NEIGHBOUR))) == (2, 2)
    # Of a ledger the webhook needs its books, its clock and what was noticed.
    around = SimpleNamespace(books=store.engine, clock=lambda: NOW, registry=store.registry, events=events)
    ledger = cast("Ledger", around)
    set_webhook(ledger, CITY, "https://town.example.jp/events", lambda _host, _port: ["93.184.216.34"])
    assert deliver(ledger) == 0
    assert webhook_of(ledger, CITY) is not None
    remove_webhook(ledger, CITY)
    store.points.suspend(MYKEY, CITY, suspended=True)
    store.points.suspend(MYKEY, CITY, suspended=False)
    gifts = [Gift("row1", MYKEY, CITY, 5), Gift("row2", "K7QM3V9TXX", CITY, 5)]
    given, back = audit.entry(officer, "award", {}, NOW), audit.entry(officer, "reverse", {}, NOW)
    assert grant(store.engine, store.keys, CITY, {CITY: city()}, gifts, DAY, given).rows == 2
    assert len(take_back(store.engine, store.keys, CITY, {CITY: city()}, gifts[1:], DAY, back)) == 1
    assert waiting(store.engine, CITY) == []


def set_aside(store: Store) -> None:
    """Set points aside at a terminal, make its packs, and end what is left."""
    offline = {"version": 2, "effective_from": date(2026, 5, 1), "offline": Offline(redeem=True, floor=FLOOR)}
    store.registry.add_programmes([city().model_copy(update=offline)])
    store.points.deposit(MYKEY, city(), date(2027, 3, 31), 300)
    legs = [Leg(programme=CITY, points=50)]
    signed = CardSigned(method="pin")
    asked = Reserve(kind="reserve", municipality=CITY, resident="AAAA", points=legs, rules={CITY: 2}, assurance=signed)
    reserved = request(30, asked, pin=True)
    assert store.decide(reserved)[0].status is Status.ACCEPTED
    (held,) = store.points.held_at(TERMINAL, DAY)
    store.points.learn(TERMINAL, {held.handle: (held.municipalities, b"key")})
    assert store.points.links(TERMINAL, CITY, [held.handle])[held.handle].keys == (b"key",)
    record = PackRecord(bytes.fromhex(held.handle), b"h" * 32, b"", "ja", held.holdings)
    packs, signing = Packs(store.engine, store.keys), Ed25519PrivateKey.generate()
    for records in ({b"s" * 32: record}, {}):
        packs.make(PackAsked(TERMINAL, 30, None, NOW), records, [CITY], signing)
    sold = sale(31, 60, city=60, award=0, pin=True)
    assert isinstance(sold.content, Sale)
    offline_sale = sold.content.model_copy(update={"rules": {CITY: 2}})
    verdict = store.decide(replace(sold, content=offline_sale, reservation=held.handle))[0]
    assert (verdict.status, verdict.redeemed) == (Status.ACCEPTED, 60)
    assert store.decide(replace(reserved, operation_id=operation_id(32), content_hash="f" * 64))
    assert store.points.end_reservations(TERMINAL, DAY) == {CITY: 50}
    assert all(each.agree for each in count(store.engine, CITY))


def trade(store: Store) -> None:
    """Do one operation of each kind, some at once, and ask for what came of them."""
    content = sale(9, 900, city=100).content
    assert isinstance(content, Sale)
    visiting = content.model_copy(
        update={
            "municipality": NEIGHBOUR,
            "redeem": [Leg(programme=NEIGHBOUR, points=100)],
            "award": [],
            "rules": {NEIGHBOUR: 1},
        }
    )
    verdicts = store.decide(
        sale(1, 900, city=120), award(2, 30), convert(3, 100, 110), sale(4, 400, city=10), void(5, 4), void(6, 7)
    )
    verdicts += store.decide(give_back(8, 1, 300), request(9, visiting), today=DAY)
    assert {each.status for each in verdicts} == {Status.ACCEPTED}
    lost = verdicts[0].model_copy(update={"operation_id": operation_id(20), "redeemed": 120})
    again = replace(sale(20, 900, city=120), proven=lost, mykey="K7QM3V9TXZ")
    assert store.decide(again) == [lost]
    assert losses_of(store.engine, CITY)
    for seq in (1, 9):
        assert store.points.verdict(operation_id(seq)) is not None
    assert len(store.points.balances(MYKEY, SHOP, DAY)) == 3
    assert count(store.engine, CITY)
    assert claims(store.engine, SHOP, DAY, DAY)
    assert holdings(store.engine, MYKEY)
    again = sale(10, 9_000, city=5_000, pin=True)
    lost = Verdict(operation_id=again.operation_id, status=Status.ACCEPTED, redeemed=5_000)
    assert store.decide(replace(again, proven=lost)) == [lost]
    assert losses_of(store.engine, CITY)


def test_every_statement_names_the_municipality(wire: Wire) -> None:
    """So that Citus sends it to one node; what was asked for used every distributed table."""
    used: set[str] = set()
    for statement, _ in (each for transaction in wire.transactions for each in transaction):
        used |= tables_in(statement)
        assert all(names_municipality(statement, table) for table in tables_in(statement)), statement
    assert used == DISTRIBUTED.keys()


def test_a_transaction_that_writes_touches_one_municipality(wire: Wire) -> None:
    """No operation needs a commit on two nodes."""
    writing = [each for each in wire.transactions if any(writes(statement) for statement, _ in each)]
    assert len(writing) > 15
    for transaction in writing:
        municipalities: set[str] = set()
        for _, named in transaction:
            municipalities |= named
        assert len(municipalities) == 1, transaction


def writes(statement: str) -> bool:
    """Return whether a statement changes or locks rows of a distributed table."""
    return bool(tables_in(statement)) and bool(re.match("INSERT|UPDATE|DELETE", statement) or "FOR UPDATE" in statement)
