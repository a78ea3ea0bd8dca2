"""The journal: every entry is durable, signed and chained before anything is sent or shown."""

from __future__ import annotations

import base64
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.answers import UploadResult, Verdict
from ledger.wire.entries import Entry, entry_hash, operation_id
from ledger.wire.operations import is_operation
from ledger.wire.values import Message
from offline_queue.errors import DiskFull, JournalReadOnly, OperationIdTaken, VerdictConflict
from offline_queue.reading import JournalReader, Recorded, read_journal
from offline_queue.schema import PROBE, RESERVE, ROOM, meaning, open_database, translated

__all__ = ["Journal", "Recorded"]

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system answers where the medium could be written, if only there were room."""


class Journal(JournalReader):
    """One terminal's journal, open for writing in one process.

    The caller holds the directory's `InstanceLock`: two writers would give two operations one number.
    """

    def __init__(self, path: Path, terminal_id: str, key: Ed25519PrivateKey, clock: Callable[[], datetime]) -> None:
        """Open the journal, or make it; raise QueueError and leave the file as it was where it cannot be used."""
        database = open_database(path, terminal_id, key.public_key().public_bytes_raw())
        super().__init__(database, terminal_id, key.public_key())
        self._path = path
        self._key = key
        self._clock = clock
        self._head = super().head()

    def head(self) -> tuple[int, str]:
        """Return number and hash of the entry that was written last, whatever became of the file since."""
        return self._head

    def next_operation_id(self) -> str:
        """Return the id that the next entry will have, so that a card can sign it."""
        return operation_id(self.terminal_id, self._head[0] + 1)

    def reader(self) -> JournalReader:
        """Return a connection of its own that only reads: a long walk over it holds up no sale."""
        return read_journal(self._path, self._public_key)

    def append(
        self, content: Message, *, at: datetime, operator: str, business_date: date, expected_id: str | None = None
    ) -> Recorded:
        """Write an entry and its outbox row in one durable transaction.

        `expected_id` is the operation id that the resident's card signed; raise OperationIdTaken where it is not the
        next one any more. On any error nothing was written.
        """
        with self._transaction() as connection:
            if expected_id is not None and expected_id != self.next_operation_id():
                raise OperationIdTaken(f"{expected_id} was signed, {self.next_operation_id()} is next")
            seq, previous_hash = self._head
            entry = Entry(
                terminal_id=self.terminal_id,
                seq=seq + 1,
                at=at.isoformat(),
                operator=operator,
                business_date=business_date.isoformat(),
                content=content,
                previous_hash=previous_hash,
            )
            body = entry.canonical()
            digest = entry_hash(body)
            signature = base64.b64encode(self._key.sign(bytes.fromhex(digest))).decode()
            connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)",
                (entry.seq, entry.content.kind, entry.business_date, body, digest, signature),
            )
            connection.execute("INSERT INTO outbox (seq) VALUES (?)", (entry.seq,))
        # Only what is durable is the head: a commit that failed leaves the next number free.
        self._head = entry.seq, digest
        return Recorded(entry, digest)

    def settle(self, result: UploadResult, awaited: Collection[str] = ()) -> None:
        """Keep the verdicts of an upload and take from the outbox all that the ledger has now.

        `awaited` are the operations whose verdict somebody is waiting for. A verdict is final: the same one again
        changes nothing, another one raises VerdictConflict; a head that is not of this journal raises JournalForked.
        """
        with self._transaction() as connection:
            self.confirm_head(result.head_seq, result.head_hash)
            for decision in result.decisions:
                self._keep(connection, decision.verdict, awaited=decision.verdict.operation_id in awaited)
            connection.execute("DELETE FROM outbox WHERE seq <= ?", (result.head_seq,))

    def note_failure(self, reason: str) -> None:
        """Keep, for whoever looks, how often and why the oldest unsent entry did not get through."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, last_error = ? WHERE seq = (SELECT MIN(seq) FROM outbox)",
                (reason,),
            )

    def check_room(self) -> None:
        """Raise DiskFull or JournalReadOnly while nothing was said to anybody yet."""
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
        # The pages are free now, and the log begins anew at the length that it has.
        with self._lock, translated():
            connection.execute("PRAGMA wal_checkpoint(RESTART)")

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """Hold the file from the first statement on: nobody writes between what is read and what is written."""
        connection = self._database.conn
        with self._lock:
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                connection.rollback()
                raise meaning(error) from error
            except BaseException:
                connection.rollback()
                raise

    def _keep(self, connection: sqlite3.Connection, verdict: Verdict, *, awaited: bool) -> None:
        record = self.find(verdict.operation_id)
        if record is None or not is_operation(record.entry.content):
            raise VerdictConflict(f"{verdict.operation_id} is no operation of this journal")
        if record.verdict is None:
            connection.execute(
                "INSERT INTO verdicts (seq, status, awaited, body, received_at) VALUES (?, ?, ?, ?, ?)",
                (
                    record.entry.seq,
                    verdict.status,
                    awaited,
                    verdict.model_dump_json().encode(),
                    self._clock().isoformat(),
                ),
            )
        elif record.verdict != verdict:
            raise VerdictConflict(f"{verdict.operation_id} already has another verdict")
