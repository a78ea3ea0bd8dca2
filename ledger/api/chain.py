"""Walks the hashes of an upload and places it at the journal's head: pure, so that every break is found and named."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.api.problems import ProblemError
from ledger.wire.entries import MAX_UPLOAD, SetAside, SignedEntry, entry_hash
from ledger.wire.operations import Mark


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger stands in a terminal's journal: the last entry that it has."""

    seq: int
    hash: str

    def members(self) -> dict[str, int | str]:
        """Return the head as a problem's members, so that the terminal can find where the two journals differ."""
        return {"head_seq": self.seq, "head_hash": self.hash}


class ChainLink(NamedTuple):
    """One place in the chain; `previous` is None where that of an entry which was set aside is not known."""

    seq: int
    hash: str
    previous: str | None


def walk(
    entries: Sequence[SignedEntry], terminal_id: str, key: Ed25519PublicKey, set_aside: Sequence[SetAside] = ()
) -> list[ChainLink]:
    """Check that entries are one terminal's, whole, consecutive, chained, and signed, and return their chain.

    The last entry's signature covers the others through the chain. What was set aside stands in for an entry that was
    damaged, as long as a mark behind it says so: in the same upload, or in a later one that is named. Raise
    ProblemError `terminal_mismatch`, `entry_damaged`, `journal_gap` or `journal_fork`.
    """
    links = [_link(signed, terminal_id) for signed in entries]
    if set_aside:
        links = sorted([*links, *_set_aside(entries, set_aside)])
    for before, after in pairwise(links):
        if after.seq != before.seq + 1:
            raise ProblemError("journal_gap", {"seq": after.seq})
        if after.previous not in (before.hash, None):
            raise ProblemError("journal_fork", {"seq": after.seq})
    last = entries[-1]
    try:
        key.verify(base64.b64decode(last.signature, validate=True), bytes.fromhex(last.hash))
    except (InvalidSignature, ValueError):
        raise ProblemError("entry_damaged", {"seq": last.entry.seq}) from None
    if links[-1].seq != last.entry.seq:
        raise ProblemError("journal_gap", {"seq": links[-1].seq})
    return links


def _link(signed: SignedEntry, terminal_id: str) -> ChainLink:
    if signed.entry.terminal_id != terminal_id:
        raise ProblemError("terminal_mismatch")
    if not _is_whole(signed):
        raise ProblemError("entry_damaged", {"seq": signed.entry.seq})
    return ChainLink(signed.entry.seq, signed.hash, signed.entry.previous_hash)


def _set_aside(entries: Sequence[SignedEntry], set_aside: Sequence[SetAside]) -> Iterator[ChainLink]:
    marks = {
        (content.detail.get("seq"), content.detail.get("hash")): content.detail.get("previous")
        for each in entries
        if isinstance(content := each.entry.content, Mark) and content.kind == "set_aside"
    }
    for each in set_aside:
        named = (each.seq, each.hash)
        comes_later = (each.marked or 0) > entries[-1].entry.seq or len(entries) == MAX_UPLOAD
        if named not in marks and not comes_later:
            raise ProblemError("journal_gap", {"seq": each.seq})
        previous = marks.get(named) or each.previous
        yield ChainLink(each.seq, each.hash, str(previous) if previous is not None else None)


def _is_whole(signed: SignedEntry) -> bool:
    try:
        return entry_hash(signed.entry.canonical()) == signed.hash
    except ValueError:  # content that has no canonical form, as NaN
        return False


def reaches_beyond(links: Sequence[ChainLink], head: Head) -> bool:
    """Return whether a chain that was walked goes on after the head (True), or the ledger has had it all (False).

    Raise ProblemError `journal_gap` where entries before it are missing, `journal_fork` where it goes on from something
    else than the head. Both carry the head.
    """
    first, last = links[0], links[-1]
    if first.seq > head.seq + 1:
        raise ProblemError("journal_gap", head.members())
    if last.seq < head.seq:
        return False
    at_head = first.previous if first.seq == head.seq + 1 else links[head.seq - first.seq].hash
    if at_head not in (head.hash, None):
        raise ProblemError("journal_fork", head.members())
    return last.seq > head.seq
