"""How much the rules leave to be redeemed and to be earned: pure functions over a wallet, for verdicts and balances."""

from __future__ import annotations

from ledger.points.wallet import Counter, Use, Wallet
from ledger.wire.rules import Programme

NO_LIMIT = 2**31
"""Stands for no limit: more points than any operation can name."""


def within_limits(programme: Programme, wallet: Wallet, day: str) -> int:
    """Return the most points that the limits for one operation, day and month leave to redeem."""
    rules = programme.redeeming
    if rules is None:
        return 0
    room = [NO_LIMIT if rules.per_operation is None else rules.per_operation]
    for limit, period in ((rules.per_day, day), (rules.per_month, day[:7])):
        if limit is not None:
            room.append(limit - wallet.uses.get(Use(programme.code, Counter.REDEEMED, period), 0))
    return max(0, min(room))


def earnable(programme: Programme, wallet: Wallet, day: str) -> int | None:
    """Return what the day's limit leaves to be earned, None where there is no limit."""
    if programme.earning is None or programme.earning.per_day is None:
        return None
    return max(0, programme.earning.per_day - wallet.uses.get(Use(programme.code, Counter.AWARDED, day), 0))
