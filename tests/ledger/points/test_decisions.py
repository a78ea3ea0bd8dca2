"""Decisions by themselves, down to each posting: what an operation moves, counts and leaves to be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from ledger.points.decide import Situation, decide
from ledger.points.gauges import Room
from ledger.points.operations import Account, Movements, Posting, Request, Ruling
from ledger.points.sales import GrantedLeg
from ledger.points.undo import Target
from ledger.points.versions import Rulebooks
from ledger.points.wallet import NEVER, SINCE_PIN, Change, CountKey, LimitCounter, Lot, Wallet
from ledger.wire.answers import Cut, Status
from ledger.wire.operations import Award, Close, Leg, Link, Sale, Unlink, Unreadable
from ledger.wire.reasons import Reason
from ledger.wire.rules import (
    AwardReason,
    DaysAfterUse,
    Earning,
    FixedDate,
    Name,
    Programme,
    Redeeming,
    Returning,
    Usable,
)
from tests.ledger.points.conftest import city, street
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
    noon,
    operation_id,
    sale,
    void,
)

TODAY, YESTERDAY, MONTH = DAY.isoformat(), "2026-11-22", "2026-11"
LEDGERS_DAY = "2026-11-24"
FIRST, SECOND = Lot(CITY, "free", "2027-03-31"), Lot(CITY, "free", "2028-03-31")
EARNED, CONVERTED = Lot(STREET, "free", "2027-11-23"), Lot(STREET, "free", "2027-11-23")
FUNDED = Wallet({FIRST: 300, SECOND: 520})
ROOM = Room(day=LEDGERS_DAY)
"""Without a ceiling, on a ledger whose day is not the operation's."""


def ruled(programme: Programme, **rules: Any) -> Programme:
    """Return a programme under other rules."""
    return programme.model_copy(update=rules)


def decided(
    asked: Request,
    *programmes: Programme,
    wallet: Wallet | None = FUNDED,
    target: Target | None = None,
    room: Room = ROOM,
) -> Ruling:
    """Return what is decided by these programmes, or by the usual ones of those that are not given.

    Whatever it is, its postings sum to zero for each programme, and its verdict names the day that it counts on.
    """
    books: dict[str, Sequence[Programme]] = {CITY: [city()], STREET: [street()]}
    books |= {each.code: [each] for each in programmes}
    ruling = decide(asked, Situation(Rulebooks(books), wallet, target, room))
    sums: dict[str, int] = {}
    for posting in ruling.postings:
        sums[posting.programme] = sums.get(posting.programme, 0) + posting.points
        assert posting.account in Account
        assert posting.shop == (asked.shop if posting.account is Account.CLAIM else "")
    assert set(sums.values()) <= {0}
    assert ruling.verdict.day == ruling.placed.day
    return ruling


def count(counter: LimitCounter, period: str, programme: str = CITY) -> CountKey:
    """Return a counter of the municipality's points, or of another programme."""
    return CountKey(programme, counter, period)


def done(asked: Request, ruling: Ruling, **known: Any) -> Target:
    """Return an operation that was decided, as it is found when it is to be undone."""
    kind = getattr(asked.content, "kind", "")
    return Target(asked.operation_id, kind, ruling.placed.day, ruling.verdict.status, ruling.moved, **known)


def test_a_sale_moves_counts_and_remembers() -> None:
    """Limits count on the operation's day, ceilings on the ledger's, taps since the last PIN."""
    ruling = decided(sale(1, 1_200, city=400))
    earned = (EARNED, 7)
    uses = (
        (count(LimitCounter.REDEEMED, TODAY), 400),
        (count(LimitCounter.SPENT, LEDGERS_DAY), 400),
        (count(LimitCounter.TAPPED, SINCE_PIN), 400),
        (count(LimitCounter.TAPS, SINCE_PIN), 1),
        (count(LimitCounter.ISSUED, LEDGERS_DAY, STREET), 7),
    )
    taken = ((FIRST, 300), (SECOND, 100))
    assert ruling.moved == Movements(
        MYKEY, 1_200, taken, (earned,), uses=uses, rules={CITY: 1, STREET: 1}, amounts=(400, 7, 800)
    )
    assert ruling.change == Change(((FIRST, -300), (SECOND, -100), earned), (), uses)
    assert ruling.postings == (
        Posting(Account.HELD, CITY, "", -300),
        Posting(Account.HELD, CITY, "", -100),
        Posting(Account.HELD, STREET, "", 7),
        Posting(Account.CLAIM, CITY, SHOP, 400),
        Posting(Account.ISSUED, STREET, "", -7),
    )
    assert (ruling.verdict.status, ruling.verdict.day, ruling.verdict.late) == (Status.ACCEPTED, TODAY, False)


def test_what_limits_need_is_counted_where_there_is_a_limit() -> None:
    """By month of redeeming, and by day of earning; a PIN begins the count of taps anew."""
    monthly = ruled(city(), redeeming=Redeeming(tap_ceiling=500, per_month=900))
    daily = ruled(street(), earning=Earning(yen_per_point=110, per_day=50))
    since_pin = {count(LimitCounter.TAPPED, SINCE_PIN): 450, count(LimitCounter.TAPS, SINCE_PIN): 3}
    ruling = decided(sale(1, 1_200, city=400, pin=True), monthly, daily, wallet=replace(FUNDED, uses=since_pin))
    assert ruling.moved is not None
    assert ruling.moved.uses == (
        (count(LimitCounter.REDEEMED, TODAY), 400),
        (count(LimitCounter.SPENT, LEDGERS_DAY), 400),
        (count(LimitCounter.REDEEMED, MONTH), 400),
        (count(LimitCounter.AWARDED, TODAY, STREET), 7),
        (count(LimitCounter.ISSUED, LEDGERS_DAY, STREET), 7),
    )
    assert {use: ruling.change.uses.count((use, -counted)) for use, counted in since_pin.items()} == dict.fromkeys(
        since_pin, 1
    )


@pytest.mark.parametrize(
    ("granted", "most", "left"),
    [
        (GrantedLeg(5), 5, GrantedLeg(5)),
        (GrantedLeg(5), 4, GrantedLeg(4, "second")),
        (GrantedLeg(5), -1, GrantedLeg(0, "second")),
        (GrantedLeg(5, "first"), 5, GrantedLeg(5, "first")),
        (GrantedLeg(5, "first"), 4, GrantedLeg(4, "second")),
    ],
)
def test_the_tightest_limit_says_why(granted: GrantedLeg, most: int, left: GrantedLeg) -> None:
    """A limit that cuts nothing changes nothing."""
    assert granted.at_most(most, "second") == left


ISSUED, REDEEMED, BUDGET = (STREET, "issued"), (CITY, "redeemed"), (STREET, "budget")
BOTH = (city(), street())
SHOPS_ELSEWHERE = Usable(shops=["252034-0002"])


@pytest.mark.parametrize(
    ("programmes", "wallet", "left", "cuts"),
    [
        (BOTH, FUNDED, {}, []),
        (BOTH, FUNDED, {REDEEMED: 400, ISSUED: 7, BUDGET: 7}, []),
        (BOTH, FUNDED, {REDEEMED: 399}, [("redeem", CITY, 399, Reason.CEILING_REACHED)]),
        (BOTH, FUNDED, {ISSUED: 6}, [("award", STREET, 6, Reason.CEILING_REACHED)]),
        (BOTH, FUNDED, {BUDGET: 6}, [("award", STREET, 6, Reason.BUDGET_SPENT)]),
        (BOTH, FUNDED, {BUDGET: 0, ISSUED: 0}, [("award", STREET, 0, Reason.CEILING_REACHED)]),
        (
            BOTH,
            replace(FUNDED, uses={count(LimitCounter.SPENT, LEDGERS_DAY): 49_601}),
            {},
            [("redeem", CITY, 399, Reason.CEILING_REACHED)],
        ),
        (BOTH, replace(FUNDED, uses={count(LimitCounter.SPENT, LEDGERS_DAY): 49_600}), {}, []),
        (
            BOTH,
            replace(FUNDED, uses={count(LimitCounter.ISSUED, LEDGERS_DAY, STREET): 19_994}),
            {},
            [("award", STREET, 6, Reason.CEILING_REACHED)],
        ),
        (BOTH, replace(FUNDED, uses={count(LimitCounter.SPENT, TODAY): 50_000}), {}, []),
        (BOTH, Wallet(), {}, [("redeem", CITY, 0, Reason.INSUFFICIENT_BALANCE)]),
        ((ruled(city(), redeeming=None),), FUNDED, {}, [("redeem", CITY, 0, Reason.NOT_USABLE_HERE)]),
        ((ruled(city(), usable=SHOPS_ELSEWHERE),), FUNDED, {}, [("redeem", CITY, 0, Reason.NOT_USABLE_HERE)]),
        ((ruled(street(), usable=SHOPS_ELSEWHERE),), FUNDED, {}, [("award", STREET, 0, Reason.NOT_USABLE_HERE)]),
        (
            (ruled(street(), earning=Earning(yen_per_point=110, per_day=50)),),
            replace(FUNDED, uses={count(LimitCounter.AWARDED, TODAY, STREET): 44}),
            {},
            [("award", STREET, 6, Reason.AWARD_LIMIT_EXCEEDED)],
        ),
        (
            (ruled(street(), earning=Earning(yen_per_point=110, per_day=50)),),
            replace(FUNDED, uses={count(LimitCounter.AWARDED, TODAY, STREET): 43}),
            {},
            [],
        ),
        ((ruled(street(), earning=Earning(yen_per_point=111)),), FUNDED, {}, []),
        (
            (ruled(city(), redeeming=Redeeming(tap_ceiling=399)),),
            FUNDED,
            {},
            [("redeem", CITY, 399, Reason.PIN_NEEDED)],
        ),
        (
            (ruled(street(), expiry=FixedDate(rule="fixed_date", on=date(2026, 11, 22))),),
            FUNDED,
            {},
            [("award", STREET, 0, Reason.PROGRAMME_ENDED)],
        ),
        (
            (ruled(city(), effective_from=date(2026, 11, 24)), ruled(street(), effective_from=date(2026, 11, 24))),
            FUNDED,
            {},
            [("redeem", CITY, 0, Reason.PROGRAMME_UNKNOWN), ("award", STREET, 0, Reason.PROGRAMME_UNKNOWN)],
        ),
        (
            (ruled(street(), earning=Earning(yen_per_point=120)),),
            FUNDED,
            {},
            [("award", STREET, 6, Reason.RULES_MISMATCH)],
        ),
    ],
)
def test_each_limit_cuts_what_is_beyond_it(
    programmes: tuple[Programme, ...],
    wallet: Wallet,
    left: dict[tuple[str, str], int],
    cuts: list[tuple[str, str, int, str]],
) -> None:
    """On the last point that is allowed nothing is cut; the bill stands, and what is not redeemed is due."""
    ruling = decided(sale(1, 1_200, city=400), *programmes, wallet=wallet, room=Room(left, LEDGERS_DAY))
    said = [(cut.leg, cut.programme, cut.granted, cut.reason) for cut in ruling.verdict.cuts]
    assert said == cuts
    redeemed = next((granted for leg, _, granted, _ in cuts if leg == "redeem"), 400)
    awarded = next((granted for leg, _, granted, _ in cuts if leg == "award"), 7)
    assert (ruling.verdict.redeemed, ruling.verdict.awarded) == (redeemed, awarded)
    assert ruling.verdict.amount_due == 1_200 - redeemed
    assert ruling.verdict.status is (Status.SHORTFALL if redeemed < 400 else Status.ACCEPTED)
    assert ruling.moved is not None
    assert ruling.moved.rules == {code: 1 for code, points in ((CITY, redeemed), (STREET, awarded)) if points}


def test_a_cards_ceiling_is_that_of_the_rules_in_force() -> None:
    """Whatever version an operation states."""
    generous = ruled(city(), ceilings=city().ceilings.model_copy(update={"card": city().ceilings.shop}))
    tight = ruled(city(), version=2)
    uses = {count(LimitCounter.SPENT, LEDGERS_DAY): 49_900}
    room = Room(day=LEDGERS_DAY, rules={CITY: tight})
    ruling = decided(sale(1, 1_200, city=400, award=0), generous, wallet=replace(FUNDED, uses=uses), room=room)
    assert [(cut.granted, cut.reason) for cut in ruling.verdict.cuts] == [(100, Reason.CEILING_REACHED)]


def test_legs_are_taken_in_the_order_of_deduction() -> None:
    """Not in the order in which the terminal names them; of one order, by code."""
    wallet = replace(FUNDED, lots={FIRST: 300, EARNED: 300})
    for orders, expected in (((10, 20), [CITY, STREET]), ((20, 10), [STREET, CITY]), ((10, 10), [CITY, STREET])):
        programmes = (ruled(city(), deduction_order=orders[0]), ruled(street(), deduction_order=orders[1]))
        asked = sale(1, 1_000, city=100, street=100, award=0)
        assert isinstance(asked.content, Sale)
        turned = asked.content.model_copy(update={"redeem": list(reversed(asked.content.redeem))})
        for each in (asked, replace(asked, content=turned)):
            ruling = decided(each, *programmes, wallet=wallet)
            assert ruling.moved is not None
            assert [lot.programme for lot, _ in ruling.moved.taken] == expected


@pytest.mark.parametrize("refusal", [None, "card_revoked"])
def test_a_sale_of_somebody_unknown_stands_without_its_points(refusal: str | None) -> None:
    """Its bill is kept, so that goods can come back; each leg says why it came to nothing."""
    ruling = decided(replace(sale(1, 1_200, city=400), refusal=refusal), wallet=None)
    reason = refusal or Reason.HOLDER_LEFT
    cuts = (
        Cut(leg="redeem", programme=CITY, asked=400, granted=0, reason=reason),
        Cut(leg="award", programme=STREET, asked=7, granted=0, reason=reason),
    )
    assert ruling.moved == Movements(None, 1_200, rules={}, amounts=(0, 0, 1_200), cuts=cuts)
    assert (ruling.change, ruling.postings) == (Change(), ())
    assert (ruling.verdict.status, ruling.verdict.amount_due) == (Status.SHORTFALL, 1_200)


# Awards -------------------------------------------------------------------------------------------------------------


def awarded(points: int, reason: str = "visit", **fields: Any) -> Request:
    """Return an award for a reason."""
    asked = award(1, points)
    return replace(asked, content=asked.content.model_copy(update={"reason": reason}), **fields)


VISIT = Name(ja="来館", en="Visit")
REASONS = {
    "visit": AwardReason(name=VISIT, up_to=100, times=2),
    "birth": AwardReason(name=VISIT, points=50, every="month"),
    "vaccine": AwardReason(name=VISIT, points=50, needs="pin"),
    "file": AwardReason(name=VISIT, points=50, needs="approval"),
    "there": AwardReason(name=VISIT, points=50, shops=("252034-0002",)),
}
REWARDING = ruled(city(), reasons=REASONS)


def test_an_award_is_counted_for_its_reason_and_towards_the_card() -> None:
    """And can be undone whole."""
    ruling = decided(awarded(50, "birth"), REWARDING, wallet=Wallet())
    uses = ((CountKey(CITY, "reason:birth", MONTH), 1), (count(LimitCounter.ISSUED, LEDGERS_DAY), 50))
    lot = Lot(CITY, "free", "2028-03-31")
    assert ruling.moved == Movements(MYKEY, given=((lot, 50),), uses=uses, rules={CITY: 1}, amounts=(0, 50, None))
    assert ruling.change == Change(((lot, 50),), (), uses)
    assert ruling.postings == (Posting(Account.HELD, CITY, "", 50), Posting(Account.ISSUED, CITY, "", -50))


@pytest.mark.parametrize(
    ("asked", "room", "reason"),
    [
        (awarded(100), ROOM, None),
        (awarded(101), ROOM, Reason.RULES_MISMATCH),
        (awarded(50, "wedding"), ROOM, Reason.REASON_UNKNOWN),
        (awarded(50, "file"), ROOM, Reason.APPROVAL_NEEDED),
        (awarded(50, "there"), ROOM, Reason.NOT_AWARDED_HERE),
        (awarded(50, "vaccine"), ROOM, Reason.PIN_NEEDED),
        (awarded(50, "vaccine", pin_verified=True), ROOM, None),
        (awarded(50), Room({(CITY, "issued"): 50}, LEDGERS_DAY), None),
        (awarded(50), Room({(CITY, "issued"): 49}, LEDGERS_DAY), Reason.CEILING_REACHED),
        (awarded(50), Room({(CITY, "budget"): 49}, LEDGERS_DAY), Reason.BUDGET_SPENT),
        (awarded(50, refusal="card_revoked"), ROOM, "card_revoked"),
        (awarded(50, business_date="2026-12-01"), ROOM, Reason.RULES_MISMATCH),
    ],
)
def test_an_award_is_given_or_says_why_not(asked: Request, room: Room, reason: str | None) -> None:
    """A refusal moves nothing."""
    begins = date(2026, 11, 24)
    programme = ruled(REWARDING, effective_from=begins) if asked.business_date != TODAY else REWARDING
    ruling = decided(asked, programme, room=room)
    assert ruling.verdict.code == reason
    assert (ruling.verdict.status is Status.REFUSED) is (reason is not None)
    assert (ruling.moved is None) is (reason is not None)
    assert ruling.verdict.late is (asked.business_date != TODAY)


@pytest.mark.parametrize(
    ("uses", "reason"),
    [
        ({CountKey(CITY, "reason:visit", TODAY): 1}, None),
        ({CountKey(CITY, "reason:visit", TODAY): 2}, Reason.REASON_USED_UP),
        ({CountKey(CITY, "reason:visit", YESTERDAY): 2}, None),
        ({CountKey(CITY, "reason:birth", TODAY): 2}, None),
        ({CountKey(STREET, "reason:visit", TODAY): 2}, None),
    ],
)
def test_a_reason_is_given_so_often_in_its_period(uses: dict[CountKey, int], reason: str | None) -> None:
    """Each reason of each programme has its own count."""
    assert decided(awarded(5), REWARDING, wallet=Wallet(uses=uses)).verdict.code == reason


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ([Leg(programme=CITY, points=5), Leg(programme=CITY, points=5)], Reason.AMOUNTS_WRONG),
        ([Leg(programme="131164", points=5)], Reason.MUNICIPALITY_MISMATCH),
        ([Leg(programme="252034-NONE", points=5)], Reason.PROGRAMME_UNKNOWN),
    ],
)
def test_an_awards_legs_are_of_the_towns_programmes_once_each(legs: list[Leg], reason: str) -> None:
    """What a terminal that works never writes is refused."""
    asked = award(1, 5)
    assert isinstance(asked.content, Award)
    assert decided(replace(asked, content=asked.content.model_copy(update={"award": legs}))).verdict.code == reason


def test_an_award_without_a_version_is_of_no_programme() -> None:
    """Nothing is guessed: the version that the terminal worked with is part of what it asked."""
    asked = award(1, 5)
    bare = replace(asked, content=asked.content.model_copy(update={"rules": {}}))
    assert decided(bare).verdict.code == Reason.PROGRAMME_UNKNOWN


# Conversions --------------------------------------------------------------------------------------------------------


def test_a_conversion_moves_and_counts() -> None:
    """It is counted as a tap of the one, and as issued of the other."""
    ruling = decided(convert(1, 400, 440))
    uses = (
        (count(LimitCounter.TAPPED, SINCE_PIN), 400),
        (count(LimitCounter.TAPS, SINCE_PIN), 1),
        (count(LimitCounter.ISSUED, LEDGERS_DAY, STREET), 440),
    )
    taken = ((FIRST, 300), (SECOND, 100))
    assert ruling.moved == Movements(
        MYKEY,
        taken=taken,
        given=((CONVERTED, 440),),
        uses=uses,
        rules={CITY: 1, STREET: 1},
        amounts=(400, 440, None),
    )
    assert ruling.postings == (
        Posting(Account.HELD, CITY, "", -300),
        Posting(Account.HELD, CITY, "", -100),
        Posting(Account.HELD, STREET, "", 440),
        Posting(Account.CONVERTED, CITY, "", 400),
        Posting(Account.ISSUED, STREET, "", -440),
    )


@pytest.mark.parametrize(
    ("asked", "programmes", "room", "reason"),
    [
        (convert(1, 500, 550), (), ROOM, None),
        (convert(1, 600, 660), (), ROOM, Reason.PIN_NEEDED),
        (convert(1, 600, 660, pin=True), (), ROOM, None),
        (convert(1, 400, 441), (), ROOM, Reason.RULES_MISMATCH),
        (convert(1, 401, 440), (), ROOM, Reason.RULES_MISMATCH),
        (convert(1, 900, 990, pin=True), (), ROOM, Reason.INSUFFICIENT_BALANCE),
        (convert(1, 400, 440), (ruled(city(), convert=()),), ROOM, Reason.NOT_CONVERTIBLE),
        (convert(1, 400, 440), (ruled(city(), usable=SHOPS_ELSEWHERE),), ROOM, Reason.NOT_USABLE_HERE),
        (convert(1, 400, 440), (ruled(street(), usable=SHOPS_ELSEWHERE),), ROOM, Reason.NOT_USABLE_HERE),
        (convert(1, 400, 440), (), Room({ISSUED: 440}, LEDGERS_DAY), None),
        (convert(1, 400, 440), (), Room({ISSUED: 439}, LEDGERS_DAY), Reason.CEILING_REACHED),
        (convert(1, 400, 440), (), Room({BUDGET: 439}, LEDGERS_DAY), Reason.BUDGET_SPENT),
    ],
)
def test_a_conversion_is_made_or_says_why_not(
    asked: Request, programmes: tuple[Programme, ...], room: Room, reason: str | None
) -> None:
    """At the rate of the day, within what the tap allows, and within the ceilings of what is given."""
    assert decided(asked, *programmes, room=room).verdict.code == reason


@pytest.mark.parametrize(("tapped", "reason"), [(999_600, None), (999_601, Reason.PIN_NEEDED)])
def test_a_conversion_is_within_what_was_tapped_since_the_pin(tapped: int, reason: str | None) -> None:
    """As a sale is."""
    wallet = replace(FUNDED, uses={count(LimitCounter.TAPPED, SINCE_PIN): tapped})
    assert decided(convert(1, 400, 440), wallet=wallet).verdict.code == reason


# Undoing ------------------------------------------------------------------------------------------------------------


def undone(
    asked: Request, sold: Request, *programmes: Programme, wallet: Wallet = FUNDED, later: Any = None, **known: Any
) -> tuple[Ruling, Ruling, Wallet]:
    """Return what an operation moved, what undoing it moves (on a later day if one is given), and what is left."""
    first = decided(sold, *programmes, wallet=wallet)
    held = wallet.after(first.change)
    if later is not None:
        asked = replace(asked, business_date=later, arrived=noon(date.fromisoformat(later)))
    second = decided(asked, *programmes, wallet=held, target=done(sold, first, **known))
    return first, second, held.after(second.change)


@pytest.mark.parametrize("sold", [sale(1, 1_200, city=400), award(1, 50), convert(1, 400, 440)])
def test_a_void_moves_everything_back(sold: Request) -> None:
    """Lots, counts and accounts; it is reported on the day of what it undoes."""
    first, second, left = undone(void(2, 1), sold)
    assert left == FUNDED
    sums: dict[tuple[Account, str, str], int] = {}
    for account, programme, shop, points in (*first.postings, *second.postings):
        sums[account, programme, shop] = sums.get((account, programme, shop), 0) + points
    assert set(sums.values()) == {0}
    assert first.moved is not None
    redeemed, given, _ = first.moved.amounts
    assert second.moved == Movements(MYKEY, amounts=(-redeemed, -given, None))
    assert (second.verdict.redeemed, second.verdict.awarded) == (-redeemed, -given)


def test_a_void_is_reported_on_the_day_of_the_sale() -> None:
    """And counts on its own."""
    sold = sale(1, 1_200, city=400)
    _, second, _ = undone(void(2, 1), sold, later="2026-11-25")
    assert (second.placed.day, second.placed.reported_on) == ("2026-11-25", TODAY)


@pytest.mark.parametrize(
    ("later", "lapsed"),
    [("2026-11-25", False), ("2026-11-26", True)],
    ids=["on its last day", "the day after"],
)
def test_an_award_that_lapsed_is_not_taken_back_by_a_void(later: str, *, lapsed: bool) -> None:
    """The issuer has it back already."""
    short = ruled(street(), expiry=DaysAfterUse(rule="days_after_use", days=2))
    _, second, left = undone(void(2, 1), sale(1, 1_200), short, wallet=Wallet(), later=later)
    here = [posting for posting in second.postings if posting.account in (Account.LAPSED, Account.HELD)]
    assert here == [Posting(Account.LAPSED if lapsed else Account.HELD, STREET, "", -10)]
    assert left.lots == ({Lot(STREET, "free", NEVER): 10} if lapsed else {})
    assert second.verdict.awarded == -10


def test_what_a_conversion_gave_and_was_spent_is_nobodys_debt() -> None:
    """Though the programme allows one."""
    generous = ruled(street(), overdraft=True)
    sold = convert(1, 400, 440)
    first = decided(sold, generous)
    spent = FUNDED.after(first.change).after(Change(((CONVERTED, -1),)))
    assert decided(void(2, 1), generous, wallet=spent, target=done(sold, first)).verdict.code == (
        Reason.AWARD_ALREADY_SPENT
    )
    bill = sale(1, 1_200)
    first = decided(bill, generous)
    spent = FUNDED.after(first.change).after(Change(((EARNED, -4),)))
    owed = decided(void(2, 1), generous, wallet=spent, target=done(bill, first))
    assert (owed.verdict.code, owed.change.debts) == (None, ((STREET, 4),))


@pytest.mark.parametrize(
    ("asked", "known", "code"),
    [
        (void(2, 1), {}, None),
        (void(1, 1), {}, Reason.TARGET_UNKNOWN),
        (elsewhere(void(2, 1), shop="252034-0002"), {}, Reason.TARGET_UNKNOWN),
        (elsewhere(void(2, 1), terminal_id=f"{SHOP}-02"), {}, Reason.OWNER_NEEDED),
        (void(2, 1), {"is_voided": True}, Reason.ALREADY_VOIDED),
        (void(2, 1), {"returned": 1}, Reason.ALREADY_RETURNED),
        (replace(void(2, 1), closed_seq=0), {}, None),
        (replace(void(2, 1), closed_seq=1), {}, Reason.TARGET_CLOSED),
        (give_back(2, 1, 1_200), {}, None),
        (give_back(2, 1, 1_201), {}, Reason.RETURN_EXCEEDS_BILL),
        (give_back(2, 1, 1_100), {"returned": 100}, None),
        (give_back(2, 1, 1_101), {"returned": 100}, Reason.RETURN_EXCEEDS_BILL),
        (give_back(2, 1, 1), {"is_voided": True}, Reason.ALREADY_VOIDED),
        (elsewhere(give_back(2, 1, 1), shop="252034-0002"), {}, Reason.TARGET_UNKNOWN),
    ],
)
def test_a_sale_is_undone_or_says_why_not(asked: Request, known: dict[str, Any], code: str | None) -> None:
    """Once, by its own shop, before its close or after it."""
    _, second, _ = undone(asked, sale(1, 1_200, city=400), **known)
    assert second.verdict.code == code


def by_owner(asked: Request) -> Request:
    """Return an undoing that the owner's code was given for."""
    return replace(asked, content=asked.content.model_copy(update={"by_owner": True}))


@pytest.mark.parametrize("asked", [void(2, 1), give_back(2, 1, 1_200)])
def test_a_sister_terminals_sale_is_undone_with_the_owners_code(asked: Request) -> None:
    """In the same shop alone."""
    sister = elsewhere(asked, terminal_id=f"{SHOP}-02")
    for each, code in (
        (sister, Reason.OWNER_NEEDED),
        (by_owner(sister), None),
        (by_owner(elsewhere(sister, shop="252034-0002")), Reason.TARGET_UNKNOWN),
    ):
        assert undone(each, sale(1, 1_200, city=400))[1].verdict.code == code


@pytest.mark.parametrize("asked", [void(2, 1), give_back(2, 1, 1)])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": Status.REFUSED}, Reason.TARGET_REFUSED),
        ({"moved": None}, Reason.TARGET_FORGOTTEN),
        ({"moved": Movements(MYKEY, 1_200, given=((EARNED, 10),), rules={STREET: 9})}, Reason.PROGRAMME_UNKNOWN),
    ],
)
def test_what_cannot_be_known_any_more_is_not_undone(asked: Request, changes: dict[str, Any], code: str) -> None:
    """What was refused moved nothing; of what was forgotten, and of rules that are gone, nobody can say what."""
    sold = sale(1, 1_200)
    target = replace(done(sold, decided(sold)), **changes)
    wallet = Wallet({EARNED: 10})
    assert decided(asked, target=target, wallet=wallet).verdict.code == code


@pytest.mark.parametrize("kind", ["void", "link", "a kind of a later release"])
def test_what_moved_nothing_is_not_undone(kind: str) -> None:
    """Whether this release knows its kind or not."""
    sold = sale(1, 1_200)
    target = replace(done(sold, decided(sold)), kind=kind)
    assert decided(void(2, 1), target=target).verdict.code == Reason.TARGET_NOT_UNDOABLE


@pytest.mark.parametrize(
    ("later", "code"),
    [(DAY + timedelta(days=7), None), (DAY + timedelta(days=8), Reason.TARGET_CLOSED)],
    ids=["after seven days", "after eight"],
)
def test_an_old_day_counts_as_closed(later: date, code: str | None) -> None:
    """Where nothing late could count on it any more."""
    _, second, _ = undone(void(2, 1), sale(1, 1_200), later=later.isoformat())
    assert second.verdict.code == code


@pytest.mark.parametrize("asked", [void(2, 1), give_back(2, 1, 500)])
def test_a_sale_without_points_is_undone_without_points(asked: Request) -> None:
    """The bill comes back; nobody's wallet is touched, and none is needed."""
    sold = sale(1, 1_200, city=400)
    first = decided(sold, wallet=None)
    second = decided(asked, wallet=None, target=done(sold, first))
    assert (second.verdict.status, second.verdict.late) == (Status.ACCEPTED, False)
    assert (second.change, second.postings) == (Change(), ())
    whole = Movements(None, 500, amounts=(0, 0, -500))
    assert second.moved == (Movements(None) if asked.content == void(2, 1).content else whole)
    assert second.verdict.amount_due == (None if second.moved == Movements(None) else -500)


@pytest.mark.parametrize("asked", [void(2, 1), give_back(2, 1, 500)])
def test_one_who_left_gets_nothing_back(asked: Request) -> None:
    """There is no wallet any more."""
    sold = sale(1, 1_200, city=400)
    first = decided(sold)
    assert decided(asked, wallet=None, target=done(sold, first)).verdict.code == Reason.HOLDER_LEFT


def test_a_return_moves_its_part_back() -> None:
    """Redeemed points in proportion, the last lot first; of the award what the rest of the bill does not earn."""
    sold = sale(1, 1_200, city=400)
    first, second, left = undone(give_back(2, 1, 600), sold)
    assert second.moved == Movements(MYKEY, 600, amounts=(-200, -4, -400))
    assert second.postings == (
        Posting(Account.HELD, CITY, "", 100),
        Posting(Account.HELD, CITY, "", 100),
        Posting(Account.HELD, STREET, "", -4),
        Posting(Account.CLAIM, CITY, SHOP, -100),
        Posting(Account.CLAIM, CITY, SHOP, -100),
        Posting(Account.ISSUED, STREET, "", 4),
        Posting(Account.LAPSED, STREET, "", 0),
    )
    assert dict(left.lots) == {FIRST: 100, SECOND: 520, EARNED: 3}
    rest = decided(give_back(3, 1, 600), wallet=left, target=done(sold, first, returned=600))
    assert dict(left.after(rest.change).lots) == dict(FUNDED.lots)
    assert rest.moved == Movements(MYKEY, 600, amounts=(-200, -3, -400))


THIRD = Lot(CITY, "free", "2029-03-31")


@pytest.mark.parametrize(
    ("returned", "bill", "lots"),
    [
        (0, 100, [(THIRD, 100)]),
        (0, 300, [(THIRD, 300)]),
        (0, 400, [(THIRD, 300), (SECOND, 100)]),
        (300, 200, [(SECOND, 200)]),
        (300, 300, [(SECOND, 200), (FIRST, 100)]),
        (500, 100, [(FIRST, 100)]),
    ],
)
def test_lots_come_back_from_the_last_to_the_first(returned: int, bill: int, lots: list[tuple[Lot, int]]) -> None:
    """Each with its part, and none without one."""
    wallet = Wallet({FIRST: 100, SECOND: 200, THIRD: 300})
    sold = sale(1, 600, city=600, pin=True)
    first = decided(sold, wallet=wallet)
    empty = wallet.after(first.change)
    ruling = decided(give_back(2, 1, bill), wallet=empty, target=done(sold, first, returned=returned))
    assert list(ruling.change.lots) == lots
    assert len(ruling.postings) == 2 * len(lots)


def test_a_return_without_a_target_says_so() -> None:
    """A sale that did not come cannot come back."""
    assert decided(give_back(2, 1, 1), target=None).verdict.code == Reason.TARGET_UNKNOWN


@pytest.mark.parametrize(
    ("later", "lots"),
    [("2026-11-25", {Lot(CITY, "free", NEVER): 5}), ("2026-11-26", {})],
    ids=["on the last day", "the day after"],
)
def test_points_that_lapse_by_use_come_back_while_they_are_used(later: str, lots: dict[Lot, int]) -> None:
    """And what they earned is taken back as long."""
    short = DaysAfterUse(rule="days_after_use", days=2)
    programmes = (ruled(city(), expiry=short), ruled(street(), expiry=short))
    wallet = Wallet({Lot(CITY, "free", NEVER): 5})
    _, second, left = undone(give_back(2, 1, 225), sale(1, 225, city=5), *programmes, wallet=wallet, later=later)
    held = {lot: points for lot, points in left.lots.items() if lot.programme == CITY}
    assert (held, second.verdict.awarded) == (lots, -2)
    assert left.lots.get(Lot(STREET, "free", NEVER), 0) == (0 if lots else 2)


def test_awards_of_two_programmes_come_back_together() -> None:
    """The verdict says their sum."""
    earning = ruled(city(), earning=Earning(yen_per_point=100))
    asked = sale(1, 1_100, award=10)
    assert isinstance(asked.content, Sale)
    both = [*asked.content.award, Leg(programme=CITY, points=11)]
    sold = replace(asked, content=asked.content.model_copy(update={"award": both}))
    _, second, left = undone(give_back(2, 1, 1_100), sold, earning)
    assert (second.verdict.awarded, left) == (-21, replace(FUNDED, uses=left.uses))


@pytest.mark.parametrize(
    ("later", "returning", "account", "lots"),
    [
        ("2027-03-31", Returning(), Account.HELD, {FIRST: 300}),
        ("2027-04-01", Returning(), Account.LAPSED, {}),
        (
            "2027-04-01",
            Returning(lapsed="extend", days=30),
            Account.HELD,
            {Lot(CITY, "free", "2027-05-01"): 300},
        ),
    ],
)
def test_points_whose_lot_lapsed_follow_the_rule(
    later: str, returning: Returning, account: Account, lots: dict[Lot, int]
) -> None:
    """On its last day a lot is still there."""
    _, second, left = undone(
        give_back(2, 1, 300),
        sale(1, 300, city=300),
        ruled(city(), returning=returning),
        wallet=Wallet({FIRST: 300}),
        later=later,
    )
    assert dict(left.lots) == lots
    assert set(second.postings) == {Posting(Account.CLAIM, CITY, SHOP, -300), Posting(account, CITY, "", 300)}


@pytest.mark.parametrize(
    ("later", "lapsed"), [("2027-11-23", 0), ("2027-11-24", 5)], ids=["on its last day", "the day after"]
)
def test_of_an_award_that_lapsed_nothing_is_taken_back_by_a_return(later: str, lapsed: int) -> None:
    """The issuer's books say that it came back twice and lapsed once."""
    _, second, left = undone(give_back(2, 1, 550), sale(1, 1_100), wallet=Wallet(), later=later)
    assert second.verdict.awarded == -5
    assert left.lots.get(EARNED, 0) == 5 + lapsed
    assert [each for each in second.postings if each.account is not Account.HELD] == [
        Posting(Account.ISSUED, STREET, "", 5),
        Posting(Account.LAPSED, STREET, "", -lapsed),
    ]


def test_one_point_and_one_yen_come_back() -> None:
    """The smallest parts are parts."""
    _, second, left = undone(give_back(2, 1, 1), sale(1, 1, city=1))
    assert second.moved == Movements(MYKEY, 1, amounts=(-1, 0, 0))
    assert left.lots == FUNDED.lots


def test_what_was_earned_towards_a_debt_comes_back_as_a_debt() -> None:
    """Into no lot: none had it."""
    generous = ruled(street(), overdraft=True)
    wallet = Wallet({}, {STREET: 4})
    first, second, left = undone(void(2, 1), sale(1, 1_100), generous, wallet=wallet)
    assert first.moved is not None
    assert (first.moved.given, first.moved.repaid) == (((EARNED, 6),), ((STREET, 4),))
    assert (dict(left.lots), dict(left.debts)) == ({}, {STREET: 4})
    assert second.verdict.awarded == -10
    _, second, left = undone(give_back(2, 1, 1_100), sale(1, 1_100), generous, wallet=wallet)
    assert (dict(left.lots), dict(left.debts), second.verdict.awarded) == ({}, {STREET: 4}, -10)


@pytest.mark.parametrize(
    ("asked", "late"),
    [
        (void(2, 1), False),
        (elsewhere(void(2, 1), business_date="2026-12-01"), True),
    ],
)
def test_a_void_of_what_has_not_come_yet_is_accepted(asked: Request, *, late: bool) -> None:
    """The id can then never succeed; the verdict says when the void is late."""
    ruling = decided(asked, target=None)
    assert (ruling.verdict.status, ruling.verdict.late, ruling.moved) == (Status.ACCEPTED, late, None)
    assert ruling.verdict.operation_id == operation_id(2)
    assert ruling.verdict.day == TODAY


# Whatever is asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [Link, Unlink, Close], ids=lambda kind: kind.__name__)
def test_what_moves_no_points_is_accepted(content: type[BaseModel]) -> None:
    """On its day, and as late where it is."""
    for day, late in ((TODAY, False), ("2026-12-01", True)):
        asked = elsewhere(replace(award(1, 5), content=content.model_construct(), mykey=None), business_date=day)
        ruling = decided(asked, wallet=None)
        assert (ruling.verdict.status, ruling.verdict.late, ruling.moved) == (Status.ACCEPTED, late, None)
        assert (ruling.verdict.operation_id, ruling.verdict.content_hash) == (asked.operation_id, asked.content_hash)


@pytest.mark.parametrize(("refusal", "code"), [(None, Reason.UNREADABLE), ("form_unknown", "form_unknown")])
def test_what_cannot_be_read_is_refused(refusal: str | None, code: str) -> None:
    """For the reason that was found before, or for that."""
    asked = replace(award(1, 5), content=Unreadable.model_construct(kind="later"), refusal=refusal)
    assert decided(asked).verdict.code == code


@pytest.mark.parametrize("asked", [sale(1, 1_200, city=400), award(1, 5)], ids=["sale", "award"])
def test_a_defect_gets_a_verdict(asked: Request, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """A sale stands without its points, anything else is refused; the log says which it was, and shows the defect."""
    monkeypatch.setattr("ledger.points.work.Work.give", lambda *_: 1 // 0)
    ruling = decided(asked)
    assert ruling.postings == ()
    assert (ruling.verdict.operation_id, ruling.verdict.day) == (asked.operation_id, TODAY)
    if isinstance(asked.content, Sale):
        assert {cut.reason for cut in ruling.verdict.cuts} == {Reason.UNDECIDABLE}
        assert ruling.verdict.amount_due == 1_200
    else:
        assert (ruling.verdict.status, ruling.verdict.code) == (Status.REFUSED, Reason.UNDECIDABLE)
    assert f"{asked.operation_id} could not be decided: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("fields", "day", "reported_on", "late"),
    [
        ({}, TODAY, TODAY, False),
        ({"is_late": True}, TODAY, TODAY, True),
        ({"business_date": YESTERDAY}, YESTERDAY, YESTERDAY, False),
        ({"business_date": YESTERDAY, "floor": TODAY}, TODAY, TODAY, True),
        ({"business_date": "2026-11-16"}, "2026-11-16", "2026-11-16", False),
        ({"business_date": "2026-11-15"}, TODAY, "2026-11-16", True),
        ({"business_date": "2026-11-24"}, TODAY, TODAY, True),
        ({"business_date": YESTERDAY, "day_starts_at": 12}, YESTERDAY, YESTERDAY, False),
    ],
)
def test_an_operation_counts_on_its_day_within_bounds(
    fields: dict[str, Any], day: str, reported_on: str, *, late: bool
) -> None:
    """Not before the last close, not longer ago than the programmes say, and not on a day to come."""
    ruling = decided(replace(award(1, 5), **fields))
    assert (ruling.placed.day, ruling.placed.reported_on, ruling.placed.late) == (day, reported_on, late)
    assert ruling.verdict.late is late


@pytest.mark.parametrize(("stamped", "points"), [(1, 7), (2, 4), (9, 4), (None, 4)])
def test_a_sale_is_decided_by_the_version_it_was_priced_with(stamped: int | None, points: int) -> None:
    """One that is not known, or not named, by the version in force."""
    later = ruled(street(), version=2, earning=Earning(yen_per_point=200), effective_from=DAY)
    asked = sale(1, 800)
    assert isinstance(asked.content, Sale)
    rules = {CITY: 1} if stamped is None else {CITY: 1, STREET: stamped}
    asked = replace(asked, content=asked.content.model_copy(update={"rules": rules}))
    books = {CITY: [city()], STREET: [street(), later]}
    ruling = decide(asked, Situation(Rulebooks(books), FUNDED))
    assert ruling.verdict.awarded == points
    assert ruling.moved is not None
    assert ruling.moved.rules == {STREET: stamped if stamped in (1, 2) else 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_due": 1_199},
        {"amount_due": 1_201},
        {"award": [Leg(programme=STREET, points=5), Leg(programme=STREET, points=5)]},
    ],
)
def test_amounts_that_do_not_fit_together_are_refused(changes: dict[str, Any]) -> None:
    """Each by itself."""
    asked = sale(1, 1_200)
    content = asked.content.model_copy(update=changes)
    assert decided(replace(asked, content=content)).verdict.code == Reason.AMOUNTS_WRONG
