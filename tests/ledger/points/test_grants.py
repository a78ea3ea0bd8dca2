"""Awards of a file: all or nobody, once, by the rules of a wallet, and beside the sales of the same minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count as numbers

import pytest
from sqlalchemy import func, select

from ledger.points import grants
from ledger.points.grants import (
    ApprovalNeeded,
    Gift,
    GrantedRows,
    ReasonUsedUp,
    day_sums,
    grant,
    paid_on,
    take_back,
    used_up,
)
from ledger.points.reports import count
from ledger.points.schema import audit
from ledger.wire.answers import Status
from ledger.wire.rules import AwardReason, DaysAfterUse, Name, Programme
from tests.ledger.points.conftest import Store, city, street
from tests.ledger.points.scenes import CITY, DAY, MYKEY, STREET, give_back, sale, stamped

FIRST, SECOND = "AAAA000001", "AAAA000002"
_entries = numbers()


def note() -> dict[str, str]:
    """Return an entry of the audit."""
    return {"municipality": CITY, "entry": f"e{next(_entries)}", "at": "", "who": "", "action": "award", "detail": ""}


def give(
    store: Store, *gifts: Gift, on: date = DAY, approved: bool = False, programmes: tuple[Programme, ...] = ()
) -> GrantedRows:
    """Give rows of the sample programmes, or of others."""
    by_code = {each.code: each for each in (city(), street(), *programmes)}
    return grant(store.engine, store.keys, CITY, by_code, gifts, on, note(), approved=approved)


def entries(store: Store) -> int:
    """Return how many entries the audit has."""
    with store.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(audit)).scalar_one()


ROWS = (
    Gift("r1", MYKEY, CITY, 5),
    Gift("r2", FIRST, CITY, 7),
    Gift("r3", SECOND, CITY, 8),
    Gift("r4", FIRST, STREET, 9),
)


def test_everybody_gets_their_points_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many go into one statement; the same rows again change nothing."""
    monkeypatch.setattr(grants, "_PEOPLE", 2)
    assert [give(store, *ROWS).rows for _ in range(2)] == [4, 0]
    assert store.held() == {CITY: 825}
    assert (store.held(FIRST), store.held(SECOND)) == ({CITY: 7, STREET: 9}, {CITY: 8})
    assert all(each.agree for each in count(store.engine, CITY))
    assert (entries(store), day_sums(store.engine, CITY, DAY)) == (1, {CITY: 20, STREET: 9})


def test_a_forgotten_row_is_given_alone(store: Store) -> None:
    """The list comes again, sorted and with a row more: nobody is paid twice."""
    give(store, *ROWS[:2])
    assert give(store, *reversed(ROWS[:3])) == GrantedRows(rows=1, people=1, points=8)
    assert (store.held()[CITY], store.held(FIRST), store.held(SECOND)) == (825, {CITY: 7}, {CITY: 8})
    assert paid_on(store.engine, CITY, ["r1", "r3", "r9"]) == {"r1": DAY.isoformat(), "r3": DAY.isoformat()}


def test_a_failure_on_the_way_gives_nobody_anything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third resident's turn fails: the first two have nothing, and the file may come again."""

    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(grants, "write_totals", fails)
        with pytest.raises(OSError, match="full"):
            give(store, *ROWS)
    assert (store.held(), store.held(FIRST), entries(store)) == ({CITY: 820}, {}, 0)
    assert give(store, *ROWS).rows == 4


def test_what_is_owed_is_paid_first(store: Store) -> None:
    """Somebody who returned goods after spending their points gets what remains."""
    lender = street().model_copy(update={"version": 2, "overdraft": True, "effective_from": DAY})
    store.registry.add_programmes([lender])
    earn, spend = (stamped(each, 2) for each in (sale(1, 11_000), sale(2, 100, street=100, award=0)))
    assert [each.status for each in store.decide(earn, spend, give_back(3, 1, 11_000))] == [Status.ACCEPTED] * 3
    assert store.held()[STREET] == -100
    give(store, Gift("r1", MYKEY, STREET, 130), programmes=(lender,))
    assert store.held()[STREET] == 30
    assert all(each.agree for each in count(store.engine, CITY))


def test_an_award_does_not_revive_what_lapsed_by_not_being_used(store: Store) -> None:
    """Points that lapse thirty days after the last use stay lapsed, and the new ones have their own thirty days."""
    rule = DaysAfterUse(rule="days_after_use", days=30)
    programme = city().model_copy(update={"code": "252034-TSUKAU", "convert": (), "expiry": rule})
    store.registry.add_programmes([programme])
    give(store, Gift("r1", MYKEY, programme.code, 50), on=date(2026, 10, 1), programmes=(programme,))
    give(store, Gift("r2", MYKEY, programme.code, 20), programmes=(programme,))
    assert store.held()["252034-TSUKAU"] == 20
    (found,) = (each for each in count(store.engine, CITY) if each.programme == "252034-TSUKAU")
    assert (found.issued, found.held, found.lapsed, found.agree) == (70, 20, 50, True)


def test_two_who_send_one_file_at_once_send_it_once(store: Store) -> None:
    """Two shells, one file, while sales go on: it counts once, and nothing is lost."""
    gifts = [Gift("r", MYKEY, CITY, 5), *(Gift(f"r{number}", f"AAAA{number:06d}", CITY, 1) for number in range(50))]
    with ThreadPoolExecutor(4) as pool:
        files = [pool.submit(give, store, *gifts) for _ in range(2)]
        sales = [pool.submit(store.decide, sale(seq, 300, city=10)) for seq in range(1, 7)]
        assert sorted(each.result().rows for each in files) == [0, 51]
        assert {each.result()[0].status for each in sales} == {Status.ACCEPTED}
    assert store.held()[CITY] == 820 + 5 - 60
    assert all(each.agree for each in count(store.engine, CITY))


def test_more_than_one_person_may_award_takes_two(store: Store) -> None:
    """The sum is of the day, over all files, and of each programme; the next day begins anew."""
    careful = city().model_copy(update={"approval_above": 10})
    give(store, Gift("r1", MYKEY, CITY, 6), programmes=(careful,))
    with pytest.raises(ApprovalNeeded) as needed:
        give(store, Gift("r2", FIRST, CITY, 5), programmes=(careful,))
    assert (needed.value.programme, needed.value.points, needed.value.limit) == (CITY, 11, 10)
    assert (store.held(FIRST), entries(store), day_sums(store.engine, CITY, DAY)) == ({}, 1, {CITY: 6})
    give(store, Gift("r3", FIRST, STREET, 50), programmes=(careful,))
    give(store, Gift("r2", FIRST, CITY, 5), programmes=(careful,), approved=True)
    give(store, Gift("r4", FIRST, CITY, 10), on=date(2026, 12, 31), programmes=(careful,))
    assert store.held(FIRST) == {CITY: 15, STREET: 50}


def test_two_small_files_at_once_see_each_other(store: Store) -> None:
    """Neither is over the sum, both are: one of them needs a second person."""
    careful = city().model_copy(update={"approval_above": 10})

    def alone(number: int) -> bool:
        try:
            give(store, Gift(f"r{number}", f"AAAA{number:06d}", CITY, 6), programmes=(careful,))
        except ApprovalNeeded:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(alone, range(4))) == [False, False, False, True]
    assert day_sums(store.engine, CITY, DAY) == {CITY: 6}


def test_a_row_is_taken_back_and_may_be_given_again(store: Store) -> None:
    """Out of the lot that it went to; what was never given is not taken."""
    give(store, *ROWS)
    back = take_back(
        store.engine,
        store.keys,
        CITY,
        {CITY: city(), STREET: street()},
        [*ROWS[1:3], Gift("r9", FIRST, CITY, 1)],
        DAY,
        note(),
    )
    assert [(each.key, each.taken, each.owed, each.short) for each in back] == [("r2", 7, 0, 0), ("r3", 8, 0, 0)]
    assert (store.held(FIRST), store.held(SECOND)) == ({STREET: 9}, {})
    assert all(each.agree for each in count(store.engine, CITY))
    assert give(store, *ROWS).rows == 2


@pytest.mark.parametrize(("overdraft", "came"), [(True, (20, 30, 0)), (False, (20, 0, 30))])
def test_what_was_spent_is_owed_only_where_the_programme_allows(
    store: Store, overdraft: bool, came: tuple[int, int, int]
) -> None:
    """Else what is left is taken, and the rest is said."""
    programme = street().model_copy(update={"version": 2, "overdraft": overdraft, "effective_from": DAY})
    store.registry.add_programmes([programme])
    row = Gift("r1", MYKEY, STREET, 50)
    give(store, row, programmes=(programme,))
    assert store.decide(stamped(sale(1, 30, street=30, award=0), 2))[0].status is Status.ACCEPTED
    (back,) = take_back(store.engine, store.keys, CITY, {STREET: programme}, [row], DAY, note())
    assert (back.taken, back.owed, back.short) == came
    assert store.held().get(STREET, 0) == -came[1]
    assert all(each.agree for each in count(store.engine, CITY))


def test_of_who_left_nothing_can_be_taken(store: Store) -> None:
    """The row is said to be out of reach, and the others are taken."""
    give(store, *ROWS)
    store.points.erase(FIRST, DAY)
    back = take_back(store.engine, store.keys, CITY, {CITY: city(), STREET: street()}, ROWS, DAY, note())
    assert [(each.taken, each.short) for each in back] == [(5, 0), (0, 7), (8, 0), (0, 9)]
    assert all(each.agree for each in count(store.engine, CITY))


def rewarded(**fields: object) -> Programme:
    """Return the city's rules, in which a birth is worth points once in a life."""
    birth = AwardReason(name=Name(ja="出生", en="Birth"), up_to=10_000, every="life").model_copy(update=fields)
    return city().model_copy(update={"reasons": {"birth": birth}})


def test_a_file_gives_for_a_reason_as_often_as_the_rules_do(store: Store) -> None:
    """A thousand births of one person in a file are one, whichever rows say so; a later file gives no more."""
    rows = [Gift(f"b{number}", MYKEY, CITY, 5, "birth") for number in range(1_000)]
    rules = {CITY: rewarded()}
    over = used_up(store.engine, store.keys, rules, rows, DAY)
    assert len(over) == 999
    with pytest.raises(ReasonUsedUp):
        give(store, *rows, programmes=(rewarded(),))
    assert store.held() == {CITY: 820}
    give(store, rows[0], programmes=(rewarded(),))
    assert used_up(store.engine, store.keys, rules, rows[1:2], DAY + timedelta(days=400)) == {"b1"}


def test_what_is_taken_back_may_be_given_again(store: Store) -> None:
    """A mistake of the office does not use a life's reason up."""
    row, rules = Gift("b1", MYKEY, CITY, 5, "birth"), {CITY: rewarded()}
    give(store, row, programmes=(rewarded(),))
    take_back(store.engine, store.keys, CITY, rules, [row], DAY, note())
    assert used_up(store.engine, store.keys, rules, [row], DAY) == set()
