"""One gate before every kind of operation: which shop may do what, with the points of which programme, and for what.

| what | whose points | where |
|---|---|---|
| redeem | any programme that the shop takes | the programme's shops, and towns that accept its points |
| earn (the award of a sale) | any programme that the shop takes part in | the same |
| award for a reason | the shop's own municipality | its shops, or those alone that the reason names |
| award for a reason that names shops elsewhere | any | the named shops |
| convert | a programme that the shop takes | the same as redeem |
| reserve | a programme that the shop takes, whose rules allow it | the same as redeem, for the terminal itself |
| release | what is set aside at the terminal | that terminal |
| void, return | whatever the operation moved | the shop that did it; of a sister terminal with the owner's code |
| link, unlink, close | none | every terminal, for itself |
"""

from __future__ import annotations

from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme, accepts, takes_part


def may_redeem(programme: Programme, shop: str) -> Reason | None:
    """Return why a shop may not take points of a programme as payment, None where it may."""
    return None if accepts(programme, shop) else Reason.NOT_USABLE_HERE


def may_earn(programme: Programme, shop: str) -> Reason | None:
    """Return why a bill at a shop earns no points of a programme, None where it does."""
    return None if takes_part(programme, shop) else Reason.NOT_USABLE_HERE


def may_convert(source: Programme, target: Programme, shop: str) -> Reason | None:
    """Return why a shop may not convert points of one programme into another's, None where it may."""
    return None if takes_part(source, shop) and takes_part(target, shop) else Reason.NOT_USABLE_HERE


def may_undo(target: str, terminal_id: str, shop: str, *, by_owner: bool) -> Reason | None:
    """Return why a terminal may not undo an operation, None where it may."""
    if not target.startswith(f"{shop}-"):
        return Reason.TARGET_UNKNOWN
    sister = not target.startswith(f"{terminal_id}-")
    return Reason.OWNER_NEEDED if sister and not by_owner else None
