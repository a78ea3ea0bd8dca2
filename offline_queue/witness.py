"""The head kept outside the journal's file: so that what is missing at its end is noticed.

It is written after each entry, once that is durable, and not made durable itself: it may be older than the journal, and
never newer. A head that cannot be read, or that this terminal did not sign, says nothing.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORM = 1
"""The form in which it is written."""

PLACE = 512
"""Bytes of one head: a sector, which a disk writes whole or not at all."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The last entry that was written, as this terminal signed it."""

    seq: int
    hash: str
    signature: str


def write_witness(journal: Path, terminal_id: str, witness: Witness) -> None:
    """Keep the head beside the journal; a disk error here is ignored.

    Two places of one sector take turns, so that a write that is cut short leaves the head before it. To replace the
    whole file would be as safe, and make the file system write it out while somebody waits.
    """
    head = {
        "form": FORM,
        "terminal_id": terminal_id,
        "seq": witness.seq,
        "hash": witness.hash,
        "signature": witness.signature,
    }
    with suppress(OSError):
        descriptor = os.open(_beside(journal), os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.lseek(descriptor, witness.seq % 2 * PLACE, os.SEEK_SET)
            os.write(descriptor, json.dumps(head).encode().ljust(PLACE - 1) + b"\n")
        finally:
            os.close(descriptor)


def read_witness(journal: Path, terminal_id: str, public_key: Ed25519PublicKey) -> Witness | None:
    """Return the newer of the heads that were kept, None where there is none that this terminal signed."""
    try:
        written = _beside(journal).read_bytes()
    except OSError:
        return None
    heads = [_read(written[start : start + PLACE], terminal_id, public_key) for start in (0, PLACE)]
    return max((head for head in heads if head is not None), key=lambda head: head.seq, default=None)


def _read(written: bytes, terminal_id: str, public_key: Ed25519PublicKey) -> Witness | None:
    try:
        told = json.loads(written.strip(b"\0"))
        if told["terminal_id"] != terminal_id:
            return None
        witness = Witness(int(told["seq"]), str(told["hash"]), str(told["signature"]))
        public_key.verify(base64.b64decode(witness.signature, validate=True), bytes.fromhex(witness.hash))
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return None
    return witness


def _beside(journal: Path) -> Path:
    return journal.with_suffix(".head")
