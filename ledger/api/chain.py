"""Walks the hashes of an upload and places it at the journal's head: pure, so that every break is found and named."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.api.problems import ProblemError
from ledger.wire.entries import SignedEntry, entry_hash


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger stands in a terminal's journal: the last entry that it has."""

    seq: int
    hash: str

    def told(self) -> dict[str, int | str]:
        """Return what a terminal is told of it, to see where it parted."""
        return {"head_seq": self.seq, "head_hash": self.hash}


def walk(entries: Sequence[SignedEntry], terminal_id: str, key: Ed25519PublicKey) -> None:
    """Check that entries are one terminal's, whole, consecutive, chained, and signed.

    The last entry's signature covers the others through the chain. Raise ProblemError `terminal_mismatch`,
    `entry_damaged`, `journal_gap` or `journal_fork`.
    """
    before: SignedEntry | None = None
    for signed in entries:
        entry = signed.entry
        if entry.terminal_id != terminal_id:
            raise ProblemError("terminal_mismatch")
        if not _is_whole(signed):
            raise ProblemError("entry_damaged", {"seq": entry.seq})
        if before is not None and entry.seq != before.entry.seq + 1:
            raise ProblemError("journal_gap", {"seq": entry.seq})
        if before is not None and entry.previous_hash != before.hash:
            raise ProblemError("journal_fork", {"seq": entry.seq})
        before = signed
    last = entries[-1]
    try:
        key.verify(base64.b64decode(last.signature, validate=True), bytes.fromhex(last.hash))
    except (InvalidSignature, ValueError):
        raise ProblemError("entry_damaged", {"seq": last.entry.seq}) from None


def _is_whole(signed: SignedEntry) -> bool:
    try:
        return entry_hash(signed.entry.canonical()) == signed.hash
    except ValueError:  # content that has no canonical form, as NaN
        return False


def reaches_beyond(entries: Sequence[SignedEntry], head: Head) -> bool:
    """Return whether entries that were walked go on after the head (True), or the ledger has had them all (False).

    Raise ProblemError `journal_gap` where entries before them are missing, `journal_fork` where they go on from
    something else than the head. Both carry the head.
    """
    first, last = entries[0].entry, entries[-1].entry
    if first.seq > head.seq + 1:
        raise ProblemError("journal_gap", head.told())
    if last.seq < head.seq:
        return False
    at_head = first.previous_hash if first.seq == head.seq + 1 else entries[head.seq - first.seq].hash
    if at_head != head.hash:
        raise ProblemError("journal_fork", head.told())
    return last.seq > head.seq
