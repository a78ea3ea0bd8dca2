"""Kill -9 at every step of a sale and of an award: afterwards the books are those of one operation or of none."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.faults import mortal
from tests.faults.conftest import OpenShop
from tests.faults.mortal import Statement
from tests.faults.shop import AWARD, HOLDER, SALE, Shop

JOURNAL, LEDGER = "journal.db", "points.db"

STEPS: dict[str, Statement] = {
    "nothing is written": (JOURNAL, "BEGIN IMMEDIATE"),
    "the entry is written, and not durable": (JOURNAL, "COMMIT"),
    "it is durable, and nothing is sent": (JOURNAL, "SELECT seq, body"),
    "the ledger has it, and decides": (LEDGER, "INSERT INTO operations"),
    "the ledger's decision is not durable": (LEDGER, "COMMIT"),
    "the ledger has decided, and not moved the head": (LEDGER, "UPDATE terminals"),
    "the ledger has committed, and not answered": (LEDGER, "SELECT 'lots'"),
    "the verdict is here, and not kept": (JOURNAL, "BEGIN IMMEDIATE"),
    "the ledger's answer is written, and no verdict": (JOURNAL, "INSERT INTO verdicts"),
    "the verdict is written, and not durable": (JOURNAL, "COMMIT"),
    "the verdict is kept, and not shown": (JOURNAL, "SELECT COUNT(*)"),
}
"""The way of an operation: how far it has come, and the statement before which the terminal dies there."""

DURABLE = 2
"""The first step after which a power cut cannot undo the operation; before it, nobody was told anything."""

CRASHES = 40
"""Statements from the first that writes to the last: what lies between the steps, too."""

KILLED = -signal.SIGKILL

Undisturbed = dict[tuple[tuple[str, ...], int], dict[str, Any]]
"""What follows where an operation was done no times or once, and nobody was killed."""


def aftermath(shop: Shop, words: tuple[str, ...]) -> dict[str, Any]:
    """Return the books of a shop, and what comes of the next operation."""
    return {**shop.books(), "next": shop(*words)}


@pytest.fixture(scope="session")
def undisturbed(open_shop: OpenShop) -> Undisturbed:
    """Do a sale, an award and nothing."""
    found: Undisturbed = {}
    for words in SALE, AWARD:
        none, one = open_shop(), open_shop()
        one(*words)
        found |= {(words, 0): aftermath(none, words), (words, 1): aftermath(one, words)}
    return found


@pytest.mark.parametrize("words", [SALE, AWARD], ids=["sale", "award"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=list(STEPS))
def test_killed_at_each_step(shop: Shop, undisturbed: Undisturbed, words: tuple[str, ...], step: int) -> None:
    """What was durable happens exactly once, what was not never; the next operation goes through."""
    assert mortal.run(shop.words(*words), list(STEPS.values())[: step + 1]) == KILLED
    assert aftermath(shop, words) == undisturbed[words, int(step >= DURABLE)]


def test_a_day_of_crashes(shop: Shop) -> None:
    """Each sale dies one statement later than the one before, amid what that one left; each durable one counts once."""
    before = shop.books()
    begun = STEPS["nothing is written"]
    for statements in range(1, CRASHES + 1):
        sale = shop.words("op", "sale", "--bill", "200", "--redeem", "1", "--card", HOLDER)
        assert mortal.run(sale, [begun, *[("", "")] * statements]) == KILLED
    after = shop.books()
    sold = after["journal"]["entries"]
    assert CRASHES / 2 < sold < CRASHES
    assert after["unsent"] == 0
    assert [status for _, status in after["operations"]] == ["accepted"] * sold
    assert (after["day"]["day"]["sales"], after["day"]["day"]["redeemed"]) == (sold, sold)
    assert after["balances"][0]["points"] == before["balances"][0]["points"] - sold
