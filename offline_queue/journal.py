"""The journal: every entry is durable, signed and chained before anything is sent or shown."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from ledger.wire.answers import SignedStatement, UploadResult, Verdict
from ledger.wire.canonical import canonical
from ledger.wire.entries import FIRST_PREVIOUS_HASH, FORM, Entry, Received, entry_hash, operation_id
from ledger.wire.operations import MARKS, Mark
from ledger.wire.values import Message
from offline_queue.counters import CounterRow
from offline_queue.errors import (
    DiskFull,
    JournalCorrupt,
    JournalIncomplete,
    JournalReadOnly,
    OperationIdTaken,
    VerdictConflict,
)
from offline_queue.reading import TAIL_SENT, JournalReader, Recorded, read_journal
from offline_queue.schema import PROBE, RESERVE, ROOM, open_database, queue_error, sqlite_errors
from offline_queue.witness import Witness, read_witness, write_witness

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["Journal", "Recorded"]

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system answers where the medium could be written, if only there were room."""


class _New(Enum):
    """What a verdict is to the one that is kept."""

    NEW = auto()
    KNOWN = auto()
    OTHER = auto()


@dataclass(slots=True)
class _Heard:
    """The verdicts that came since the entry before: what the next entry acknowledges."""

    acknowledged: int
    upto: int
    digest: _Hash = field(default_factory=hashlib.sha256)

    def hear(self, verdict: Verdict) -> None:
        """Take the next verdict."""
        self.upto += 1
        self.digest.update(canonical(verdict.said()) + b"\n")

    @property
    def received(self) -> Received | None:
        """What an entry says of them; None where there are none."""
        if self.upto == self.acknowledged:
            return None
        return Received(upto=self.upto, hash=self.digest.hexdigest())


class Journal(JournalReader):
    """One terminal's journal, open for writing in one process.

    The caller holds the directory's `InstanceLock`: two writers would give two operations one number.
    """

    def __init__(
        self,
        path: Path,
        terminal_id: str,
        key: Ed25519PrivateKey,
        clock: Callable[[], datetime],
        pinned: Collection[str] = (),
    ) -> None:
        """Open the journal, or make it; raise QueueError and leave the file as it was where it cannot be used.

        One whose end is not what was written is opened, too, but takes no operation: see `check`.
        """
        database = open_database(path, terminal_id, key.public_key().public_bytes_raw())
        super().__init__(database, terminal_id, key.public_key(), path, pinned)
        self._key = key
        self._clock = clock
        self._damage: JournalCorrupt | None = None
        try:
            self._head = super().head()
            self._heard = self._hear_again()
            self._look_at_tail()
        except BaseException:
            database.close()
            raise

    def head(self) -> tuple[int, str]:
        """Return number and hash of the entry that was written last, whatever became of the file since."""
        return self._head

    def next_operation_id(self) -> str:
        """Return the id that the next entry will have, so that a card can sign it."""
        return operation_id(self.terminal_id, self._head[0] + 1)

    def reader(self) -> JournalReader:
        """Return a connection of its own that only reads: a long walk over it holds up no sale."""
        return read_journal(self._path, self.public_key, self.pinned)

    def check(self) -> None:
        """Raise JournalCorrupt where the journal's end was not what was written when it was opened."""
        if self._damage is not None:
            raise self._damage

    def append(
        self,
        content: Message,
        *,
        at: datetime,
        operator: str,
        business_date: date,
        expected_id: str | None = None,
        reference: str | None = None,
        counters: Sequence[CounterRow] = (),
    ) -> Recorded:
        """Write an entry in one durable transaction.

        A sale that redeems without a line brings all `counters` as they are after it.

        `expected_id` is the operation id that the resident's card signed; raise OperationIdTaken where it is not the
        next one any more. With a `reference` that an operation has already, that operation is returned. On any error
        nothing was written.
        """
        self.check()
        return self._append(content, at, operator, business_date, expected_id, reference, counters)

    def _append(
        self,
        content: Message,
        at: datetime,
        operator: str,
        business_date: date,
        expected_id: str | None = None,
        reference: str | None = None,
        counters: Sequence[CounterRow] = (),
    ) -> Recorded:
        # Whoever reads between the commit and the new head would take the last entry for one that was altered.
        with self._lock:
            return self._write(content, at, operator, business_date, expected_id, reference, counters)

    def _write(
        self,
        content: Message,
        at: datetime,
        operator: str,
        business_date: date,
        expected_id: str | None,
        reference: str | None,
        counters: Sequence[CounterRow],
    ) -> Recorded:
        with self._transaction() as connection:
            if reference is not None and (known := self.referred(reference)) is not None:
                return known
            if expected_id is not None and expected_id != self.next_operation_id():
                raise OperationIdTaken(f"{expected_id} was signed, {self.next_operation_id()} is next")
            heard = self._heard_by_now()
            received, more = heard.received, dict[str, Any]()
            if received is not None:
                more["received"] = received
            if reference is not None:
                more["reference"] = reference
            seq, previous_hash = self._head
            entry = Entry(
                form=FORM,
                terminal_id=self.terminal_id,
                seq=seq + 1,
                at=at.isoformat(),
                operator=operator,
                business_date=business_date.isoformat(),
                content=content,
                previous_hash=previous_hash,
                **more,
            )
            body = entry.canonical()
            digest = entry_hash(body)
            signature = base64.b64encode(self._key.sign(bytes.fromhex(digest))).decode()
            kind = entry.content.kind
            connection.execute(
                "INSERT INTO entries (seq, kind, business_date, body, hash, signature, reference, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (entry.seq, kind, entry.business_date, body, digest, signature, reference, heard.upto),
            )
            if counters:
                connection.execute("INSERT INTO offline_sales VALUES (?)", (entry.seq,))
                connection.execute("DELETE FROM counters")
                connection.executemany(
                    "INSERT INTO counters VALUES (?, ?, ?)", [(row.place, row.seq, row.sealed) for row in counters]
                )
        # Only what is durable is the head: a commit that failed leaves the next number free.
        self._head = entry.seq, digest
        self._heard = _Heard(heard.upto, heard.upto)
        write_witness(self._path, self.terminal_id, Witness(entry.seq, digest, signature))
        return Recorded(entry, digest)

    def settle(
        self,
        result: UploadResult,
        awaited: Collection[str] = (),
        *,
        upto: int | None = None,
        after_loss: bool = False,
    ) -> None:
        """Keep the verdicts of an upload, and the ledger's signed word for them and for how far it is.

        `upto` is the last entry of the upload, `awaited` are the operations whose verdict somebody is waiting for. A
        verdict is final: the same one again
        changes nothing, another one raises VerdictConflict, unless the ledger had lost the first: then it is listed,
        and the first stands. A head that is not of this journal raises JournalForked.
        """
        heard = self._heard_by_now()
        heard = _Heard(heard.acknowledged, heard.upto, heard.digest.copy())
        with self._transaction() as connection:
            self.confirm_head(result.head_seq, result.head_hash)
            known = {each.verdict.operation_id: self._known(connection, each.verdict) for each in result.decisions}
            new = [each.verdict for each in result.decisions if known[each.verdict.operation_id] is _New.NEW]
            changed = [each.verdict for each in result.decisions if known[each.verdict.operation_id] is _New.OTHER]
            if changed and not (after_loss or self.is_behind()):
                raise VerdictConflict(f"{changed[0].operation_id} already has another verdict")
            answer = None
            reached = min(result.head_seq, result.head_seq if upto is None else upto)
            if result.signed is not None and (new or changed or reached != self.ledger_head()):
                answer = self._keep_answer(connection, result.signed, reached)
            self._keep_changes(connection, changed, answer)
            for verdict in new:
                heard.hear(verdict)
                connection.execute(
                    "INSERT INTO verdicts (position, seq, status, awaited, body, received_at, answer)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        heard.upto,
                        _seq(verdict.operation_id),
                        verdict.status,
                        verdict.operation_id in awaited,
                        canonical(verdict.said()),
                        self._clock().isoformat(),
                        answer,
                    ),
                )
            connection.execute("UPDATE tries SET failed = 0, error = NULL WHERE failed > 0")
        self._heard = heard

    def tell(self, wanted: str) -> None:
        """Note that a verdict was told to a customer who was still there, though nobody waited when it came."""
        seq = _seq(wanted)
        if self._rows("SELECT 1 FROM verdicts WHERE seq = ? AND NOT awaited", (seq,)):
            with self._transaction() as connection:
                connection.execute("INSERT OR IGNORE INTO told VALUES (?)", (seq,))

    def note_failure(self, reason: str) -> None:
        """Record how often the oldest unsent entry failed, and why; `status` shows it."""
        with self._transaction() as connection:
            connection.execute("UPDATE tries SET failed = failed + 1, error = ?", (reason,))

    def set_damaged_aside(self, *, at: datetime, operator: str, business_date: date) -> list[int]:
        """Set entries at the journal's end aside that are not what was written, and return their numbers.

        A signed mark names each with the hash that the entry after it vouches for. Where nothing does so, raise
        JournalCorrupt: only the office can help.
        """
        try:
            self.examine_tail(self._head[0])
        except JournalIncomplete:
            raise
        except JournalCorrupt:
            damaged = self._damaged()
        else:
            self._damage = None
            return []
        hashes = dict(damaged)
        for seq, digest in damaged:
            detail: dict[str, Any] = {"seq": seq, "hash": digest}
            if (previous := hashes.get(seq - 1) or self._hash_of(seq - 1)) is not None:
                detail["previous"] = previous
            self._append(Mark(kind="set_aside", detail=detail), at, operator, business_date)
        self._look_at_tail()
        self.check()
        return [seq for seq, _ in damaged]

    def check_room(self) -> None:
        """Raise DiskFull, JournalReadOnly or JournalCorrupt before the resident is told anything."""
        self.check()
        if not os.access(self._path, os.W_OK):
            raise JournalReadOnly(f"{self._path} cannot be written")
        free = shutil.disk_usage(self._path.parent).free
        if free < ROOM:
            raise DiskFull(f"{free // 1024} KiB free, {ROOM // 1024} KiB are needed")
        # A quota, a limit or a read-only mount shows only when something is really written.
        try:
            with TemporaryFile(dir=self._path.parent) as probe:
                probe.write(bytes(PROBE))
                probe.flush()
        except OSError as error:
            raise (DiskFull if error.errno in _NO_ROOM else JournalReadOnly)(str(error)) from error

    def reserve(self) -> None:
        """Lay out beforehand what a day needs of file and log; raise DiskFull where there is no room for it.

        So a disk that fills up stops no sale half-way, and no sale waits for a file to grow.
        """
        with self._transaction() as connection:
            connection.execute("CREATE TABLE reserve (bytes BLOB) STRICT")
            connection.execute("INSERT INTO reserve VALUES (zeroblob(?))", (RESERVE,))
            connection.execute("DROP TABLE reserve")
        # The freed pages stay in the file, and the log is overwritten from its start: later writes need no new room.
        with self._lock, sqlite_errors():
            connection.execute("PRAGMA wal_checkpoint(RESTART)")

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """Lock the file from the first statement on: no other process writes between our reading and writing."""
        connection = self._database.conn
        with self._lock:
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                connection.rollback()
                raise queue_error(error) from error
            except BaseException:
                connection.rollback()
                raise

    def _heard_by_now(self) -> _Heard:
        """Return the verdicts that the next entry acknowledges, also where another connection brought some."""
        if self.verdict_count() != self._heard.upto:
            self._heard = self._hear_again()
        return self._heard

    def _hear_again(self) -> _Heard:
        rows = self._rows("SELECT received FROM entries ORDER BY seq DESC LIMIT 1")
        acknowledged = int(rows[0][0]) if rows else 0
        heard = _Heard(acknowledged, acknowledged)
        while rows := self._rows(
            "SELECT body FROM verdicts WHERE position > ? ORDER BY position LIMIT 500", (heard.upto,)
        ):
            for (body,) in rows:
                heard.hear(_verdict(body))
        return heard

    def _keep_changes(self, connection: sqlite3.Connection, changed: Collection[Verdict], answer: int | None) -> None:
        for verdict in changed:
            row = (_seq(verdict.operation_id), canonical(verdict.said()))
            if not connection.execute("SELECT 1 FROM changes WHERE (seq, body) = (?, ?)", row).fetchone():
                connection.execute("INSERT INTO changes (seq, body, answer) VALUES (?, ?, ?)", (*row, answer))

    def _known(self, connection: sqlite3.Connection, verdict: Verdict) -> _New:
        """Return what a verdict is to the one that is kept; raise VerdictConflict where it is on nothing of ours."""
        seq = _seq(verdict.operation_id)
        row = connection.execute(
            "SELECT kind, hash, verdicts.body FROM entries LEFT JOIN verdicts USING (seq) WHERE seq = ?", (seq,)
        ).fetchone()
        if row is None or operation_id(self.terminal_id, seq) != verdict.operation_id:
            if seq in self.set_aside():
                return _New.KNOWN
            raise VerdictConflict(f"{verdict.operation_id} is no operation of this journal")
        kind, digest, body = row
        if kind in MARKS or verdict.content_hash not in {None, digest, self.set_aside().get(seq)}:
            raise VerdictConflict(f"{verdict.operation_id} is not what was decided")
        if body is None:
            return _New.NEW
        return _New.KNOWN if _core(_verdict(body)) == _core(verdict) else _New.OTHER

    def _keep_answer(self, connection: sqlite3.Connection, signed: SignedStatement, upto: int) -> int:
        statement = signed.statement
        connection.execute("INSERT OR IGNORE INTO ledger_keys VALUES (?)", (signed.key,))
        (number,) = connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM answers").fetchone()
        connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                statement.head_seq,
                statement.head_hash,
                upto,
                canonical(statement.as_json()),
                signed.key,
                signed.signature,
                self._clock().isoformat(),
            ),
        )
        return int(number)

    def _look_at_tail(self) -> None:
        """Examine the end of the journal, and bring the head that is kept outside it up to date."""
        try:
            self.examine_tail()
            self._damage = None
        except JournalCorrupt as corrupt:
            self._damage = corrupt
            return
        rows = self._rows("SELECT hash, signature FROM entries WHERE seq = ?", (self._head[0],))
        if rows and read_witness(self._path, self.terminal_id, self.public_key) != Witness(self._head[0], *rows[0]):
            write_witness(self._path, self.terminal_id, Witness(self._head[0], *rows[0]))

    def _hash_of(self, seq: int) -> str | None:
        """Return the hash of an entry that this terminal signed or set aside; None where nothing says what it was."""
        if seq == 0:
            return FIRST_PREVIOUS_HASH
        rows = self._rows("SELECT hash, signature FROM entries WHERE seq = ?", (seq,))
        return rows[0][0] if rows and self.is_signed(*rows[0]) else self.set_aside().get(seq)

    def _damaged(self) -> list[tuple[int, str]]:
        """Return number and hash of entries at the end that are not what was written, the oldest first.

        An entry's hash is vouched for by the entry after it, by this terminal's signature that stands beside it, or by
        the head that was kept outside; raise JournalCorrupt where none of them is left.
        """
        aside, witness = self.set_aside(), read_witness(self._path, self.terminal_id, self.public_key)
        last = self._head[0]
        found: list[tuple[int, str]] = []
        named: str | None = None
        for seq in range(last, max(0, min(last, self.ledger_head()) - TAIL_SENT), -1):
            rows = self._rows("SELECT body, hash, signature FROM entries WHERE seq = ?", (seq,))
            signed = rows[0][1] if rows and self.is_signed(*rows[0][1:]) else None
            before = _previous_hash(rows[0][0], seq, signed) if signed else None
            if signed is not None and before is not None and named in {None, signed}:
                named = before
                continue
            outside = witness.hash if witness is not None and witness.seq == seq else None
            digest = aside.get(seq) or named or signed or outside
            if digest is None:
                raise JournalCorrupt("nothing says what it was", seq)
            if seq not in aside:
                found.append((seq, digest))
            named = None
        return found[::-1]


def _seq(wanted: str) -> int:
    return int(wanted.rpartition("-")[2])


def _core(verdict: Verdict) -> tuple[object, ...]:
    """Return what makes two verdicts the same; earlier forms said no more."""
    return verdict.status, verdict.code, verdict.redeemed, verdict.awarded, verdict.amount_due


def _verdict(body: bytes) -> Verdict:
    try:
        return Verdict.model_validate_json(body)
    except ValidationError:
        raise JournalCorrupt("a verdict cannot be read") from None


def _previous_hash(body: bytes, seq: int, digest: str) -> str | None:
    """Return the hash that an entry names as the one before it; None where the body is not what was hashed."""
    try:
        entry = Entry.model_validate_json(body)
    except ValidationError:
        return None
    return entry.previous_hash if (entry.seq, entry_hash(body)) == (seq, digest) else None
