"""Proves that a card was read: a hash keyed with 32 bytes of its public key, which nobody can guess.

A certificate's serial has about four bytes and can be guessed; the first 32 bytes of an RSA modulus, or the X of a
point on P-384, cannot. The proof stops guessing, copied disks and replay. It does not stop a dishonest terminal that
serves the card: ceilings bound that.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.wire.canonical import canonical
from ledger.wire.sealing import Purpose

KEY_BYTES: Final = 32
"""How many bytes of the public key the proof is keyed with."""


def proof_of(key_bytes: bytes, purpose: Purpose, terminal_id: str, bound_to: str, nonce: str) -> str:
    """Return the proof (HMAC-SHA256 in hex) of a card for one purpose, terminal, and operation or inquiry id.

    `key_bytes` are 32 bytes as the tap read them; raise ValueError where they are not.
    """
    if len(key_bytes) != KEY_BYTES:
        raise ValueError(f"{KEY_BYTES} bytes of the public key are needed")
    stated = {
        "kazasu": "proof/2",
        "purpose": str(purpose),
        "terminal_id": terminal_id,
        "bound_to": bound_to,
        "nonce": nonce,
    }
    return hmac.digest(key_bytes, canonical(stated), hashlib.sha256).hex()


def is_proven(public_key: bytes, proof: str, purpose: Purpose, terminal_id: str, bound_to: str, nonce: str) -> bool:
    """Return whether a proof is of the card with this public key (DER SubjectPublicKeyInfo)."""
    key_bytes = key_bytes_of(public_key)
    if key_bytes is None:
        return False
    return hmac.compare_digest(proof, proof_of(key_bytes, purpose, terminal_id, bound_to, nonce))


def key_bytes_of(public_key: bytes) -> bytes | None:
    """Return the first 32 bytes of the modulus (RSA), or of the point's X (P-384); None of any other key."""
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return numbers.n.to_bytes((key.key_size + 7) // 8, "big")[:KEY_BYTES]
    if isinstance(key, EllipticCurvePublicKey):
        return key.public_numbers().x.to_bytes((key.key_size + 7) // 8, "big")[:KEY_BYTES]
    return None
