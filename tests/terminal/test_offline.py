"""Deciding without a line: in one order, never more than is reserved, else never more than the floor allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.wire.operations import Leg
from ledger.wire.rules import Floor, Offline, Redeeming
from terminal.shop.offline import (
    Bar,
    Case,
    PackFacts,
    RecordFacts,
    RecordHolding,
    Redeemable,
    Spend,
    decide,
    floor_today,
    rooms,
    still_counted,
)
from tests.terminal.counters import MUNICIPALITY, STREET, programme

NOON = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
TODAY, YESTERDAY = "2026-11-25", "2026-11-24"
HOURS = 72
YEARS = timedelta(days=365)


def rules(*, redeem: bool = True, floor: tuple[int, int, int] | None = None) -> Offline:
    """Return a programme's word on redeeming without a line."""
    limit = None if floor is None else Floor(per_operation=floor[0], per_card_day=floor[1], per_terminal_day=floor[2])
    return Offline(redeem=redeem, pack_hours=HOURS, floor=limit)


def case(
    reserved: int = 500,
    *,
    balance: int = 0,
    day_left: int | None = None,
    spends: tuple[Spend, ...] | None = (),
    offline: Offline | None = None,
    terminal_floor: dict[str, int] | None = None,
    per_operation: int | None = None,
) -> Case:
    """Return a case in which everything is as it should be: a card with points reserved, and a pack of an hour ago."""
    own = programme(MUNICIPALITY).model_copy(
        update={"offline": offline or rules(), "redeeming": Redeeming(per_operation=per_operation)}
    )
    return Case(
        programmes={MUNICIPALITY: own, STREET: programme(STREET, queues=False)},
        pack=PackFacts(7, NOON - timedelta(hours=1), 10),
        record=RecordFacts({MUNICIPALITY: RecordHolding(reserved, balance, day_left)}),
        now=NOON,
        day=TODAY,
        not_before=NOON - YEARS,
        not_after=NOON + YEARS,
        spends=spends,
        terminal_floor={} if terminal_floor is None else terminal_floor,
    )


def legs(points: int, code: str = MUNICIPALITY) -> list[Leg]:
    """Return points to redeem."""
    return [Leg(programme=code, points=points)]


GOOD = case()
NO_RULES = {MUNICIPALITY: programme(MUNICIPALITY).model_copy(update={"offline": rules(redeem=False)})}
assert GOOD.pack is not None
assert GOOD.record is not None

BARRED: list[tuple[str, dict[str, object], Bar]] = [
    ("the programme does not allow it", {"programmes": NO_RULES}, Bar.NOT_ALLOWED),
    ("no programme is in force", {"programmes": {}}, Bar.NOT_ALLOWED),
    ("there is no pack", {"pack": None}, Bar.NO_PACK),
    ("something was given back since", {"pack": replace(GOOD.pack, behind=True)}, Bar.PACK_BEHIND),
    ("the clock was set back", {"now": NOON - timedelta(days=3)}, Bar.PACK_AHEAD),
    ("the pack is too old by a second", {"now": NOON + timedelta(hours=HOURS - 1, seconds=1)}, Bar.PACK_OLD),
    ("the clock was set three days on", {"now": NOON + timedelta(days=3)}, Bar.PACK_OLD),
    ("no record opens", {"record": None}, Bar.NO_RECORD),
    ("the certificate has ended", {"not_after": NOON - timedelta(seconds=1)}, Bar.INVALID),
    ("the certificate has not begun", {"not_before": NOON + timedelta(seconds=1)}, Bar.INVALID),
    ("the record's key is another card's", {"record": replace(GOOD.record, has_key=False)}, Bar.OTHER_KEY),
    ("too little of the key was read", {"record": replace(GOOD.record, has_key=None)}, Bar.OTHER_KEY),
    ("the counters are lost", {"spends": None}, Bar.COUNTERS),
    ("nothing is reserved", {"record": RecordFacts({MUNICIPALITY: RecordHolding(0)})}, Bar.NOTHING_LEFT),
    ("it is another programme's", {"record": RecordFacts({STREET: RecordHolding(500)})}, Bar.NOTHING_LEFT),
    ("all was spent since", {"spends": (Spend(11, TODAY, MUNICIPALITY, 500),)}, Bar.NOTHING_LEFT),
]
"""What bars all redeeming, in the order in which it is looked."""


@pytest.mark.parametrize(("changes", "bar"), [row[1:] for row in BARRED], ids=[row[0] for row in BARRED])
def test_what_bars_redeeming_is_known_before_the_resident_is_asked(changes: dict[str, object], bar: Bar) -> None:
    """And bars it whatever the card signed."""
    changed = replace(GOOD, **changes)  # type: ignore[arg-type]  # a table of changes
    assert rooms(changed) is bar
    assert decide(changed, legs(1), signed=True) is bar


@pytest.mark.parametrize("first", range(len(BARRED)), ids=[row[0] for row in BARRED])
def test_the_first_in_the_order_is_said(first: int) -> None:
    """Where several things bar it, what comes earlier in the order is what people hear."""
    _, changes, bar = BARRED[first]
    for _, more, _ in BARRED[first + 1 :]:
        both = replace(GOOD, **{**more, **changes})  # type: ignore[arg-type]  # a table of changes
        assert rooms(both) is bar


@pytest.mark.parametrize(
    ("given", "points", "expected"),
    [
        (case(), 500, (Spend(0, TODAY, MUNICIPALITY, 500),)),
        (case(), 501, Bar.BEYOND),
        (case(spends=(Spend(11, YESTERDAY, MUNICIPALITY, 200),)), 300, (Spend(0, TODAY, MUNICIPALITY, 300),)),
        (case(spends=(Spend(11, YESTERDAY, MUNICIPALITY, 200),)), 301, Bar.BEYOND),
        (case(spends=(Spend(10, TODAY, MUNICIPALITY, 200),)), 500, (Spend(0, TODAY, MUNICIPALITY, 500),)),
        (case(day_left=100), 101, Bar.BEYOND),
        (case(day_left=100, spends=(Spend(11, TODAY, MUNICIPALITY, 60),)), 41, Bar.BEYOND),
        (
            case(day_left=100, spends=(Spend(11, YESTERDAY, MUNICIPALITY, 60),)),
            100,
            (Spend(0, TODAY, MUNICIPALITY, 100),),
        ),
        (case(per_operation=100), 101, Bar.BEYOND),
        (case(0, balance=900, offline=rules(floor=(300, 400, 1000))), 300, (Spend(0, TODAY, MUNICIPALITY, 0, 300),)),
        (case(0, balance=900, offline=rules(floor=(300, 400, 1000))), 301, Bar.BEYOND),
        (case(0, balance=200, offline=rules(floor=(300, 400, 1000))), 201, Bar.BEYOND),
        (case(50, balance=900, offline=rules(floor=(300, 400, 1000))), 350, (Spend(0, TODAY, MUNICIPALITY, 50, 300),)),
        (
            case(
                0, balance=900, offline=rules(floor=(300, 400, 1000)), spends=(Spend(9, TODAY, MUNICIPALITY, 0, 300),)
            ),
            101,
            Bar.BEYOND,
        ),
        (
            case(0, balance=900, offline=rules(floor=(300, 400, 1000)), terminal_floor={MUNICIPALITY: 950}),
            51,
            Bar.BEYOND,
        ),
    ],
    ids=[
        "all that is reserved",
        "one more",
        "what an earlier sale left",
        "one more than it left",
        "what the pack has counted already is not counted twice",
        "more than is left of the day",
        "more than an earlier sale left of the day",
        "yesterday's sale takes nothing of the day",
        "more than one operation may redeem",
        "under the floor",
        "above the floor",
        "above the last balance",
        "reserved first, then the floor",
        "above the card's floor of the day",
        "above the terminal's floor of the day",
    ],
)
def test_no_more_than_is_there(given: Case, points: int, expected: tuple[Spend, ...] | Bar) -> None:
    """Out of the reservation first, then under the floor."""
    assert decide(given, legs(points), signed=True) == expected


def test_without_the_signature_nothing_is_redeemed() -> None:
    """However much there is."""
    assert decide(GOOD, legs(1), signed=False) is Bar.UNSIGNED


def test_two_legs_of_one_programme_are_not_counted_one_by_one() -> None:
    """Each alone would fit, and both together would not."""
    assert decide(GOOD, [*legs(300), *legs(300)], signed=True) is Bar.BEYOND


def test_where_counters_were_begun_anew_nothing_goes_under_the_floor() -> None:
    """What was let go that day is not known any more; what is reserved the ledger has counted."""
    unknown = replace(case(100, balance=900, offline=rules(floor=(300, 400, 1000))), terminal_floor=None)
    assert rooms(unknown) == {MUNICIPALITY: Redeemable(100)}


amounts = st.integers(1, 400)


@given(
    reserved=st.integers(0, 1_000),
    balance=st.integers(0, 1_000),
    floor=st.none() | st.tuples(amounts, amounts, st.integers(1, 900)),
    wishes=st.lists(amounts, max_size=12),
    packs=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_no_sequence_of_sales_spends_more_than_is_reserved_and_guaranteed(
    reserved: int, balance: int, floor: tuple[int, int, int] | None, wishes: list[int], packs: list[bool]
) -> None:
    """Whatever is asked for, and whenever a pack comes: overspend is 0 beside the floor, and bounded under it."""
    own = case(reserved, balance=balance, offline=rules(floor=floor))
    spends: tuple[Spend, ...] = ()
    head, left, last = 10, reserved, balance
    for number, (points, fresh) in enumerate(zip(wishes, packs, strict=False), start=11):
        if fresh:  # the ledger counted everything so far, and states what is left
            left = reserved - sum(spend.reserved for spend in spends)
            last = balance - sum(spend.floor for spend in spends)
            head = number - 1
        now = replace(
            own,
            pack=PackFacts(7, NOON, head),
            record=RecordFacts({MUNICIPALITY: RecordHolding(left, last)}),
            spends=still_counted(spends, head, (TODAY,)),
            terminal_floor=floor_today(spends, TODAY),
        )
        taken = decide(now, legs(points), signed=True)
        if not isinstance(taken, Bar):
            assert sum(spend.reserved + spend.floor for spend in taken) == points
            spends += tuple(replace(spend, seq=number) for spend in taken)
    assert sum(spend.reserved for spend in spends) <= reserved
    below = sum(spend.floor for spend in spends)
    assert below <= (0 if floor is None else min(floor[1], floor[2], balance))
