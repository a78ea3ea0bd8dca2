"""What a resident holds, and how much of it a shop could take now."""

from __future__ import annotations

from ledger.points.limits import by_tap, card_earns, card_redeems, earnable, within_limits
from ledger.points.wallet import NEVER, Wallet
from ledger.wire.answers import ProgrammeBalance
from ledger.wire.rules import Programme, accepts


def balance(programme: Programme, wallet: Wallet, shop: str, day: str, reserved: int = 0) -> ProgrammeBalance:
    """Return the balance of one programme at a shop on a day; `reserved` is what is set aside at its terminal."""
    live = wallet.live(programme, day)
    points = sum(wallet.lots[lot] for lot in live) - wallet.debts.get(programme.code, 0)
    limit = min(within_limits(programme, wallet, day), card_redeems(programme, wallet, day))
    redeemable = min(points, limit) if accepts(programme, shop) else 0
    rules = programme.redeeming
    if rules is None or redeemable < rules.minimum:
        redeemable = 0
    tapped = min(redeemable, by_tap(programme, wallet))
    earns = earnable(programme, wallet, day)
    last_days = {lot: wallet.last_day_of(lot, programme) for lot in live}
    last = min(last_days.values(), default=NEVER)
    return ProgrammeBalance(
        programme=programme.code,
        points=points,
        redeemable=redeemable,
        tap_redeemable=tapped if rules is not None and tapped >= rules.minimum else 0,
        earnable=None if earns is None else min(earns, card_earns(programme, wallet, day)),
        expires_on=None if last == NEVER else last,
        reserved=reserved,
        expiring=0 if last == NEVER else sum(wallet.lots[lot] for lot in live if last_days[lot] == last),
    )
