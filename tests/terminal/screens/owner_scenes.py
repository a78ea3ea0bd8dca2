"""Days of a sample shop as its owner may find them, and the owner's screen over an engine that answers with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

from textual.pilot import Pilot

from config.settings import ScreenSettings
from ledger.wire.answers import Status, Verdict
from ledger.wire.entries import Entry, operation_id
from ledger.wire.operations import Award, Close, Leg, Operation, Sale, TapOnly, Void
from offline_queue.close import DayTotals, Report
from offline_queue.periods import PeriodSums, Turnover
from offline_queue.reading import Recorded
from terminal.counter.events import Opened
from terminal.counter.facts import Undoable
from terminal.screens.owner.screen import OwnerScreen
from terminal.shop import books
from terminal.shop.books import DayReport, FoundOperation, Need, Overview
from terminal.shop.periods import Compared, DayRange, Period
from tests.terminal.counters import MUNICIPALITY, STREET, TERMINAL
from tests.terminal.screens.scenes import TERMS, ScriptedEngine, at_counter

TAP = TapOnly(method="tap")


def _hours(**yen: int) -> tuple[int, ...]:
    return tuple(yen.get(f"h{hour}", 0) for hour in range(24))


def sale(bill: int, redeemed: int = 0) -> Sale:
    """Return a sale of the sample shop."""
    return Sale(
        kind="sale",
        municipality=MUNICIPALITY,
        resident="c2VhbGVk",
        bill=bill,
        redeem=[Leg(programme=MUNICIPALITY, points=redeemed)] if redeemed else [],
        amount_due=bill - redeemed,
        rules={MUNICIPALITY: 1},
        assurance=TAP,
    )


AWARD = Award(
    kind="award",
    municipality=MUNICIPALITY,
    resident="c2VhbGVk",
    award=[Leg(programme=STREET, points=30)],
    reason="visit",
    rules={STREET: 1},
    assurance=TAP,
)
VOID = Void(kind="void", municipality=MUNICIPALITY, target=f"{TERMINAL}-004200")
Z = Close(kind="close", municipality=MUNICIPALITY, number=41, first_seq=1, last_seq=9, verdicts=9, day={}, perpetual={})


def recorded(seq: int, at: str, content: Sale | Award | Void | Close, status: Status | None) -> Recorded:
    """Return an operation in the journal, with its verdict where there is one."""
    verdict = None if status is None else Verdict(operation_id=operation_id(TERMINAL, seq), status=status)
    entry = Entry(
        terminal_id=TERMINAL,
        seq=seq,
        at=f"2026-11-23T{at}:00+09:00",
        operator="12",
        business_date="2026-11-23",
        content=content,
        previous_hash="0" * 64,
    )
    return Recorded(entry, "7f3a91c2" + "0" * 56, verdict)


OK = Status.ACCEPTED
LAST = (
    recorded(4217, "14:02", sale(1200, 820), None),
    recorded(4216, "13:51", sale(660), None),
    recorded(4215, "13:40", AWARD, OK),
    recorded(4214, "13:22", sale(12400, 2000), Status.SHORTFALL),
    recorded(4213, "12:58", VOID, OK),
    recorded(4212, "12:31", sale(3300), Status.REFUSED),
    recorded(4211, "12:15", sale(980), OK),
    recorded(4210, "11:47", sale(2200), OK),
    recorded(4209, "11:02", sale(1540, 500), OK),
    recorded(4208, "10:30", AWARD, OK),
    recorded(4207, "09:41", sale(760), OK),
    recorded(4206, "08:59", Z, OK),
)
TODAY = DayTotals(sales=38, awards=6, voids=1, refused=1, bill=128_460, redeemed=8_200, awarded=1_094)
REPORT = Report(
    number=42,
    first_seq=4160,
    last_seq=4217,
    verdicts=4001,
    day=TODAY,
    perpetual=DayTotals(sales=3_912, awards=240, voids=31, refused=9, bill=8_412_900, redeemed=612_400, awarded=70_312),
    undecided=2,
    undecided_bill=1860,
)
BUSY = Overview(
    report=REPORT,
    at="2026-11-23T14:05:00+09:00",
    day=date(2026, 11, 23),
    first_hour=0,
    today=_hours(h9=6_400, h10=12_800, h11=31_900, h12=45_600, h13=24_300, h14=7_460),
    yesterday=_hours(
        h9=9_100, h10=8_800, h11=22_000, h12=39_500, h13=28_000, h14=12_000, h15=9_400, h16=4_000, h17=16_000
    ),
    last=LAST,
    needs={
        Need.UNKNOWN: LAST[:1],
        Need.REFUSED: LAST[5:6],
        Need.SHORT: LAST[3:4],
        Need.UNSENT: LAST[1:2],
    },
)
QUIET = replace(
    BUSY,
    report=replace(REPORT, day=replace(TODAY, voids=0, refused=0), undecided=0, undecided_bill=0),
    needs={},
)
EMPTY = replace(
    BUSY,
    report=replace(REPORT, number=1, day=DayTotals(), perpetual=DayTotals(), undecided=0, undecided_bill=0),
    today=_hours(),
    yesterday=_hours(),
    last=(),
    needs={},
)
LARGEST = replace(
    BUSY,
    report=replace(
        REPORT,
        number=12_345,
        day=DayTotals(1_999, 1_999, 99, 99, 99, 99_999_999, 9_999_999, 9_999_999),
        perpetual=DayTotals(bill=9_999_999_999, redeemed=999_999_999, awarded=999_999_999),
        undecided=999,
    ),
    today=_hours(**{f"h{hour}": 9_999_999 - hour for hour in range(24)}),
)


def _sums(first: str, last: str, scale: int) -> PeriodSums:
    days = DayRange(date.fromisoformat(first), date.fromisoformat(last)).every
    moved = {day.isoformat(): Turnover(scale * (40_000 + 977 * (at % 11)), 900, 120, 30) for at, day in enumerate(days)}
    hours = {hour: Turnover(scale * 9_000 + 811 * (hour % 5), 90, 12, 3, 3) for hour in range(9, 19)}
    whole = Turnover(sum(each.bill for each in moved.values()), 900 * len(days), 120 * len(days), 30, 28 * len(days))
    clerks = {"12": Turnover(whole.bill // 2), "7": Turnover(whole.bill // 3), "ABCDEFGHIJKLMNOP": Turnover(1)}
    points = {MUNICIPALITY: Turnover(0, 12_000, 900), STREET: Turnover(0, 4_000, 100)}
    return PeriodSums(days[0], days[-1], whole, moved, hours, clerks, points)


COMPARED = {
    Period.TODAY: Compared(Period.TODAY, _sums("2026-11-23", "2026-11-23", 1), _sums("2026-11-22", "2026-11-22", 2), 5),
    Period.WEEK: Compared(Period.WEEK, _sums("2026-11-23", "2026-11-29", 1), _sums("2026-11-16", "2026-11-22", 2), 0),
    Period.MONTH: Compared(Period.MONTH, _sums("2026-11-01", "2026-11-30", 9), _sums("2026-10-01", "2026-10-31", 8), 0),
}
DAYS = {"busy": BUSY, "quiet": QUIET, "empty": EMPTY, "largest": LARGEST}
"""Days by name."""

CLOSED = DayReport(REPORT, recorded(4218, "18:00", Z, OK))


async def settled(screen: OwnerScreen, pilot: Pilot[None]) -> None:
    """Wait until every question is answered, and what came of it is laid out."""
    await pilot.pause()
    await screen.workers.wait_for_complete()
    for _ in range(3):
        await pilot.pause()


def found(record: Recorded) -> FoundOperation:
    """Return an operation as a search finds it."""
    content = record.entry.content
    assert isinstance(content, Operation)
    return FoundOperation(
        record,
        content,
        Undoable(content.target, record.entry.at, sale(980, 300)) if isinstance(content, Void) else None,
    )


FOUND = tuple(found(record) for record in LAST[:5])


@asynccontextmanager
async def at_owner(
    day: Overview,
    settings: ScreenSettings | None = None,
    size: tuple[int, int] = (80, 24),
    presses: Sequence[str] = (),
) -> AsyncIterator[tuple[OwnerScreen, Pilot[None], ScriptedEngine]]:
    """Yield the owner's screen, opened from the counter, after some keys."""
    engine = ScriptedEngine()
    engine.answers = {books.overview: day, books.close: CLOSED}
    settings = settings or ScreenSettings(motion=False)
    async with at_counter(settings, size, make_engine=lambda: engine) as (screen, pilot):
        await engine.started()
        engine.report(Opened(TERMS))
        await pilot.pause()
        await pilot.press("f8")
        while not isinstance(screen.app.screen, OwnerScreen):
            await pilot.pause()
        owner = screen.app.screen
        while not owner.day:
            await pilot.pause()
        await pilot.press(*presses)
        await settled(owner, pilot)
        yield owner, pilot, engine
