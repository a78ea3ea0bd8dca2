"""A verdict that the ledger lost, and that its own signature proves, is given back to the letter."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.points.reports import Claim, claims, count, losses_of
from ledger.points.store import Request
from ledger.wire.answers import Status, Verdict
from tests.ledger.points.conftest import Store
from tests.ledger.points.scenes import CITY, DAY, SHOP, STREET, award, convert, elsewhere, give_back, sale, void


@pytest.fixture
def earlier(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return the same store as it stood further, before it forgot."""
    return Store(f"sqlite:///{tmp_path_factory.mktemp('earlier') / 'points.db'}", tmp_path_factory.mktemp("keys"))


def again(asked: Request, verdict: Verdict) -> Request:
    """Return an operation that comes again with the verdict that it had."""
    return replace(asked, proven=verdict)


ASKED = [
    pytest.param([sale(1, 1_200, city=400)], id="sale"),
    pytest.param([sale(1, 1_200, city=501, street=9)], id="sale with cuts"),
    pytest.param([elsewhere(sale(1, 1_200, city=100), refusal="card_unregistered")], id="sale of nobody"),
    pytest.param([award(1, 50)], id="award"),
    pytest.param([award(1, 5_000)], id="refusal"),
    pytest.param([convert(1, 200, 220)], id="conversion"),
    pytest.param([sale(1, 1_200, city=400), void(2, 1)], id="void"),
    pytest.param([sale(1, 1_200, city=400), give_back(2, 1, 500)], id="return"),
    pytest.param([void(2, 1)], id="void of what never came"),
]


@pytest.mark.parametrize("asked", ASKED)
def test_what_was_decided_is_decided_so_again(store: Store, earlier: Store, asked: list[Request]) -> None:
    """The same verdicts, the same points, the same claims; nothing is lost where nobody came in between."""
    verdicts = earlier.decide(*asked)
    restored = store.decide(*(again(each, verdict) for each, verdict in zip(asked, verdicts, strict=True)))
    assert restored == verdicts
    assert store.decide(*asked) == verdicts
    assert (store.lots(), store.sums()) == (earlier.lots(), earlier.sums())
    assert losses_of(store.engine, CITY) == []


def test_what_others_spent_meanwhile_is_the_issuers_loss(store: Store, earlier: Store) -> None:
    """The shop has its claim, the resident is not below nothing, and the difference stands in a list."""
    (verdict,) = earlier.decide(sale(1, 800, city=400, pin=True))
    store.decide(elsewhere(sale(9, 1_000, city=700, pin=True)))
    assert store.decide(again(sale(1, 800, city=400, pin=True), verdict)) == [verdict]
    assert store.held().get(CITY, 0) == 0
    (city,) = [each for each in count(store.engine, CITY) if each.programme == CITY]
    assert (city.claimed, city.lost, city.held, city.agree) == (1_100, 280, 0, True)
    assert [(each.what, each.programme, each.points) for each in losses_of(store.engine, CITY)] == [
        ("redeemed", CITY, 280)
    ]


def test_a_resident_whom_nobody_knows_any_more_costs_the_issuer(store: Store, earlier: Store) -> None:
    """The registration was lost as well: the shop is owed what it was promised."""
    (verdict,) = earlier.decide(sale(1, 1_200, city=400))
    lost = replace(again(sale(1, 1_200, city=400), verdict), mykey=None, refusal="card_unregistered")
    assert store.decide(lost) == [verdict]
    assert {(each.what, each.programme, each.points) for each in losses_of(store.engine, CITY)} == {
        ("redeemed", CITY, 400),
        ("awarded", STREET, 7),
    }
    assert all(each.agree for each in count(store.engine, CITY))


@pytest.mark.parametrize("refusal", ["card_suspended", "nonce_spent"])
def test_what_speaks_against_it_by_now_takes_nothing_back(store: Store, earlier: Store, refusal: str) -> None:
    """The card was suspended since, or its nonce served another operation: who is known keeps what they were told."""
    asked = sale(1, 1_200, city=400)
    (verdict,) = earlier.decide(asked)
    assert store.decide(replace(again(asked, verdict), refusal=refusal)) == [verdict]
    assert (store.lots(), store.sums()) == (earlier.lots(), earlier.sums())
    assert losses_of(store.engine, CITY) == []


def test_a_void_that_finds_something_else_moves_nothing(store: Store, earlier: Store) -> None:
    """Its verdict is given back, and it is listed for somebody to look at."""
    _, verdict = earlier.decide(sale(1, 1_200, city=400), void(2, 1))
    store.decide(sale(1, 1_200, city=300))
    before = store.lots()
    assert store.decide(again(void(2, 1), verdict)) == [verdict]
    assert store.lots() == before
    assert [each.what for each in losses_of(store.engine, CITY)] == ["undone_otherwise"]


def test_it_counts_on_the_day_on_which_it_counted(store: Store, earlier: Store) -> None:
    """However much later it comes again: claims of that day are what they were."""
    (verdict,) = earlier.decide(sale(1, 1_200, city=400))
    assert store.decide(again(sale(1, 1_200, city=400), verdict), today=date(2026, 12, 24)) == [verdict]
    assert (verdict.status, verdict.day) == (Status.ACCEPTED, "2026-11-23")
    assert claims(store.engine, SHOP, DAY, date(2026, 12, 31)) == [Claim("2026-11-23", CITY, 400)]
