"""Journal entries as they are hashed, signed and uploaded."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field

from ledger.wire.canonical import canonical
from ledger.wire.operations import Content
from ledger.wire.values import Base64, BusinessDate, Message, Operator, Sha256Hex, TerminalId, Timestamp

MAX_UPLOAD = 500
"""The most journal entries in one upload."""

FIRST_PREVIOUS_HASH = "0" * 64
"""What the first entry of a journal names as the hash before it."""


class Entry(Message):
    """One journal entry, without its hash."""

    terminal_id: TerminalId
    seq: Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]
    at: Timestamp
    operator: Operator
    business_date: BusinessDate
    content: Content
    previous_hash: Sha256Hex

    @property
    def operation_id(self) -> str:
        """The id under which the ledger keeps this operation for ever."""
        return operation_id(self.terminal_id, self.seq)

    def canonical(self) -> bytes:
        """Return the bytes that are hashed: RFC 8785 of the fields as they were sent."""
        return canonical(self.as_json())


def operation_id(terminal_id: str, seq: int) -> str:
    """Return the id of the operation that stands at `seq` in the journal of `terminal_id`."""
    return f"{terminal_id}-{seq:06d}"


def entry_hash(entry: bytes) -> str:
    """Return the hash of an entry's canonical bytes: SHA-256 in hex."""
    return hashlib.sha256(entry).hexdigest()


class SignedEntry(Message):
    """An entry with its hash and the Ed25519 signature (base64) of the terminal's key over the hash's 32 bytes."""

    entry: Entry
    hash: Sha256Hex
    signature: Base64


class Upload(Message):
    """Consecutive entries of one terminal's journal, oldest first."""

    entries: Annotated[list[SignedEntry], Field(min_length=1, max_length=MAX_UPLOAD)]
