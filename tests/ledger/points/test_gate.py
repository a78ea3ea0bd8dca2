"""The gate: which shop may do what with whose points, walked through as a whole; and who may undo what."""

from dataclasses import replace
from itertools import product

import pytest

from ledger.points.gate import may_convert, may_earn, may_redeem, may_undo
from ledger.wire.barring import may_award
from ledger.wire.reasons import Reason
from ledger.wire.rules import AwardReason, Name, Programme, Usable
from tests.ledger.points.conftest import Store, city, street
from tests.ledger.points.scenes import CITY, SHOP, award, elsewhere, sale, void

NEIGHBOUR, STRANGER = "131164", "452041"
SHOPS = {"own": SHOP, "other of the town": "252034-0002", "neighbour's": f"{NEIGHBOUR}-0001", "far": f"{STRANGER}-0001"}
VISIT = Name(ja="来館", en="Visit")
USABLE = {
    "whole town": Usable(),
    "named shops": Usable(shops=[SHOP]),
    "neighbour too": Usable(also_in=(NEIGHBOUR,)),
}
REASONS = {
    "all": AwardReason(name=VISIT, points=5),
    "named": AwardReason(name=VISIT, points=5, shops=(f"{NEIGHBOUR}-0001",)),
    "office": AwardReason(name=VISIT, points=5, needs="approval"),
}


def _takes(usable: str, shop: str) -> bool:
    """Say once more, and plainly, where points are used."""
    if shop == "own":
        return True
    if shop == "other of the town":
        return usable != "named shops"
    return shop == "neighbour's" and usable == "neighbour too"


@pytest.mark.parametrize(("usable", "shop"), list(product(USABLE, SHOPS)))
def test_points_are_used_and_earned_where_the_rules_say(usable: str, shop: str) -> None:
    """In the town's shops, or those that are named, and in towns that accept them: nowhere else."""
    programme = city().model_copy(update={"usable": USABLE[usable]})
    allowed = None if _takes(usable, shop) else Reason.NOT_USABLE_HERE
    assert may_redeem(programme, SHOPS[shop]) == allowed
    assert may_earn(programme, SHOPS[shop]) == allowed
    assert may_convert(programme, programme, SHOPS[shop]) == allowed


@pytest.mark.parametrize(("usable", "reason", "shop"), list(product(USABLE, REASONS, SHOPS)))
def test_awards_are_given_where_the_reason_says(usable: str, reason: str, shop: str) -> None:
    """By the town's own shops; elsewhere only where the reason names the shop; the office's by no shop."""
    programme = city().model_copy(update={"usable": USABLE[usable]})
    match reason:
        case "office":
            expected: Reason | None = Reason.APPROVAL_NEEDED
        case "named":
            expected = None if shop == "neighbour's" else Reason.NOT_AWARDED_HERE
        case _:
            at_home = shop in ("own", "other of the town") and _takes(usable, shop)
            expected = None if at_home else Reason.NOT_AWARDED_HERE
    assert may_award(programme, REASONS[reason], SHOPS[shop]) == expected


@pytest.mark.parametrize(
    ("target", "by_owner", "expected"),
    [
        (f"{SHOP}-01-000001", False, None),
        (f"{SHOP}-02-000001", False, Reason.OWNER_NEEDED),
        (f"{SHOP}-02-000001", True, None),
        ("252034-0002-01-000001", True, Reason.TARGET_UNKNOWN),
        (f"{NEIGHBOUR}-0001-01-000001", True, Reason.TARGET_UNKNOWN),
    ],
)
def test_a_terminal_undoes_its_own(target: str, by_owner: bool, expected: Reason | None) -> None:
    """A sister's only with the owner's code, another shop's never."""
    assert may_undo(target, f"{SHOP}-01", SHOP, by_owner=by_owner) == expected


def test_a_terminal_of_another_town_gives_none_of_these_points(store: Store) -> None:
    """Neither for a reason nor for a bill, however often it tries."""
    there = {"shop": f"{NEIGHBOUR}-0001", "terminal_id": f"{NEIGHBOUR}-0001-01"}
    verdicts = store.decide(
        *(elsewhere(award(seq, 500), **there) for seq in (1, 2)), elsewhere(sale(3, 110_000, award=1_000), **there)
    )
    assert [each.code for each in verdicts] == ["not_awarded_here", "not_awarded_here", None]
    assert verdicts[2].short_awarded == 1_000
    assert store.held() == {CITY: 820}


def test_a_sister_terminal_needs_the_owner(store: Store) -> None:
    """And says so, instead of undoing it."""
    store.decide(sale(1, 1_000))
    (refused,) = store.decide(replace(void(2, 1), terminal_id=f"{SHOP}-02", operation_id=f"{SHOP}-02-000002"))
    assert refused.code == "owner_needed"


def test_every_programme_has_a_gate() -> None:
    """A programme that pays no bills is redeemed nowhere."""
    unpaid: Programme = street().model_copy(update={"redeeming": None})
    assert may_redeem(unpaid, SHOP) is Reason.NOT_USABLE_HERE
