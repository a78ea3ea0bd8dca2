"""Follows a journal's history line by line and proves that it is what was written, here or in an export."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from ledger.wire.answers import Statement, Verdict
from ledger.wire.canonical import canonical
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry, entry_hash, operation_id
from ledger.wire.operations import Mark, is_operation
from offline_queue.errors import JournalCorrupt
from offline_queue.history import Answered, RecordLine, StoredEntry, StoredVerdict


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found to be as it was written; `head` is the last entry's hash.

    `set_aside` are the numbers of entries that were damaged before they were sent, as marks in the journal say.
    """

    entries: int
    head: str
    verdicts: int
    answers: int
    set_aside: tuple[int, ...] = ()


class RecordCheck:
    """Checks lines one after another; raises JournalCorrupt at the first that is not what was written.

    `pinned` are the ledger's keys as the enrolment knows them; `known` those of earlier answers, which count only for
    verdicts that a later entry acknowledges. Without a `public_key` signatures are not checked. Up to position
    `unsigned` verdicts came before the ledger signed answers.
    """

    def __init__(
        self,
        terminal_id: str,
        public_key: Ed25519PublicKey | None,
        *,
        pinned: Collection[str] = (),
        known: Collection[str] = (),
        unsigned: int = 0,
        set_aside: Mapping[int, str] | None = None,
    ) -> None:
        self._terminal_id = terminal_id
        self._public_key = public_key
        self._pinned = frozenset(pinned)
        self._keys = {key: _key(key) for key in {*pinned, *known}}
        self._unsigned = unsigned
        self._aside = dict(set_aside or {})
        self._unmarked = dict(self._aside)
        self._tail = False
        self._seq, self._hash = 0, FIRST_PREVIOUS_HASH
        self._vouched = True
        self._received = 0
        self._waiting: dict[int, bytes] = {}
        self._decided_seqs: set[int] = set()
        self._answers: dict[int, tuple[str, dict[str, bytes]]] = {}
        self._verdicts = 0
        self._answered = 0
        self._late_keys: dict[int, int] = {}

    def begin_after(self, seq: int, digest: str, received: int) -> None:
        """Begin behind an entry: only the end is looked at, and verdicts on what stands before it are not."""
        self._tail = True
        self._seq, self._hash, self._received = seq, digest, received
        self._unmarked = {each: digest for each, digest in self._unmarked.items() if each > seq}

    def follow(self, line: RecordLine) -> None:
        """Check the next line."""
        try:
            match line:
                case StoredEntry():
                    self._written(line)
                case Answered():
                    self._answer(line)
        except (TypeError, ValueError) as error:  # a column that a damaged file no longer holds
            raise JournalCorrupt(f"it cannot be read: {error}", getattr(line, "seq", None)) from None

    def finish(self) -> Verified:
        """Check what only the end shows, and return what was found."""
        if not self._vouched:
            raise JournalCorrupt("it is the last, and nothing says what it was", self._seq)
        if self._unmarked:
            raise JournalCorrupt("it is set aside, and no entry says so", min(self._unmarked))
        for position, seq in sorted(self._late_keys.items()):
            if position > self._received:
                raise JournalCorrupt("its verdict is not signed by a key of its ledger", seq)
        if not self._tail:
            self._finish_verdicts()
        return Verified(self._seq, self._hash, self._verdicts, self._answered, tuple(sorted(self._aside)))

    def _finish_verdicts(self) -> None:
        """Check that no verdict is missing: none between two others, and none that the ledger signed."""
        if set(self._waiting) != set(range(self._received + 1, self._received + len(self._waiting) + 1)):
            raise JournalCorrupt("verdicts are missing, or were put in another order")
        for _, told in self._answers.values():
            for wanted in told:
                seq = int(wanted.rpartition("-")[2])
                if seq not in self._decided_seqs:
                    raise JournalCorrupt("its verdict is missing", seq)

    # Entries --------------------------------------------------------------------------------------------------

    def _written(self, row: StoredEntry) -> None:
        while self._seq + 1 < row.seq and self._seq + 1 in self._aside:
            self._skip()
        if self._seq + 1 in self._aside and row.seq == self._seq + 1:
            self._skip()
            if row.decided is not None:
                self._decided(row, row.decided, self._hash)
            return
        if row.seq != self._seq + 1:
            raise JournalCorrupt("it is missing", self._seq + 1)
        try:
            entry = Entry.model_validate_json(row.body)
        except ValidationError:
            raise JournalCorrupt("it cannot be read", row.seq) from None
        stated = (row.seq, row.kind, row.business_date, row.reference, self._hash, self._terminal_id)
        found = (
            entry.seq,
            entry.content.kind,
            entry.business_date,
            entry.reference,
            entry.previous_hash,
            entry.terminal_id,
        )
        if stated != found:
            raise JournalCorrupt("it does not follow the entry before it", row.seq)
        if entry_hash(row.body) != row.hash:
            raise JournalCorrupt("its hash is not that of its content", row.seq)
        self._check_signature(row.seq, row.hash, row.signature)
        self._check_received(entry, row)
        if isinstance(entry.content, Mark) and entry.content.kind == "set_aside":
            self._marked(entry.content, row.seq)
        if row.decided is not None:
            if not is_operation(entry.content):
                raise JournalCorrupt("its verdict is on nothing that was asked", row.seq)
            self._decided(row, row.decided, row.hash)
        self._seq, self._hash, self._vouched = row.seq, row.hash, True

    def _skip(self) -> None:
        """Go past an entry that is set aside: the next one names its hash."""
        self._seq += 1
        self._hash, self._vouched = self._aside[self._seq], False

    def _marked(self, content: Mark, seq: int) -> None:
        named = content.detail.get("seq")
        if isinstance(named, int) and self._aside.get(named) == content.detail.get("hash"):
            self._unmarked.pop(named, None)
        elif not self._tail:
            raise JournalCorrupt("it sets aside what it does not name", seq)

    def _check_signature(self, seq: int, digest: str, signature: str) -> None:
        if self._public_key is None:
            return
        try:
            self._public_key.verify(base64.b64decode(signature, validate=True), bytes.fromhex(digest))
        except (InvalidSignature, ValueError):
            raise JournalCorrupt("its signature is not this terminal's", seq) from None

    def _check_received(self, entry: Entry, row: StoredEntry) -> None:
        """Check that an entry acknowledges the verdicts that came before it; those of the tail's beginning are gone."""
        upto = self._received if entry.received is None else entry.received.upto
        if row.received != upto or upto < self._received or (entry.received and upto == self._received):
            raise JournalCorrupt("it does not acknowledge the verdicts before it", row.seq)
        if entry.received is None:
            return
        parts = [self._waiting.pop(position, None) for position in range(self._received + 1, upto + 1)]
        self._received = upto
        if None in parts and self._tail:
            return
        digest = hashlib.sha256(b"".join(part or b"" for part in parts)).hexdigest()
        if None in parts or digest != entry.received.hash:
            raise JournalCorrupt("the verdicts before it are not those that it acknowledges", row.seq)

    # Verdicts -------------------------------------------------------------------------------------------------

    def _answer(self, row: Answered) -> None:
        """Check that the ledger signed an answer, and keep its verdicts until their entries come."""
        self._answered += 1
        key = self._keys.get(row.key)
        if key is None:
            raise JournalCorrupt(f"answer {row.number} is not signed by a key of its ledger")
        try:
            key.verify(base64.b64decode(row.signature, validate=True), row.statement)
            statement = Statement.model_validate_json(row.statement)
        except (InvalidSignature, ValueError):
            raise JournalCorrupt(f"answer {row.number} is not what its ledger signed") from None
        if (statement.terminal_id, statement.head_seq, statement.head_hash) != (
            self._terminal_id,
            row.head_seq,
            row.head_hash,
        ):
            raise JournalCorrupt(f"answer {row.number} is not what the ledger signed")
        if statement.verdicts:
            said = {verdict.operation_id: canonical(verdict.said()) for verdict in statement.verdicts}
            self._answers[row.number] = (row.key, said)

    def _decided(self, row: StoredEntry, decided: StoredVerdict, digest: str) -> None:
        """Check the verdict on the entry with this hash against the answer that brought it."""
        self._verdicts += 1
        try:
            verdict = Verdict.model_validate_json(decided.body)
        except ValidationError:
            raise JournalCorrupt("its verdict cannot be read", row.seq) from None
        said = canonical(verdict.said())
        if verdict.operation_id != operation_id(self._terminal_id, row.seq) or verdict.status != decided.status:
            raise JournalCorrupt("its verdict is not the one that came", row.seq)
        if verdict.content_hash not in {None, digest}:
            raise JournalCorrupt("its verdict is on another entry", row.seq)
        if decided.position <= self._received and not self._tail:
            raise JournalCorrupt("its verdict was acknowledged before it was written", row.seq)
        self._waiting[decided.position] = said + b"\n"
        self._decided_seqs.add(row.seq)
        if decided.answer is None:
            if decided.position > self._unsigned:
                raise JournalCorrupt("its verdict bears no answer of the ledger", row.seq)
            return
        key, told = self._answers.get(decided.answer, ("", {}))
        if told.pop(verdict.operation_id, None) != said:
            raise JournalCorrupt("its verdict is not what the ledger signed", row.seq)
        if not told:
            del self._answers[decided.answer]
        if self._pinned and key not in self._pinned:
            self._late_keys[decided.position] = row.seq


def _key(raw: str) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(raw, validate=True))
    except ValueError:
        return None
