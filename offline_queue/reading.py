"""Reads a journal: what stands in it, what the ledger has not yet, and whether it is what was written."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError
from sqlite_utils import Database

from ledger.wire.answers import Verdict
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry, SignedEntry, entry_hash
from ledger.wire.operations import MARKS
from offline_queue.errors import JournalCorrupt, JournalForked
from offline_queue.schema import open_read_only, translated

_CHUNK = 500
"""Entries that are read at once where all of them are walked: a journal is kept for ever."""

_OPERATIONS = "kind NOT IN ({})".format(", ".join(f"'{kind}'" for kind in MARKS))


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
    """How far the journal is, and what of it needs the ledger or a hand.

    `unsent` counts operations; `attempts` and `last_error` (a stable code) tell of the uploads that failed since the
    last one that went through.
    """

    last_seq: int
    last_hash: str
    unsent: int
    oldest_unsent_at: str | None
    attempts: int
    last_error: str | None
    dead_letters: int


class JournalReader:
    """What a journal says; its methods may be called from any thread, and block."""

    def __init__(self, database: Database, terminal_id: str, public_key: Ed25519PublicKey) -> None:
        self.terminal_id = terminal_id
        self._public_key = public_key
        self._database = database
        self._lock = RLock()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last entry."""
        rows = self._rows("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1")
        return rows[0] if rows else (0, FIRST_PREVIOUS_HASH)

    def confirm_head(self, seq: int, digest: str) -> None:
        """Raise JournalForked unless the ledger's last entry is one of this journal.

        It is not where the file was restored from a backup, or lives on in a second machine.
        """
        rows = self._rows("SELECT hash FROM entries WHERE seq = ?", (seq,)) or [(FIRST_PREVIOUS_HASH,)]
        if rows[0][0] != digest:
            raise JournalForked(f"the ledger has another entry {seq} of this terminal")

    def pending(self, limit: int, max_bytes: int) -> list[SignedEntry]:
        """Return the oldest entries that the ledger has not yet, consecutive: at least one where there is one.

        They are no more than `limit`, and no more bytes than `max_bytes` where they are more than one.
        """
        rows = self._rows(
            "SELECT seq, body, hash, signature, SUM(LENGTH(body)) OVER (ORDER BY seq)"
            " FROM entries JOIN outbox USING (seq) ORDER BY seq LIMIT ?",
            (limit,),
        )
        return [
            SignedEntry(entry=_entry(body, seq), hash=digest, signature=signature)
            for number, (seq, body, digest, signature, size) in enumerate(rows)
            if number == 0 or size <= max_bytes
        ]

    def find(self, wanted: str) -> Recorded | None:
        """Return the operation with this id, None where this journal has none."""
        prefix, _, seq = wanted.rpartition("-")
        if prefix != self.terminal_id or not seq.isdigit():
            return None
        found = self._recorded("WHERE entries.seq = ?", int(seq))
        return next((record for record in found if record.operation_id == wanted), None)

    def recent(self, limit: int) -> list[Recorded]:
        """Return the last operations, newest first."""
        return self._recorded(f"WHERE {_OPERATIONS} ORDER BY entries.seq DESC LIMIT ?", limit)

    def on_day(self, business_date: str) -> Iterator[Recorded]:
        """Yield the operations of a business day, oldest first."""
        where = f"WHERE business_date = ? AND entries.seq > ? AND {_OPERATIONS} ORDER BY entries.seq LIMIT ?"
        seq = 0
        while chunk := self._recorded(where, business_date, seq, _CHUNK):
            yield from chunk
            seq = chunk[-1].entry.seq

    def last(self, kind: str) -> Recorded | None:
        """Return the newest entry of a kind."""
        found = self._recorded("WHERE kind = ? ORDER BY entries.seq DESC LIMIT 1", kind)
        return found[0] if found else None

    def since(self, seq: int) -> Iterator[Recorded]:
        """Yield everything after an entry, oldest first."""
        while chunk := self._recorded("WHERE entries.seq > ? ORDER BY entries.seq LIMIT ?", seq, _CHUNK):
            yield from chunk
            seq = chunk[-1].entry.seq

    def decided(self, after: int, upto: int) -> Iterator[Recorded]:
        """Yield operations in the order in which their verdicts came: those after one position, up to another."""
        while after < upto:
            until = min(upto, after + _CHUNK)
            yield from self._recorded("WHERE position > ? AND position <= ? ORDER BY position", after, until)
            after = until

    def verdict_count(self) -> int:
        """Return how many verdicts have come: the position of the last."""
        return int(self._rows("SELECT COUNT(*) FROM verdicts")[0][0])

    def undecided(self) -> list[Recorded]:
        """Return the operations that have no verdict yet, oldest first."""
        return self._recorded(f"WHERE {_OPERATIONS} AND position IS NULL ORDER BY entries.seq")

    def dead_letters(self) -> list[Recorded]:
        """Return the operations that the ledger refused when nobody waited for its word any more: kept for ever."""
        return self._recorded("WHERE status = 'refused' AND NOT awaited ORDER BY entries.seq")

    def unsent_count(self) -> int:
        """Return how many operations the ledger has not yet."""
        # The condition is a constant.
        query = f"SELECT COUNT(*) FROM outbox JOIN entries USING (seq) WHERE {_OPERATIONS}"  # noqa: S608
        return int(self._rows(query)[0][0])

    def status(self) -> QueueStatus:
        """Return how far the journal is, and what of it needs the ledger or a hand."""
        last_seq, last_hash = self.head()
        unsent = f"FROM entries JOIN outbox USING (seq) WHERE {_OPERATIONS} ORDER BY seq LIMIT 1"  # a constant, too
        oldest = self._rows(f"SELECT seq, body {unsent}")
        tried = self._rows("SELECT attempts, last_error FROM outbox ORDER BY seq LIMIT 1")
        attempts, last_error = tried[0] if tried else (0, None)
        return QueueStatus(
            last_seq=last_seq,
            last_hash=last_hash,
            unsent=self.unsent_count(),
            oldest_unsent_at=_entry(oldest[0][1], oldest[0][0]).at if oldest else None,
            attempts=attempts,
            last_error=last_error,
            dead_letters=len(self.dead_letters()),
        )

    def verify(self) -> int:
        """Walk the whole chain, checking every hash, link and signature; return how many entries there are.

        Raise JournalCorrupt with the first entry that is not what was written.
        """
        # What is written meanwhile is not waited for.
        head = self.head()
        previous, count = FIRST_PREVIOUS_HASH, 0
        for seq, kind, business_date, body, digest, signature in self._walk(head[0]):
            count += 1
            entry = _entry(body, seq)
            stated = (seq, kind, business_date, previous, self.terminal_id)
            found = (entry.seq, entry.content.kind, entry.business_date, entry.previous_hash, entry.terminal_id)
            if seq != count or stated != found:
                raise JournalCorrupt("it does not follow the entry before it", seq)
            if entry_hash(body) != digest:
                raise JournalCorrupt("its hash is not that of its content", seq)
            try:
                self._public_key.verify(base64.b64decode(signature), bytes.fromhex(digest))
            except (InvalidSignature, ValueError):
                raise JournalCorrupt("its signature is not this terminal's", seq) from None
            previous = digest
        if (count, previous) != head:
            raise JournalCorrupt("the last entry is not the one that was written last", count)
        return count

    def export(self) -> Iterator[str]:
        """Yield each entry with its hash, its signature and its verdict as a line of JSON."""
        for seq, *_, body, digest, signature in self._walk(self.head()[0]):
            verdict = self._recorded("WHERE entries.seq = ?", seq)[0].verdict
            line = {
                **SignedEntry(entry=_entry(body, seq), hash=digest, signature=signature).as_json(),
                "verdict": verdict and verdict.as_json(),
            }
            yield json.dumps(line, ensure_ascii=False)

    def _walk(self, last: int) -> Iterator[tuple[Any, ...]]:
        seq = 0
        while rows := self._rows(
            "SELECT seq, kind, business_date, body, hash, signature FROM entries"
            " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (seq, last, _CHUNK),
        ):
            yield from rows
            seq = rows[-1][0]

    def _recorded(self, where: str, *arguments: object) -> list[Recorded]:
        rows = self._rows(
            # `where` is always one of the constants above.
            "SELECT entries.seq, entries.body, hash, verdicts.body FROM entries"  # noqa: S608
            f" LEFT JOIN verdicts USING (seq) {where}",
            arguments,
        )
        return [
            Recorded(_entry(body, seq), digest, None if verdict is None else _verdict(verdict, seq))
            for seq, body, digest, verdict in rows
        ]

    def _rows(self, query: str, arguments: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, translated():
            return self._database.execute(query, arguments).fetchall()


def read_journal(path: Path, public_key: Ed25519PublicKey) -> JournalReader:
    """Open a journal to read it, beside the process that writes it or alone; raise QueueError where that cannot be."""
    database, terminal_id = open_read_only(path, public_key.public_bytes_raw())
    return JournalReader(database, terminal_id, public_key)


def _entry(body: bytes, seq: int) -> Entry:
    try:
        return Entry.model_validate_json(body)
    except ValidationError:
        raise JournalCorrupt("it cannot be read", seq) from None


def _verdict(body: bytes, seq: int) -> Verdict:
    try:
        return Verdict.model_validate_json(body)
    except ValidationError:
        raise JournalCorrupt("its verdict cannot be read", seq) from None
