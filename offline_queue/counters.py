"""What was redeemed without a line, beside the journal: sealed rows whose hash stands in the entry that wrote them.

Nobody but the card can open a row, so whoever restores, deletes or copies the table changes what nobody can read; but
the hash over all of it is in the signed, chained entry, and the two no longer fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CounterRow:
    """One row: where it is found, the entry that wrote it, and what is in it, sealed."""

    place: bytes
    seq: int
    sealed: bytes


def counters_hash(rows: Iterable[CounterRow]) -> str:
    """Return the hash (SHA-256, hex) over all rows, whatever their order."""
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.place):
        digest.update(hashlib.sha256(row.place).digest() + row.seq.to_bytes(8) + hashlib.sha256(row.sealed).digest())
    return digest.hexdigest()
