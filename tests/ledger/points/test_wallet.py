"""A wallet by itself: in which order lots are taken, what is owed, and when points lapse by not being used."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.points.wallet import NEVER, Change, CountKey, LimitCounter, Lot, RefusedOperation, Wallet
from ledger.wire.reasons import Reason
from ledger.wire.rules import DaysAfterAward, DaysAfterUse, FixedDate, Offline, Programme
from tests.ledger.points.conftest import city, street
from tests.ledger.points.scenes import CITY, STREET

TODAY = "2026-11-23"
SOON, LATER, PAID = (
    Lot(STREET, "free", "2026-12-31"),
    Lot(STREET, "free", "2027-12-31"),
    Lot(STREET, "paid", "2026-12-31"),
)
GONE, LAST_DAY = Lot(STREET, "free", "2026-11-22"), Lot(STREET, "free", TODAY)
OTHERS = Lot(CITY, "free", "2026-12-01")
UNUSED = Lot(STREET, "free", NEVER)


def ruled(**rules: Any) -> Programme:
    """Return the street's points under other rules."""
    return street().model_copy(update=rules)


BY_USE = ruled(expiry=DaysAfterUse(rule="days_after_use", days=30))


def used(*days: str, programme: str = STREET) -> dict[CountKey, int]:
    """Return the marks of uses on days."""
    return {CountKey(programme, LimitCounter.USES, day): 1 for day in days}


def test_what_lapses_first_is_taken_first() -> None:
    """Of one day the free before the paid; what lapsed, and other programmes' lots, are not there."""
    wallet = Wallet({LATER: 5, OTHERS: 9, PAID: 4, GONE: 8, SOON: 3, LAST_DAY: 1})
    assert wallet.live(street(), TODAY) == [LAST_DAY, SOON, PAID, LATER]
    assert wallet.available(street(), TODAY) == 13
    assert wallet.take(street(), 6, TODAY).lots == ((LAST_DAY, -1), (SOON, -3), (PAID, -2))
    assert wallet.take(street(), 4, TODAY).lots == ((LAST_DAY, -1), (SOON, -3))
    assert wallet.take(street(), 13, TODAY).lots == ((LAST_DAY, -1), (SOON, -3), (PAID, -4), (LATER, -5))
    with pytest.raises(RefusedOperation) as refused:
        wallet.take(street(), 14, TODAY)
    assert refused.value.reason == Reason.INSUFFICIENT_BALANCE


def test_what_is_owed_is_not_there_to_be_taken() -> None:
    """Of the same programme alone."""
    wallet = Wallet({SOON: 10}, {STREET: 4, CITY: 100})
    assert wallet.available(street(), TODAY) == 6
    assert Wallet({}, {STREET: 4}).available(street(), TODAY) == -4
    assert Wallet({SOON: 10}).available(street(), TODAY) == 10


@pytest.mark.parametrize(
    ("owed", "points", "lots", "debts"),
    [
        (0, 10, ((Lot(STREET, "free", "2027-11-23"), 10),), ()),
        (4, 10, ((Lot(STREET, "free", "2027-11-23"), 6),), ((STREET, -4),)),
        (10, 10, (), ((STREET, -10),)),
        (11, 10, (), ((STREET, -10),)),
    ],
)
def test_an_award_pays_first_what_is_owed(owed: int, points: int, lots: Any, debts: Any) -> None:
    """What is left goes into the lot of its last day."""
    wallet = Wallet({}, {STREET: owed} if owed else {})
    assert wallet.give(street(), points, TODAY) == Change(lots, debts)


@pytest.mark.parametrize(
    ("programme", "lot"),
    [
        (BY_USE, UNUSED),
        (ruled(charge="paid"), Lot(STREET, "paid", "2027-11-23")),
        (ruled(expiry=DaysAfterAward(rule="days_after_award", days=1)), Lot(STREET, "free", "2026-11-24")),
        (ruled(expiry=FixedDate(rule="fixed_date", on=date(2026, 11, 23))), LAST_DAY),
    ],
    ids=["by use", "paid", "tomorrow", "today"],
)
def test_an_award_goes_into_the_lot_of_its_kind_and_last_day(programme: Programme, lot: Lot) -> None:
    """One that lapses by use is in a lot without a day."""
    assert Wallet().give(programme, 5, TODAY) == Change(((lot, 5),))


def test_a_programme_that_ended_gives_nothing() -> None:
    """From the day after its last."""
    with pytest.raises(RefusedOperation) as refused:
        Wallet().give(ruled(expiry=FixedDate(rule="fixed_date", on=date(2026, 11, 22))), 5, TODAY)
    assert refused.value.reason == Reason.PROGRAMME_ENDED


@pytest.mark.parametrize(
    ("points", "lots", "owed"),
    [
        (2, ((LATER, -2),), ()),
        (5, ((LATER, -5),), ()),
        (6, ((LATER, -5), (SOON, -1)), ()),
        (8, ((LATER, -5), (SOON, -3)), ()),
        (9, ((LATER, -5), (SOON, -3)), ((STREET, 1),)),
    ],
)
def test_awards_are_taken_back_where_they_went_first(points: int, lots: Any, owed: Any) -> None:
    """Then from any other lot that is live; what was spent is owed where the programme allows that."""
    wallet = Wallet({SOON: 3, LATER: 5, GONE: 7, OTHERS: 9})
    assert wallet.take_back(ruled(overdraft=True), points, [GONE, LATER], TODAY) == Change(lots, owed)
    if not owed:
        assert wallet.take_back(street(), points, [GONE, LATER], TODAY) == Change(lots)
        return
    with pytest.raises(RefusedOperation) as refused:
        wallet.take_back(street(), points, [GONE, LATER], TODAY)
    assert refused.value.reason == Reason.AWARD_ALREADY_SPENT


@pytest.mark.parametrize(
    ("uses", "day", "live"),
    [
        ({}, "2099-01-01", True),
        (used("2026-11-23"), "2026-12-23", True),
        (used("2026-11-23"), "2026-12-24", False),
        (used("2026-10-01", "2026-11-23", "2026-11-01"), "2026-12-23", True),
        (used("2026-11-23", programme=CITY), "2099-01-01", True),
        ({CountKey(STREET, LimitCounter.REDEEMED, "2026-11-23"): 5}, "2099-01-01", True),
    ],
    ids=["never used", "last day", "the day after", "the newest use", "another's use", "another count"],
)
def test_unused_points_lapse_after_the_last_use(uses: dict[CountKey, int], day: str, *, live: bool) -> None:
    """All lots without a day together; those that have a day lapse on it."""
    dated = Lot(STREET, "free", "2099-12-31")
    wallet = Wallet({UNUSED: 5, dated: 1, OTHERS: 9, Lot(CITY, "free", NEVER): 2}, uses=uses)
    assert wallet.live(BY_USE, day) == ([dated, UNUSED] if live else [dated])
    assert wallet.lapse(BY_USE, day) == (Change() if live else Change(((UNUSED, -5),)))
    assert (wallet.last_day_of(UNUSED, BY_USE) >= day) is live
    assert wallet.last_day_of(dated, BY_USE) == "2099-12-31"
    assert wallet.last_day(street()) == NEVER


def test_a_use_is_marked_and_what_no_void_needs_is_forgotten() -> None:
    """Kept are the days on which something may still be voided, and the newest before them."""
    rules = ruled(expiry=BY_USE.expiry, offline=Offline(counts_for_days=7))
    old, newest, first, mine = "2026-11-01", "2026-11-15", "2026-11-16", CountKey(STREET, LimitCounter.USES, TODAY)
    counted = CountKey(STREET, LimitCounter.REDEEMED, old)
    before = used("2026-10-31", old, newest, first) | used(old, programme=CITY) | {counted: 7}
    forgotten = ((CountKey(STREET, LimitCounter.USES, day), -1) for day in ("2026-10-31", old))
    assert Wallet(uses=before).used(rules, TODAY) == Change(uses=((mine, 1), *forgotten))
    assert Wallet(uses=used(TODAY)).used(rules, TODAY) == Change(uses=((mine, 1),))
    assert Wallet(uses=before).used(street(), TODAY) == Change()


def test_a_use_that_arrives_late_is_marked_on_its_own_day() -> None:
    """It is not forgotten in the same breath, though newer ones are there."""
    mine = CountKey(STREET, LimitCounter.USES, "2026-11-01")
    assert Wallet(uses=used("2026-11-20")).used(BY_USE, "2026-11-01") == Change(uses=((mine, 1),))


def test_a_change_and_its_reverse_come_to_nothing() -> None:
    """Lots, debts and counts alike; what comes to nothing is not kept."""
    count = CountKey(STREET, LimitCounter.REDEEMED, TODAY)
    change = Change(((SOON, 3), (SOON, 2)), ((STREET, 4),), ((count, 7),))
    made = Wallet().after(change)
    assert made == Wallet({SOON: 5}, {STREET: 4}, {count: 7})
    assert change.reversed() == Change(((SOON, -3), (SOON, -2)), ((STREET, -4),), ((count, -7),))
    assert made.after(change.reversed()) == Wallet()
    assert change + Change(((LATER, 1),), ((CITY, 1),), ((count, 1),)) == Change(
        ((SOON, 3), (SOON, 2), (LATER, 1)), ((STREET, 4), (CITY, 1)), ((count, 7), (count, 1))
    )


def test_points_of_the_city_are_not_the_streets() -> None:
    """A programme's code alone says whose they are."""
    assert Wallet({OTHERS: 9, SOON: 3}).live(city(), TODAY) == [OTHERS]
