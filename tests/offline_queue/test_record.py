"""The record proves itself: whatever is altered or missing is found, takes no sale, and holds up nothing else."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.api.chain import ChainLink, walk
from ledger.wire.answers import Decision, Status, Verdict
from ledger.wire.entries import SignedEntry
from ledger.wire.operations import Mark
from offline_queue.errors import JournalCorrupt, JournalIncomplete
from offline_queue.history import RecordLine
from offline_queue.journal import Journal
from offline_queue.reading import TAIL, read_journal
from offline_queue.sync import Syncer
from tests.offline_queue.conftest import DAY, PINNED, START, TERMINAL, answer, append, award
from tests.offline_queue.ledgers import FakeLedger, refusal

pytestmark = pytest.mark.anyio

Opened = Callable[[], Journal]


def alter(path: Path, *statements: str) -> None:
    """Alter a journal's file past its triggers."""
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def set_aside(journal: Journal) -> list[int]:
    """Set aside what is damaged."""
    return journal.set_damaged_aside(at=START, operator="12", business_date=DAY)


@pytest.fixture
async def half_sent(open_journal: Opened) -> Journal:
    """Return a journal with three awards that were decided, and five that are unsent."""
    journal = open_journal()
    for points in (1, 2, 3):
        append(journal, points)
    await Syncer(journal, FakeLedger()).sync()
    for points in range(4, 9):
        append(journal, points)
    return journal


FLIPPED = """UPDATE verdicts SET body = CAST(replace(CAST(body AS TEXT), '"awarded":2', '"awarded":9') AS BLOB)"""

ALTERED = {
    "a flipped verdict": FLIPPED,
    "a refusal made of an acceptance": "UPDATE verdicts SET status = 'refused' WHERE seq = 2",
    "a deleted verdict": "DELETE FROM verdicts WHERE seq = 3",
    "an altered answer": "UPDATE answers"
    " SET statement = CAST(replace(CAST(statement AS TEXT), '2026', '2027') AS BLOB)",
    "a deleted answer": "DELETE FROM answers",
    "the last five entries deleted": "DELETE FROM entries WHERE seq > 3",
    "the last entry deleted": "DELETE FROM entries WHERE seq > 7",
    "sent entries deleted": "DELETE FROM entries WHERE seq > 2",
    "an unsent entry deleted": "DELETE FROM entries WHERE seq = 5",
    "an unsent entry altered": "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '12', '13') AS BLOB)"
    " WHERE seq = 5",
    "an acknowledgement altered": "UPDATE entries SET received = 2 WHERE seq = 4",
}


@pytest.mark.parametrize("what", ALTERED)
async def test_what_was_altered_is_found_and_takes_no_sale(
    half_sent: Journal, open_journal: Opened, tmp_path: Path, what: str
) -> None:
    """By `verify`, by every report, and at the opening; the file beside tells what is missing at the end."""
    half_sent.close()
    alter(tmp_path / "journal.db", ALTERED[what])
    journal = open_journal()
    for examined in (journal.verify, journal.examine_tail, journal.check, journal.check_room, lambda: append(journal)):
        with pytest.raises(JournalCorrupt):
            examined()


@pytest.mark.parametrize("altered", [1, 2, 3])
async def test_a_report_rests_on_what_the_ledger_signed(journal: Journal, tmp_path: Path, altered: int) -> None:
    """Each verdict is held against the answer that brought it, wherever it stands; the entry is named."""
    ledger = FakeLedger()
    for points in (1, 2, 3):
        append(journal, points)
        await Syncer(journal, ledger).sync()
    alter(tmp_path / "journal.db", FLIPPED.replace(":2", f":{altered}"))
    for after, upto in ((0, 3), (altered - 1, altered)):
        with pytest.raises(JournalCorrupt) as caught:
            list(journal.decided(after, upto))
        assert caught.value.seq == altered
    assert [record.entry.seq for record in journal.decided(0, altered - 1)] == list(range(1, altered))
    assert [record.entry.seq for record in journal.decided(altered, 3)] == list(range(altered + 1, 4))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM verdicts WHERE seq = 2",
        "UPDATE answers SET statement = x'7b'",
        "UPDATE verdicts SET body = x'7b' WHERE seq = 2",
    ],
)
async def test_a_report_leaves_out_nothing(half_sent: Journal, tmp_path: Path, statement: str) -> None:
    """What is missing, or cannot be read, makes it no report."""
    alter(tmp_path / "journal.db", statement)
    with pytest.raises(JournalCorrupt):
        list(half_sent.decided(0, 3))


async def test_a_log_that_was_deleted_is_noticed(half_sent: Journal, open_journal: Opened, tmp_path: Path) -> None:
    """A terminal was killed and its log thrown away: what the file holds verifies, and is not all."""
    half_sent._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for points in range(20):
        append(half_sent, points + 1)
    copy = tmp_path / "copy.db"
    for end in ("db", "head"):
        shutil.copy(tmp_path / f"journal.{end}", tmp_path / f"copy.{end}")
    journal = read_journal(copy, half_sent.public_key, PINNED)
    with pytest.raises(JournalIncomplete) as caught:
        journal.verify()
    assert (caught.value.last, caught.value.missing) == (8, 28)
    journal.close()


async def test_a_head_outside_that_is_older_or_gone_says_nothing(half_sent: Journal, tmp_path: Path) -> None:
    """It is written without waiting for the disk; what cannot be read is no accusation, and it is made again."""
    outside = tmp_path / "journal.head"
    newest = outside.read_bytes()
    append(half_sent)
    for left in (newest, b"", b"{}", b"[1]", newest[:600], newest.replace(b'"seq": 8', b'"seq": "x"'), None):
        outside.unlink(missing_ok=True)
        if left is not None:
            outside.write_bytes(left)
        assert half_sent.verify() == 9


async def test_a_forged_head_outside_is_not_believed(half_sent: Journal, tmp_path: Path) -> None:
    """Only this terminal's signature counts: nobody stops it by a file that says more."""
    stranger = Ed25519PrivateKey.generate()
    other = Journal(tmp_path / "other.db", TERMINAL, stranger, lambda: START)
    for _ in range(20):
        append(other)
    other.close()
    shutil.copy(tmp_path / "other.head", tmp_path / "journal.head")
    assert half_sent.verify() == 8


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entries SET body = x'00' WHERE seq IN (5, 6)",
        "UPDATE entries SET hash = 'x', body = x'00' WHERE seq = 5",
        "UPDATE entries SET signature = '' WHERE seq = 5",
        "DELETE FROM entries WHERE seq = 5",
        "UPDATE entries SET body = x'00' WHERE seq = 8",
    ],
)
async def test_a_damaged_unsent_entry_is_set_aside(
    half_sent: Journal, open_journal: Opened, tmp_path: Path, damage: str
) -> None:
    """A signed mark names it and its hash, so that everything else is sent, sold and verified; it is listed."""
    half_sent.close()
    alter(tmp_path / "journal.db", damage)
    journal = open_journal()
    with pytest.raises(JournalCorrupt):
        append(journal)
    aside = set_aside(journal)
    assert aside
    assert set_aside(journal) == []
    assert journal.status().set_aside == tuple(aside)
    append(journal)
    ledger = FakeLedger()
    ledger.seen = [signed for signed in journal.pending(10, 1 << 20, 0).entries if signed.entry.seq <= 3]
    await Syncer(journal, ledger).sync()
    assert len(ledger.seen) == journal.head()[0]
    assert journal.unsent_count() == 0
    assert journal.examine().set_aside == tuple(aside)
    journal.close()
    again = open_journal()
    append(again)
    assert again.verify() == again.head()[0]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_a_mark_may_come_in_a_later_upload(
    half_sent: Journal, open_journal: Opened, tmp_path: Path, limit: int
) -> None:
    """More lies between the damage and its mark than one upload takes: the ledger takes it in all the same."""
    half_sent.close()
    alter(tmp_path / "journal.db", "UPDATE entries SET body = x'00' WHERE seq IN (5, 6)")
    journal = open_journal()
    assert set_aside(journal) == [5, 6]
    head, links = 3, list[ChainLink]()
    while (pending := journal.pending(limit, 1 << 20, head)).entries:
        links += walk(pending.entries, TERMINAL, journal.public_key, pending.set_aside)
        head = pending.entries[-1].entry.seq
    assert [link.seq for link in links] == list(range(4, journal.head()[0] + 1))
    assert all(after.previous == before.hash for before, after in pairwise(links))


async def test_a_ledger_that_takes_less_at_once_takes_what_is_set_aside(
    half_sent: Journal, open_journal: Opened, tmp_path: Path
) -> None:
    """An upload with something set aside is halved as any other."""

    def refuse(entries: Sequence[SignedEntry]) -> None:
        if len(entries) > 2:
            raise refusal("request_too_large")

    half_sent.close()
    alter(tmp_path / "journal.db", "UPDATE entries SET body = x'00' WHERE seq = 5")
    journal = open_journal()
    ledger = FakeLedger()
    ledger.seen = journal.pending(3, 1 << 20, 0).entries
    ledger.before = refuse
    set_aside(journal)
    await Syncer(journal, ledger).sync()
    assert (len(ledger.seen), journal.unsent_count()) == (journal.head()[0], 0)


async def test_what_nothing_vouches_for_is_not_set_aside(
    half_sent: Journal, open_journal: Opened, tmp_path: Path
) -> None:
    """Neither an entry after it, nor a signature, nor the head outside says what it was: the office has to help."""
    half_sent.close()
    alter(tmp_path / "journal.db", "UPDATE entries SET body = x'00', hash = '', signature = '' WHERE seq = 8")
    (tmp_path / "journal.head").unlink()
    journal = open_journal()
    with pytest.raises(JournalCorrupt):
        set_aside(journal)
    assert journal.head()[0] == 8


async def test_what_is_missing_at_the_end_is_not_set_aside(
    half_sent: Journal, open_journal: Opened, tmp_path: Path
) -> None:
    """Numbers that were given out are not given out again."""
    half_sent.close()
    alter(tmp_path / "journal.db", "DELETE FROM entries WHERE seq > 5")
    journal = open_journal()
    with pytest.raises(JournalIncomplete):
        set_aside(journal)
    with pytest.raises(JournalIncomplete):
        append(journal)


async def test_a_key_that_is_not_pinned_signs_nothing(journal: Journal) -> None:
    """An answer of another key counts only once an entry of this terminal acknowledges its verdicts."""
    recorded = append(journal)
    verdict = Verdict(operation_id=recorded.operation_id, status=Status.ACCEPTED, awarded=3)
    journal.settle(answer([Decision(verdict=verdict)], journal.head(), Ed25519PrivateKey.generate()))
    with pytest.raises(JournalCorrupt):
        journal.verify()
    append(journal)
    assert journal.verify() == 2


def test_what_is_examined_at_the_opening_does_not_grow(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end alone is looked at, however much is unsent."""
    monkeypatch.setattr("offline_queue.journal.write_witness", lambda *_: None)
    journal._database.execute("PRAGMA synchronous = OFF")
    for _ in range(TAIL + 100):
        journal.append(Mark(kind="opened"), at=START, operator="12", business_date=DAY)
    walked: list[int] = []
    history = journal.history

    def watched(after: int, upto: int) -> Iterator[RecordLine]:
        walked.append(upto - after)
        return history(after, upto)

    monkeypatch.setattr(journal, "history", watched)
    journal.examine_tail()
    assert walked == [TAIL]


def test_the_same_reference_is_the_same_operation(journal: Journal, open_journal: Opened) -> None:
    """A POS that asks again gets what it got, also from another process; without one nothing is looked up."""
    when = {"at": START, "operator": "12", "business_date": DAY}
    first = journal.append(award(), reference="till-1/0042", **when)  # type: ignore[arg-type]  # a table of arguments
    again = open_journal().append(award(), reference="till-1/0042", **when)  # type: ignore[arg-type]  # as above
    assert (again, first.entry.reference) == (first, "till-1/0042")
    assert journal.referred("till-1/0042") == first
    assert journal.referred("till-1/0043") is None
    assert journal.verify() == 1
