"""What a step of the counter does that is the owner's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.wire.operations import Void
from terminal.counter import Counter, pricing
from terminal.counter.effects import Commit, Wipe
from terminal.counter.facts import AwardIntent, BalanceIntent, Draft
from terminal.counter.owner import Giving, Matter, Overruling, OwnerRules, TakingBack, Voiding, matter_of
from terminal.counter.states import AwaitCard, Idle, Reading, Sending, State
from tests.terminal.screens.scenes import AWARD, CLOSED, DRAFT, ITEM

RULES = OwnerRules("1234")


@pytest.mark.parametrize(
    ("code", "known"), [("1234", True), ("1235", False), ("123", False), ("", False), ("町", False)]
)
def test_the_code_is_the_owners_or_it_is_not(code: str, *, known: bool) -> None:
    """Whatever was typed."""
    assert RULES.knows(code) is known


def void(operator: str | None, *, by_owner: bool = False) -> Draft:
    """Return the voiding of what a clerk did."""
    draft = pricing.void(replace(ITEM, operator=operator))
    assert isinstance(draft.content, Void)
    return replace(draft, content=draft.content.model_copy(update={"by_owner": True})) if by_owner else draft


@pytest.mark.parametrize(
    ("draft", "matter"),
    [
        (DRAFT, None),
        (AWARD, None),
        (void("13"), Voiding("13")),
        (replace(void("13"), undoes=None), Voiding(None)),
        (void("13", by_owner=True), Overruling()),
        (pricing.take_back(CLOSED, 300), TakingBack()),
    ],
    ids=["sale", "award", "void", "void of something unknown", "void with the code", "return"],
)
def test_what_is_about_to_be_written_is_the_owners(draft: Draft, matter: Matter | None) -> None:
    """Whatever else the step does."""
    before = Counter()
    assert matter_of(before, (Counter(Sending(draft)), (Wipe(bytearray()), Commit(0, draft)))) == matter


@pytest.mark.parametrize(
    ("state", "task", "matter"),
    [
        (AwaitCard(AwardIntent("252034", 500, "visit")), 1, Giving(500)),
        (Reading(AwardIntent("252034", 500, "visit")), 1, Giving(500)),
        (Reading(AwardIntent("252034", 500, "visit")), 0, None),
        (AwaitCard(BalanceIntent()), 1, None),
        (Idle(), 1, None),
    ],
)
def test_points_are_the_owners_before_a_card_is_asked_for(state: State, task: int, matter: Matter | None) -> None:
    """Once: when the task begins."""
    assert matter_of(Counter(), (Counter(state, task=task), ())) == matter
