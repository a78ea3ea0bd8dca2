"""How much the rules leave to be redeemed and to be earned: pure functions over a wallet, for verdicts and balances."""

from __future__ import annotations

from ledger.points.reservations import parts_left
from ledger.points.wallet import SINCE_PIN, CountKey, LimitCounter, Wallet
from ledger.wire.rules import Programme

NO_LIMIT = 10**12
"""Stands for no limit: more points than any operation can name."""


def within_limits(programme: Programme, wallet: Wallet, day: str) -> int:
    """Return the most points that the limits for one operation, day and month leave to redeem."""
    rules = programme.redeeming
    if rules is None:
        return 0
    room = [NO_LIMIT if rules.per_operation is None else rules.per_operation]
    for limit, period in ((rules.per_day, day), (rules.per_month, day[:7])):
        if limit is not None:
            room.append(limit - _count(programme, wallet, LimitCounter.REDEEMED, period))
    if rules.per_day is not None:
        room[1] -= parts_left(wallet, programme.code, day)
    return max(0, min(room))


def by_tap(programme: Programme, wallet: Wallet) -> int:
    """Return the most points that the tap alone redeems: in one operation, and since the last PIN."""
    rules = programme.redeeming
    if rules is None or _count(programme, wallet, LimitCounter.TAPS, SINCE_PIN) >= rules.tap_count:
        return 0
    left = rules.most_by_tap - _count(programme, wallet, LimitCounter.TAPPED, SINCE_PIN)
    return max(0, min(rules.tap_ceiling, left))


def card_redeems(programme: Programme, wallet: Wallet, day: str) -> int:
    """Return what the card's ceiling leaves to be redeemed on a day of the ledger's clock."""
    return max(0, programme.ceilings.card.redeemed - _count(programme, wallet, LimitCounter.SPENT, day))


def card_earns(programme: Programme, wallet: Wallet, day: str) -> int:
    """Return what the card's ceiling leaves to be issued on a day of the ledger's clock."""
    return max(0, programme.ceilings.card.issued - _count(programme, wallet, LimitCounter.ISSUED, day))


def earnable(programme: Programme, wallet: Wallet, day: str) -> int | None:
    """Return what the day's limit leaves to be earned, None where there is no limit."""
    if programme.earning is None or programme.earning.per_day is None:
        return None
    return max(0, programme.earning.per_day - _count(programme, wallet, LimitCounter.AWARDED, day))


def _count(programme: Programme, wallet: Wallet, counter: LimitCounter, period: str) -> int:
    return wallet.uses.get(CountKey(programme.code, counter, period), 0)
