"""Sync: nothing is lost or doubled, whatever happens on the way, and what cannot be mended is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from config.japan import JST
from ledger.wire.answers import Status, UploadResult, Verdict
from ledger.wire.client import LedgerBusy, LedgerError, LedgerRefusal, LedgerUnreachable, LedgerUntrusted
from ledger.wire.entries import MAX_UPLOAD, SignedEntry
from ledger.wire.operations import Mark
from offline_queue import sync
from offline_queue.day_end import DayEnd
from offline_queue.errors import DiskFull, JournalForked
from offline_queue.journal import Journal
from offline_queue.sync import LONGEST_DELAY, Line, Syncer, SyncState, backoff
from tests.offline_queue.conftest import DAY, START, TERMINAL, append
from tests.offline_queue.ledgers import FakeLedger, Trouble, fine, refusal

pytestmark = pytest.mark.anyio


def times(count: int, error: Exception) -> Trouble:
    """Return trouble that comes so many times and is over then."""
    left = count

    def trouble(_entries: Sequence[SignedEntry]) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise error

    return trouble


def always(error: Exception) -> Trouble:
    """Return trouble that never ends."""
    return times(1 << 30, error)


@asynccontextmanager
async def running(syncer: Syncer) -> AsyncIterator[None]:
    """Have a syncer at work in the background."""
    task = asyncio.create_task(syncer.run())
    try:
        yield
    finally:
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    """Let the background work until something is the case."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0)


@pytest.fixture
def ledger() -> FakeLedger:
    """Return a ledger that has nothing yet."""
    return FakeLedger()


class StatusLine:
    """What the status line was told, and whether the line was ever up."""

    def __init__(self) -> None:
        self.states: list[SyncState] = []
        self.online = asyncio.Event()

    def __call__(self, state: SyncState) -> None:
        """Take the next state."""
        self.states.append(state)
        if state.line is Line.ONLINE:
            self.online.set()


@pytest.fixture
def line() -> StatusLine:
    """Return a status line that was told nothing yet."""
    return StatusLine()


@pytest.fixture
def syncer(journal: Journal, ledger: FakeLedger, line: StatusLine) -> Syncer:
    """Return a syncer that does not wait between its tries."""
    return Syncer(journal, ledger, line, jitter=lambda: 0.0)


async def test_a_resident_gets_the_verdict(journal: Journal, ledger: FakeLedger, syncer: Syncer) -> None:
    """Everything before the operation goes first, in order."""
    append(journal, 1)
    waiting = append(journal, 2)
    decision = await syncer.submit(waiting.operation_id, 5)
    assert decision is not None
    assert decision.verdict.awarded == 2
    assert [signed.entry.seq for signed in ledger.seen] == [1, 2]
    assert journal.unsent_count() == 0
    assert syncer.state == SyncState(Line.ONLINE)


@pytest.mark.parametrize(
    ("error", "shown", "code"),
    [
        (LedgerUnreachable("no route"), Line.OFFLINE, "line_down"),
        (LedgerUntrusted("forged"), Line.OFFLINE, "answer_untrusted"),
        (LedgerBusy(0.0), Line.BUSY, "ledger_busy"),
        (refusal("clock_skewed"), Line.HELD, "clock_skewed"),
        (refusal("signature_wrong"), Line.HELD, "signature_wrong"),
    ],
)
async def test_no_verdict_is_no_refusal(
    journal: Journal, ledger: FakeLedger, syncer: Syncer, error: LedgerError, shown: Line, code: str
) -> None:
    """Whatever kept the request from being decided, the operation stays in the outbox and is asked for again."""
    waiting = append(journal)
    ledger.before = always(error)
    assert await syncer.submit(waiting.operation_id, 5) is None
    assert journal.unsent_count() == 1
    assert syncer.state == SyncState(shown, 1, code)
    ledger.before = fine
    decision = await syncer.submit(waiting.operation_id, 5)
    assert decision is not None
    assert decision.verdict.status is Status.ACCEPTED
    assert len(ledger.seen) == 1


async def test_a_sale_waits_twice_for_the_disk(journal: Journal, syncer: Syncer) -> None:
    """Once before it is sent, once before its verdict is told: the head that is kept outside costs no third time."""
    said: list[str] = []
    journal._database.conn.set_trace_callback(said.append)
    assert await syncer.submit(append(journal).operation_id, 5) is not None
    assert said.count("COMMIT") == 2
    assert sum(statement.startswith("BEGIN") for statement in said) == 2


async def test_a_lost_reply_leads_to_the_same_verdict(journal: Journal, ledger: FakeLedger, syncer: Syncer) -> None:
    """The ledger had it and the terminal did not know: asking again changes nothing there."""
    waiting = append(journal)
    ledger.after = times(1, LedgerUnreachable("cut"))
    assert await syncer.submit(waiting.operation_id, 5) is None
    again = await syncer.submit(waiting.operation_id, 5)
    assert again is not None
    assert again.verdict == Verdict(operation_id=waiting.operation_id, status=Status.ACCEPTED, awarded=3)
    assert len(ledger.seen) == 1


async def test_a_lost_reply_to_more_than_is_asked_again_leaves_nothing_out(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """The ledger's head is beyond what was asked about the second time: the rest is asked about, too."""
    for points in range(1, 5):
        append(journal, points)
    ledger.after = times(1, LedgerUnreachable("cut"))
    with pytest.raises(LedgerUnreachable):
        await syncer.sync()

    def no_more_than_two(entries: Sequence[SignedEntry]) -> None:
        if len(entries) > 2:
            raise refusal("request_too_large")

    ledger.before = no_more_than_two
    assert await syncer.sync() == 4
    assert (journal.undecided(), journal.unsent_count(), journal.verify()) == ([], 0, 4)


async def test_a_verdict_that_came_meanwhile_is_found(journal: Journal, syncer: Syncer) -> None:
    """What the background sent is answered from the journal."""
    recorded = append(journal)
    assert await syncer.sync() == 1
    found = await syncer.submit(recorded.operation_id, 5)
    assert found is not None
    assert found.verdict.awarded == 3


async def test_what_the_background_sends_is_told_whole(journal: Journal, syncer: Syncer) -> None:
    """Whoever waits hears what they hold, also where another upload than their own carried the operation."""
    waiting = append(journal)
    _, decision = await asyncio.gather(syncer.sync(), syncer.submit(waiting.operation_id, 5))
    assert decision is not None
    assert (decision.verdict.awarded, decision.balances) == (3, [])


async def test_waiting_ends_when_it_is_said_to(journal: Journal, ledger: FakeLedger, syncer: Syncer) -> None:
    """A ledger that does not answer leaves the resident with an unknown outcome, not with a hanging counter."""
    waiting = append(journal)

    async def never(_entries: Sequence[SignedEntry], **_more: object) -> UploadResult:
        await asyncio.Event().wait()
        raise AssertionError

    ledger.upload = never  # type: ignore[assignment, method-assign]  # a line on which nothing ever comes back
    assert await syncer.submit(waiting.operation_id, 0.05) is None
    assert syncer.state.line is Line.OFFLINE


async def test_one_refused_operation_holds_up_nothing(journal: Journal, syncer: Syncer) -> None:
    """It is kept for ever as a dead letter; what follows goes through."""
    append(journal, 1)
    bad = append(journal, 13)
    append(journal, 2)
    assert await syncer.sync() == 3
    assert journal.unsent_count() == 0
    assert [letter.operation_id for letter in journal.dead_letters()] == [bad.operation_id]
    assert journal.status().dead_letters == 1


async def test_a_refusal_that_the_resident_heard_is_no_dead_letter(journal: Journal, syncer: Syncer) -> None:
    """Nobody has to be told again."""
    bad = append(journal, 13)
    decision = await syncer.submit(bad.operation_id, 5)
    assert decision is not None
    assert decision.verdict.status is Status.REFUSED
    assert journal.dead_letters() == []


async def test_many_entries_go_in_several_uploads(journal: Journal, ledger: FakeLedger, syncer: Syncer) -> None:
    """Marks travel with the operations, and no upload is longer than the ledger takes."""
    for _ in range(MAX_UPLOAD + 1):
        journal.append(Mark(kind="opened"), at=START, operator="12", business_date=DAY)
    append(journal)
    assert await syncer.sync() == 1
    assert ledger.uploads == [MAX_UPLOAD, 2]


async def test_large_entries_go_in_several_uploads(journal: Journal) -> None:
    """An upload stays under the bytes that the ledger takes, and a single entry always goes."""
    for _ in range(4):
        append(journal)
    size = len(journal.pending(1, 0).entries[0].entry.canonical())
    assert [len(journal.pending(10, size * count).entries) for count in (0, 1, 2, 3, 9)] == [1, 1, 2, 3, 4]


@pytest.mark.parametrize("code", ["request_too_large", "request_malformed"])
async def test_an_upload_that_cannot_be_taken_is_halved(
    journal: Journal, ledger: FakeLedger, syncer: Syncer, code: str
) -> None:
    """As often as needed, and nothing is left out or reordered."""
    for points in range(1, 8):
        append(journal, points)

    def no_more_than_two(entries: Sequence[SignedEntry]) -> None:
        if len(entries) > 2:
            raise refusal(code)

    ledger.before = no_more_than_two
    assert await syncer.sync() == 7
    assert [signed.entry.seq for signed in ledger.seen] == list(range(1, 8))


async def test_what_even_alone_cannot_be_taken_is_said_and_tried_again(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """What comes before it goes through."""
    for points in (1, 2, 3):
        append(journal, points)

    def third(entries: Sequence[SignedEntry]) -> None:
        if entries[-1].entry.seq == 3:
            raise refusal("request_malformed")

    ledger.before = third
    with pytest.raises(LedgerRefusal):
        await syncer.sync()
    assert journal.unsent_count() == 1
    ledger.before = fine
    assert await syncer.sync() == 1


@pytest.mark.parametrize("code", ["journal_gap", "journal_fork", "journal_rollback", "entry_damaged"])
async def test_what_only_the_office_can_mend_stops_and_says_so(
    journal: Journal, ledger: FakeLedger, syncer: Syncer, code: str
) -> None:
    """The background waits for a person, the line is neither up nor down, and nothing counts as sent."""
    waiting = append(journal)
    ledger.before = always(refusal(code))
    with pytest.raises(JournalForked):
        await syncer.submit(waiting.operation_id, 5)
    assert syncer.state == SyncState(Line.STOPPED, error="journal_forked")
    assert len(ledger.uploads) == 2
    async with running(syncer):
        await asyncio.sleep(0)
        assert len(ledger.uploads) == 2
        assert journal.unsent_count() == 1
        ledger.before = fine
        await syncer.look_again()
        await until(lambda: syncer.state == SyncState(Line.ONLINE))
    assert journal.unsent_count() == 0


@pytest.mark.parametrize("code", ["journal_gap", "journal_fork", "journal_rollback", "entry_damaged"])
async def test_a_single_contradiction_is_compared_again(
    journal: Journal, ledger: FakeLedger, syncer: Syncer, code: str
) -> None:
    """No refusal is signed: one that does not come again stops nothing."""
    waiting = append(journal)
    ledger.before = times(1, refusal(code))
    decision = await syncer.submit(waiting.operation_id, 5)
    assert decision is not None
    assert syncer.state == SyncState(Line.ONLINE)


async def test_nobody_waits_for_a_line_that_is_known_to_be_down(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """The first sale finds out; the next ones are queued at once, until a probe finds the line again."""
    ledger.down, ledger.before = True, always(LedgerUnreachable("no route"))
    async with running(syncer):
        first = append(journal)
        await until(lambda: syncer.state.line is Line.OFFLINE)
        tried = len(ledger.uploads)
        for _ in range(20):
            assert await syncer.submit(append(journal).operation_id, 5) is None
        assert len(ledger.uploads) == tried
        ledger.down, ledger.before = False, fine
        syncer.wake()
        await until(lambda: syncer.state == SyncState(Line.ONLINE))
        assert await syncer.submit(first.operation_id, 5) is not None
        assert journal.unsent_count() == 0


async def test_a_line_is_watched_with_nothing_unsent(
    journal: Journal, ledger: FakeLedger, syncer: Syncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes down and comes back, and the status line says both within a probe."""
    monkeypatch.setattr(sync, "PROBE_EVERY", 0.01)
    async with running(syncer):
        await until(lambda: syncer.state.line is Line.ONLINE)
        ledger.down = True
        await until(lambda: syncer.state.line is Line.OFFLINE)
        ledger.down = False
        await until(lambda: syncer.state.line is Line.ONLINE)
    assert ledger.uploads == []
    assert journal.head()[0] == 0


async def test_a_ledger_that_is_busy_is_left_alone_until_it_said(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """Its own word, its own time: meanwhile a sale is queued at once, and waking changes nothing."""
    append(journal)
    ledger.before = always(LedgerBusy(30.0))
    async with running(syncer):
        await until(lambda: syncer.state.line is Line.BUSY)
        for _ in range(5):
            syncer.wake()
            assert await syncer.submit(append(journal).operation_id, 5) is None
    assert (len(ledger.uploads), syncer.state.error) == (1, "ledger_busy")


async def test_a_ledger_that_forgot_gets_everything_again(
    journal: Journal, ledger: FakeLedger, line: StatusLine
) -> None:
    """From its head on, with what it had signed; the verdicts are the same, and nobody has to do anything."""
    for points in (1, 2, 3, 4):
        append(journal, points)
    await Syncer(journal, ledger).sync()
    del ledger.seen[1:]
    append(journal, 5)
    syncer = Syncer(journal, ledger, line)
    assert await syncer.sync() == 4
    assert [state.line for state in line.states] == [Line.BEHIND, Line.ONLINE]
    assert [signed.entry.seq for signed in ledger.seen] == [1, 2, 3, 4, 5]
    assert [answer.statement.head_seq for answer in ledger.answers] == [4]
    assert (journal.status().changed, journal.unsent_count(), journal.verify()) == (0, 0, 5)


async def test_a_loss_that_shows_in_a_sale_heals_as_well(journal: Journal, ledger: FakeLedger, syncer: Syncer) -> None:
    """The ledger says that there is a gap; it is compared, and filled."""
    for points in (1, 2, 3):
        append(journal, points)
    await syncer.sync()
    ledger.seen.clear()
    decision = await syncer.submit(append(journal, 4).operation_id, 5)
    assert decision is not None
    assert decision.verdict.awarded == 4
    assert len(ledger.seen) == 4
    assert journal.verify() == 4


async def test_what_comes_otherwise_after_a_loss_is_listed(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """The first verdict stands here; that the ledger came to another one is for a person to see."""
    lost = append(journal, 4)
    await syncer.sync()
    ledger.seen.clear()
    ledger.refused = {lost.operation_id}
    append(journal, 5)
    await syncer.sync()
    assert [name for name, _ in journal.changed()] == [lost.operation_id]
    assert syncer.state == SyncState(Line.ONLINE)
    found = journal.find(lost.operation_id)
    assert found is not None
    assert found.verdict is not None
    assert found.verdict.status is Status.ACCEPTED
    assert journal.verify() == 2


async def test_more_unsent_than_can_go_in_time_makes_nobody_wait(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """The background goes on with it; the sale is queued at once."""
    for _ in range(2 * MAX_UPLOAD + 10):
        journal.append(Mark(kind="opened"), at=START, operator="12", business_date=DAY)
    syncer._seconds_each = 1.0
    waiting = append(journal)
    assert await syncer.submit(waiting.operation_id, 5) is None
    assert ledger.uploads == []
    assert not syncer.may_decide_within(1.0)
    assert await syncer.sync() == 1


async def test_of_ten_thousand_unsent_the_first_customer_waits_for_none(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """Before the first upload nobody knows how long one takes: it is not a customer who finds out."""
    journal._database.conn.execute("PRAGMA synchronous = OFF")
    for _ in range(10_000):
        append(journal)
    async with running(syncer):
        await asyncio.sleep(0)
        assert not syncer.may_decide_within(5.0)
        assert await syncer.submit(append(journal).operation_id, 5) is None
        assert journal.unsent_count() > 5_000


async def test_a_line_too_slow_for_many_gets_fewer_until_they_arrive(
    journal: Journal, ledger: FakeLedger, syncer: Syncer
) -> None:
    """A telephone line, or a slow machine: what cannot be answered for in time goes in smaller parts, down to one."""
    for _ in range(40):
        append(journal)

    def slow(entries: Sequence[SignedEntry]) -> None:
        if len(entries) > 3:
            raise LedgerUnreachable("no answer in time")

    ledger.before = slow
    async with running(syncer):
        await until(lambda: journal.unsent_count() == 0)
    assert max(ledger.uploads[-5:]) <= 6
    assert len(ledger.seen) == 40


class Hands:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 9, 0, tzinfo=JST)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def hands() -> Hands:
    """Return a clock of nine in the morning."""
    return Hands()


async def test_until_the_hour_the_line_is_not_asked_for(
    journal: Journal, ledger: FakeLedger, line: StatusLine, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sales are queued at once, without a call; at the hour all is sent, and then it rests again."""
    monkeypatch.setattr(sync, "REST_AT_MOST", 0.001)
    monkeypatch.setattr(sync, "PROBE_EVERY", 0.001)
    syncer = Syncer(journal, ledger, line, lambda: 0.0, DayEnd(hands, (time(13), time(21, 30))))
    ledger.down, ledger.before = True, always(LedgerUnreachable("no route"))
    async with running(syncer):
        for _ in range(3):
            assert await syncer.submit(append(journal).operation_id, 5) is None
        assert not await syncer.is_there()
        assert (ledger.uploads, syncer.state) == ([], SyncState(Line.RESTING))
        hands.now = hands.now.replace(hour=13)
        await until(lambda: syncer.state.line is Line.OFFLINE)
        ledger.down, ledger.before = False, fine
        await until(lambda: syncer.state == SyncState(Line.RESTING))
        assert journal.unsent_count() == 0
        append(journal)
        hands.now = hands.now.replace(hour=21)
        for _ in range(20):
            await asyncio.sleep(0)
        assert journal.unsent_count() == 1


async def test_closing_the_day_sends_whatever_the_hour(
    journal: Journal, ledger: FakeLedger, line: StatusLine, hands: Hands
) -> None:
    """Where the line is not there then, it is asked for until it is; what else is to be fetched is fetched then."""
    fetched: list[int] = []

    async def in_contact() -> None:
        fetched.append(journal.unsent_count())

    syncer = Syncer(journal, ledger, line, lambda: 0.0, DayEnd(hands), in_contact)
    append(journal)
    ledger.before = times(1, LedgerUnreachable("no route"))
    with pytest.raises(LedgerUnreachable):
        await syncer.sync()
    assert not syncer.resting
    async with running(syncer):
        await until(lambda: syncer.resting)
    assert (fetched, journal.unsent_count()) == ([0], 0)


@pytest.mark.parametrize(
    ("at", "hours", "expected"),
    [
        ("2026-11-25T12:59:59+09:00", ("13:00",), "2026-11-25T13:00:00+09:00"),
        ("2026-11-25T13:00:00+09:00", ("13:00",), "2026-11-26T13:00:00+09:00"),
        ("2026-11-25T03:00:00+00:00", ("13:00", "11:00"), "2026-11-25T13:00:00+09:00"),
        ("2026-12-31T23:59:00+09:00", ("00:00",), "2027-01-01T00:00:00+09:00"),
        ("2028-02-28T23:00:00+09:00", ("22:00",), "2028-02-29T22:00:00+09:00"),
        ("2026-11-25T12:00:00+09:00", (), None),
    ],
)
def test_the_next_hour_is_in_the_time_of_japan(at: str, hours: tuple[str, ...], expected: str | None) -> None:
    """Whatever zone the machine is in, over the year's end and on a leap day."""
    found = DayEnd(lambda: datetime.fromisoformat(at), tuple(map(time.fromisoformat, hours))).next_time()
    assert (found and found.isoformat()) == expected


async def test_a_restored_backup_is_noticed_before_anything_is_sent(
    journal: Journal, ledger: FakeLedger, tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    """Yesterday's file does not know what the ledger had since."""
    append(journal)
    old = journal._database.conn.serialize()
    append(journal)
    await Syncer(journal, ledger).sync()
    (tmp_path / "old.db").write_bytes(bytes(old))
    restored = Journal(tmp_path / "old.db", TERMINAL, key, lambda: START)
    ledger.uploads.clear()
    syncer = Syncer(restored, ledger)
    async with running(syncer):
        await until(lambda: syncer.state.line is Line.STOPPED)
    assert ledger.uploads == []
    append(restored, 5)
    with pytest.raises(JournalForked):
        await syncer.sync()
    assert restored.unsent_count() == 2
    restored.close()


async def test_a_second_verdict_stops_the_line(journal: Journal, ledger: FakeLedger, syncer: Syncer) -> None:
    """A ledger that changes its mind is not believed; the first verdict stands."""
    recorded = append(journal)
    await syncer.sync()
    append(journal)
    other = Verdict(operation_id=recorded.operation_id, status=Status.REFUSED, code="card_revoked")
    upload = ledger.upload

    async def contradict(entries: Sequence[SignedEntry], **_sent_again: Any) -> UploadResult:
        result = await upload(entries)
        changed = result.decisions[0].model_copy(update={"verdict": other})
        return result.model_copy(update={"decisions": [changed, *result.decisions]})

    ledger.upload = contradict  # type: ignore[method-assign]  # no ledger of ours does this
    with pytest.raises(JournalForked):
        await syncer.sync()
    assert syncer.state.line is Line.STOPPED
    found = journal.find(recorded.operation_id)
    assert found is not None
    assert found.verdict is not None
    assert found.verdict.status is Status.ACCEPTED


async def test_the_background_goes_on_for_ever(
    journal: Journal, ledger: FakeLedger, syncer: Syncer, line: StatusLine
) -> None:
    """A hundred failures use nothing up, and the first success is online again."""
    append(journal)
    ledger.before = times(100, LedgerUnreachable("no route"))
    task = asyncio.create_task(syncer.run())
    await asyncio.wait_for(line.online.wait(), 20)
    task.cancel()
    assert [state.failures for state in line.states] == [*range(1, 101), 0]
    assert journal.dead_letters() == []
    assert journal.unsent_count() == 0


async def test_why_the_oldest_waits_is_kept(journal: Journal, ledger: FakeLedger, line: StatusLine) -> None:
    """Whoever asks sees how often it was tried and what was wrong; being woken is trying at once."""
    append(journal)
    ledger.before = always(refusal("clock_skewed"))
    syncer = Syncer(journal, ledger, line, jitter=lambda: 1.0)
    task = asyncio.create_task(syncer.run())
    async with asyncio.timeout(20):
        while journal.status().attempts < 2:
            syncer.wake()
            await asyncio.sleep(0)
    task.cancel()
    assert journal.status().last_error == "clock_skewed"
    assert journal.status().oldest_unsent_at == START.isoformat()


async def test_a_full_disk_does_not_end_the_background(
    journal: Journal, syncer: Syncer, line: StatusLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts that could not be kept are asked for again once there is room."""
    append(journal)
    settle, full = journal.settle, 3

    def no_room(result: UploadResult, awaited: frozenset[str], **more: bool) -> None:
        nonlocal full
        full -= 1
        if full >= 0:
            raise DiskFull
        settle(result, awaited, **more)

    monkeypatch.setattr(journal, "settle", no_room)
    task = asyncio.create_task(syncer.run())
    await asyncio.wait_for(line.online.wait(), 20)
    task.cancel()
    assert [state.error for state in line.states] == ["disk_full"] * 3 + [None]
    assert journal.unsent_count() == 0


async def test_two_processes_sync_one_queue(open_journal: Callable[[], Journal], ledger: FakeLedger) -> None:
    """What the lock prevents would do no harm: every operation is once at the ledger, with one verdict."""
    one, other = open_journal(), open_journal()
    for points in (1, 2, 13, 4):
        append(one, points)
    await asyncio.gather(Syncer(one, ledger).sync(), Syncer(other, ledger).sync())
    assert [signed.entry.seq for signed in ledger.seen] == [1, 2, 3, 4]
    assert one.unsent_count() == other.unsent_count() == 0
    assert one.verdict_count() == 4
    assert len(one.dead_letters()) == 1


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_waiting_grows_and_stays_within_its_bounds(failures: int, jitter: float) -> None:
    """However long the line is down, the next try is never more than a minute away."""
    assert 0 <= backoff(failures, jitter) <= LONGEST_DELAY
    assert backoff(failures, jitter) <= backoff(failures + 1, jitter)
