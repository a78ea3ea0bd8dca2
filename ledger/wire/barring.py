"""What a programme's rules exclude, whoever looks: the terminal before anything is written, the ledger when it decides.

Pure functions over the rules. What only the ledger knows, such as how often somebody had points for a reason already,
is not asked here.
"""

from __future__ import annotations

from ledger.wire.reasons import Reason
from ledger.wire.rules import AwardReason, Programme, takes_part


def may_award(programme: Programme, reason: AwardReason, shop: str) -> Reason | None:
    """Return why a shop may not give points of a programme for a reason, None where it may."""
    if reason.needs == "approval":
        return Reason.APPROVAL_NEEDED
    if reason.shops is not None:
        return None if shop in reason.shops else Reason.NOT_AWARDED_HERE
    own = shop[:6] == programme.municipality and takes_part(programme, shop)
    return None if own else Reason.NOT_AWARDED_HERE


def award_barred(programme: Programme, code: str, points: int, shop: str, *, pin: bool) -> Reason | None:
    """Return why so many points may not be given for a reason at a shop, None where they may."""
    reason = programme.reasons.get(code)
    if reason is None:
        return Reason.REASON_UNKNOWN
    if (barred := may_award(programme, reason, shop)) is not None:
        return barred
    if not reason.allows(points):
        return Reason.RULES_MISMATCH
    return Reason.PIN_NEEDED if reason.needs == "pin" and not pin else None
