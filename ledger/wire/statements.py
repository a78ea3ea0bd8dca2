"""Signs the ledger's answers and verifies them: the ledger cannot deny an answer, and nobody else can make one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.wire.answers import SignedAnswer, SignedStatement, Statement
from ledger.wire.canonical import canonical
from ledger.wire.setup import LedgerKeys, Succession


def raw(key: Ed25519PublicKey) -> str:
    """Return a public key as it travels: its 32 raw bytes in base64."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def body_hash(body: dict[str, Any]) -> str:
    """Return what a statement holds of an answer's body: SHA-256 in hex over its canonical JSON."""
    return hashlib.sha256(canonical(body)).hexdigest()


def sign_statement(statement: Statement, key: Ed25519PrivateKey) -> SignedStatement:
    """Return a statement with the ledger's signature."""
    signature = key.sign(canonical(statement.as_json()))
    return SignedStatement(
        statement=statement, key=raw(key.public_key()), signature=base64.b64encode(signature).decode()
    )


def is_signed_by(signed: SignedStatement, keys: Collection[str]) -> bool:
    """Return whether a statement bears the signature of one of these keys (raw, base64)."""
    return signed.key in keys and _is_of(signed.key, signed.signature, canonical(signed.statement.as_json()))


def is_answer_to(answer: SignedAnswer, terminal_id: str, request: str, keys: Collection[str]) -> bool:
    """Return whether an answer is the ledger's, whole, to this terminal, and to the request with this nonce."""
    statement = answer.signed.statement
    return (
        statement.terminal_id == terminal_id
        and statement.request == request
        and statement.body_sha256 == body_hash(answer.body)
        and is_signed_by(answer.signed, keys)
    )


def sign_succession(ledger: str, key: Ed25519PrivateKey, following: Ed25519PublicKey) -> Succession:
    """Return the word of a ledger's key that another one follows it."""
    own, after = raw(key.public_key()), raw(following)
    signature = base64.b64encode(key.sign(_succession(ledger, own, after))).decode()
    return Succession(ledger=ledger, key=own, next=after, signature=signature)


def trusted_keys(pinned: Collection[str], keys: LedgerKeys) -> set[str]:
    """Return pinned keys and all that follow them, one vouching for the next."""
    trusted = set(pinned)
    for each in keys.succession:
        if each.key in trusted and _is_of(each.key, each.signature, _succession(each.ledger, each.key, each.next)):
            trusted.add(each.next)
    return trusted


def _succession(ledger: str, key: str, following: str) -> bytes:
    return canonical({"kazasu": "succession/2", "ledger": ledger, "key": key, "next": following})


def _is_of(key: str, signature: str, signed: bytes) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, ValueError):
        return False
    return True
