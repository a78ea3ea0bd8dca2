"""Tombstones: what is kept of a holder who left, so that coming back with the same card gains nothing.

A tombstone is found by a keyed hash of the card and opens with a key that follows from the card and the ledger's
secret. Whoever has the store without the secret, or the secret without the card, learns nothing of who left.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12
_PADDED: Final = 96
"""Bytes to which every plain text is filled up."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The MyKey ID, under which the points store finds its counts, how many contact numbers there were, the state."""

    mykey: str
    contact_version: int
    state: str

    def sealed(self, secret: bytes, card_key: bytes) -> bytes:
        """Return the bytes that are kept."""
        plain = json.dumps(asdict(self)).encode().ljust(_PADDED)
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(_key(secret, card_key)).encrypt(nonce, plain, b"")

    @classmethod
    def opened(cls, sealed: bytes, secret: bytes, card_key: bytes) -> Tombstone:
        """Return what `sealed` wrote."""
        return cls(**json.loads(AESGCM(_key(secret, card_key)).decrypt(sealed[:_NONCE], sealed[_NONCE:], b"")))


def finder(secret: bytes, card_key: bytes) -> bytes:
    """Return what a card's tombstone is found by: not the card key, by which a registered card is found."""
    return hmac.digest(secret, b"left " + card_key, hashlib.sha256)


def _key(secret: bytes, card_key: bytes) -> bytes:
    return hmac.digest(secret, b"left seal " + card_key, hashlib.sha256)
