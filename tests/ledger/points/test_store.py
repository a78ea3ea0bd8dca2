"""The points store: what each operation does to a wallet, once, and to the point."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from ledger.points.reports import Claim, claims
from ledger.points.schema import operations, totals, wallets
from ledger.points.store import OperationIdConflict, Request
from ledger.wire.answers import Status
from ledger.wire.operations import Leg, Sale
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
    sale,
    stamped,
    void,
)

LEG = Leg(programme=STREET, points=100)


def reasoned(asked: Request, reason: str) -> Request:
    """Return an award for another reason."""
    return replace(asked, content=asked.content.model_copy(update={"reason": reason}))


def astray(asked: Request) -> Request:
    """Return a request that names another municipality."""
    return replace(asked, content=asked.content.model_copy(update={"municipality": "131164"}))


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
        (award(1, 1_001), "rules_mismatch"),
        (reasoned(award(1, 1), "birth"), "reason_unknown"),
        (elsewhere(award(1, 5), refusal="card_revoked"), "card_revoked"),
        (void(2, 1), None),
    ],
)
def test_what_is_refused_moves_nothing(store: Store, asked: Request, code: str | None) -> None:
    """A refusal has its reason, and the wallet stays as it was."""
    (verdict,) = store.decide(asked)
    assert verdict.code == code
    assert store.held() == {CITY: 820}


@pytest.mark.parametrize(
    ("asked", "granted", "reason"),
    [
        (sale(1, 900, city=501), 500, "pin_needed"),
        (sale(1, 900, city=821, pin=True), 820, "insufficient_balance"),
        (sale(1, 1_200, city=1_001, pin=True), 820, "insufficient_balance"),
        (sale(1, 900, street=1), 0, "insufficient_balance"),
        (elsewhere(sale(1, 900, city=100, award=0), shop="131164-0001"), 0, "not_usable_here"),
        (elsewhere(sale(1, 900, city=100, award=0), refusal="card_revoked"), 0, "card_revoked"),
        (elsewhere(sale(1, 900, city=100, award=0), refusal="consent_wrong"), 0, "consent_wrong"),
    ],
)
def test_points_that_are_not_there_are_a_shortfall(store: Store, asked: Request, granted: int, reason: str) -> None:
    """The bill stands whatever becomes of its points: what they do not pay is due."""
    (verdict,) = store.decide(asked)
    assert isinstance(asked.content, Sale)
    (leg,) = asked.content.redeem
    assert verdict.status is Status.SHORTFALL
    assert [(cut.asked, cut.granted, cut.reason) for cut in verdict.cuts] == [(leg.points, granted, reason)]
    assert (verdict.redeemed, verdict.amount_due) == (granted, asked.content.bill - granted)
    assert store.held().get(CITY, 0) == 820 - granted


@pytest.mark.parametrize(
    ("asked", "granted", "reason"),
    [
        (sale(1, 1_200, award=11), 10, "rules_mismatch"),
        (stamped(sale(1, 1_200), 9), None, None),
        (elsewhere(sale(1, 900), shop="131164-0001"), 0, "not_usable_here"),
        (elsewhere(sale(1, 900), refusal="card_unregistered"), 0, "card_unregistered"),
        (replace(sale(1, 900), mykey=None), 0, "holder_left"),
    ],
)
def test_points_that_may_not_be_given_are_cut(
    store: Store, asked: Request, granted: int | None, reason: str | None
) -> None:
    """The sale is accepted, and says which of its points it does not give."""
    (verdict,) = store.decide(asked)
    assert verdict.status is Status.ACCEPTED
    assert [(cut.granted, cut.reason) for cut in verdict.cuts] == ([] if reason is None else [(granted, reason)])


def test_a_sale_that_cannot_be_decided_gets_its_verdict(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect costs one sale its points, and holds up nothing that comes after it."""
    monkeypatch.setattr("ledger.points.sales.award_for", lambda *_: 1 // 0)
    broken, fine, lost = store.decide(sale(1, 1_200, city=400), sale(2, 100, city=100), award(3, 5_000))
    assert (broken.status, broken.redeemed, broken.amount_due) == (Status.SHORTFALL, 0, 1_200)
    assert {cut.reason for cut in broken.cuts} == {"undecidable"}
    assert (fine.status, lost.code) == (Status.ACCEPTED, "rules_mismatch")
    assert store.held() == {CITY: 720}


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_due": 1_100},
        {"redeem": [LEG, LEG], "amount_due": 1_000},
        {"award": [LEG, LEG]},
    ],
)
def test_a_sale_that_does_not_fit_together_is_refused(store: Store, changes: dict[str, object]) -> None:
    """Nothing that the terminal adds up is believed."""
    asked = sale(1, 1_200)
    assert isinstance(asked.content, Sale)
    content = asked.content.model_copy(update=changes)
    (verdict,) = store.decide(replace(asked, content=content))
    assert verdict.code == "amounts_wrong"
    assert store.held() == {CITY: 820}


def test_points_of_another_municipality_do_not_move_here(store: Store) -> None:
    """A sale names one municipality, and nothing else is found there."""
    (verdict,) = store.decide(astray(sale(1, 1_200)))
    assert [(cut.granted, cut.reason) for cut in verdict.cuts] == [(0, "programme_unknown")]


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
    store.decide(sale(1, 1_200, city=400), void(2, 1), award(3, 1_001))
    codes = [verdict.code for verdict in store.decide(void(4, 1), void(5, 3))]
    assert codes == ["already_voided", "target_refused"]
    store.decide(sale(6, 1_200))
    (verdict,) = store.decide(elsewhere(void(7, 6), shop="252034-0002"))
    assert verdict.code == "target_unknown"
    (verdict,) = store.decide(replace(void(8, 6), closed_seq=6))
    assert verdict.code == "target_closed"
    (verdict,) = store.decide(elsewhere(void(9, 6), business_date="2026-12-01"), today=date(2026, 12, 1))
    assert verdict.code == "target_closed"


def test_a_sale_is_voided_the_day_after_while_nothing_is_closed(store: Store) -> None:
    """Midnight closes nothing: the day is taken out of the day on which the sale was made."""
    store.decide(elsewhere(sale(1, 1_200, city=400), business_date="2026-11-22"), today=date(2026, 11, 22))
    (verdict,) = store.decide(void(2, 1))
    assert (verdict.status, verdict.redeemed) == (Status.ACCEPTED, -400)
    assert store.held() == {CITY: 820}
    assert claims(store.engine, SHOP, date(2026, 11, 1), date(2026, 11, 30)) == [Claim("2026-11-22", CITY, 0)]


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
        assert (verdict.status, verdict.code) == (Status.REFUSED, "voided_before_arrival")
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
        verdicts = [
            each[0] for each in pool.map(lambda seq: store.decide(sale(seq, 110, city=60, pin=True)), range(1, 41))
        ]
    redeemed = sum(verdict.redeemed for verdict in verdicts)
    assert redeemed == 820
    assert sum(verdict.short_redeemed for verdict in verdicts) == 40 * 60 - 820
    assert store.held().get(CITY, 0) == 820 - redeemed


def test_leaving_forgets_the_resident(store: Store) -> None:
    """Nothing of the wallet stays but a total that lapsed, also when what was done before is asked for again.

    What was counted stays, sealed and without a name: leaving makes no room.
    """
    (verdict,) = store.decide(award(1, 5))
    store.points.erase(MYKEY, DAY)
    assert store.held() == {}
    assert store.decide(award(1, 5)) == [verdict]
    with store.engine.connect() as connection:
        assert connection.execute(select(wallets.c.mykey)).all() == []
