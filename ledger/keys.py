"""The ledger's own secret: one file that only its owner can read, made on first use; every key is derived from it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ledger.wire.sealing import SealingKey

_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """What is derived: the keys of the card keys, of the nonces, of the audit, and the one that opens what is sealed.

    Losing the file makes every card unknown; whoever has it can tell whether a serial number is in the ID table.
    """

    cards: bytes
    nonces: bytes
    audit: bytes
    sealing: SealingKey

    @classmethod
    def derive(cls, secret: bytes) -> Keys:
        """Return the keys of a secret (RFC 5869, expand step)."""
        cards, nonces, audit, sealing = (
            HKDFExpand(SHA256(), _LENGTH, f"kazasu/1 {purpose}".encode()).derive(secret)
            for purpose in ("cards", "nonces", "audit", "sealing")
        )
        return cls(cards, nonces, audit, SealingKey(X25519PrivateKey.from_private_bytes(sealing)))

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Return the keys of a file, which is made where there is none."""
        return cls.derive(_secret(path))


def _secret(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_LENGTH))
            file.flush()
            os.fsync(descriptor)
        # Several processes may start at once: the first whole file stays, whoever wrote it.
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        found = path.read_bytes()
    if len(found) != _LENGTH:
        raise ValueError(f"{path} is not a ledger's secret: {_LENGTH} bytes are expected")
    return found
