"""A ledger that forgot that points were set aside gets them back from the terminal's journal."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest

from ledger.points.reports import count, losses_of
from ledger.points.reservations import handle_of
from ledger.points.store import Request
from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import CardSigned, Leg, Release, Reserve, Sale
from ledger.wire.rules import Offline
from tests.ledger.points.conftest import Store, city
from tests.ledger.points.scenes import CITY, DAY, MYKEY, TERMINAL, request, sale

HELD = 820


@pytest.fixture
def allowed(store: Store) -> Store:
    """Return a store whose town lets points be set aside."""
    rules = {"version": 2, "effective_from": date(2026, 5, 1), "offline": Offline(redeem=True)}
    store.registry.add_programmes([city().model_copy(update=rules)])
    return store


def reserve(seq: int, points: int) -> Request:
    """Return a request that sets points aside."""
    content = Reserve(
        kind="reserve",
        municipality=CITY,
        resident="AAAA",
        points=[Leg(programme=CITY, points=points)],
        rules={CITY: 2},
        assurance=CardSigned(method="pin"),
    )
    return request(seq, content, pin=True)


def spend(seq: int, handle: str, points: int) -> Request:
    """Return a sale that was decided without a line."""
    asked = sale(seq, points, city=points, award=0, pin=True)
    assert isinstance(asked.content, Sale)
    return replace(asked, content=asked.content.model_copy(update={"rules": {CITY: 2}}), reservation=handle)


def agree(store: Store) -> bool:
    """Return whether all points are somewhere, and the wallets hold what the books say."""
    return all(each.agree for each in count(store.engine, CITY))


@pytest.mark.parametrize("asked", [300, HELD + 200], ids=["all is there", "part was spent elsewhere"])
def test_a_forgotten_reservation_comes_back(allowed: Store, asked: int) -> None:
    """The terminal relies on the whole of it: what others spent meanwhile is the issuer's loss, and is listed."""
    again = reserve(1, asked)
    lost = Verdict(operation_id=again.operation_id, status=Status.ACCEPTED, content_hash=again.content_hash)
    assert allowed.decide(replace(again, proven=lost)) == [lost]
    (held,) = allowed.points.held_at(TERMINAL, DAY)
    assert [each.reserved for each in held.holdings] == [asked]
    assert sum(each.points for each in losses_of(allowed.engine, CITY)) == max(0, asked - HELD)
    (verdict,) = allowed.decide(spend(2, held.handle, asked))
    assert (verdict.status, verdict.redeemed, agree(allowed)) == (Status.ACCEPTED, asked, True)


def test_no_points_are_set_aside_where_the_rules_do_not_allow_it(store: Store) -> None:
    """Without a word on redeeming offline nothing is reserved."""
    content = reserve(1, 100).content
    asked = replace(reserve(1, 100), content=content.model_copy(update={"rules": {CITY: 1}}))
    (verdict,) = store.decide(asked)
    assert (verdict.code, agree(store)) == ("offline_not_allowed", True)


def test_a_forgotten_sale_comes_out_of_the_reservation_again(allowed: Store) -> None:
    """Its verdict is given back, and nothing is lost by it."""
    allowed.decide(reserve(1, 300))
    (held,) = allowed.points.held_at(TERMINAL, DAY)
    again = spend(2, held.handle, 200)
    lost = Verdict(operation_id=again.operation_id, status=Status.ACCEPTED, redeemed=200, amount_due=0)
    assert allowed.decide(replace(again, proven=lost)) == [lost]
    (held,) = allowed.points.held_at(TERMINAL, DAY)
    assert ([each.reserved for each in held.holdings], losses_of(allowed.engine, CITY)) == ([100], [])
    assert agree(allowed)


def test_several_in_one_upload_are_decided_in_order(allowed: Store) -> None:
    """What is set aside pays the sales behind it, and overspend is nothing."""
    allowed.decide(reserve(1, 300))
    (held,) = allowed.points.held_at(TERMINAL, DAY)
    allowed.decide(sale(9, HELD - 300, city=HELD - 300, award=0, pin=True))
    verdicts = allowed.decide(*(spend(seq, held.handle, 120) for seq in (2, 3, 4)))
    assert [each.redeemed for each in verdicts] == [120, 120, 60]
    assert (agree(allowed), allowed.held()) == (True, {})


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_order_they_come_in_nothing_is_overspent(allowed: Store, seed: int) -> None:
    """Setting aside, giving back, and sales on both sides of a dead line: two numbers say all that may happen."""
    chance = random.Random(seed)  # noqa: S311  # the same story every time
    free, aside, claimed, handle = HELD, 0, 0, "0" * 32
    for seq in range(1, 31):
        points = chance.randint(1, 250)
        match chance.choice(("reserve", "release", "offline", "online")):
            case "reserve":
                (verdict,) = allowed.decide(reserve(seq, points))
                assert (verdict.status is Status.ACCEPTED) == (points <= free)
                if verdict.status is Status.ACCEPTED:
                    free, aside = free - points, aside + points
                    handle = handle_of(allowed.keys, TERMINAL, MYKEY)
            case "release":
                content = Release(
                    kind="release", municipality=CITY, resident="AAAA", assurance=CardSigned(method="pin")
                )
                assert allowed.decide(request(seq, content, pin=True))[0].status is Status.ACCEPTED
                free, aside = free + aside, 0
            case "offline":
                (verdict,) = allowed.decide(spend(seq, handle, points))
                out = min(points, aside)
                late = min(points - out, free)
                assert verdict.redeemed == out + late
                free, aside, claimed = free - late, aside - out, claimed + out + late
            case _:
                (verdict,) = allowed.decide(sale(seq, points, city=points, award=0, pin=True))
                assert verdict.redeemed == min(points, free)
                free, claimed = free - verdict.redeemed, claimed + verdict.redeemed
        (found,) = (each for each in count(allowed.engine, CITY) if each.programme == CITY)
        assert (found.held, found.reserved, found.claimed, found.agree) == (free + aside, aside, claimed, True)
    assert claimed <= HELD
