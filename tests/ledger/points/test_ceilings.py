"""What a stolen terminal, a dishonest shop or a friend's card can gain on one day is a number that the office set."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ledger.points.store import Request
from ledger.wire.answers import Status
from ledger.wire.rules import AwardReason, Ceiling, Ceilings, Name
from tests.ledger.points.conftest import Store, city, street
from tests.ledger.points.scenes import CITY, DAY, MYKEY, SHOP, STREET, award, elsewhere, sale, stamped, void

ENDLESS = Ceiling(issued=10**9, redeemed=10**9)
OPEN = Ceilings(card=ENDLESS, terminal=ENDLESS, shop=ENDLESS, programme=ENDLESS)


def ceiled(store: Store, **ceilings: Ceiling) -> None:
    """Bring rules into force, in which only some ceilings are low."""
    rules = {"version": 2, "ceilings": OPEN.model_copy(update=ceilings)}
    store.registry.add_programmes([street().model_copy(update=rules)])


def bought(seq: int, **where: str) -> Request:
    """Return a bill that earns 1,000 points."""
    return elsewhere(stamped(sale(seq, 110_000), 2), **where)


@pytest.mark.parametrize("scope", ["card", "terminal", "shop", "programme"])
def test_what_is_issued_on_a_day_has_a_ceiling(store: Store, scope: str) -> None:
    """The sale stands, and its points are cut to what is left, and told as such."""
    ceiled(store, **{scope: Ceiling(issued=2_500, redeemed=10**9)})
    verdicts = store.decide(*(bought(seq) for seq in range(1, 5)))
    assert [each.awarded for each in verdicts] == [1_000, 1_000, 500, 0]
    assert {each.status for each in verdicts} == {Status.ACCEPTED}
    assert {cut.reason for each in verdicts for cut in each.cuts} == {"ceiling_reached"}


@pytest.mark.parametrize("scope", ["card", "terminal", "shop", "programme"])
def test_what_is_redeemed_on_a_day_has_a_ceiling(store: Store, scope: str) -> None:
    """What is over it is due in yen."""
    ceiled(store, **{scope: Ceiling(issued=10**9, redeemed=150)})
    store.points.deposit(MYKEY, street(), None, 1_000)
    verdicts = store.decide(*(stamped(sale(seq, 100, street=100, award=0), 2) for seq in (1, 2)))
    assert [each.redeemed for each in verdicts] == [100, 50]
    assert verdicts[1].amount_due == 50


@pytest.mark.parametrize(
    ("scope", "elsewhere_too"),
    [
        ("terminal", {"terminal_id": f"{SHOP}-02"}),
        ("shop", {"terminal_id": "252034-0002-01", "shop": "252034-0002"}),
        ("card", {"mykey": "OTHER00000"}),
    ],
)
def test_a_ceiling_is_of_one_and_not_of_its_neighbour(store: Store, scope: str, elsewhere_too: dict[str, str]) -> None:
    """Whoever reached it holds up nobody else."""
    ceiled(store, **{scope: Ceiling(issued=1_000, redeemed=10**9)})
    store.decide(bought(1))
    (same, other) = store.decide(bought(2), bought(3, **elsewhere_too))
    assert (same.awarded, other.awarded) == (0, 1_000)


def test_many_uploads_at_once_keep_an_exact_ceiling(store: Store) -> None:
    """In one upload or in several, a terminal's ceiling is the same number."""
    ceiled(store, terminal=Ceiling(issued=2_500, redeemed=10**9))
    given = sum(store.decide(bought(seq))[0].awarded for seq in range(1, 6))
    assert given == 2_500


def test_dating_back_or_ahead_makes_no_room(store: Store) -> None:
    """The day is the ledger's: a terminal that states others gains nothing."""
    ceiled(store, terminal=Ceiling(issued=1_000, redeemed=10**9))
    days = [(DAY + timedelta(days=off)).isoformat() for off in (0, -1, -3, -30, 1, 90)]
    verdicts = store.decide(*(bought(seq, business_date=day) for seq, day in enumerate(days, 1)))
    assert sum(each.awarded for each in verdicts) == 1_000


def test_a_void_gives_the_room_back(store: Store) -> None:
    """A mistake of the clerk costs nobody the day."""
    ceiled(store, terminal=Ceiling(issued=1_000, redeemed=10**9))
    verdicts = store.decide(bought(1), void(2, 1), bought(3))
    assert verdicts[2].awarded == 1_000


def test_the_next_day_begins_anew(store: Store) -> None:
    """By the clock of the ledger."""
    ceiled(store, terminal=Ceiling(issued=1_000, redeemed=10**9))
    tomorrow = DAY + timedelta(days=1)
    store.decide(bought(1))
    (next_day,) = store.decide(bought(2, business_date=tomorrow.isoformat()), today=tomorrow)
    assert next_day.awarded == 1_000


def test_a_budget_ends(store: Store) -> None:
    """Whatever the day, and says why."""
    store.registry.add_programmes([street().model_copy(update={"version": 2, "ceilings": OPEN, "budget": 1_500})])
    verdicts = [*store.decide(bought(1)), *store.decide(bought(2), today=DAY + timedelta(days=1))]
    assert [each.awarded for each in verdicts] == [1_000, 500]
    assert [cut.reason for cut in verdicts[1].cuts] == ["budget_spent"]


def test_an_award_over_a_ceiling_is_refused(store: Store) -> None:
    """Nothing has changed hands: it is refused whole, with its reason."""
    rules = {"version": 2, "ceilings": OPEN.model_copy(update={"terminal": Ceiling(issued=100, redeemed=100)})}
    store.registry.add_programmes([city().model_copy(update=rules)])
    codes = [verdict.code for verdict in store.decide(_second(award(1, 60)), _second(award(2, 60)))]
    assert codes == [None, "ceiling_reached"]


def _second(asked: Request) -> Request:
    return replace(asked, content=asked.content.model_copy(update={"rules": {CITY: 2}}))


# Reasons ---------------------------------------------------------------------------------------------------------


def reasons(store: Store, **fields: object) -> None:
    """Bring rules into force in which a visit is worth points so often."""
    visit = AwardReason(name=Name(ja="来館", en="Visit"), points=5).model_copy(update=fields)
    store.registry.add_programmes([city().model_copy(update={"version": 2, "reasons": {"visit": visit}})])


@pytest.mark.parametrize(
    ("every", "days", "given"),
    [
        ("day", ["2026-11-23", "2026-11-23", "2026-11-24"], [True, False, True]),
        ("month", ["2026-11-23", "2026-11-30", "2026-12-01"], [True, False, True]),
        ("fiscal_year", ["2026-11-23", "2027-03-31", "2027-04-01"], [True, False, True]),
        ("life", ["2026-11-23", "2027-04-01", "2036-11-23"], [True, False, False]),
    ],
)
def test_a_reason_says_how_often(store: Store, every: str, days: list[str], given: list[bool]) -> None:
    """Once in its period, and then not before the next."""
    reasons(store, every=every)
    verdicts = [
        store.decide(elsewhere(_second(award(seq, 5)), business_date=day), today=date.fromisoformat(day))[0]
        for seq, day in enumerate(days, 1)
    ]
    assert [each.code for each in verdicts] == [None if good else "reason_used_up" for good in given]


def test_once_in_a_life_outlives_the_end_of_days(store: Store) -> None:
    """Tidying up and shredding forget who was where, and not that it was given."""
    reasons(store, every="life")
    store.decide(_second(award(1, 5)))
    later = date(2027, 8, 1)
    store.tidy(later)
    store.keys.shred("2027-05")
    (again,) = store.decide(elsewhere(_second(award(2, 5)), business_date=later.isoformat()), today=later)
    assert again.code == "reason_used_up"


def test_a_reason_may_be_given_several_times(store: Store) -> None:
    """And a void gives the time back."""
    reasons(store, times=2)
    verdicts = store.decide(*(_second(award(seq, 5)) for seq in (1, 2, 3)), void(4, 2), _second(award(5, 5)))
    assert [each.code for each in verdicts] == [None, None, "reason_used_up", None, None]


def test_a_reason_may_need_the_pin(store: Store) -> None:
    """The tap alone does not do."""
    reasons(store, needs="pin")
    codes = [
        verdict.code for verdict in store.decide(_second(award(1, 5)), replace(_second(award(2, 5)), pin_verified=True))
    ]
    assert codes == ["pin_needed", None]


# The tap ---------------------------------------------------------------------------------------------------------


def test_the_tap_has_a_memory(store: Store) -> None:
    """So many points since the last PIN, and then the PIN is asked for; after it, as many again."""
    rules = city().redeeming
    assert rules is not None
    limited = rules.model_copy(update={"tap_ceiling": 50, "tap_sum": 120, "tap_count": 10})
    store.registry.add_programmes([city().model_copy(update={"version": 2, "redeeming": limited})])
    paid = [_second(sale(seq, 100, city=50, award=0)) for seq in range(1, 4)]
    assert [each.redeemed for each in store.decide(*paid)] == [50, 50, 20]
    assert store.points.balances(MYKEY, SHOP, DAY)[0].tap_redeemable == 0
    store.decide(replace(_second(sale(4, 100, city=50, award=0)), pin_verified=True))
    assert store.points.balances(MYKEY, SHOP, DAY)[0].tap_redeemable == 50


def test_the_tap_is_counted_too(store: Store) -> None:
    """However small the sums."""
    rules = city().redeeming
    assert rules is not None
    limited = rules.model_copy(update={"tap_count": 2})
    store.registry.add_programmes([city().model_copy(update={"version": 2, "redeeming": limited})])
    paid = [_second(sale(seq, 100, city=1, award=0)) for seq in range(1, 4)]
    verdicts = store.decide(*paid)
    assert [each.redeemed for each in verdicts] == [1, 1, 0]
    assert [cut.reason for cut in verdicts[2].cuts] == ["pin_needed"]


def test_voids_of_taps_make_no_room_beyond_what_was_counted(store: Store) -> None:
    """After the PIN began the count anew, an old tap that is voided does not bring it below nothing."""
    rules = city().redeeming
    assert rules is not None
    limited = rules.model_copy(update={"tap_ceiling": 50, "tap_sum": 100})
    store.registry.add_programmes([city().model_copy(update={"version": 2, "redeeming": limited})])
    tapped = [_second(sale(seq, 100, city=50, award=0)) for seq in (1, 2)]
    store.decide(*tapped, replace(_second(sale(3, 100, city=1, award=0)), pin_verified=True), void(4, 1), void(5, 2))
    more = [_second(sale(seq, 100, city=50, award=0)) for seq in (6, 7, 8)]
    assert [each.redeemed for each in store.decide(*more)] == [50, 50, 0]


def test_the_defaults_bound_what_a_made_up_bill_gains(store: Store) -> None:
    """Two thousand made-up bills of ten million yen on one card give one day's ceiling, and no more."""
    verdicts = store.decide(*(sale(seq, 9_999_999) for seq in range(1, 401)))
    assert sum(each.awarded for each in verdicts) == 20_000
    assert store.held()[STREET] == 20_000
