"""What the sample rules let a dishonest hand gain at most: the numbers of docs/authority.md, from the rules."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ledger.points.gate import may_redeem
from ledger.wire.barring import may_award
from ledger.wire.rules import Programme, takes_part

SAMPLE = Path(__file__).parents[2] / "ledger" / "samples" / "practice.toml"


@cache
def sample() -> list[Programme]:
    """Return the programmes of the sample rules."""
    return [Programme.model_validate(each) for each in tomllib.loads(SAMPLE.read_text(encoding="utf-8"))["programme"]]


@dataclass(frozen=True, slots=True)
class Cap:
    """Yen a day: made-up points on one card, of one terminal, of a whole shop; and of cards that it serves.

    `by_tap` is what it can spend of one card whose holder never enters the PIN again, in all.
    """

    card: int
    terminal: int
    shop: int
    served: int
    served_shop: int
    by_tap: int


def issues(programme: Programme, shop: str) -> bool:
    """Return whether a shop can give points of a programme at all: for a bill, or for a reason."""
    earns = programme.earning is not None and takes_part(programme, shop)
    return earns or any(may_award(programme, reason, shop) is None for reason in programme.reasons.values())


def cap(shop: str) -> Cap:
    """Return the caps at a shop under the sample rules."""
    given = [each.ceilings for each in sample() if issues(each, shop)]
    taken = [each for each in sample() if may_redeem(each, shop) is None]
    return Cap(
        card=sum(each.card.issued for each in given),
        terminal=sum(each.terminal.issued for each in given),
        shop=sum(each.shop.issued for each in given),
        served=sum(each.ceilings.terminal.redeemed for each in taken),
        served_shop=sum(each.ceilings.shop.redeemed for each in taken),
        by_tap=sum(each.redeeming.most_by_tap for each in taken if each.redeeming is not None),
    )
