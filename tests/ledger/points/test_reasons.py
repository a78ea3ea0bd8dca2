"""Reasons why an operation is refused or cut that no other test provokes: at the rules' bounds, and at a store."""

from dataclasses import dataclass, replace
from datetime import date

import pytest

from ledger.points.decide import Situation, decide
from ledger.points.store import Request
from ledger.points.versions import Rulebooks
from ledger.points.wallet import Lot, Wallet
from ledger.wire.reasons import Reason
from ledger.wire.rules import AwardReason, Earning, FixedDate, Name, Programme, Redeeming
from tests.ledger.points.conftest import Store, city, street
from tests.ledger.points.scenes import CITY, DAY, STREET, award, sale, stamped

FUNDED = Wallet(lots={Lot(CITY, "free", "2028-03-31"): 1_000})


def redeeming(**rules: int) -> Programme:
    """Return the municipality's points under other rules for redeeming."""
    return city().model_copy(update={"redeeming": Redeeming(tap_ceiling=500, **rules)})


def replaced(since: date) -> Programme:
    """Return the municipality's next version."""
    return city().model_copy(update={"version": 2, "effective_from": since})


def versioned(programme: Programme) -> Programme:
    """Return a programme as its second version."""
    return programme.model_copy(update={"version": 2})


def priced(asked: Request) -> Request:
    """Return a request that was priced with the second version of the municipality's rules."""
    return replace(asked, content=asked.content.model_copy(update={"rules": {CITY: 2, STREET: 1}}))


ENDED = street().model_copy(update={"expiry": FixedDate(rule="fixed_date", on=date(2026, 11, 22))})
STILL = street().model_copy(update={"expiry": FixedDate(rule="fixed_date", on=DAY)})


@dataclass(frozen=True)
class Case:
    """An operation, the programmes that it is decided by, and why it is refused or cut; None where it is not."""

    asked: Request
    programmes: tuple[Programme, ...]
    reason: Reason | None
    granted: int = 0


CASES = {
    "a version replaced two months ago": Case(
        award(1, 5), (city(), replaced(date(2026, 9, 23))), Reason.RULES_OUTDATED
    ),
    "a version replaced 32 days ago": Case(award(1, 5), (city(), replaced(date(2026, 10, 22))), Reason.RULES_OUTDATED),
    "a version replaced 31 days ago": Case(award(1, 5), (city(), replaced(date(2026, 10, 23))), None),
    "a programme whose last day was yesterday": Case(sale(1, 1_100), (city(), ENDED), Reason.PROGRAMME_ENDED),
    "a programme whose last day is today": Case(sale(1, 1_100), (city(), STILL), None),
    "one point less than may be redeemed": Case(
        sale(1, 1_000, 99, award=0), (redeeming(minimum=100),), Reason.BELOW_MINIMUM
    ),
    "as few as may be redeemed": Case(sale(1, 1_000, 100, award=0), (redeeming(minimum=100),), None),
    "one point more than in one operation": Case(
        sale(1, 1_000, 301, award=0), (redeeming(per_operation=300),), Reason.LIMIT_EXCEEDED, 300
    ),
    "as many as in one operation": Case(sale(1, 1_000, 300, award=0), (redeeming(per_operation=300),), None),
    "one point more than on one day": Case(
        sale(1, 1_000, 201, award=0), (redeeming(per_day=200),), Reason.LIMIT_EXCEEDED, 200
    ),
    "one point more than in one month": Case(
        sale(1, 1_000, 151, award=0), (redeeming(per_month=150),), Reason.LIMIT_EXCEEDED, 150
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_reason_is_said(case: Case) -> None:
    """On the last value that is allowed nothing is refused or cut; one further the reason says which rule it was."""
    books: dict[str, list[Programme]] = {CITY: [], STREET: [street()]}
    for programme in case.programmes:
        books[programme.code] = [each for each in books[programme.code] if each.version != programme.version]
        books[programme.code].append(programme)
    ruling = decide(case.asked, Situation(Rulebooks(books), replace(FUNDED)))
    verdict = ruling.verdict
    said = [verdict.code] if verdict.code is not None else [cut.reason for cut in verdict.cuts]
    assert said == ([] if case.reason is None else [case.reason])
    assert [cut.granted for cut in verdict.cuts] == ([case.granted] if verdict.cuts else [])


VISIT = Name(ja="来館", en="Visit")
FOR_THE_OFFICE = AwardReason(name=VISIT, points=5, needs="approval")
AT_A_STORE = {
    Reason.RULES_OUTDATED: (award(1, 5), replaced(date(2026, 9, 23))),
    Reason.PROGRAMME_ENDED: (stamped(sale(1, 1_100), 2), ENDED.model_copy(update={"version": 2})),
    Reason.BELOW_MINIMUM: (priced(sale(1, 1_000, 99, award=0)), versioned(redeeming(minimum=100))),
    Reason.LIMIT_EXCEEDED: (priced(sale(1, 1_000, 301, award=0)), versioned(redeeming(per_operation=300))),
    Reason.AWARD_LIMIT_EXCEEDED: (
        stamped(sale(1, 1_100), 2),
        street().model_copy(update={"version": 2, "earning": Earning(yen_per_point=110, per_day=9)}),
    ),
    Reason.APPROVAL_NEEDED: (
        priced(award(1, 5)),
        versioned(
            city().model_copy(update={"reasons": {"visit": AwardReason(name=VISIT, points=5, needs="approval")}})
        ),
    ),
}


@pytest.mark.parametrize("reason", AT_A_STORE, ids=str)
def test_a_store_says_the_reason_too(store: Store, reason: Reason) -> None:
    """What is decided there is kept, and said again."""
    asked, programme = AT_A_STORE[reason]
    store.registry.add_programmes([programme])
    for _ in range(2):
        (verdict,) = store.decide(asked)
        assert [verdict.code, *(cut.reason for cut in verdict.cuts)] in ([reason], [None, reason])
