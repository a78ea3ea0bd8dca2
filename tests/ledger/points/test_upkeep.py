"""The end of a day: lots lapse, counters end, totals are added up, and doing it again changes nothing."""

from datetime import date

from sqlalchemy import func, select

from ledger.points.periods import LASTING
from ledger.points.schema import counters, totals
from ledger.wire.rules import DaysAfterUse
from tests.ledger.points.conftest import Store, street
from tests.ledger.points.scenes import CITY, DAY, MYKEY, SHOP, STREET, award, elsewhere, sale, stamped, void


def parts(store: Store) -> int:
    """Return in how many parts the totals lie."""
    with store.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(totals)).scalar_one()


def test_what_lapsed_goes_back_to_the_issuer(store: Store) -> None:
    """A lot is good on its last day, and gone the day after; twice is once."""
    store.tidy(date(2027, 3, 31))
    assert store.held() == {CITY: 820}
    for _ in range(2):
        store.tidy(date(2027, 4, 1))
        assert store.lots() == {(CITY, "2028-03-31"): 520}
        assert store.sums() == {"held": 520, "issued": -820, "lapsed": 300}


def test_the_parts_of_a_day_become_one(store: Store) -> None:
    """So nobody can tell afterwards how much a single operation moved; before, a shop's sales are one part."""
    store.decide(sale(1, 1_100, city=10))
    alone = parts(store)
    for seq in range(2, 6):
        store.decide(sale(seq, 1_100, city=10))
    assert parts(store) == alone
    store.decide(elsewhere(sale(6, 1_100, city=10), shop="252034-0002", terminal_id="252034-0002-01"))
    before, sums = parts(store), store.sums()
    assert before > alone + 1
    store.tidy(date(2026, 11, 24))
    assert parts(store) == alone + 1, "each shop has its claim, and all else is one"
    assert store.sums() == sums


def test_counters_go_when_their_period_is_over(store: Store) -> None:
    """What a limit counted is nobody's to know the day after."""
    store.decide(sale(1, 1_000, city=10))
    store.tidy(DAY)
    assert "2026-11-23" in {period for period, _ in sealed(store)}
    store.tidy(date(2026, 11, 24))
    assert [period for period, _ in sealed(store)] == [LASTING]
    assert not (store.folder / "periods" / "2026-11-23.key").exists()


def sealed(store: Store) -> list[tuple[str, bytes]]:
    """Return what is counted of people, as it lies in the store."""
    with store.engine.connect() as connection:
        return [(period, row) for period, row in connection.execute(select(counters.c.period, counters.c.sealed))]


def test_points_that_lapse_by_not_being_used(store: Store) -> None:
    """Each use puts all of them off; a void takes its use back; what lapsed is not revived by the next award."""
    expiry = DaysAfterUse(rule="days_after_use", days=30)
    store.registry.add_programmes([street().model_copy(update={"version": 2, "expiry": expiry})])

    def last_day() -> str | None:
        return store.points.balances(MYKEY, SHOP, DAY)[1].expires_on

    store.decide(elsewhere(stamped(sale(1, 1_100), 2), business_date="2026-11-20"))
    assert last_day() == "2026-12-20"
    store.decide(stamped(sale(2, 1_100), 2), stamped(sale(3, 1_100), 2))
    assert last_day() == "2026-12-23"
    store.decide(void(4, 3))
    assert last_day() == "2026-12-23"
    store.decide(void(5, 2))
    assert (last_day(), store.held()[STREET]) == ("2026-12-20", 10)
    late = elsewhere(stamped(sale(6, 550), 2), business_date="2026-12-21")
    store.decide(late, today=date(2026, 12, 21))
    assert store.lots()[STREET, "9999-12-31"] == 5
    assert store.sums()["lapsed"] == 10
    store.tidy(date(2027, 1, 21))
    assert STREET not in store.held()


def test_late_work_joins_the_totals_of_its_day(store: Store) -> None:
    """A part that comes after the day was added up is added up the next time."""
    store.decide(award(1, 10))
    store.tidy(date(2026, 11, 24))
    before = parts(store)
    store.decide(award(2, 10))
    store.tidy(date(2026, 11, 25))
    assert parts(store) == before
    assert store.sums() == {"held": 840, "issued": -840}
