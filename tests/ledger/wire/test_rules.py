"""What the rules make of a bill, a day and a shop: the last value that is allowed, and the first that is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.days import business_day, earliest_running
from ledger.wire.rules import (
    AwardReason,
    DaysAfterAward,
    DaysAfterUse,
    Earning,
    Expiry,
    FiscalYearEnd,
    FixedDate,
    Name,
    Programme,
    Rate,
    Redeeming,
    Returning,
    Usable,
    accepts,
    award_for,
    in_force,
    lapses_on,
    quote,
    rate_between,
    restored,
    takes_part,
)
from ledger.wire.values import Message
from tests.ledger.points.conftest import city, street
from tests.ledger.points.scenes import CITY, SHOP, STREET

VISIT = Name(ja="来館", en="Visit")
NEXT_DOOR = "131164"
ELSEWHERE = "converts_elsewhere"


def ruled(programme: Programme, **rules: Any) -> Programme:
    """Return a programme under other rules."""
    return programme.model_copy(update=rules)


@pytest.mark.parametrize(
    ("earning", "paid", "points"),
    [
        (None, 1_100, 0),
        (Earning(yen_per_point=110), 0, 0),
        (Earning(yen_per_point=110), 109, 0),
        (Earning(yen_per_point=110), 110, 1),
        (Earning(yen_per_point=110), 329, 2),
        (Earning(yen_per_point=110, per_operation=3), 330, 3),
        (Earning(yen_per_point=110, per_operation=3), 1_100, 3),
    ],
)
def test_a_bill_earns_whole_points_up_to_its_limit(earning: Earning | None, paid: int, points: int) -> None:
    """One for each full amount, rounded down."""
    assert award_for(ruled(street(), earning=earning), paid) == points


@pytest.mark.parametrize(
    ("expiry", "awarded", "last"),
    [
        (FixedDate(rule="fixed_date", on=date(2027, 2, 28)), date(2026, 11, 23), date(2027, 2, 28)),
        (DaysAfterAward(rule="days_after_award", days=1), date(2026, 12, 31), date(2027, 1, 1)),
        (DaysAfterAward(rule="days_after_award", days=365), date(2026, 11, 23), date(2027, 11, 23)),
        (FiscalYearEnd(rule="fiscal_year_end", years=0), date(2027, 3, 31), date(2027, 3, 31)),
        (FiscalYearEnd(rule="fiscal_year_end", years=0), date(2027, 4, 1), date(2028, 3, 31)),
        (FiscalYearEnd(rule="fiscal_year_end", years=1), date(2026, 12, 31), date(2028, 3, 31)),
        (FiscalYearEnd(rule="fiscal_year_end", years=2), date(2027, 1, 1), date(2029, 3, 31)),
        (DaysAfterUse(rule="days_after_use", days=30), date(2026, 11, 23), None),
    ],
)
def test_points_lapse_on_the_day_that_the_rule_says(expiry: Expiry, awarded: date, last: date | None) -> None:
    """A fiscal year begins on 1 April."""
    assert lapses_on(ruled(street(), expiry=expiry), awarded) == last


@pytest.mark.parametrize(
    ("on", "versions"),
    [
        (date(2026, 3, 31), {}),
        (date(2026, 4, 1), {CITY: 1, STREET: 1}),
        (date(2026, 9, 30), {CITY: 1, STREET: 1}),
        (date(2026, 10, 1), {CITY: 2, STREET: 1}),
        (date(2026, 12, 1), {CITY: 3, STREET: 1}),
    ],
)
def test_the_newest_version_that_has_begun_is_in_force(on: date, versions: dict[str, int]) -> None:
    """From its first day on, in whatever order the versions stand."""
    second = ruled(city(), version=2, effective_from=date(2026, 10, 1))
    third = ruled(city(), version=3, effective_from=date(2026, 12, 1))
    found = in_force([third, street(), city(), second], on)
    assert {code: programme.version for code, programme in found.items()} == versions


def test_programmes_are_in_deduction_order_and_then_by_code() -> None:
    """Whatever their codes are called, and however they are given."""
    last, first = ruled(city(), deduction_order=20), ruled(street(), deduction_order=10)
    assert list(in_force([last, first], date(2026, 11, 23))) == [STREET, CITY]
    assert list(in_force([first, last], date(2026, 11, 23))) == [STREET, CITY]
    assert list(in_force([ruled(first, deduction_order=20), last], date(2026, 11, 23))) == [CITY, STREET]


@pytest.mark.parametrize(
    ("usable", "shop", "there"),
    [
        (Usable(), SHOP, True),
        (Usable(), f"{NEXT_DOOR}-0001", False),
        (Usable(also_in=(NEXT_DOOR,)), f"{NEXT_DOOR}-0001", True),
        (Usable(shops=[SHOP]), SHOP, True),
        (Usable(shops=[SHOP]), "252034-0002", False),
        (Usable(shops=[]), SHOP, False),
        (Usable(shops=[], also_in=(NEXT_DOOR,)), f"{NEXT_DOOR}-0001", True),
    ],
)
def test_a_shop_takes_part_where_the_rules_name_it(usable: Usable, shop: str, *, there: bool) -> None:
    """And takes points as payment where they can be redeemed at all."""
    programme = ruled(city(), usable=usable)
    assert takes_part(programme, shop) is there
    assert accepts(programme, shop) is there
    assert not accepts(ruled(programme, redeeming=None), shop)


@pytest.mark.parametrize(
    ("every", "period"),
    [("day", "2027-03-31"), ("month", "2027-03"), ("fiscal_year", "FY2026"), ("life", "life")],
)
def test_a_reason_is_counted_in_its_period(every: Any, period: str) -> None:
    """What stands here is stored with every count, so that it never changes."""
    assert AwardReason(name=VISIT, points=5, every=every).period("2027-03-31") == period
    assert AwardReason(name=VISIT, points=5, every="fiscal_year").period("2027-04-01") == "FY2027"
    assert AwardReason(name=VISIT, points=5, every="fiscal_year").period("2026-12-31") == "FY2026"


@pytest.mark.parametrize(
    ("reason", "points", "allowed"),
    [
        (AwardReason(name=VISIT, points=5), 5, True),
        (AwardReason(name=VISIT, points=5), 4, False),
        (AwardReason(name=VISIT, points=5), 6, False),
        (AwardReason(name=VISIT, up_to=5), 1, True),
        (AwardReason(name=VISIT, up_to=5), 5, True),
        (AwardReason(name=VISIT, up_to=5), 6, False),
    ],
)
def test_a_reason_allows_so_many_points(reason: AwardReason, points: int, *, allowed: bool) -> None:
    """Exactly so many, or as many as the clerk says up to a ceiling."""
    assert reason.allows(points) is allowed


@pytest.mark.parametrize(
    ("to", "on", "found"),
    [
        (STREET, date(2026, 10, 31), None),
        (STREET, date(2026, 11, 1), 110),
        (STREET, date(2026, 11, 30), 110),
        (STREET, date(2026, 12, 1), 120),
        (STREET, date(2036, 12, 1), 120),
        ("252034-OTHER", date(2026, 11, 15), None),
    ],
)
def test_a_rate_holds_from_its_first_day_to_its_last(to: str, on: date, found: int | None) -> None:
    """One without a last day holds for good."""
    december = Rate(to=STREET, take=100, give=120, since=date(2026, 12, 1))
    rate = rate_between(ruled(city(), convert=(*city().convert, december)), to, on)
    assert (None if rate is None else rate.give) == found


@pytest.mark.parametrize(
    ("redeemed", "bill", "returned", "back"), [(400, 1_000, 500, 200), (100, 300, 100, 33), (7, 7, 7, 7), (0, 9, 9, 0)]
)
def test_points_come_back_in_proportion(redeemed: int, bill: int, returned: int, back: int) -> None:
    """Rounded down, so that all parts together are no more than the whole."""
    assert restored(redeemed, bill, returned) == back


def test_the_tap_alone_redeems_five_times_its_ceiling_where_nothing_is_said() -> None:
    """Since the last PIN."""
    assert Redeeming(tap_ceiling=500).most_by_tap == 2_500
    assert Redeeming(tap_ceiling=500, tap_sum=700).most_by_tap == 700


def test_a_programme_that_was_taken_in_is_read_whatever_todays_bounds_are() -> None:
    """What is beyond them counts as the nearest within; one that comes in now is refused."""
    stored = city().as_json() | {"effective_from": "1999-12-31"}
    assert Programme.recall(stored) == ruled(city(), effective_from=date(2000, 1, 1))
    with pytest.raises(ValidationError):
        Programme.model_validate(stored)


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        (AwardReason, {"name": VISIT, "points": 5, "up_to": 5}, "points_or_up_to"),
        (AwardReason, {"name": VISIT}, "points_or_up_to"),
        (Returning, {"lapsed": "extend"}, "days_with_extend"),
        (Returning, {"lapsed": "lapse", "days": 5}, "days_with_extend"),
        (Programme, {"convert": [{"to": CITY, "take": 1, "give": 1, "since": "2026-11-01"}]}, ELSEWHERE),
        (
            Programme,
            {"convert": [{"to": NEXT_DOOR, "take": 1, "give": 1, "since": "2026-11-01"}]},
            "converts_elsewhere",
        ),
    ],
)
def test_rules_that_do_not_hold_together_are_refused(kind: type[Message], fields: dict[str, Any], why: str) -> None:
    """Each says which."""
    whole = city().as_json() | fields if kind is Programme else fields
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(whole)
    assert why in {each["type"] for each in refused.value.errors()}


def held(code: str, redeemable: int, *, by_tap: int | None = None, earnable: int | None = None) -> ProgrammeBalance:
    """Return a balance of which so much may be redeemed, all of it by tap unless it says otherwise."""
    tapped = redeemable if by_tap is None else by_tap
    return ProgrammeBalance(
        programme=code, points=redeemable, redeemable=redeemable, tap_redeemable=tapped, earnable=earnable
    )


ANY = Redeeming()


@dataclass(frozen=True)
class Priced:
    """A bill, what is wanted, what somebody has, and what it comes to."""

    bill: int
    wanted: int | None
    balances: tuple[ProgrammeBalance, ...]
    redeemed: dict[str, int]
    awarded: dict[str, int]
    pin: bool = False
    redeeming: Redeeming | None = ANY


BOTH = (held(CITY, 300), held(STREET, 200))
PRICED = {
    "nobody's points": Priced(1_200, None, (), {}, {STREET: 10}),
    "all that there are": Priced(1_200, None, BOTH, {CITY: 300, STREET: 200}, {STREET: 6}),
    "the first in order alone": Priced(1_200, 250, BOTH, {CITY: 250}, {STREET: 8}),
    "the rest from the second": Priced(1_200, 301, BOTH, {CITY: 300, STREET: 1}, {STREET: 8}),
    "none of them": Priced(1_200, 0, BOTH, {}, {STREET: 10}),
    "no more than the bill": Priced(400, None, BOTH, {CITY: 300, STREET: 100}, {}),
    "whoever has only the second": Priced(1_200, None, (held(STREET, 200),), {STREET: 200}, {STREET: 9}),
    "one point under the least": Priced(
        1_200, None, (held(CITY, 99),), {}, {STREET: 10}, redeeming=Redeeming(minimum=100)
    ),
    "the least": Priced(1_200, None, (held(CITY, 100),), {CITY: 100}, {STREET: 10}, redeeming=Redeeming(minimum=100)),
    "under the least, then the second": Priced(
        1_200, None, (held(CITY, 99), held(STREET, 50)), {STREET: 50}, {STREET: 10}, redeeming=Redeeming(minimum=100)
    ),
    "points that pay for nothing": Priced(1_200, None, BOTH, {STREET: 200}, {STREET: 9}, redeeming=None),
    "as much as by tap": Priced(1_200, 100, (held(CITY, 300, by_tap=100),), {CITY: 100}, {STREET: 10}),
    "one more than by tap": Priced(1_200, 101, (held(CITY, 300, by_tap=100),), {CITY: 101}, {STREET: 9}, pin=True),
    "the first needs the PIN, the second does not": Priced(
        1_200, None, (held(CITY, 300, by_tap=0), held(STREET, 200)), {CITY: 300, STREET: 200}, {STREET: 6}, pin=True
    ),
    "less left to earn today": Priced(1_200, None, (held(STREET, 0, earnable=4),), {}, {STREET: 4}),
    "enough left to earn today": Priced(1_200, None, (held(STREET, 0, earnable=11),), {}, {STREET: 10}),
    "nothing left to earn today": Priced(1_200, None, (held(STREET, 0, earnable=0),), {}, {}),
}


@pytest.mark.parametrize("case", PRICED.values(), ids=PRICED)
def test_a_bill_is_priced(case: Priced) -> None:
    """Points are taken in order, and what is paid in yen earns."""
    programmes = {CITY: ruled(city(), redeeming=case.redeeming), STREET: street()}
    elsewhere = {f"{NEXT_DOOR}-X": ruled(street(), code=f"{NEXT_DOOR}-X")}
    balances = (*case.balances, held(f"{NEXT_DOOR}-X", 500))
    priced = quote(case.bill, case.wanted, balances, elsewhere | programmes, CITY)
    assert {leg.programme: leg.points for leg in priced.redeem} == case.redeemed
    assert {leg.programme: leg.points for leg in priced.award} == case.awarded
    assert priced.needs_pin is case.pin
    redeemed, awarded = sum(case.redeemed.values()), sum(case.awarded.values())
    assert (priced.bill, priced.redeemed, priced.awarded) == (case.bill, redeemed, awarded)
    assert priced.amount_due == case.bill - redeemed


@pytest.mark.parametrize(
    ("bill", "wanted"), [(1_200, 501), (400, 401)], ids=["more than there are", "more than the bill"]
)
def test_what_cannot_be_redeemed_is_not_priced(bill: int, wanted: int) -> None:
    """It says how many can."""
    with pytest.raises(ValueError, match=f"{wanted} points .*: {wanted - 1} can"):
        quote(bill, wanted, BOTH, {CITY: city(), STREET: street()}, CITY)


@pytest.mark.parametrize(
    ("at", "day_starts_at", "day"),
    [
        (datetime(2026, 11, 23, 14, 59, tzinfo=UTC), 0, date(2026, 11, 23)),
        (datetime(2026, 11, 23, 15, 0, tzinfo=UTC), 0, date(2026, 11, 24)),
        (datetime(2026, 11, 23, 19, 59, tzinfo=UTC), 5, date(2026, 11, 23)),
        (datetime(2026, 11, 23, 20, 0, tzinfo=UTC), 5, date(2026, 11, 24)),
    ],
)
def test_a_business_day_is_japans(at: datetime, day_starts_at: int, day: date) -> None:
    """Less the hour at which the shop's day starts."""
    assert business_day(at, day_starts_at) == day
    assert business_day(at) == business_day(at, 0)


def test_the_latest_day_ends_at_noon() -> None:
    """Until then yesterday is still running somewhere."""
    assert earliest_running(datetime(2026, 11, 23, 2, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert earliest_running(datetime(2026, 11, 23, 3, 0, tzinfo=UTC)) == date(2026, 11, 23)
