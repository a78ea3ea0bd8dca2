"""Consent: a card's signature verifies for both generations of cards, and for its digest alone."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.wire.consent import is_signed

DIGEST = bytes(range(32))
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP384R1())
SIGNED = [
    (RSA, b64encode(RSA.sign(DIGEST, PKCS1v15(), Prehashed(SHA256()))).decode()),
    (EC, b64encode(EC.sign(DIGEST, ec.ECDSA(Prehashed(SHA256())))).decode()),
]


def _public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(("key", "signature"), SIGNED, ids=["rsa-2048", "p-384"])
def test_a_card_signs_its_digest(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, signature: str) -> None:
    """The signature holds for the digest, for no other, and for no other key."""
    assert is_signed(_public(key), DIGEST, signature)
    assert not is_signed(_public(key), DIGEST[::-1], signature)
    assert not is_signed(_public(key), DIGEST, f"{signature}\n")
    assert not is_signed(_public(rsa.generate_private_key(65537, 2048)), DIGEST, signature)
    assert not is_signed(_public(ec.generate_private_key(ec.SECP384R1())), DIGEST, signature)


@pytest.mark.parametrize(
    "signature", ["", "A", "%%%%", "ä", b64encode(bytes(256)).decode(), b64encode(bytes(4096)).decode()]
)
@pytest.mark.parametrize("key", [RSA, EC], ids=["rsa-2048", "p-384"])
def test_rubbish_is_no_signature(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, signature: str) -> None:
    """Whatever the bytes are, the answer is no and not an exception."""
    assert not is_signed(_public(key), DIGEST, signature)


@pytest.mark.parametrize(
    "key", [b"", b"rubbish", _public(ed25519.Ed25519PrivateKey.generate())], ids=["none", "rubbish", "ed25519"]
)
def test_a_key_no_card_has_signs_nothing(key: bytes) -> None:
    """Neither rubbish nor another kind of key is accepted."""
    assert not is_signed(key, DIGEST, "AAAA")
