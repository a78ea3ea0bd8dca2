"""Returns and conversions: parts that add up to the whole, lots that lapsed meanwhile, awards that were spent."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.points.store import Request
from ledger.wire.answers import Status
from ledger.wire.rules import DaysAfterUse, Expiry, Returning
from tests.ledger.points.conftest import Store, street
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
    stamped,
    void,
)

LATER = date(2026, 12, 1)


def test_a_return_brings_points_back_in_proportion(store: Store) -> None:
    """Half of a bill that was half paid in points is half of each; what is left of the award fits what stays paid."""
    before = store.lots()
    store.decide(sale(1, 1_000, city=400))
    halves = [elsewhere(give_back(seq, 1, 500), business_date=LATER.isoformat()) for seq in (2, 3)]
    half, rest = store.decide(*halves, today=LATER)
    assert (half.redeemed, half.awarded, half.amount_due) == (-200, -3, -300)
    assert (rest.redeemed, rest.awarded, rest.amount_due) == (-200, -2, -300)
    assert store.lots() == before
    assert store.sums() == {"held": 820, "issued": -820}


def test_what_was_consumed_last_comes_back_first(store: Store) -> None:
    """A part of the points comes back to the lot that lasts longest."""
    store.decide(sale(1, 1_000, city=400), give_back(2, 1, 250))
    assert store.lots() == {(CITY, "2028-03-31"): 520, (STREET, "2027-11-23"): 4}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (give_back(9, 1, 1_001), "return_exceeds_bill"),
        (give_back(9, 2, 1), "target_not_undoable"),
        (give_back(9, 3, 1), "target_refused"),
        (give_back(9, 7, 1), "target_unknown"),
        (void(9, 4), "already_returned"),
        (give_back(9, 5, 1), "already_voided"),
        (elsewhere(give_back(9, 1, 1), shop="252034-0002"), "target_unknown"),
        (elsewhere(void(9, 8), shop="252034-0002"), "target_unknown"),
        (void(9, 9), "target_unknown"),
        (give_back(9, 6, 1), "target_not_undoable"),
    ],
)
def test_what_cannot_be_undone_says_why(store: Store, asked: Request, code: str) -> None:
    """And nothing moves."""
    store.decide(sale(1, 1_000), award(2, 5), award(3, 1_001))
    store.decide(sale(4, 1_000), give_back(10, 4, 1), sale(5, 1_000), void(6, 5))
    before = store.lots()
    (verdict,) = store.decide(asked)
    assert (verdict.status, verdict.code) == (Status.REFUSED, code)
    assert store.lots() == before


@pytest.mark.parametrize(
    ("returning", "lots", "lapsed"),
    [
        (Returning(), {}, 100),
        (Returning(lapsed="extend", days=30), {(STREET, "2027-12-31"): 100}, 0),
    ],
)
def test_lots_that_lapsed_meanwhile_follow_the_rule(
    store: Store, returning: Returning, lots: dict[tuple[str, str], int], lapsed: int
) -> None:
    """They go back to the issuer, or live on for some days from the return."""
    rules = street().model_copy(update={"version": 2, "returning": returning, "earning": None})
    store.registry.add_programmes([rules])
    store.points.deposit("OTHER00000", rules, date(2027, 6, 30), 100)
    sold = stamped(elsewhere(sale(1, 100, street=100, award=0), mykey="OTHER00000"), 2)
    returned = elsewhere(give_back(2, 1, 100), business_date="2027-12-01")
    verdicts = [*store.decide(sold), *store.decide(returned, today=date(2027, 12, 1))]
    assert [(each.status, each.redeemed) for each in verdicts] == [(Status.ACCEPTED, 100), (Status.ACCEPTED, -100)]
    assert store.lots("OTHER00000") == lots
    assert store.sums().get("lapsed", 0) == lapsed


def test_an_overdraft_is_only_where_the_rules_say(store: Store) -> None:
    """What was spent is owed, and the next award pays it first."""
    store.registry.add_programmes([street().model_copy(update={"version": 2, "overdraft": True})])
    store.decide(stamped(sale(1, 1_100), 2), stamped(sale(2, 10, street=10), 2))
    (undone,) = store.decide(void(3, 1))
    assert (undone.status, undone.awarded) == (Status.ACCEPTED, -10)
    assert [b.points for b in store.points.balances(MYKEY, SHOP, DAY)] == [820, -10]
    assert store.sums()["overdraft"] == -10
    store.decide(stamped(sale(4, 1_650), 2))
    assert [b.points for b in store.points.balances(MYKEY, SHOP, DAY)] == [820, 5]
    assert "overdraft" not in store.sums()
    store.decide(void(5, 4))
    assert store.sums()["overdraft"] == -10


def test_what_is_owed_cannot_be_spent(store: Store) -> None:
    """Points that come back to one who owes as many come to nothing, and pay for nothing."""
    store.registry.add_programmes([street().model_copy(update={"version": 2, "overdraft": True})])
    store.decide(stamped(sale(1, 1_100), 2), stamped(sale(2, 10, street=10), 2), void(3, 1), void(4, 2))
    assert store.lots()[STREET, "2027-11-23"] == 10
    assert [balance.programme for balance in store.points.balances(MYKEY, SHOP, DAY)] == [CITY]
    (verdict,) = store.decide(stamped(sale(5, 10, street=1), 2))
    assert verdict.short_redeemed == 1


@pytest.mark.parametrize("tidied", [False, True])
@pytest.mark.parametrize("expiry", [street().expiry, DaysAfterUse(rule="days_after_use", days=365)])
def test_an_award_that_lapsed_is_not_taken_back(store: Store, expiry: Expiry, tidied: bool) -> None:
    """The issuer has it back already: nobody is refused for it, or owes it, whether the day was tidied up or not."""
    store.registry.add_programmes([street().model_copy(update={"version": 2, "expiry": expiry})])
    store.decide(stamped(sale(1, 1_100), 2))
    late = date(2027, 11, 24)
    if tidied:
        store.tidy(late)
    (undone,) = store.decide(elsewhere(give_back(2, 1, 1_100), business_date=late.isoformat()), today=late)
    assert (undone.status, undone.awarded) == (Status.ACCEPTED, -10)
    store.tidy(late)
    assert store.lots() == {(CITY, "2028-03-31"): 520}
    assert store.sums() == {"held": 520, "issued": -820, "lapsed": 300}


def test_points_that_lapsed_by_not_being_used_follow_the_rule_too(store: Store) -> None:
    """They live on for some days from the return, under a last day of their own."""
    expiry, returning = DaysAfterUse(rule="days_after_use", days=30), Returning(lapsed="extend", days=10)
    rules = street().model_copy(update={"version": 2, "expiry": expiry, "returning": returning})
    store.registry.add_programmes([rules])
    store.points.deposit(MYKEY, rules, None, 100)
    store.decide(stamped(sale(1, 100, street=100), 2))
    late = date(2026, 12, 24)
    store.decide(elsewhere(give_back(2, 1, 100), business_date=late.isoformat()), today=late)
    assert store.lots()[STREET, "2027-01-03"] == 100


def test_a_conversion_goes_at_the_rate_of_its_day(store: Store) -> None:
    """A hundred become a hundred and ten, and a void takes that back."""
    before = store.lots()
    (verdict,) = store.decide(convert(1, 200, 220))
    assert (verdict.redeemed, verdict.awarded) == (200, 220)
    assert store.held() == {CITY: 620, STREET: 220}
    assert store.sums() == {"held": 840, "issued": -1_040, "converted": 200}
    store.decide(void(2, 1))
    assert store.lots() == before
    assert store.sums() == {"held": 820, "issued": -820}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (convert(1, 200, 221), "rules_mismatch"),
        (convert(1, 150, 165), "rules_mismatch"),
        (convert(1, 600, 660), "pin_needed"),
        (convert(1, 900, 990, pin=True), "insufficient_balance"),
        (elsewhere(convert(1, 200, 220), business_date="2026-10-31"), "not_convertible"),
    ],
)
def test_a_conversion_that_does_not_fit_is_refused(store: Store, asked: Request, code: str) -> None:
    """Nothing moves at another rate, without the card's word for it, or out of nothing."""
    (verdict,) = store.decide(asked, today=date.fromisoformat(asked.business_date))
    assert verdict.code == code
    assert store.held() == {CITY: 820}


def test_one_who_left_gets_nothing_back(store: Store) -> None:
    """There is no wallet any more; the shop keeps its claim."""
    store.decide(sale(1, 1_000, city=400))
    store.points.erase(MYKEY, DAY)
    verdicts = store.decide(void(2, 1), give_back(3, 1, 100))
    assert [verdict.code for verdict in verdicts] == ["holder_left", "holder_left"]
    assert store.sums() == {"claim": 400, "lapsed": 425, "issued": -825}


@pytest.fixture(scope="module")
def parts() -> st.SearchStrategy[tuple[int, int, list[int]]]:
    """Return bills, points that pay part of them, and ways to bring them back in parts."""
    return st.integers(1, 5_000).flatmap(
        lambda bill: st.tuples(
            st.just(bill), st.integers(0, min(bill, 820)), st.lists(st.integers(1, bill), max_size=5)
        )
    )


@given(data=st.data())
def test_parts_add_up_to_the_whole(parts: st.SearchStrategy[tuple[int, int, list[int]]], data: st.DataObject) -> None:
    """However a bill comes back, points and yen come back once, and never more than there were."""
    from ledger.points.operations import Movements
    from ledger.points.undo import _Kept
    from ledger.points.wallet import Lot

    bill, redeemed, returns = data.draw(parts)
    moved = Movements(MYKEY, bill, ((Lot(CITY, "free", "2028-03-31"), redeemed),) if redeemed else ())
    came_back = 0
    for part in returns:
        before, after = _Kept.of(moved, came_back), _Kept.of(moved, min(bill, came_back + part))
        assert before.restored <= after.restored <= redeemed
        assert 0 <= after.paid <= before.paid
        came_back = min(bill, came_back + part)
    whole = _Kept.of(moved, bill)
    assert (whole.restored, whole.paid) == (redeemed, 0)
