"""The journal: durable, append-only, signed and chained; and whatever is wrong with its file is said."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.wire.answers import Decision, Status, UploadResult, Verdict
from ledger.wire.operations import Mark
from offline_queue.errors import (
    DiskFull,
    JournalCorrupt,
    JournalNewer,
    JournalReadOnly,
    OperationIdTaken,
    QueueError,
    VerdictConflict,
)
from offline_queue.journal import Journal
from offline_queue.keys import load_key, load_or_make_key
from offline_queue.schema import RESERVE
from tests.offline_queue.conftest import DAY, START, TERMINAL, answer, append, award

MANY = 1 << 20
"""Bytes enough for all of a test."""


def accepted(operation_id: str, awarded: int = 3) -> Decision:
    """Return the ledger's yes to an award."""
    return Decision(verdict=Verdict(operation_id=operation_id, status=Status.ACCEPTED, awarded=awarded))


def result(journal: Journal, *decisions: Decision) -> UploadResult:
    """Return what the ledger answers once it has everything."""
    status = journal.status()
    return answer(decisions, (status.last_seq, status.last_hash))


def test_the_id_is_known_before_the_entry_is_written(journal: Journal) -> None:
    """The card signs the id that the operation will have."""
    promised = journal.next_operation_id()
    recorded = journal.append(award(), at=START, operator="12", business_date=DAY, expected_id=promised)
    assert recorded.operation_id == promised == f"{TERMINAL}-000001"
    assert journal.next_operation_id() == f"{TERMINAL}-000002"


def test_an_id_that_was_taken_meanwhile_is_refused(journal: Journal) -> None:
    """A signature over another number is worth nothing, so nothing is written."""
    promised = journal.next_operation_id()
    append(journal)
    with pytest.raises(OperationIdTaken):
        journal.append(award(), at=START, operator="12", business_date=DAY, expected_id=promised)
    assert journal.status().last_seq == 1


def test_what_was_appended_is_there_after_reopening(open_journal: Callable[[], Journal]) -> None:
    """Entries, outbox and head survive the program, and the chain goes on where it was."""
    first = open_journal()
    recorded = [append(first, points) for points in (1, 2)]
    first.close()
    second = open_journal()
    recorded.append(append(second, 3))
    assert [signed.hash for signed in second.pending(10, MANY).entries] == [record.hash for record in recorded]
    assert recorded[2].entry.previous_hash == recorded[1].hash
    assert second.verify() == 3


def test_pending_bytes_are_the_journals_bytes(journal: Journal, tmp_path: Path) -> None:
    """What would be uploaded is, to the byte, what was written."""
    append(journal)
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        (body,) = connection.execute("SELECT body FROM entries").fetchone()
    connection.close()
    assert journal.pending(1, MANY).entries[0].entry.canonical() == body


def test_verdicts_only_move_forward(journal: Journal) -> None:
    """The same verdict again changes nothing; another one is refused and the first stands."""
    recorded = append(journal)
    assert journal.unsent_count() == 1
    yes = accepted(recorded.operation_id)
    journal.settle(result(journal, yes))
    journal.settle(result(journal, yes))
    assert journal.unsent_count() == 0
    no = Decision(verdict=Verdict(operation_id=recorded.operation_id, status=Status.REFUSED, code="unregistered"))
    with pytest.raises(VerdictConflict):
        journal.settle(result(journal, no))
    found = journal.find(recorded.operation_id)
    assert found is not None
    assert found.verdict == yes.verdict


@pytest.mark.parametrize("stranger", ["252034-0001-02-000001", f"{TERMINAL}-000009", f"{TERMINAL}-000002"])
def test_a_verdict_on_no_operation_of_ours_is_refused(journal: Journal, stranger: str) -> None:
    """Another terminal's, one that was never written, and a mark that asked for nothing."""
    append(journal)
    journal.append(Mark(kind="opened"), at=START, operator="12", business_date=DAY)
    with pytest.raises(VerdictConflict):
        journal.settle(result(journal, accepted(stranger)))
    assert journal.unsent_count() == 1


def test_marks_travel_but_do_not_count_as_unsent(journal: Journal) -> None:
    """What asks for nothing is part of the chain, and nobody waits for it."""
    journal.append(Mark(kind="opened"), at=START, operator="12", business_date=DAY)
    assert len(journal.pending(10, MANY).entries) == 1
    assert journal.unsent_count() == 0
    journal.settle(result(journal))
    assert journal.pending(10, MANY).entries == []


def test_find_takes_only_the_whole_id(journal: Journal) -> None:
    """A number alone, or with other zeros, is no operation id."""
    recorded = append(journal)
    assert journal.find(recorded.operation_id) == recorded
    for other in ("1", f"{TERMINAL}-1", f"{TERMINAL}-000002", "252034-0001-02-000001", ""):
        assert journal.find(other) is None


def test_recent_lists_operations_newest_first(journal: Journal) -> None:
    """The picker for voiding shows no marks."""
    first, second = append(journal), append(journal)
    journal.append(Mark(kind="opened"), at=START, operator="12", business_date=DAY)
    assert journal.recent(5) == [second, first]
    assert journal.recent(1) == [second]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET hash = ''",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT seq, 'x', business_date, body, hash, signature, NULL, 0 FROM entries",
        "INSERT OR REPLACE INTO answers SELECT number, 0, head_hash, 0, statement, key, signature, '' FROM answers",
        "UPDATE answers SET head_seq = 0",
        "DELETE FROM answers",
        "UPDATE verdicts SET received_at = ''",
        "DELETE FROM verdicts",
    ],
)
def test_nothing_is_ever_changed_or_deleted(journal: Journal, tmp_path: Path, statement: str) -> None:
    """The file itself refuses, whoever opens it, until its triggers are dropped; then the chain tells."""
    recorded = append(journal)
    journal.settle(result(journal, accepted(recorded.operation_id)))
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("PRAGMA recursive_triggers = ON")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), '12', '13') AS BLOB) WHERE seq = 2",
        "UPDATE entries SET kind = 'sale' WHERE seq = 2",
        "UPDATE entries SET business_date = '2026-11-24' WHERE seq = 1",
        "UPDATE entries SET signature = (SELECT signature FROM entries WHERE seq = 1) WHERE seq = 2",
        "UPDATE entries SET hash = '00' || substr(hash, 3) WHERE seq = 3",
        "DELETE FROM entries WHERE seq = 2",
        "DELETE FROM entries WHERE seq = 3",
        "UPDATE entries SET body = x'00' WHERE seq = 1",
    ],
)
def test_whoever_alters_the_file_is_found_out(journal: Journal, tmp_path: Path, statement: str) -> None:
    """Hashes, links and signatures are checked entry by entry."""
    for points in (1, 2, 3):
        append(journal, points)
    assert journal.verify() == 3
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.executescript(
        f"DROP TRIGGER entries_are_never_changed; DROP TRIGGER entries_are_never_deleted; {statement};"
    )
    connection.close()
    with pytest.raises(JournalCorrupt):
        journal.verify()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_flipped_byte_is_noticed_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, key: Ed25519PrivateKey, where: float, flip: int
) -> None:
    """Whatever byte of the file a dying disk changes: entries that are still read are those that were written."""
    folder = tmp_path_factory.mktemp("flip")
    path = folder / "journal.db"
    journal = Journal(path, TERMINAL, key, lambda: START)
    written = [append(journal, points).hash for points in (1, 2, 3)]
    journal.close()
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= flip
    path.write_bytes(data)
    try:
        damaged = Journal(path, TERMINAL, key, lambda: START)
    except QueueError:
        return
    try:
        assert damaged.verify() == 3
        assert [record.hash for record in damaged.since(0)] == written
    except QueueError:
        pass
    finally:
        damaged.close()
        shutil.rmtree(folder)


def test_a_newer_journal_is_left_as_it_is(open_journal: Callable[[], Journal], tmp_path: Path) -> None:
    """An older program says so and touches nothing."""
    open_journal().close()
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(JournalNewer) as caught:
        open_journal()
    assert caught.value.version == 99
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_file_that_is_no_journal_is_left_as_it_is(open_journal: Callable[[], Journal], tmp_path: Path) -> None:
    """Whatever lies there is not overwritten."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, but somebody's file" * 100)
    with pytest.raises(JournalCorrupt):
        open_journal()
    assert path.read_bytes().startswith(b"not a database")


def test_another_terminals_journal_is_refused(open_journal: Callable[[], Journal], tmp_path: Path) -> None:
    """A file that was copied from the next counter is not written into."""
    append(open_journal())
    for terminal, key in ((TERMINAL, Ed25519PrivateKey.generate()), ("252034-0001-02", None)):
        with pytest.raises(JournalCorrupt):
            Journal(
                tmp_path / "journal.db", terminal, key or load_or_make_key(tmp_path / "terminal.key"), lambda: START
            )


def test_a_full_disk_leaves_the_journal_as_it_was(open_journal: Callable[[], Journal]) -> None:
    """The append fails, nothing is half there, and the same number is used once there is room again."""
    journal = open_journal()
    append(journal)
    journal._database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(DiskFull):
        _append_many(journal)
    last = journal.status().last_seq
    journal._database.execute("PRAGMA max_page_count = 1000000")
    assert append(journal).entry.seq == last + 1
    assert journal.verify() == last + 1


def _append_many(journal: Journal) -> None:
    for _ in range(100):
        append(journal)


def test_a_reserved_day_makes_no_file_grow(journal: Journal, tmp_path: Path) -> None:
    """Room in file and log is there before the first sale, and again on every other morning."""
    append(journal)
    for _ in range(2):
        journal.reserve()
        before = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
        assert before["journal.db-wal"] > RESERVE
        _append_many(journal)
        after = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
        assert {**after, "journal.head": 0} == {**before, "journal.head": 0}
    assert journal.verify() == 201


def test_a_day_that_cannot_be_reserved_is_said(journal: Journal) -> None:
    """The journal stays as it was."""
    append(journal)
    journal._database.execute("PRAGMA max_page_count = 100")
    with pytest.raises(DiskFull):
        journal.reserve()
    assert append(journal).entry.seq == 2


def test_a_disk_without_room_is_noticed_before_anybody_is_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Room is looked for when a sale begins."""
    journal.check_room()
    with monkeypatch.context() as patched:
        patched.setattr("offline_queue.journal.ROOM", 1 << 60)
        with pytest.raises(DiskFull):
            journal.check_room()
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda *_: False)
        with pytest.raises(JournalReadOnly):
            journal.check_room()
    assert {file.name for file in tmp_path.iterdir()} <= {"journal.db", "journal.db-wal", "journal.db-shm"}


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    """The file holds the whole key or does not exist, and nobody else reads it."""
    path = tmp_path / "terminal.key"
    made = load_or_make_key(path)
    again = load_or_make_key(path)
    assert made.public_key() == again.public_key() == load_key(path).public_key()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["terminal.key"]
