"""Awards of a file: all or nobody, once, by the rules of a wallet, and beside the sales of the same minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from ledger.points import grants
from ledger.points.grants import Gift, grant
from ledger.points.reports import count
from ledger.points.schema import audit
from ledger.wire.answers import Status
from ledger.wire.rules import DaysAfterUse
from tests.ledger.points.conftest import Store, city, street
from tests.ledger.points.scenes import CITY, DAY, MYKEY, STREET, give_back, sale, stamped


def note(entry: str = "e1") -> dict[str, Any]:
    """Return the audit's entry for a file."""
    return {"municipality": CITY, "entry": entry, "at": "", "who": "", "action": "award", "detail": ""}


def entries(store: Store) -> int:
    """Return how many entries the audit has."""
    with store.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(audit)).scalar_one()


def test_everybody_gets_their_points_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many go into one statement; the same file again changes nothing."""
    monkeypatch.setattr(grants, "_PEOPLE", 2)
    gifts = [Gift(city(), {MYKEY: 5, "AAAA000001": 7, "AAAA000002": 8}), Gift(street(), {"AAAA000001": 9})]
    assert [grant(store.engine, gifts, DAY, note()) for _ in range(2)] == [True, False]
    assert store.held() == {CITY: 825}
    assert (store.held("AAAA000001"), store.held("AAAA000002")) == ({CITY: 7, STREET: 9}, {CITY: 8})
    assert all(each.agree for each in count(store.engine, CITY))
    assert entries(store) == 1


def test_a_failure_on_the_way_gives_nobody_anything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third resident's turn fails: the first two have nothing, and the file may come again."""

    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(grants, "write_totals", fails)
        with pytest.raises(OSError, match="full"):
            grant(store.engine, [Gift(city(), {MYKEY: 5, "AAAA000001": 7})], DAY, note())
    assert (store.held(), store.held("AAAA000001"), entries(store)) == ({CITY: 820}, {}, 0)
    assert grant(store.engine, [Gift(city(), {MYKEY: 5})], DAY, note())


def test_what_is_owed_is_paid_first(store: Store) -> None:
    """Somebody who returned goods after spending their points gets what remains."""
    lender = street().model_copy(update={"version": 2, "overdraft": True, "effective_from": DAY})
    store.registry.add_programmes([lender])
    earn, spend = (stamped(each, 2) for each in (sale(1, 11_000), sale(2, 100, street=100, award=0)))
    assert [each.status for each in store.decide(earn, spend, give_back(3, 1, 11_000))] == [Status.ACCEPTED] * 3
    assert store.held()[STREET] == -100
    grant(store.engine, [Gift(lender, {MYKEY: 130})], DAY, note())
    assert store.held()[STREET] == 30
    assert all(each.agree for each in count(store.engine, CITY))


def test_an_award_does_not_revive_what_lapsed_by_not_being_used(store: Store) -> None:
    """Points that lapse thirty days after the last use stay lapsed, and the new ones have their own thirty days."""
    rule = DaysAfterUse(rule="days_after_use", days=30)
    programme = city().model_copy(update={"code": "252034-TSUKAU", "convert": (), "expiry": rule})
    store.registry.add_programmes([programme])
    grant(store.engine, [Gift(programme, {MYKEY: 50})], date(2026, 10, 1), note("e1"))
    grant(store.engine, [Gift(programme, {MYKEY: 20})], DAY, note("e2"))
    assert store.held()["252034-TSUKAU"] == 20
    (found,) = (each for each in count(store.engine, CITY) if each.programme == "252034-TSUKAU")
    assert (found.issued, found.held, found.lapsed, found.agree) == (70, 20, 50, True)


def test_two_who_send_one_file_at_once_send_it_once(store: Store) -> None:
    """Two shells, one file, while sales go on: it counts once, and nothing is lost."""
    gifts = [Gift(city(), {MYKEY: 5} | {f"AAAA{number:06d}": 1 for number in range(50)})]
    with ThreadPoolExecutor(4) as pool:
        files = [pool.submit(grant, store.engine, gifts, DAY, note()) for _ in range(2)]
        sales = [pool.submit(store.decide, sale(seq, 300, city=10)) for seq in range(1, 7)]
        assert sorted(each.result() for each in files) == [False, True]
        assert {each.result()[0].status for each in sales} == {Status.ACCEPTED}
    assert store.held()[CITY] == 820 + 5 - 60
    assert all(each.agree for each in count(store.engine, CITY))
