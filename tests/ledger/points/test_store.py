"""The points store: what each operation does to a wallet, once, and to the point."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from ledger.points.schema import operations, totals, wallets
from ledger.points.store import OperationIdConflict, Request
from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import Sale
from tests.ledger.points.conftest import Store
from tests.ledger.points.scenes import (
    CITY,
    DAY,
    MYKEY,
    SHOP,
    STREET,
    award,
    elsewhere,
    give_back,
    operation_id,
    sale,
    void,
)


def test_a_sale_takes_the_lot_that_lapses_first(store: Store) -> None:
    """The older lot goes whole before the younger one is touched, and what was paid in yen earns."""
    (verdict,) = store.decide(sale(1, 1_200, city=400))
    assert verdict.status is Status.ACCEPTED
    assert (verdict.redeemed, verdict.awarded, verdict.amount_due) == (400, 7, 800)
    assert store.lots() == {(CITY, "2028-03-31"): 420, (STREET, "2027-11-23"): 7}


def test_postings_sum_to_zero(store: Store) -> None:
    """Every operation's postings balance over all accounts, and those of residents are what they hold."""
    verdicts = store.decide(sale(1, 1_200, city=400), award(2, 50), sale(3, 900, street=7), void(4, 3))
    assert {verdict.status for verdict in verdicts} == {Status.ACCEPTED}
    with store.engine.connect() as connection:
        by_programme = connection.execute(select(func.sum(totals.c.points)).group_by(totals.c.programme)).scalars()
        assert set(by_programme) == {0}
    assert store.sums() == {"held": sum(store.held().values()), "claim": 400, "issued": -820 - 7 - 50}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (sale(1, 900, city=501), "pin_needed"),
        (sale(1, 900, city=821, pin=True), "insufficient_balance"),
        (sale(1, 1_200, city=1_001, pin=True), "limit_exceeded"),
        (sale(1, 900, street=1), "insufficient_balance"),
        (sale(1, 1_200, award=11), "rules_mismatch"),
        (elsewhere(sale(1, 900, city=100), shop="131164-0001"), "not_usable_here"),
        (elsewhere(sale(1, 900), refusal="card_revoked"), "card_revoked"),
        (elsewhere(sale(1, 900), business_date="2026-03-31"), "rules_mismatch"),
        (void(2, 1), None),
    ],
)
def test_what_is_refused_moves_nothing(store: Store, asked: Request, code: str | None) -> None:
    """A refusal has its reason, and the wallet stays as it was."""
    (verdict,) = store.decide(asked)
    assert verdict.code == code
    assert store.held() == {CITY: 820}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_due": 1_100}, "amounts_wrong"),
        ({"municipality": "131164"}, "municipality_mismatch"),
        ({"rules": {STREET: 2}}, "programme_unknown"),
        ({"rules": {}}, "programme_unknown"),
    ],
)
def test_a_sale_that_does_not_fit_together_is_refused(store: Store, changes: dict[str, object], code: str) -> None:
    """Nothing that the terminal adds up is believed."""
    asked = sale(1, 1_200)
    assert isinstance(asked.content, Sale)
    content = asked.content.model_copy(update=changes)
    (verdict,) = store.decide(replace(asked, content=content))
    assert verdict.code == code


def test_the_same_again_is_the_same_verdict(store: Store) -> None:
    """An operation is one operation, in one upload or in two."""
    asked = sale(1, 1_200, city=400)
    first, second = store.decide(asked, asked)
    assert store.decide(asked) == [first]
    assert first == second
    assert store.held() == {CITY: 420, STREET: 7}


def test_an_id_with_other_content_is_an_error(store: Store) -> None:
    """Nothing of such an upload is done."""
    store.decide(sale(1, 1_200))
    with pytest.raises(OperationIdConflict):
        store.decide(award(2, 10), elsewhere(sale(1, 1_300), content_hash="f" * 64))
    assert store.held() == {CITY: 820, STREET: 10}


def test_a_void_restores_every_lot_exactly(store: Store) -> None:
    """Points are back in the lots they came from, with their expiry; the award is gone."""
    before = store.held()
    done, undone = store.decide(sale(1, 1_200, city=400), void(2, 1))
    assert (undone.redeemed, undone.awarded) == (-done.redeemed, -done.awarded)
    assert store.held() == before
    (balance,) = store.points.balances(MYKEY, SHOP, DAY)
    assert (balance.expires_on, balance.expiring, balance.redeemable) == ("2027-03-31", 300, 820)


def test_what_is_voided_stays_voided(store: Store) -> None:
    """A second void, a void of a refused operation, and another shop's void are refused."""
    store.decide(sale(1, 1_200, city=400), void(2, 1), sale(3, 900, city=501))
    codes = [verdict.code for verdict in store.decide(void(4, 1), void(5, 3))]
    assert codes == ["already_voided", "target_refused"]
    store.decide(sale(6, 1_200))
    (verdict,) = store.decide(elsewhere(void(7, 6), shop="252034-0002"))
    assert verdict.code == "target_unknown"
    (verdict,) = store.decide(elsewhere(void(8, 6), business_date="2026-11-24"))
    assert verdict.code == "target_closed"


def astray(asked: Request) -> Request:
    """Return a request that names another municipality."""
    return replace(asked, content=asked.content.model_copy(update={"municipality": "131164"}))


@pytest.mark.parametrize("undo", [void(2, 1), give_back(2, 1, 100)])
@pytest.mark.parametrize("together", [True, False])
def test_what_is_undone_lies_where_it_was_decided(store: Store, undo: Request, *, together: bool) -> None:
    """One that names another municipality is refused: there it would find nothing, and seem to be done."""
    sold = sale(1, 1_200, city=400)
    for _ in range(2):
        verdicts = store.decide(sold, astray(undo)) if together else store.decide(sold) + store.decide(astray(undo))
        assert [verdict.code for verdict in verdicts] == [None, "municipality_mismatch"]
    assert store.held()[CITY] == 420


def test_an_id_that_was_voided_elsewhere_before_it_came_can_never_succeed(store: Store) -> None:
    """Whichever municipality the void names, and whichever the operation."""
    for _ in range(2):
        assert [verdict.code for verdict in store.decide(astray(void(3, 1)), astray(void(4, 2)))] == [None, None]
        verdicts = store.decide(sale(1, 1_200, city=400)) + store.decide(astray(sale(2, 1_200)))
        assert {verdict.code for verdict in verdicts} == {"voided_before_arrival"}
    assert store.held() == {CITY: 820}


def test_an_award_that_was_spent_cannot_be_taken_back(store: Store) -> None:
    """The void is refused and says why, instead of leaving less than nothing."""
    store.decide(sale(1, 1_100), sale(2, 900, street=10))
    (verdict,) = store.decide(void(3, 1))
    assert verdict.code == "award_already_spent"
    assert store.held() == {CITY: 820, STREET: 8}


def test_an_id_that_was_voided_before_it_came_can_never_succeed(store: Store) -> None:
    """Whatever arrives under it later is refused for that, twice the same."""
    store.decide(void(2, 1))
    for _ in range(2):
        (verdict,) = store.decide(sale(1, 1_200, city=400))
        assert verdict == Verdict(operation_id=operation_id(1), status=Status.REFUSED, code="voided_before_arrival")
    assert store.held() == {CITY: 820}


def test_a_day_has_its_limit_and_a_void_gives_it_back(store: Store) -> None:
    """What was voided does not count against the resident."""
    store.decide(award(1, 900), sale(2, 900, city=900, pin=True))
    assert store.points.balances(MYKEY, SHOP, DAY)[0].redeemable == 100
    store.decide(void(3, 2))
    assert store.points.balances(MYKEY, SHOP, DAY)[0].redeemable == 1_000


def test_fifty_at_once_are_one(store: Store) -> None:
    """One id posted from fifty threads gives one row and one answer."""
    asked = sale(1, 1_200, city=400)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: store.decide(asked)[0].model_dump_json(), range(50)))
    assert len(set(answers)) == 1
    with store.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(operations)).scalar_one() == 1
    assert store.held() == {CITY: 420, STREET: 7}


def test_many_at_once_never_overspend(store: Store) -> None:
    """Forty sales want more than there is: what is redeemed and what is left are what there was."""
    with ThreadPoolExecutor(8) as pool:
        verdicts = [each[0] for each in pool.map(lambda seq: store.decide(sale(seq, 110, city=60)), range(1, 41))]
    redeemed = sum(verdict.redeemed for verdict in verdicts)
    assert {verdict.code for verdict in verdicts} <= {None, "insufficient_balance"}
    assert redeemed == 13 * 60
    assert store.held()[CITY] == 820 - redeemed


def test_leaving_forgets_the_resident(store: Store) -> None:
    """Nothing of the wallet stays but a total that lapsed, also when what was done before is asked for again."""
    (verdict,) = store.decide(award(1, 5))
    store.points.erase(MYKEY, DAY)
    assert store.held() == {}
    assert store.decide(award(1, 5)) == [verdict]
    with store.engine.connect() as connection:
        assert connection.execute(select(wallets.c.mykey)).all() == []
