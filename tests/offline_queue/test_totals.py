"""What each operation and its verdict come to in a report, and what the journal finds of the past."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.wire.answers import Cut, Decision, Status, Verdict
from ledger.wire.operations import CardSigned, Close, Convert, Leg, Link, Operation, Return, Sale, TapOnly, Void
from offline_queue import reading
from offline_queue.close import DayTotals, decided_since_close, total
from offline_queue.journal import Journal
from offline_queue.reading import Recorded
from tests.offline_queue.conftest import DAY, START, TERMINAL, answer, append, award

ACCEPTED, SHORT, REFUSED = Status.ACCEPTED, Status.SHORTFALL, Status.REFUSED


def sale(bill: int = 1_200) -> Sale:
    """Return a sale whose points the verdict says."""
    return Sale(
        kind="sale",
        municipality="252034",
        resident="AAAA",
        bill=bill,
        redeem=[],
        amount_due=bill,
        rules={"252034": 1},
        assurance=TapOnly(method="tap"),
    )


def convert() -> Convert:
    """Return an exchange of points."""
    return Convert(
        kind="convert",
        municipality="252034",
        resident="AAAA",
        take=Leg(programme="252034", points=100),
        give=Leg(programme="252034-MIHON", points=110),
        rules={"252034": 1, "252034-MIHON": 1},
        assurance=TapOnly(method="tap"),
    )


def cut(leg: Any, missing: int) -> Cut:
    """Return points that were asked for and not granted."""
    return Cut(leg=leg, programme="252034", asked=100, granted=100 - missing, reason="limit_exceeded")


def verdict(status: Status = ACCEPTED, redeemed: int = 0, awarded: int = 0, **fields: Any) -> Verdict:
    """Return what the ledger decided."""
    return Verdict(operation_id=f"{TERMINAL}-000001", status=status, redeemed=redeemed, awarded=awarded, **fields)


TARGET = f"{TERMINAL}-000001"
VOID = Void(kind="void", municipality="252034", target=TARGET)
BACK = Return(kind="return", municipality="252034", target=TARGET, bill=300)
SOLD = verdict(SHORT, 400, 7, cuts=[cut("redeem", 20), cut("award", 3)])


@pytest.mark.parametrize(
    ("content", "decided", "undone", "expected"),
    [
        (sale(), verdict(ACCEPTED, 400, 7), None, DayTotals(sales=1, bill=1_200, redeemed=400, awarded=7)),
        (
            sale(),
            SOLD,
            None,
            DayTotals(sales=1, bill=1_200, redeemed=400, awarded=7, short_redeemed=20, short_awarded=3),
        ),
        (sale(), verdict(late=True), None, DayTotals(sales=1, bill=1_200, late=1)),
        (sale(), verdict(REFUSED, code="amounts_wrong"), None, DayTotals(refused=1)),
        (award(), verdict(ACCEPTED, 0, 3), None, DayTotals(awards=1, awarded=3)),
        (convert(), verdict(ACCEPTED, 100, 110), None, DayTotals(conversions=1, converted_out=100, converted_in=110)),
        (
            VOID,
            verdict(ACCEPTED, -400, -7),
            (sale(), SOLD),
            DayTotals(voids=1, bill=-1_200, redeemed=-400, awarded=-7, short_redeemed=-20, short_awarded=-3),
        ),
        (VOID, verdict(), (sale(), verdict(REFUSED, code="amounts_wrong")), DayTotals(voids=1)),
        (VOID, verdict(), (sale(), None), DayTotals(voids=1)),
        (VOID, verdict(), None, DayTotals(voids=1)),
        (VOID, verdict(ACCEPTED, 0, -3), (award(), verdict(ACCEPTED, 0, 3)), DayTotals(voids=1, awarded=-3)),
        (
            VOID,
            verdict(ACCEPTED, -100, -110),
            (convert(), verdict(ACCEPTED, 100, 110)),
            DayTotals(voids=1, converted_out=-100, converted_in=-110),
        ),
        (
            BACK,
            verdict(ACCEPTED, -100, -2),
            (sale(), SOLD),
            DayTotals(returns=1, bill=-300, redeemed=-100, awarded=-2),
        ),
        (BACK, verdict(ACCEPTED, -100, -2), None, DayTotals(returns=1, bill=-300, redeemed=-100, awarded=-2)),
    ],
)
def test_an_operation_is_counted_as_what_it_is(
    journal: Journal,
    content: Operation,
    decided: Verdict,
    undone: tuple[Operation, Verdict | None] | None,
    expected: DayTotals,
) -> None:
    """Bills with their sign, points under the names of what moved them, and of a void what it makes undone."""
    target = None
    if undone is not None:
        target = replace(journal.append(undone[0], at=START, operator="12", business_date=DAY), verdict=undone[1])
    record = journal.append(content, at=START, operator="12", business_date=DAY)
    asked: list[str] = []

    def find(wanted: str) -> Recorded | None:
        asked.append(wanted)
        return target

    assert total([replace(record, verdict=decided)], find) == expected
    assert set(asked) <= {TARGET}
    assert total([record], find) == DayTotals()


def test_what_is_no_business_is_not_counted(journal: Journal) -> None:
    """A close, and what registers somebody, come to nothing but themselves."""
    none = dict.fromkeys(asdict(DayTotals()), 0)
    close = Close(
        kind="close", municipality="252034", number=1, first_seq=1, last_seq=1, verdicts=0, undecided=0,
        undecided_bill=0, day=none, perpetual=none,
    )  # fmt: skip
    record = journal.append(close, at=START, operator="12", business_date=DAY)
    assert total([replace(record, verdict=verdict())], journal.find) == DayTotals()
    link = Link(
        kind="link", municipality="252034", registration="AAAA", consent=True, assurance=CardSigned(method="pin")
    )
    linked = replace(record, entry=record.entry.model_copy(update={"content": link}), verdict=verdict())
    assert total([linked], journal.find) == DayTotals()


# What is found of the past ---------------------------------------------------------------------------------------


def settle(journal: Journal, *decided: Verdict, awaited: frozenset[str] = frozenset()) -> None:
    """Have the ledger decide operations."""
    last = journal.pending(1 << 30, 1 << 30).entries[-1]
    journal.settle(answer([Decision(verdict=each) for each in decided], (last.entry.seq, last.hash)), awaited)


@pytest.fixture
def filled(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """Return the entries of a journal that is read two at a time: five awards, the last two a day later."""
    monkeypatch.setattr(reading, "_CHUNK", 2)
    today = [append(journal, points) for points in (1, 2, 3)]
    later = DAY + timedelta(days=1)
    return [*today, *(journal.append(award(p), at=START, operator="12", business_date=later) for p in (4, 5))]


def test_a_journal_is_read_in_parts_and_whole(journal: Journal, filled: list[Recorded]) -> None:
    """From one entry on, and by days; each once, and in order."""
    seqs = [record.entry.seq for record in filled]
    for start in (0, seqs[0], seqs[2], seqs[-1]):
        assert [each.entry.seq for each in journal.since(start) if each.entry.seq in seqs] == [
            seq for seq in seqs if seq > start
        ]
    for days, expected in ((0, seqs[:3]), (1, seqs[3:]), (2, [])):
        day = (DAY + timedelta(days=days)).isoformat()
        assert [record.entry.seq for record in journal.on_day(day)] == expected
    with closing(journal.reader()) as beside:
        assert [record.hash for record in beside.on_day(DAY.isoformat())] == [record.hash for record in filled[:3]]


def test_verdicts_are_read_in_the_order_in_which_they_came(journal: Journal, filled: list[Recorded]) -> None:
    """Whatever the order of the operations, between two positions and since the close."""
    ids = [record.operation_id for record in filled]
    order = [ids[3], ids[0], ids[4], ids[2], ids[1]]
    settle(journal, *(Verdict(operation_id=each, status=ACCEPTED, awarded=1) for each in order))
    assert [record.operation_id for record in decided_since_close(journal)] == order
    for after, upto in ((0, 5), (1, 4), (2, 2), (3, 5)):
        assert [record.operation_id for record in journal.decided(after, upto)] == order[after:upto]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (f"{TERMINAL}-000002", True),
        (f"{TERMINAL}-2", False),
        (f"{TERMINAL}-0000002", False),
        (f"{TERMINAL}-00000000000002", False),
        (f"{TERMINAL}-１", False),
        (f"{TERMINAL}-", False),
        (f"{TERMINAL}-{'9' * 30}", False),
        ("252034-0001-02-000002", False),
        ("252034-0002-01-000002", False),
        ("", False),
    ],
)
def test_only_an_operations_whole_id_finds_it(journal: Journal, wanted: str, *, found: bool) -> None:
    """Not its number in other digits, and not another terminal's."""
    append(journal)
    append(journal)
    assert (journal.find(wanted) is not None) is found


@pytest.mark.parametrize(("heard", "lost"), [(True, False), (False, True)], ids=["heard", "not heard"])
@pytest.mark.parametrize("missing", [0, 20])
def test_a_loss_is_what_turned_out_short_when_nobody_waited(
    journal: Journal, missing: int, *, heard: bool, lost: bool
) -> None:
    """Where the resident was still there, they paid it."""
    record = journal.append(sale(), at=START, operator="12", business_date=DAY)
    cuts = [cut("redeem", missing)] if missing else []
    wanted = Verdict(operation_id=record.operation_id, status=SHORT, redeemed=80, cuts=cuts)
    settle(journal, wanted, awaited=frozenset({record.operation_id} if heard else ()))
    assert [each.operation_id for each in journal.losses()] == ([record.operation_id] if lost and missing else [])


def test_a_reference_finds_its_operation(journal: Journal) -> None:
    """And no other does."""
    first = journal.append(award(), at=START, operator="12", business_date=DAY, reference="till-7")
    journal.append(award(), at=START, operator="12", business_date=DAY, reference="till-8")
    found = journal.referred("till-7")
    assert found is not None
    assert found.operation_id == first.operation_id
    assert journal.referred("till-9") is None
