"""The journal: every entry is durable, signed and chained before anything is sent or shown."""

from __future__ import annotations

import base64
import errno
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryFile
from threading import RLock
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError
from sqlite_utils import Database

from ledger.messages import (
    FIRST_PREVIOUS_HASH,
    Entry,
    Message,
    SignedEntry,
    UploadResult,
    Verdict,
    entry_hash,
    is_operation,
    operation_id,
)
from offline_queue.errors import DiskFull, JournalCorrupt, JournalReadOnly, OperationIdTaken, VerdictConflict
from offline_queue.schema import PROBE, ROOM, open_database, translated


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the journal, with the ledger's verdict where there is one."""

    entry: Entry
    hash: str
    verdict: Verdict | None = None

    @property
    def operation_id(self) -> str:
        """The id of the operation, fixed for ever."""
        return self.entry.operation_id

    @property
    def short_hash(self) -> str:
        """What a slip prints of the hash: eight digits in two groups."""
        return f"{self.hash[:4]} {self.hash[4:8]}"


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How far the journal is, and what of it the ledger has not yet."""

    last_seq: int
    last_hash: str
    unsent: int
    oldest_unsent_at: str | None
    last_error: str | None


class Journal:
    """One terminal's journal, open in one process; its methods may be called from any thread, and block.

    The caller holds the directory's `InstanceLock`: two writers would give two operations one number.
    """

    def __init__(self, path: Path, terminal_id: str, key: Ed25519PrivateKey, clock: Callable[[], datetime]) -> None:
        """Open the journal, or make it; raise QueueError and leave the file as it was where it cannot be used."""
        self.terminal_id = terminal_id
        self._path = path
        self._key = key
        self._clock = clock
        self._lock = RLock()
        self._database = open_database(path, terminal_id, key.public_key().public_bytes_raw())
        with translated():
            row = self._database.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        self._seq: int
        self._hash: str
        self._seq, self._hash = row or (0, FIRST_PREVIOUS_HASH)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    # Writing ---------------------------------------------------------------------------------------------------

    def next_operation_id(self) -> str:
        """Return the id that the next entry will have, so that a card can sign it."""
        return operation_id(self.terminal_id, self._seq + 1)

    def append(
        self, content: Message, *, at: datetime, operator: str, business_date: date, expected_id: str | None = None
    ) -> Recorded:
        """Write an entry and its outbox row in one durable transaction.

        `expected_id` is the operation id that the resident's card signed; raise OperationIdTaken where it is not the
        next one any more. On any error nothing was written.
        """
        with self._transaction() as database:
            if expected_id is not None and expected_id != self.next_operation_id():
                raise OperationIdTaken(f"{expected_id} was signed, {self.next_operation_id()} is next")
            entry = Entry.model_validate(
                {
                    "terminal_id": self.terminal_id,
                    "seq": self._seq + 1,
                    "at": at.isoformat(),
                    "operator": operator,
                    "business_date": business_date.isoformat(),
                    "content": content.as_json(),
                    "previous_hash": self._hash,
                }
            )
            body = entry.canonical()
            digest = entry_hash(body)
            signature = base64.b64encode(self._key.sign(bytes.fromhex(digest))).decode()
            database.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)",
                (entry.seq, entry.content.kind, entry.business_date, body, digest, signature),
            )
            database.execute("INSERT INTO outbox (seq) VALUES (?)", (entry.seq,))
        # Only what is durable is the head: a commit that failed leaves the next number free.
        self._seq, self._hash = entry.seq, digest
        return Recorded(entry, digest)

    def settle(self, result: UploadResult) -> None:
        """Keep the verdicts of an upload and take from the outbox all that the ledger has now.

        A verdict is final: the same one again changes nothing, another one raises VerdictConflict.
        """
        with self._transaction() as database:
            for decision in result.decisions:
                self._keep(database, decision.verdict)
            database.execute("DELETE FROM outbox WHERE seq <= ?", (result.head_seq,))

    def note_failure(self, first_seq: int, reason: str) -> None:
        """Keep, for whoever looks, how often and why the oldest unsent entry did not get through."""
        with self._transaction() as database:
            database.execute(
                "UPDATE outbox SET attempts = attempts + 1, last_error = ? WHERE seq = ?", (reason, first_seq)
            )

    def check_room(self) -> None:
        """Raise DiskFull or JournalReadOnly while nothing was said to anybody yet."""
        if not os.access(self._path, os.W_OK) or not os.access(self._path.parent, os.W_OK):
            raise JournalReadOnly(f"{self._path} cannot be written")
        free = shutil.disk_usage(self._path.parent).free
        if free < ROOM:
            raise DiskFull(f"{free // 1024} KiB free, {ROOM // 1024} KiB are needed")
        # A quota, a limit or a read-only mount shows only when something is really written.
        try:
            with TemporaryFile(dir=self._path.parent, buffering=0) as probe:
                probe.write(bytes(PROBE))
        except OSError as error:
            raise (JournalReadOnly if error.errno == errno.EROFS else DiskFull)(str(error)) from error

    # Reading ---------------------------------------------------------------------------------------------------

    def pending(self, limit: int) -> list[SignedEntry]:
        """Return the oldest entries that the ledger has not yet: at most `limit`, consecutive."""
        rows = self._rows(
            "SELECT body, hash, signature FROM entries JOIN outbox USING (seq) ORDER BY seq LIMIT ?", (limit,)
        )
        return [SignedEntry(entry=_entry(body), hash=digest, signature=sig) for body, digest, sig in rows]

    def find(self, wanted: str) -> Recorded | None:
        """Return the operation with this id, None where this journal has none."""
        prefix, _, seq = wanted.rpartition("-")
        if prefix != self.terminal_id or not seq.isdigit():
            return None
        found = self._recorded("WHERE seq = ?", (int(seq),))
        return next((record for record in found if record.operation_id == wanted), None)

    def recent(self, limit: int) -> list[Recorded]:
        """Return the last operations, newest first."""
        marks = "WHERE kind NOT IN ('opened', 'signed_in', 'closed')"
        return list(self._recorded(f"{marks} ORDER BY seq DESC LIMIT ?", (limit,)))

    def since(self, seq: int) -> Iterator[Recorded]:
        """Yield everything after an entry, oldest first."""
        return self._recorded("WHERE seq > ? ORDER BY seq", (seq,))

    def unsent_count(self) -> int:
        """Return how many operations wait for a verdict."""
        rows = self._rows(
            "SELECT COUNT(*) FROM outbox JOIN entries USING (seq) WHERE kind NOT IN ('opened', 'signed_in', 'closed')"
        )
        return int(rows[0][0])

    def status(self) -> QueueStatus:
        """Return how far the journal is, and what of it the ledger has not yet."""
        oldest = self._rows("SELECT body, last_error FROM entries JOIN outbox USING (seq) ORDER BY seq LIMIT 1")
        return QueueStatus(
            last_seq=self._seq,
            last_hash=self._hash,
            unsent=self.unsent_count(),
            oldest_unsent_at=_entry(oldest[0][0]).at if oldest else None,
            last_error=oldest[0][1] if oldest else None,
        )

    def verify(self) -> int:
        """Walk the whole chain, checking every hash, link and signature; return how many entries there are.

        Raise JournalCorrupt with the first entry that is not what was written.
        """
        public_key = self._key.public_key()
        previous, count = FIRST_PREVIOUS_HASH, 0
        rows = self._rows("SELECT seq, kind, business_date, body, hash, signature FROM entries ORDER BY seq")
        for seq, kind, business_date, body, digest, signature in rows:
            count += 1
            entry = _entry(body, seq)
            stated = (entry.seq, entry.content.kind, entry.business_date, entry.previous_hash, entry.terminal_id)
            if stated != (count, kind, business_date, previous, self.terminal_id) or seq != count:
                raise JournalCorrupt("it does not follow the entry before it", seq)
            if entry_hash(body) != digest:
                raise JournalCorrupt("its hash is not that of its content", seq)
            try:
                public_key.verify(base64.b64decode(signature), bytes.fromhex(digest))
            except (InvalidSignature, ValueError):
                raise JournalCorrupt("its signature is not this terminal's", seq) from None
            previous = digest
        if (count, previous) != (self._seq, self._hash):
            raise JournalCorrupt("the last entry is not the one that was written last", count)
        return count

    # How -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Generator[Database]:
        with self._lock, translated(), self._database.atomic() as database:
            yield database

    def _rows(self, query: str, arguments: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, translated():
            return self._database.execute(query, arguments).fetchall()

    def _recorded(self, where: str, arguments: tuple[object, ...]) -> Iterator[Recorded]:
        rows = self._rows(
            # `where` is always one of the constants above.
            f"SELECT entries.body, hash, verdicts.body FROM entries LEFT JOIN verdicts USING (seq) {where}",  # noqa: S608
            arguments,
        )
        for body, digest, verdict in rows:
            yield Recorded(_entry(body), digest, None if verdict is None else Verdict.model_validate_json(verdict))

    def _keep(self, database: Database, verdict: Verdict) -> None:
        prefix, _, seq = verdict.operation_id.rpartition("-")
        row = database.execute(
            "SELECT entries.body, verdicts.body FROM entries LEFT JOIN verdicts USING (seq) WHERE seq = ?", (int(seq),)
        ).fetchone()
        if prefix != self.terminal_id or row is None or not is_operation(_entry(row[0]).content):
            raise VerdictConflict(f"{verdict.operation_id} is no operation of this journal")
        if row[1] is None:
            body = verdict.model_dump_json().encode()
            database.execute("INSERT INTO verdicts VALUES (?, ?, ?)", (int(seq), body, self._clock().isoformat()))
        elif Verdict.model_validate_json(row[1]) != verdict:
            raise VerdictConflict(f"{verdict.operation_id} already has another verdict")


def _entry(body: bytes, seq: int | None = None) -> Entry:
    try:
        return Entry.model_validate_json(body)
    except ValidationError:
        raise JournalCorrupt("it cannot be read", seq) from None
