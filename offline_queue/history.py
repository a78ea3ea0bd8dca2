"""What a journal is made of, line by line: entries with their verdicts, and the answers that the ledger signed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict: the position at which it came, and the number of the answer that brought it; form 1 had no answers."""

    position: int
    status: str
    body: bytes
    answer: int | None


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it is stored: the bytes that were hashed and signed, and the columns by which it is found.

    `received` is how many verdicts the entries up to this one acknowledge.
    """

    seq: int
    kind: str
    business_date: str
    reference: str | None
    received: int
    body: bytes
    hash: str
    signature: str
    decided: StoredVerdict | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the ledger signed of one answer, as the bytes that it signed."""

    number: int
    head_seq: int
    head_hash: str
    statement: bytes
    key: str
    signature: str


RecordLine = StoredEntry | Answered
"""One line of a journal's history."""
