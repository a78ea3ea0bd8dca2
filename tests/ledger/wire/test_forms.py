"""What is signed, sealed and proven, byte by byte and by other means, so that both ends cannot drift together."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.wire.consent import consent_digest, consent_digest_2, group_digest
from ledger.wire.proof import is_proven, key_bytes_of, proof_of
from ledger.wire.sealing import Purpose, SealError, SealingKey, seal
from ledger.wire.tokens import CardReference

TERMINAL, OPERATION = "252034-0001-01", "252034-0001-01-000042"
AT, DAY, NONCE = "2026-11-23T14:05:03+09:00", "2026-11-23", "n1"
CARD = CardReference(issuer_sha256="ab" * 32, serial="01f3a9c2")
PURPOSES = {Purpose.INQUIRY: "inquiry", Purpose.OPERATION: "operation", Purpose.REGISTRATION: "registration"}


def hashed(stated: dict[str, Any]) -> bytes:
    """Return the hash of what is stated in canonical form, by another implementation."""
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


LEADING_ZERO = 197
"""A secret whose point has an X below 2**376."""

ASKED: dict[str, Any] = {"kind": "sale", "bill": 1_200}
WHO = {"resident": "r", "registration": "g"}


def test_the_first_form_of_consent() -> None:
    """Release 0.1.0 signed it: it is read for ever."""
    content = ASKED | WHO | {"assurance": {"method": "pin"}}
    stated = {"kazasu": "consent/1", "operation_id": OPERATION, "at": AT, "nonce": NONCE, "content": ASKED}
    assert consent_digest(OPERATION, AT, NONCE, content) == hashed(stated)


@pytest.mark.parametrize("registered", [None, {"certificate": "c", "terms": "t"}], ids=["sale", "registration"])
def test_the_second_form_of_consent(registered: dict[str, Any] | None) -> None:
    """It covers the assurance, the day, and what is registered but for the signature that it becomes."""
    assurance = {"assurance": {"method": "pin"}}
    stated = {
        "kazasu": "consent/2",
        "operation_id": OPERATION,
        "at": AT,
        "business_date": DAY,
        "nonce": NONCE,
        "content": ASKED | assurance | ({} if registered is None else {"registered": registered}),
    }
    signed = None if registered is None else registered | {"signature": "s"}
    assert consent_digest_2(OPERATION, AT, DAY, NONCE, ASKED | WHO | assurance, signed) == hashed(stated)


def test_consent_to_several_operations() -> None:
    """Over their digests, in their order."""
    assert group_digest(["aa", "bb"]) == hashed({"kazasu": "consent-group/2", "digests": ["aa", "bb"]})
    assert group_digest(["bb", "aa"]) != group_digest(["aa", "bb"])


def public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """Return the public key as the ledger keeps it."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_proof_is_keyed_with_the_first_bytes_of_the_key(purpose: Purpose) -> None:
    """Over purpose, terminal, what it is for, and the nonce, each by its name."""
    key = bytes(range(32))
    stated = {
        "kazasu": "proof/2",
        "purpose": PURPOSES[purpose],
        "terminal_id": TERMINAL,
        "bound_to": OPERATION,
        "nonce": NONCE,
    }
    text = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
    assert proof_of(key, purpose, TERMINAL, OPERATION, NONCE) == hmac.new(key, text, hashlib.sha256).hexdigest()
    with pytest.raises(ValueError, match="32 bytes"):
        proof_of(key[:31], purpose, TERMINAL, OPERATION, NONCE)


@pytest.mark.parametrize("secret", [1, LEADING_ZERO])
def test_the_bytes_of_a_point_are_those_of_its_x(secret: int) -> None:
    """P-384 has 48 bytes for it, and keeps the zeros that it begins with."""
    key = ec.derive_private_key(secret, ec.SECP384R1())
    assert key_bytes_of(public(key)) == key.public_key().public_numbers().x.to_bytes(48, "big")[:32]


def test_the_bytes_of_an_rsa_key_are_those_of_its_modulus() -> None:
    """No other kind of key has any."""
    key = rsa.generate_private_key(65_537, 2_048)
    expected = key.public_key().public_numbers().n.to_bytes(256, "big")[:32]
    assert key_bytes_of(public(key)) == expected
    proof = proof_of(expected, Purpose.INQUIRY, TERMINAL, OPERATION, NONCE)
    assert is_proven(public(key), proof, Purpose.INQUIRY, TERMINAL, OPERATION, NONCE)
    assert not is_proven(public(key), proof, Purpose.OPERATION, TERMINAL, OPERATION, NONCE)
    for none in (b"", b"rubbish", public(ed25519.Ed25519PrivateKey.generate())):
        assert key_bytes_of(none) is None
        assert not is_proven(none, proof, Purpose.INQUIRY, TERMINAL, OPERATION, NONCE)


@pytest.fixture(scope="module")
def key() -> SealingKey:
    """Return a ledger's key."""
    return SealingKey(X25519PrivateKey.generate())


@pytest.mark.parametrize("bound_to", [None, OPERATION], ids=["form 1", "form 2"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_seal_names_what_it_is_for(key: SealingKey, purpose: Purpose, bound_to: str | None) -> None:
    """HPKE as RFC 9180 has it, opened here without the product; form 2 fills up to a multiple of 128 bytes."""
    assert {each: str(each) for each in Purpose} == PURPOSES
    info = f"kazasu/1 {purpose} {TERMINAL}" if bound_to is None else f"kazasu/2 {purpose} {TERMINAL} {bound_to}"
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    sealed = seal(CARD, purpose, TERMINAL, key.public, bound_to)
    plain = suite.decrypt(base64.b64decode(sealed, validate=True), key.private, info.encode())
    assert json.loads(plain) == CARD.as_json()
    assert plain == plain.strip().ljust(len(plain))
    written = len(json.dumps(CARD.as_json(), separators=(",", ":")))
    assert len(plain) == (written if bound_to is None else (written + 127) // 128 * 128)
    assert key.open(sealed, purpose, TERMINAL, CardReference, bound_to) == CARD


@pytest.mark.parametrize("serial", ["1", "1f3a9c2", "01f3a9c2", "ab" * 16])
def test_a_seal_of_the_second_form_does_not_tell_serials_apart(key: SealingKey, serial: str) -> None:
    """By its length."""
    card = CardReference(issuer_sha256="ab" * 32, serial=serial)
    sealed = base64.b64decode(seal(card, Purpose.INQUIRY, TERMINAL, key.public, OPERATION))
    assert len(sealed) == 32 + 128 + 16


def test_neither_a_seal_nor_its_key_has_other_characters(key: SealingKey) -> None:
    """Base64 without blanks or line ends."""
    sealed = seal(CARD, Purpose.INQUIRY, TERMINAL, key.public)
    with pytest.raises(SealError, match="a sealed CardReference does not open"):
        key.open(f" {sealed}\n", Purpose.INQUIRY, TERMINAL, CardReference)
    with pytest.raises(binascii.Error):
        seal(CARD, Purpose.INQUIRY, TERMINAL, f" {key.public}\n")
