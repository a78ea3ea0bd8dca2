"""What a resident's card signs to consent to one operation, and whether it did."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.wire.canonical import canonical


def consent_digest(operation: str, at: str, nonce: str, content: dict[str, Any]) -> bytes:
    """Return the 32-byte SHA-256 digest that the resident's card signs for one operation.

    It covers operation id (and with it shop and terminal), time, nonce, and all of the content but the resident, who
    is the one that signs, and the assurance, which carries the signature.
    """
    asked = {name: value for name, value in content.items() if name not in {"resident", "registration", "assurance"}}
    return hashlib.sha256(
        canonical({"kazasu": "consent/1", "operation_id": operation, "at": at, "nonce": nonce, "content": asked})
    ).digest()


def consent_digest_2(
    operation: str, at: str, business_date: str, nonce: str, content: dict[str, Any], registered: dict[str, Any] | None
) -> bytes:
    """Return the 32-byte SHA-256 digest that the resident's card signs for one operation of form 2.

    Beside what form 1 covers it is over the business day, and over `registered`: the fields of the `Registration`
    without its signature, of an operation that registers. Only who signs stays outside: the resident.
    """
    asked = {name: value for name, value in content.items() if name not in {"resident", "registration"}}
    if registered is not None:
        asked["registered"] = {name: value for name, value in registered.items() if name != "signature"}
    stated = {
        "kazasu": "consent/2",
        "operation_id": operation,
        "at": at,
        "business_date": business_date,
        "nonce": nonce,
        "content": asked,
    }
    return hashlib.sha256(canonical(stated)).digest()


def group_digest(digests: Sequence[str]) -> bytes:
    """Return what the card signs where it consents to several operations at once: a hash over their digests (hex)."""
    return hashlib.sha256(canonical({"kazasu": "consent-group/2", "digests": list(digests)})).digest()


_DIGEST = Prehashed(SHA256())


def is_signed(public_key: bytes, digest: bytes, signature: str) -> bool:
    """Return whether a signature (base64) over a 32-byte digest is of a card's key (DER SubjectPublicKeyInfo).

    RSA signs as RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2); the P-384 key of the announced card generation as ECDSA
    over the same 32 bytes, DER.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
        key = load_der_public_key(public_key)
        if isinstance(key, RSAPublicKey):
            key.verify(raw, digest, PKCS1v15(), _DIGEST)
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(raw, digest, ECDSA(_DIGEST))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
