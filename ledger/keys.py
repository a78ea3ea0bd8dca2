"""The ledger's own secret: one file that only its owner can read, from which every key is derived."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from config.files import write_once
from ledger.place import KeysApart
from ledger.wire.sealing import SealingKey

LENGTH: Final = 32
"""Bytes of a secret, of the ledger's as of a month's."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What is derived: the keys of the card keys, of the nonces, of the audit, and the one that opens what is sealed.

    From `signing` come the keys of `ledger.signing_keys`; `print` is what the stores keep to know the secret by. Losing
    the file makes every card unknown; with the file one can test whether a serial number is in the ID table.
    """

    cards: bytes
    nonces: bytes
    audit: bytes
    sealing: SealingKey
    signing: bytes
    print: str

    @classmethod
    def derive(cls, secret: bytes) -> Keys:
        """Return the keys of a secret (RFC 5869, expand step)."""
        cards, nonces, audit, sealing, signing = (
            _derived(secret, purpose) for purpose in ("cards", "nonces", "audit", "sealing", "signing")
        )
        private = X25519PrivateKey.from_private_bytes(sealing)
        return cls(cards, nonces, audit, SealingKey(private), signing, print_of(secret))

    @classmethod
    def load(cls, path: Path) -> Keys | None:
        """Return the keys of a file, None where there is none; raise KeysApart `ledger_key_damaged`."""
        try:
            secret = path.read_bytes()
        except FileNotFoundError:
            return None
        if len(secret) != LENGTH:
            raise KeysApart("ledger_key_damaged", path=str(path))
        return cls.derive(secret)


def print_of(secret: bytes) -> str:
    """Return the fingerprint of a secret: it tells two apart, and nothing of either."""
    return _derived(secret, "print").hex()


def make_secret(path: Path) -> None:
    """Make the file of a new secret, unless another process was there first: that one stays."""
    write_once(path, secrets.token_bytes(LENGTH))


def _derived(secret: bytes, purpose: str) -> bytes:
    return HKDFExpand(SHA256(), LENGTH, f"kazasu/1 {purpose}".encode()).derive(secret)
