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


@dataclass(frozen=True, slots=True)
class Witness:
    """The last entry that was written, as this terminal signed it."""

    seq: int
    hash: str
    signature: str


def write_witness(journal: Path, terminal_id: str, witness: Witness) -> None:
    """Keep the head beside the journal, in place of the one before; a disk that does not take it is not told of."""
    path = _beside(journal)
    part = path.with_name(path.name + ".part")
    told = {
        "form": 1,
        "terminal_id": terminal_id,
        "seq": witness.seq,
        "hash": witness.hash,
        "signature": witness.signature,
    }
    with suppress(OSError):
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, json.dumps(told).encode())
        finally:
            os.close(descriptor)
        part.replace(path)


def read_witness(journal: Path, terminal_id: str, public_key: Ed25519PublicKey) -> Witness | None:
    """Return the head that was kept, None where there is none that this terminal signed."""
    try:
        told = json.loads(_beside(journal).read_bytes())
        if told["terminal_id"] != terminal_id:
            return None
        witness = Witness(int(told["seq"]), str(told["hash"]), str(told["signature"]))
        public_key.verify(base64.b64decode(witness.signature, validate=True), bytes.fromhex(witness.hash))
    except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
        return None
    return witness


def _beside(journal: Path) -> Path:
    return journal.with_suffix(".head")
