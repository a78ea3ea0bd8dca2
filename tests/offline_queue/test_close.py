"""Closing: every operation is in exactly one Z, whatever the clock and the line do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.wire.answers import Cut, Decision, Status, Verdict
from ledger.wire.entries import SignedEntry
from ledger.wire.operations import Award, Close, Convert, Leg, Mark, Operation, Sale, TapOnly, Void
from offline_queue import close as closing
from offline_queue.close import ALWAYS_COUNTED, DayTotals, Report, close_day, closed_upto, interim
from offline_queue.errors import JournalCorrupt, JournalNewer, NothingToClose
from offline_queue.journal import Journal, Recorded
from tests.offline_queue.conftest import DAY, START, TERMINAL, answer, append, award

ALL = 1 << 30


def sale(bill: int, redeem: int) -> Sale:
    """Return a sale by tap, without an award."""
    return Sale(
        kind="sale",
        municipality="252034",
        resident="AAAA",
        bill=bill,
        redeem=[Leg(programme="252034", points=redeem)] if redeem else [],
        amount_due=bill - redeem,
        rules={"252034": 1},
        assurance=TapOnly(method="tap"),
    )


def void(target: str) -> Void:
    """Return what undoes an operation."""
    return Void(kind="void", municipality="252034", target=target)


def write(journal: Journal, content: Operation, at: datetime = START) -> Recorded:
    """Append an operation."""
    return journal.append(content, at=at, operator="12", business_date=at.date())


def decide(journal: Journal, *, refuse: frozenset[str] = frozenset(), limit: int = ALL) -> None:
    """Have the ledger decide the oldest operations that it has not yet."""
    entries = journal.pending(limit, ALL).entries
    if entries:
        decisions = [verdict for signed in entries if (verdict := _decision(journal, signed, refuse)) is not None]
        last = entries[-1]
        journal.settle(answer(decisions, (last.entry.seq, last.hash)))


def _decision(journal: Journal, signed: SignedEntry, refuse: frozenset[str]) -> Decision | None:
    wanted, content = signed.entry.operation_id, signed.entry.content
    if isinstance(content, Mark):
        return None
    if wanted in refuse:
        return Decision(verdict=Verdict(operation_id=wanted, status=Status.REFUSED, code="insufficient_balance"))
    redeemed = sum(leg.points for leg in content.redeem) if isinstance(content, Sale) else 0
    awarded = sum(leg.points for leg in content.award) if isinstance(content, Award) else 0
    if isinstance(content, Void):
        target = journal.find(content.target)
        if target is not None and isinstance(target.entry.content, Sale):
            redeemed = -sum(leg.points for leg in target.entry.content.redeem)
    return Decision(verdict=Verdict(operation_id=wanted, status=Status.ACCEPTED, redeemed=redeemed, awarded=awarded))


def settle(journal: Journal, verdict: Verdict) -> None:
    """Keep a verdict on the last operation."""
    journal.settle(answer([Decision(verdict=verdict)], journal.head()))


def close(journal: Journal, at: datetime = START) -> Report:
    """Close the day."""
    report, _ = close_day(journal, at=at, operator="12", business_date=at.date(), even_if_empty=True)
    return report


def test_a_day_is_counted_and_the_next_begins_at_nothing(journal: Journal) -> None:
    """Sales, points and what was undone; the perpetual totals go on."""
    write(journal, sale(1200, 820))
    undone = write(journal, sale(500, 100))
    write(journal, void(undone.operation_id))
    refused = write(journal, sale(900, 900))
    write(journal, award(7))
    decide(journal, refuse=frozenset({refused.operation_id}))
    first = close(journal)
    assert first.day == DayTotals(sales=2, awards=1, voids=1, refused=1, bill=1200, redeemed=820, awarded=7)
    assert first.day.amount_due == 380
    assert (first.number, first.first_seq, first.last_seq, first.perpetual) == (1, 1, 5, first.day)
    write(journal, sale(300, 0))
    decide(journal)
    second = close(journal)
    assert second.day == DayTotals(sales=1, bill=300)
    assert (second.number, second.first_seq, second.last_seq) == (2, 7, 7)
    assert second.perpetual == first.day + second.day


def test_an_interim_report_changes_nothing(journal: Journal) -> None:
    """X reads, as often as one likes, and says what Z would say now."""
    write(journal, sale(1200, 0))
    decide(journal)
    assert interim(journal) == interim(journal)
    assert journal.status().last_seq == 1
    before = interim(journal)
    assert close(journal) == before


def test_the_close_is_an_entry_of_the_chain(journal: Journal) -> None:
    """It is signed, it travels to the ledger, and its numbers stand in it."""
    write(journal, sale(1200, 200))
    decide(journal)
    report, entry = close_day(journal, at=START, operator="12", business_date=DAY)
    content = entry.entry.content
    assert isinstance(content, Close)
    assert (content.number, content.first_seq, content.last_seq, content.verdicts) == (report.number, 1, 1, 1)
    assert content.day == content.perpetual == asdict(report.day)
    assert content.perpetual["bill"] == 1200
    assert journal.verify() == 2
    assert journal.pending(10, ALL).entries[0].hash == entry.hash
    decide(journal)
    assert interim(journal).day == DayTotals()


def test_a_close_states_what_is_undecided(journal: Journal) -> None:
    """How many operations, and which bills; marks and earlier closes are none."""
    write(journal, sale(1_000, 0))
    decide(journal)
    close_day(journal, at=START, operator="12", business_date=DAY)
    for bill in (300, 20):
        write(journal, sale(bill, 0))
    append(journal)
    report, entry = close_day(journal, at=START, operator="12", business_date=DAY)
    content = entry.entry.content
    assert isinstance(content, Close)
    assert (report.undecided, report.undecided_bill) == (3, 320)
    assert (content.undecided, content.undecided_bill) == (3, 320)
    assert (content.number, content.first_seq, content.last_seq, content.verdicts) == (2, 3, 5, 1)
    with pytest.raises(NothingToClose):
        close_day(journal, at=START, operator="12", business_date=DAY)


def test_an_empty_close_is_asked_about(journal: Journal) -> None:
    """A second Z with nothing in it is not made by one key too many; what waits for its verdict makes no Z either."""
    write(journal, sale(1200, 200))
    close_day(journal, at=START, operator="12", business_date=DAY)
    for _ in range(2):
        with pytest.raises(NothingToClose):
            close_day(journal, at=START, operator="12", business_date=DAY)
    assert journal.head()[0] == 2
    decide(journal)
    report, _ = close_day(journal, at=START, operator="12", business_date=DAY)
    assert report.day.bill == 1200
    with pytest.raises(NothingToClose):
        close_day(journal, at=START, operator="12", business_date=DAY)
    assert close_day(journal, at=START, operator="12", business_date=DAY, even_if_empty=True)[0].number == 3


def test_a_close_of_form_1_is_carried_on(journal: Journal) -> None:
    """Its number and its perpetual totals, exchanged points among them as they were counted then."""
    detail: dict[str, str | int] = {**FORM_1, **{f"total_{name}": 100 for name in ALWAYS_COUNTED}}
    journal.append(Mark(kind="closed", detail=detail), at=START, operator="12", business_date=DAY)
    write(journal, sale(1200, 200))
    decide(journal)
    report = close(journal)
    assert (report.number, report.first_seq) == (8, 2)
    assert report.perpetual == DayTotals(*[100] * 8) + DayTotals(sales=1, bill=1200, redeemed=200)


def test_exchanged_points_are_no_sales_points(journal: Journal) -> None:
    """They are counted under names of their own, also where the exchange is undone."""
    asked = Convert(
        kind="convert",
        municipality="252034",
        resident="AAAA",
        take=Leg(programme="252034", points=100),
        give=Leg(programme="252034-KUROKABE", points=90),
        rules={"252034": 1, "252034-KUROKABE": 1},
        assurance=TapOnly(method="tap"),
    )
    made = write(journal, asked)
    settle(journal, Verdict(operation_id=made.operation_id, status=Status.ACCEPTED, redeemed=100, awarded=90))
    assert interim(journal).day == DayTotals(conversions=1, converted_out=100, converted_in=90)
    undone = write(journal, void(made.operation_id))
    settle(journal, Verdict(operation_id=undone.operation_id, status=Status.ACCEPTED, redeemed=-100, awarded=-90))
    assert interim(journal).day == DayTotals(conversions=1, voids=1)


def test_a_bill_counts_whatever_became_of_its_points(journal: Journal) -> None:
    """What was cut or missing is counted by name, and what counts on another day; a void misses nothing any more."""
    made = write(journal, sale(550, 100))
    cuts = [
        Cut(leg="redeem", programme="252034", asked=100, granted=60, reason="insufficient_balance"),
        Cut(leg="award", programme="252034", asked=5, granted=0, reason="award_limit_exceeded"),
    ]
    verdict = Verdict(operation_id=made.operation_id, status=Status.SHORTFALL, redeemed=60, cuts=cuts, late=True)
    settle(journal, verdict)
    short = DayTotals(sales=1, bill=550, redeemed=60, short_redeemed=40, short_awarded=5, late=1)
    assert interim(journal).day == short
    undone = write(journal, void(made.operation_id))
    settle(journal, Verdict(operation_id=undone.operation_id, status=Status.ACCEPTED, redeemed=-60))
    assert interim(journal).day == DayTotals(sales=1, voids=1, late=1)


def test_what_a_close_covers_is_known(journal: Journal) -> None:
    """Up to there operations can be returned; those behind it can be voided."""
    assert closed_upto(journal) == 0
    write(journal, sale(500, 0))
    close(journal)
    write(journal, sale(600, 0))
    assert closed_upto(journal) == 1


def test_what_is_decided_late_goes_into_the_next(journal: Journal) -> None:
    """An operation without a verdict is named in one close and counted in the next, and never in both."""
    write(journal, sale(1200, 0))
    first = close(journal)
    assert first.day == DayTotals()
    assert (first.undecided, first.undecided_bill) == (1, 1200)
    decide(journal)
    second = close(journal)
    assert second.day == DayTotals(sales=1, bill=1200)
    assert second.undecided == 0


def test_undoing_yesterdays_sale_is_in_todays_close(journal: Journal) -> None:
    """A void of what an earlier close counted is taken off in this one, and off the perpetual totals."""
    yesterdays = write(journal, sale(1200, 200))
    decide(journal)
    close(journal)
    write(journal, void(yesterdays.operation_id))
    decide(journal)
    report = close(journal)
    assert report.day == DayTotals(voids=1, bill=-1200, redeemed=-200)
    assert report.perpetual.bill == report.perpetual.redeemed == 0


def test_undoing_what_never_succeeded_takes_nothing_off(journal: Journal) -> None:
    """The ledger never had the sale, so its bill was never counted."""
    lost = write(journal, sale(1200, 0))
    write(journal, void(lost.operation_id))
    decide(journal, refuse=frozenset({lost.operation_id}))
    assert close(journal).day == DayTotals(voids=1, refused=1)


@pytest.mark.parametrize("days", [-3, -1, 0, 1, 3])
def test_a_clock_that_moved_moves_nothing(journal: Journal, days: int) -> None:
    """Three days ahead, three days back: the close is neither empty nor double."""
    write(journal, sale(1000, 0))
    decide(journal)
    close(journal)
    moved = START + timedelta(days=days)
    write(journal, sale(2000, 0), at=moved)
    decide(journal)
    report = close(journal, at=moved - timedelta(days=days))
    assert report.day == DayTotals(sales=1, bill=2000)
    assert report.perpetual.bill == 3000


def test_a_sale_in_the_middle_of_closing_is_in_one_of_two(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The close counts again when an entry took its number."""
    write(journal, sale(1000, 0))
    decide(journal)
    head, waiting = journal.head, [sale(2000, 0)]

    def a_sale_comes_in() -> tuple[int, str]:
        if waiting:
            write(journal, waiting.pop())
            decide(journal)
        return head()

    monkeypatch.setattr(journal, "head", a_sale_comes_in)
    report = close(journal)
    assert report.day == DayTotals(sales=2, bill=3000)
    assert journal.status().last_seq == 3
    assert close(journal).day == DayTotals()


def test_a_sale_that_comes_in_after_the_count_is_counted_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close follows the last entry that it counts, so that nothing lies between them uncounted and closed."""
    write(journal, sale(1000, 0))
    decide(journal)
    count, waiting = closing.interim, [sale(2000, 0)]

    def counted(journal: Journal) -> Report:
        report = count(journal)
        if waiting:
            write(journal, waiting.pop())
            decide(journal)
        return report

    monkeypatch.setattr(closing, "interim", counted)
    report, entry = close_day(journal, at=START, operator="12", business_date=DAY)
    assert report.day == DayTotals(sales=2, bill=3000)
    assert (report.last_seq, entry.entry.seq) == (2, 3)
    assert closed_upto(journal) == 2


FORM_1 = {"number": 7, "first_seq": 1, "last_seq": 0, "verdicts": 0, "undecided": 0, "undecided_bill": 0}
"""A close as 0.1.0 wrote it, without its totals."""


@pytest.mark.parametrize("lacking", ["number", "verdicts", *(f"total_{name}" for name in sorted(ALWAYS_COUNTED))])
@pytest.mark.parametrize("value", [None, "?"])
def test_a_close_that_cannot_be_read_is_not_guessed_at(journal: Journal, lacking: str, value: str | None) -> None:
    """Perpetual totals are not begun anew where a figure is missing that was always there, or is no number."""
    detail: dict[str, str | int] = {**FORM_1, **{f"total_{name}": 1 for name in ALWAYS_COUNTED}}
    detail = {name: each for name, each in detail.items() if name != lacking} | ({lacking: value} if value else {})
    journal.append(Mark(kind="closed", detail=detail), at=START, operator="12", business_date=DAY)
    with pytest.raises(JournalCorrupt):
        interim(journal)


@dataclass(frozen=True, slots=True)
class LaterTotals(DayTotals):
    """What a later version counts besides."""

    counted_later: int = 0


def test_a_total_that_is_new_begins_at_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yesterday's close, which did not have it, is carried on; from then on it is, too."""
    write(journal, sale(1200, 820))
    decide(journal)
    yesterday = close(journal)
    monkeypatch.setattr(closing, "DayTotals", LaterTotals)
    assert interim(journal).perpetual == LaterTotals(**asdict(yesterday.perpetual))
    monkeypatch.setattr(closing, "total", lambda *_: LaterTotals(sales=1, bill=500, counted_later=3))
    today = close(journal)
    assert today.day == LaterTotals(sales=1, bill=500, counted_later=3)
    assert today.perpetual == LaterTotals(**asdict(yesterday.perpetual)) + today.day
    assert asdict(close(journal).perpetual)["counted_later"] == 6


def test_a_total_that_only_a_later_version_knows_is_not_lost(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older program does not close over it: it asks to be updated."""
    with monkeypatch.context() as later:
        later.setattr(closing, "DayTotals", LaterTotals)
        later.setattr(closing, "total", lambda *_: LaterTotals(counted_later=3))
        close(journal)
    with pytest.raises(JournalNewer):
        interim(journal)
    with pytest.raises(JournalNewer):
        close(journal)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sale"), st.integers(1, 9_999), st.integers(-3, 3)),
        st.tuples(st.just("award"), st.integers(1, 99), st.just(0)),
        st.tuples(st.just("void"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("decide"), st.integers(1, 5), st.just(0)),
        st.tuples(st.just("close"), st.just(0), st.integers(-3, 3)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(steps=_STEPS)
def test_every_operation_is_in_exactly_one_close(
    tmp_path_factory: pytest.TempPathFactory, key: Ed25519PrivateKey, steps: list[tuple[str, int, int]]
) -> None:
    """However operations, verdicts, closes and clocks are mixed, all closes together are the perpetual totals."""
    journal = Journal(tmp_path_factory.mktemp("close") / "journal.db", TERMINAL, key, lambda: START)
    closes: list[Report] = []
    bills, undone = 0, set[str]()
    for step, number, days in steps:
        at = START + timedelta(days=days)
        operations = [record for record in journal.recent(ALL) if isinstance(record.entry.content, Sale)]
        if step == "sale":
            write(journal, sale(number, number // 2), at)
            bills += number
        elif step == "award":
            append(journal, number)
        elif step == "void" and number < len(operations) and operations[number].operation_id not in undone:
            write(journal, void(operations[number].operation_id))
            undone.add(operations[number].operation_id)
            content = operations[number].entry.content
            assert isinstance(content, Sale)
            bills -= content.bill
        elif step == "decide":
            decide(journal, limit=number)
        elif step == "close":
            closes.append(close(journal, at))
    decide(journal)
    closes.append(close(journal))
    assert sum((report.day for report in closes), DayTotals()) == closes[-1].perpetual
    assert closes[-1].perpetual.bill == bills
    assert closes[-1].undecided == 0
    assert [report.number for report in closes] == list(range(1, len(closes) + 1))
    assert journal.verify() == journal.status().last_seq
    journal.close()
