"""A period's sums are those of its operations, read one by one, whatever was voided, cut, refused or is undecided."""

from __future__ import annotations

import random
from datetime import timedelta

from ledger.wire.answers import Cut, Status, Verdict
from ledger.wire.operations import Leg, Mark
from offline_queue.close import total
from offline_queue.journal import Journal, Recorded
from offline_queue.periods import Turnover, period_sums
from tests.offline_queue.conftest import START, award
from tests.offline_queue.test_close import decide, sale, settle, void, write


def test_a_period_is_the_sum_of_its_operations(journal: Journal) -> None:
    """Three days of sales, awards, voids and refusals in any order; what is undecided counts nowhere."""
    dice = random.Random(7)  # noqa: S311  # for variety alone
    sold: list[Recorded] = []
    refused: set[str] = set()
    for count in range(60):
        at = START + timedelta(hours=count)
        match dice.randrange(4):
            case 0:
                write(journal, award(dice.randint(1, 9)), at)
            case 1 if sold:
                write(journal, void(sold.pop().operation_id), at)
            case _:
                sold.append(write(journal, sale(dice.randint(500, 900), dice.choice((0, 100))), at))
                if dice.random() < 0.1:
                    refused.add(sold.pop().operation_id)
    decide(journal, refuse=frozenset(refused))
    write(journal, sale(999_999, 0), START)
    days = [(START + timedelta(days=each)).date() for each in range(3)]
    found = period_sums(journal, days[0], days[-1])
    one_by_one = [total(journal.on_day(day.isoformat()), journal.find) for day in days]
    for day, read in zip(days, one_by_one, strict=True):
        summed = found.days[day.isoformat()]
        assert (summed.bill, summed.redeemed, summed.awarded) == (read.bill, read.redeemed, read.awarded)
    assert found.whole.bill == sum(read.bill for read in one_by_one)
    assert sum(each.bill for each in found.hours.values()) == found.whole.bill
    assert set(found.clerks) == {"12"}
    assert found.programmes["252034"].redeemed == found.whole.redeemed
    assert period_sums(journal, days[0] - timedelta(days=9), days[0] - timedelta(days=1)).whole == Turnover()


def test_points_of_several_programmes_are_told_apart(journal: Journal) -> None:
    """Each leg is its own programme's, less what was cut of it; a void takes both back."""
    legs = [Leg(programme="252034", points=300), Leg(programme="252034-KUROKABE", points=200)]
    sold = write(journal, sale(1000, 0).model_copy(update={"redeem": legs, "amount_due": 500}))
    cut = Cut(leg="redeem", programme="252034-KUROKABE", asked=200, granted=50, reason="shortfall")
    named = {"operation_id": sold.operation_id, "status": Status.SHORTFALL}
    settle(journal, Verdict(**named, redeemed=350, amount_due=650, cuts=[cut]))
    found = period_sums(journal, START.date(), START.date())
    assert {name: each.redeemed for name, each in found.programmes.items()} == {"252034": 300, "252034-KUROKABE": 50}
    assert (found.whole.bill, found.whole.redeemed) == (1000, 350)


def test_a_clerk_has_their_own_sums(journal: Journal) -> None:
    """By who stands in the entry; a mark is no operation."""
    for clerk in ("7", "12", "7"):
        journal.append(sale(100, 0), at=START, operator=clerk, business_date=START.date())
    mark = Mark(kind="signed_in", detail={"clerk": "7"})
    journal.append(mark, at=START, operator="7", business_date=START.date())
    decide(journal)
    found = period_sums(journal, START.date(), START.date())
    assert {clerk: each.bill for clerk, each in found.clerks.items()} == {"7": 200, "12": 100}
