"""What the rules leave to be redeemed and to be earned, with something used up already, and with all of it."""

from __future__ import annotations

import pytest

from ledger.points.limits import NO_LIMIT, by_tap, card_earns, card_redeems, earnable, within_limits
from ledger.points.wallet import SINCE_PIN, CountKey, LimitCounter, Wallet
from ledger.wire.rules import Earning, Redeeming
from tests.ledger.points.conftest import city, street
from tests.ledger.points.scenes import CITY, STREET

TODAY, MONTH = "2026-11-23", "2026-11"


def used(counter: LimitCounter, period: str, points: int, programme: str = CITY) -> Wallet:
    """Return a wallet in which so much was counted."""
    return Wallet(uses={CountKey(programme, counter, period): points})


@pytest.mark.parametrize(
    ("redeeming", "wallet", "left"),
    [
        (None, Wallet(), 0),
        (Redeeming(), Wallet(), NO_LIMIT),
        (Redeeming(per_operation=300), Wallet(), 300),
        (Redeeming(per_day=300), used(LimitCounter.REDEEMED, TODAY, 100), 200),
        (Redeeming(per_day=300), used(LimitCounter.REDEEMED, TODAY, 300), 0),
        (Redeeming(per_day=300), used(LimitCounter.REDEEMED, TODAY, 400), 0),
        (Redeeming(per_day=300), used(LimitCounter.REDEEMED, MONTH, 100), 300),
        (Redeeming(per_day=300), used(LimitCounter.SPENT, TODAY, 100), 300),
        (Redeeming(per_day=300), used(LimitCounter.REDEEMED, TODAY, 100, STREET), 300),
        (Redeeming(per_month=300), used(LimitCounter.REDEEMED, MONTH, 100), 200),
        (Redeeming(per_day=100, per_month=300), used(LimitCounter.REDEEMED, MONTH, 250), 50),
    ],
)
def test_what_limits_leave_to_be_redeemed(redeeming: Redeeming | None, wallet: Wallet, left: int) -> None:
    """The narrowest of one operation, day and month, and never less than nothing."""
    assert within_limits(city().model_copy(update={"redeeming": redeeming}), wallet, TODAY) == left


@pytest.mark.parametrize(
    ("redeeming", "wallet", "left"),
    [
        (None, Wallet(), 0),
        (Redeeming(tap_ceiling=100), Wallet(), 100),
        (Redeeming(tap_ceiling=100, tap_count=3), used(LimitCounter.TAPS, SINCE_PIN, 2), 100),
        (Redeeming(tap_ceiling=100, tap_count=3), used(LimitCounter.TAPS, SINCE_PIN, 3), 0),
        (Redeeming(tap_ceiling=100), used(LimitCounter.TAPPED, SINCE_PIN, 450), 50),
        (Redeeming(tap_ceiling=100), used(LimitCounter.TAPPED, SINCE_PIN, 500), 0),
        (Redeeming(tap_ceiling=100), used(LimitCounter.TAPPED, SINCE_PIN, 600), 0),
    ],
)
def test_what_the_tap_alone_redeems(redeeming: Redeeming | None, wallet: Wallet, left: int) -> None:
    """In one operation, and in number and sum since the last PIN."""
    assert by_tap(city().model_copy(update={"redeeming": redeeming}), wallet) == left


def test_what_a_cards_ceilings_leave() -> None:
    """Of issuing and of redeeming, each by its own count."""
    for points, redeems, earns in ((0, 50_000, 20_000), (19_999, 30_001, 1), (20_000, 30_000, 0), (60_000, 0, 0)):
        assert card_redeems(city(), used(LimitCounter.SPENT, TODAY, points), TODAY) == redeems
        assert card_earns(city(), used(LimitCounter.ISSUED, TODAY, points), TODAY) == earns
    assert card_redeems(city(), used(LimitCounter.ISSUED, TODAY, 9), TODAY) == 50_000
    assert card_earns(city(), used(LimitCounter.SPENT, TODAY, 9), TODAY) == 20_000


@pytest.mark.parametrize(
    ("earning", "points", "left"),
    [
        (None, 0, None),
        (Earning(), 0, None),
        (Earning(per_day=50), 0, 50),
        (Earning(per_day=50), 49, 1),
        (Earning(per_day=50), 50, 0),
        (Earning(per_day=50), 60, 0),
    ],
)
def test_what_is_left_to_be_earned_on_a_day(earning: Earning | None, points: int, left: int | None) -> None:
    """None where there is no limit."""
    wallet = used(LimitCounter.AWARDED, TODAY, points, STREET)
    assert earnable(street().model_copy(update={"earning": earning}), wallet, TODAY) == left
