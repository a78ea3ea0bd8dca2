"""Journal entries as they are hashed, signed and uploaded."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ledger.wire.answers import SignedStatement
from ledger.wire.canonical import canonical
from ledger.wire.operations import Content, Unreadable
from ledger.wire.values import Base64, BusinessDate, Message, Operator, Reference, Sha256Hex, TerminalId, Timestamp

MAX_UPLOAD = 500
"""The most journal entries in one upload."""

FORM = 2
"""The form of the entries that this program writes; it reads every earlier one."""

FIRST_PREVIOUS_HASH = "0" * 64
"""What the first entry of a journal names as the hash before it."""


class Received(Message):
    """The verdicts that a journal recorded since the entry before: their number so far, and the hash over them.

    `hash` is SHA-256 over the canonical JSON of each verdict, in the order in which they came, a line feed after each.
    """

    upto: Annotated[int, Field(strict=True, ge=1)]
    hash: Sha256Hex


class Entry(Message):
    """One journal entry, without its hash.

    Form 1 says no form. Form 2 adds `received`, where verdicts came since the entry before, and the caller's own
    `reference`, where there is one. Fields of a later form are kept, since they are hashed; the ledger refuses what
    bears any.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    form: Annotated[int, Field(strict=True, ge=1)] = 1
    received: Received | None = None
    reference: Reference | None = None
    terminal_id: TerminalId
    seq: Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]
    at: Timestamp
    operator: Operator
    business_date: BusinessDate
    content: Content
    previous_hash: Sha256Hex

    @property
    def is_known_form(self) -> bool:
        """Whether every field, and the form that it states, is one that this program knows."""
        return self.form <= FORM and not self.model_extra

    @property
    def asked(self) -> BaseModel:
        """What is to be decided: the content, and nothing readable where the entry is of a later form."""
        return self.content if self.is_known_form else Unreadable(kind=str(getattr(self.content, "kind", "")))

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


class SetAside(Message):
    """The place of an entry that was damaged before it was sent: a later entry, a mark, says so.

    `hash` is the entry's, as the entry after it names it; its operation id can never succeed. `previous` is the hash
    before it, where that is known. `marked` is the mark's number, where it comes in a later upload.
    """

    seq: Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]
    hash: Sha256Hex
    previous: Sha256Hex | None = None
    marked: Annotated[int | None, Field(strict=True, ge=1, le=999_999_999_999)] = None


class Upload(Message):
    """Consecutive entries of one terminal's journal, oldest first; `set_aside` stand in for those that are damaged.

    `answers` are what the ledger signed of its earlier answers, where entries that it lost are sent again with their
    verdicts.
    """

    entries: Annotated[list[SignedEntry], Field(min_length=1, max_length=MAX_UPLOAD)]
    set_aside: Annotated[list[SetAside], Field(max_length=MAX_UPLOAD)] = Field(default_factory=list)
    answers: Annotated[list[SignedStatement], Field(max_length=MAX_UPLOAD)] = Field(default_factory=list)
