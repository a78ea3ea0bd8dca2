"""Reads a journal: what stands in it, what the ledger has not yet, and whether it is what was written."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError
from sqlite_utils import Database

from ledger.wire.answers import SignedStatement, Statement, Verdict
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry, SetAside, SignedEntry, entry_hash, operation_id
from ledger.wire.operations import MARKS, Mark
from offline_queue.counters import CounterRow
from offline_queue.errors import JournalCorrupt, JournalForked, JournalIncomplete
from offline_queue.history import Answered, RecordLine, StoredEntry, StoredVerdict
from offline_queue.proof import RecordCheck, Verified
from offline_queue.schema import open_read_only, sqlite_errors
from offline_queue.witness import Witness, read_witness

_CHUNK = 500
"""Entries that are read at once where all of them are walked: a journal is kept for ever."""

TAIL = 500
"""Entries at the end that are examined at most before anything is written: as many however long the journal is."""

TAIL_SENT = 50
"""Entries among them that the ledger has already."""

# As they stand in the indexes of `offline_queue.schema`, so that SQLite uses those.
_MARKS = "kind IN ({})".format(", ".join(f"'{kind}'" for kind in MARKS))
_OPERATIONS = f"NOT {_MARKS}"
_UNTOLD = "NOT awaited AND entries.seq NOT IN (SELECT seq FROM told)"
_CLOSES = "kind IN ('close', 'closed')"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the journal, with the ledger's verdict where there is one.

    `awaited` is whether the customer was there when the verdict was told: what was cut otherwise, nobody paid.
    """

    entry: Entry
    hash: str
    verdict: Verdict | None = None
    awaited: bool = True

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
    """How far the journal is, and what still needs the ledger or a person.

    `unsent` counts operations; `attempts` and `last_error` (a stable code) tell of the uploads that failed since the
    last one that went through. `changed` counts the verdicts that came otherwise after the ledger had lost them,
    `set_aside` are the numbers of entries that were damaged before they were sent.
    """

    last_seq: int
    last_hash: str
    ledger_seq: int
    unsent: int
    oldest_unsent_at: str | None
    attempts: int
    last_error: str | None
    dead_letters: int
    changed: int = 0
    set_aside: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be sent next: consecutive entries, and those among them that were set aside."""

    entries: list[SignedEntry]
    set_aside: list[SetAside]


class JournalReader:
    """What a journal says; its methods may be called from any thread, and block.

    `pinned` are the keys (raw, base64) under which the ledger signs its answers, as the enrolment knows them.
    """

    def __init__(
        self,
        database: Database,
        terminal_id: str,
        public_key: Ed25519PublicKey,
        path: Path,
        pinned: Collection[str] = (),
    ) -> None:
        self.terminal_id = terminal_id
        self.pinned = frozenset(pinned)
        self.public_key = public_key
        self._database = database
        self._path = path
        self._lock = RLock()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    # How far it is --------------------------------------------------------------------------------------------

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last entry."""
        rows = self._rows("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1")
        return rows[0] if rows else (0, FIRST_PREVIOUS_HASH)

    def ledger_head(self) -> int:
        """Return the last entry that the ledger has and has answered for, as its last signed answer says."""
        rows = self._rows("SELECT upto FROM answers ORDER BY number DESC LIMIT 1")
        return int((rows or self._rows("SELECT head_seq FROM before_answers") or [(0,)])[0][0])

    def is_behind(self) -> bool:
        """Return whether the ledger once signed for more than its last answer says that it has."""
        return self.ledger_head() < self._highest_head()

    def _highest_head(self) -> int:
        return int(self._rows("SELECT MAX(head_seq) FROM answers")[0][0] or 0)

    def confirm_head(self, seq: int, digest: str) -> None:
        """Raise JournalForked unless the ledger's last entry is one of this journal.

        It is not where the file was restored from a backup, or lives on in a second machine.
        """
        rows = self._rows("SELECT hash FROM entries WHERE seq = ?", (seq,)) or [(FIRST_PREVIOUS_HASH,)]
        if rows[0][0] != digest and self.set_aside().get(seq) != digest:
            raise JournalForked(f"the ledger has another entry {seq} of this terminal")

    def verdict_count(self) -> int:
        """Return how many verdicts have come: the position of the last."""
        return int(self._rows("SELECT COALESCE(MAX(position), 0) FROM verdicts")[0][0])

    def unsent_count(self, after: int | None = None) -> int:
        """Return how many operations follow an entry that the ledger has; the time does not grow with their number."""
        head, last = self.ledger_head() if after is None else after, self.head()[0]
        marks = self._rows(f"SELECT COUNT(*) FROM entries WHERE {_MARKS} AND seq > ?", (head,))  # noqa: S608  # constant
        aside = sum(head < seq <= last for seq in self.set_aside())
        return max(0, last - head - int(marks[0][0]) - aside)

    def status(self) -> QueueStatus:
        """Return how far the journal is, and what of it needs the ledger or a hand."""
        self.examine_tail()
        last_seq, last_hash = self.head()
        head = self.ledger_head()
        unsent = self.unsent_count(head)
        oldest = self._recorded(f"WHERE entries.seq > ? AND {_OPERATIONS} ORDER BY entries.seq LIMIT 1", head)
        attempts, last_error = (self._rows("SELECT failed, error FROM tries") or [(0, None)])[0]
        return QueueStatus(
            last_seq=last_seq,
            last_hash=last_hash,
            ledger_seq=head,
            unsent=unsent,
            oldest_unsent_at=oldest[0].entry.at if oldest else None,
            attempts=attempts if unsent else 0,
            last_error=last_error if unsent else None,
            dead_letters=len(self.dead_letters()),
            changed=len(self.changed()),
            set_aside=tuple(sorted(self.set_aside())),
        )

    # What stands in it ----------------------------------------------------------------------------------------

    def pending(self, limit: int, max_bytes: int, after: int | None = None) -> Pending:
        """Return the oldest entries that the ledger has not yet, consecutive: at least one where there is one.

        They are no more than `limit`, and no more bytes than `max_bytes` where they are more than one. What was set
        aside is named with the entries behind it, up to the mark that says so. Raise JournalCorrupt at an entry that is
        not what was written, once all before it are sent. `after` is the ledger's head, where that is known better.
        """
        head, aside = self.ledger_head() if after is None else after, self._marked_aside()
        rows = self._rows(
            "SELECT seq, body, hash, signature FROM entries WHERE seq > ? ORDER BY seq LIMIT ?",
            (head, limit + len(aside)),
        )
        entries: list[SignedEntry] = []
        gaps: list[SetAside] = []
        seq, size = head, 0
        for number, body, digest, signature in rows:
            if len(entries) == limit:
                break
            seq += 1
            while seq < number and seq in aside:
                gaps.append(aside[seq])
                seq += 1
            if seq in aside:
                if entries and not gaps:
                    break  # What is whole before it is sent first: whatever comes of this, it holds that up no more.
                gaps.append(aside[seq])
                continue
            if seq != number or entry_hash(body) != digest:
                if entries:
                    break
                raise JournalCorrupt("it is not what was written", seq)
            size += len(body)
            if entries and size > max_bytes and not gaps:
                break
            entries.append(SignedEntry(entry=_entry(body, number), hash=digest, signature=signature))
        if entries and not self.is_signed(entries[-1].hash, entries[-1].signature):
            raise JournalCorrupt("its signature is not this terminal's", entries[-1].entry.seq)
        return Pending(entries, gaps)

    def find(self, wanted: str) -> Recorded | None:
        """Return the operation with this id, None where this journal has none."""
        prefix, _, seq = wanted.rpartition("-")
        if prefix != self.terminal_id or not (seq.isascii() and seq.isdigit()) or len(seq) > 12:
            return None
        found = self._recorded("WHERE entries.seq = ?", int(seq))
        return next((record for record in found if record.operation_id == wanted), None)

    def referred(self, reference: str) -> Recorded | None:
        """Return the operation that a caller gave this reference of its own, None where there is none."""
        found = self._recorded("WHERE reference = ?", reference)
        return found[0] if found else None

    def recent(self, limit: int) -> list[Recorded]:
        """Return the last operations, newest first, closes left out."""
        return self._recorded(f"WHERE {_OPERATIONS} AND NOT {_CLOSES} ORDER BY entries.seq DESC LIMIT ?", limit)

    def on_day(self, business_date: str) -> Iterator[Recorded]:
        """Yield the operations of a business day, oldest first."""
        where = f"WHERE business_date = ? AND entries.seq > ? AND {_OPERATIONS} ORDER BY entries.seq LIMIT ?"
        seq = 0
        while chunk := self._recorded(where, business_date, seq, _CHUNK):
            yield from chunk
            seq = chunk[-1].entry.seq

    def select(self, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Return what a query finds that a report makes of the tables itself."""
        return self._rows(query, parameters)

    def last_close(self) -> Recorded | None:
        """Return the last close: an operation, or a mark of form 1."""
        found = self._recorded(f"WHERE {_CLOSES} ORDER BY entries.seq DESC LIMIT 1")
        return found[0] if found else None

    def since(self, seq: int) -> Iterator[Recorded]:
        """Yield everything after an entry, oldest first."""
        while chunk := self._recorded("WHERE entries.seq > ? ORDER BY entries.seq LIMIT ?", seq, _CHUNK):
            yield from chunk
            seq = chunk[-1].entry.seq

    def operations_since(self, seq: int) -> int:
        """Return how many operations follow an entry, closes left out."""
        # The conditions are constants.
        query = f"SELECT COUNT(*) FROM entries WHERE seq > ? AND {_OPERATIONS} AND NOT {_CLOSES}"  # noqa: S608
        return int(self._rows(query, (seq,))[0][0])

    def decided(self, after: int, upto: int) -> Iterator[Recorded]:
        """Yield operations in the order in which their verdicts came: those after one position, up to another."""
        while after < upto:
            until = min(upto, after + _CHUNK)
            found = self._recorded("WHERE position > ? AND position <= ? ORDER BY position", after, until)
            if len(found) != until - after and not self.set_aside():
                raise JournalCorrupt("verdicts are missing")
            self._confirm_verdicts(found, after, until)
            yield from found
            after = until

    def undecided(self) -> list[Recorded]:
        """Return the operations that have no verdict yet, oldest first."""
        where = f"WHERE entries.seq > ? AND {_OPERATIONS} AND position IS NULL ORDER BY entries.seq"
        return self._recorded(where, self.ledger_head())

    def dead_letters(self) -> list[Recorded]:
        """Return the operations that the ledger refused when nobody waited for the verdict; they are kept for ever."""
        return self._recorded(f"WHERE status = 'refused' AND {_UNTOLD} ORDER BY entries.seq")

    def changed(self) -> list[tuple[str, Verdict]]:
        """Return the operations on which the ledger, after it had lost its verdict, came to another one."""
        rows = self._rows("SELECT seq, body FROM changes ORDER BY number")
        return [(operation_id(self.terminal_id, seq), _verdict(body, seq)) for seq, body in rows]

    def losses(self) -> list[Recorded]:
        """Return the operations that turned out short when the customer had left: the shop's loss, kept for ever."""
        found = self._recorded(f"WHERE status = 'accepted_with_shortfall' AND {_UNTOLD} ORDER BY entries.seq")
        # 0.1.0's ledger named no cuts: there the office bore what was short.
        return [record for record in found if record.verdict is not None and record.verdict.short_redeemed]

    def set_aside(self) -> Mapping[int, str]:
        """Return number and hash of each entry that a mark sets aside, because it was damaged before it was sent."""
        return {seq: each.hash for seq, each in self._marked_aside().items()}

    def _marked_aside(self) -> dict[int, SetAside]:
        found: dict[int, SetAside] = {}
        for seq, body in self._rows("SELECT seq, body FROM entries WHERE kind = 'set_aside'"):
            content = _entry(body, seq).content
            if isinstance(content, Mark):
                aside = SetAside.model_validate({**content.detail, "marked": seq})
                found[aside.seq] = aside
        return found

    def counters(self) -> tuple[CounterRow, ...]:
        """Return what was redeemed without a line, sealed."""
        return tuple(CounterRow(*row) for row in self._rows("SELECT place, seq, sealed FROM counters"))

    def last_offline_sale(self, after: int = 0) -> int:
        """Return the last entry that was decided without a line, 0 where there is none.

        Entries that follow `after` are looked at themselves: a table can be emptied, and the chain cannot.
        """
        rows = self._rows(
            "SELECT MAX(seq) FROM (SELECT MAX(seq) AS seq FROM offline_sales UNION ALL SELECT MAX(seq) FROM entries"
            " WHERE seq > ? AND kind = 'sale' AND instr(CAST(body AS TEXT), '\"offline\":{') > 0)",
            (after,),
        )
        return int(rows[0][0] or 0)

    def last_before(self, business_date: str) -> int:
        """Return the last entry of an earlier business day, 0 where there is none."""
        rows = self._rows(
            "SELECT seq FROM entries WHERE business_date < ? ORDER BY business_date DESC, seq DESC LIMIT 1",
            (business_date,),
        )
        return int(rows[0][0]) if rows else 0

    def changed_reserved_after(self, seq: int) -> bool:
        """Return whether anything was written after an entry that changes what may be redeemed without a line."""
        rows = self._rows(
            "SELECT 1 FROM entries WHERE seq > ?1 AND kind IN ('reserve', 'release', 'link', 'unlink')"
            " UNION ALL SELECT 1 FROM offline_sales WHERE seq > ?1 LIMIT 1",
            (seq,),
        )
        return bool(rows)

    def gave_back_after(self, seq: int) -> bool:
        """Return whether somebody gave reserved points back, or left, after an entry."""
        rows = self._rows("SELECT 1 FROM entries WHERE seq > ? AND kind IN ('release', 'unlink') LIMIT 1", (seq,))
        return bool(rows)

    def statements(self, first: int, last: int) -> list[SignedStatement]:
        """Return what the ledger signed of its answers on some entries, and of the one that stated its highest head.

        There is nothing to be proved, and the list is empty, where the entries lie beyond all that it signed for.
        """
        if first > self._highest_head():
            return []
        rows = self._rows(
            "SELECT statement, key, signature FROM answers WHERE number IN"
            " (SELECT answer FROM verdicts WHERE seq BETWEEN ? AND ?)"
            " OR number = (SELECT number FROM answers ORDER BY head_seq DESC LIMIT 1) ORDER BY number",
            (first, last),
        )
        try:
            return [
                SignedStatement(statement=Statement.model_validate_json(statement), key=key, signature=signature)
                for statement, key, signature in rows
            ]
        except ValidationError:
            raise JournalCorrupt("an answer of the ledger cannot be read") from None

    # Whether it is what was written ---------------------------------------------------------------------------

    def verify(self) -> int:
        """Examine the whole journal and return how many entries there are; see `examine`."""
        return self.examine().entries

    def examine(self) -> Verified:
        """Check entries, links and signatures, verdicts against what the ledger signed, and that nothing is missing.

        Raise JournalCorrupt with the first entry that is not what was written, JournalIncomplete where the end is.
        """
        witness = read_witness(self._path, self.terminal_id, self.public_key)
        for (found,) in self._rows("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise JournalCorrupt(str(found))
        # Entries appended during the walk are not checked.
        last, digest = self.head()
        proof = self.proof()
        for line in self.history(upto=last):
            proof.follow(line)
        verified = proof.finish()
        if (verified.entries, verified.head) != (last, digest):
            raise JournalCorrupt("the last entry is not the one that was written last", verified.entries)
        self._confirm_end(last, witness)
        return verified

    def examine_tail(self, most: int = TAIL) -> None:
        """Check the end of the journal, `most` entries, in a time that does not grow with it; raise JournalCorrupt.

        That is what the ledger has not yet, some of what it has, and that nothing is missing at the end.
        """
        with self._lock:
            witness = read_witness(self._path, self.terminal_id, self.public_key)
            last, _ = self.head()
            first = max(last - most, min(last, self.ledger_head()) - TAIL_SENT, 0)
            before = [(FIRST_PREVIOUS_HASH, 0)]
            if first and not (before := self._rows("SELECT hash, received FROM entries WHERE seq = ?", (first,))):
                raise JournalCorrupt("it is missing", first)
            proof = self.proof()
            proof.begin_after(first, *before[0])
            kinds: Counter[str] = Counter()
            answered, aside = self.ledger_head(), self.set_aside()
            for line in self.history(first, last):
                proof.follow(line)
                if isinstance(line, StoredEntry):
                    kinds[line.kind] += 1
                    if (
                        line.decided is None
                        and line.seq <= answered
                        and line.kind not in MARKS
                        and line.seq not in aside
                    ):
                        raise JournalCorrupt("its verdict is missing", line.seq)
            proof.finish()
            self._confirm_end(last, witness)
            self._confirm_indexes(first, kinds)

    def history(self, after: int = 0, upto: int | None = None) -> Iterator[RecordLine]:
        """Yield entries in their order, each after the answer of the ledger that decided it, and the other answers."""
        last, seq, told = self.head()[0] if upto is None else upto, after, 0
        if after:
            rows = self._rows("SELECT MIN(answer) FROM verdicts WHERE seq > ?", (after,))
            told = int(rows[0][0] or self._rows("SELECT MAX(number) + 1 FROM answers")[0][0] or 1) - 1
        while rows := self._rows(
            "SELECT seq, kind, business_date, reference, received, entries.body, hash, signature,"
            " position, status, verdicts.body, answer FROM entries LEFT JOIN verdicts USING (seq)"
            " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (seq, last, _CHUNK),
        ):
            for row in rows:
                decided = None if row[8] is None else StoredVerdict(*row[8:])
                if decided is not None and decided.answer is not None and decided.answer > told:
                    yield from self._answers(told, decided.answer)
                    told = decided.answer
                seq, kind, business_date, reference, received, body, digest, signature = row[:8]
                yield StoredEntry(seq, kind, business_date, reference, received, body, digest, signature, decided)
            seq = rows[-1][0]
        yield from self._answers(told, 1 << 62)

    def known_keys(self) -> frozenset[str]:
        """Return the keys under which the ledger signed an answer that was taken."""
        return frozenset(key for (key,) in self._rows("SELECT key FROM ledger_keys"))

    def before_answers(self) -> int:
        """Return how many verdicts came before the ledger signed its answers."""
        return int((self._rows("SELECT verdicts FROM before_answers") or [(0,)])[0][0])

    def is_signed(self, digest: str, signature: str) -> bool:
        """Return whether this terminal signed a hash."""
        try:
            self.public_key.verify(base64.b64decode(signature, validate=True), bytes.fromhex(digest))
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    def proof(self) -> RecordCheck:
        """Return what checks this journal's history, line by line."""
        return RecordCheck(
            self.terminal_id,
            self.public_key,
            pinned=self.pinned,
            known=self.known_keys(),
            unsigned=self.before_answers(),
            set_aside=self.set_aside(),
        )

    def _confirm_end(self, last: int, witness: Witness | None) -> None:
        """Raise JournalIncomplete where entries are missing that the ledger signed for, or that were written here."""
        told = self._highest_head()
        if told > last:
            raise JournalIncomplete(last, told)
        if witness is None:
            return
        if witness.seq > last:
            raise JournalIncomplete(last, witness.seq)
        rows = self._rows("SELECT hash FROM entries WHERE seq = ?", (witness.seq,))
        if rows != [(witness.hash,)] and self.set_aside().get(witness.seq) != witness.hash:
            raise JournalCorrupt("it is not the one that was written last", witness.seq)

    def _confirm_indexes(self, first: int, kinds: Mapping[str, int]) -> None:
        """Raise JournalCorrupt where an index knows other entries than those that stand behind an entry."""
        marks = self._rows(f"SELECT COUNT(*) FROM entries WHERE {_MARKS} AND seq > ?", (first,))  # noqa: S608  # constant
        closes = self._rows(f"SELECT COUNT(*) FROM entries WHERE {_CLOSES} AND seq > ?", (first,))  # noqa: S608  # as above
        if (marks[0][0], closes[0][0]) != (
            sum(kinds[kind] for kind in MARKS),
            kinds["close"] + kinds["closed"],
        ):
            raise JournalCorrupt("an index of the file is not what was written")

    def _confirm_verdicts(self, found: list[Recorded], after: int, until: int) -> None:
        """Raise JournalCorrupt where verdicts are not those that stand in the ledger's answers."""
        query = "SELECT DISTINCT answer FROM verdicts WHERE position > ? AND position <= ? AND answer NOT NULL"
        told: dict[str, dict[str, Any]] = {}
        for (number,) in self._rows(query, (after, until)):
            for answered in self._answers(number - 1, number):
                try:
                    verdicts = Statement.model_validate_json(answered.statement).verdicts
                except ValidationError:
                    raise JournalCorrupt(f"answer {number} cannot be read") from None
                told |= {verdict.operation_id: verdict.said() for verdict in verdicts}
        for record in found:
            if (
                record.verdict is not None
                and told.get(record.operation_id, record.verdict.said()) != record.verdict.said()
            ):
                raise JournalCorrupt("its verdict is not what the ledger signed", record.entry.seq)

    def _answers(self, after: int, upto: int) -> Iterator[Answered]:
        while rows := self._rows(
            "SELECT number, head_seq, head_hash, statement, key, signature FROM answers"
            " WHERE number > ? AND number <= ? ORDER BY number LIMIT ?",
            (after, upto, _CHUNK),
        ):
            for row in rows:
                yield Answered(*row)
            after = rows[-1][0]

    def _recorded(self, where: str, *arguments: object) -> list[Recorded]:
        rows = self._rows(
            # `where` is always one of the constants above.
            f"SELECT entries.seq, entries.body, hash, verdicts.body, NOT ({_UNTOLD}) FROM entries"  # noqa: S608
            f" LEFT JOIN verdicts USING (seq) {where}",
            arguments,
        )
        aside = self.set_aside()
        return [
            Recorded(
                _whole(body, seq, digest), digest, None if verdict is None else _verdict(verdict, seq), awaited != 0
            )
            for seq, body, digest, verdict, awaited in rows
            if seq not in aside
        ]

    def _rows(self, query: str, arguments: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, sqlite_errors():
            return self._database.execute(query, arguments).fetchall()


def read_journal(path: Path, public_key: Ed25519PublicKey, pinned: Collection[str] = ()) -> JournalReader:
    """Open a journal to read it, beside the process that writes it or alone; raise QueueError where that cannot be."""
    database, terminal_id = open_read_only(path, public_key.public_bytes_raw())
    return JournalReader(database, terminal_id, public_key, path, pinned)


def _whole(body: bytes, seq: int, digest: str) -> Entry:
    """Return an entry that is what was hashed."""
    entry = _entry(body, seq)
    if (entry.seq, entry_hash(body)) != (seq, digest):
        raise JournalCorrupt("it is not what was written", seq)
    return entry


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
