"""Sealing: what is sealed opens for its purpose and terminal alone, and says nothing when it does not."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ledger.wire.sealing import Purpose, SealError, SealingKey, seal
from ledger.wire.tokens import CardReference

TERMINAL = "252034-0001-01"
CARD = CardReference(issuer_sha256="ab" * 32, serial="01f3a9c2")


@pytest.fixture(scope="module")
def key() -> SealingKey:
    """Return a ledger's key."""
    return SealingKey(X25519PrivateKey.generate())


def test_what_is_sealed_opens_again(key: SealingKey) -> None:
    """The ledger reads what the terminal sealed, and no two seals of one card look alike."""
    first, second = (seal(CARD, Purpose.OPERATION, TERMINAL, key.public) for _ in range(2))
    assert key.open(first, Purpose.OPERATION, TERMINAL, CardReference) == CARD
    assert first != second


@pytest.mark.parametrize(
    ("purpose", "terminal"),
    [(Purpose.INQUIRY, TERMINAL), (Purpose.REGISTRATION, TERMINAL), (Purpose.OPERATION, "252034-0001-02")],
)
def test_it_opens_for_nothing_else(key: SealingKey, purpose: Purpose, terminal: str) -> None:
    """A sealed resident cannot be moved to another purpose or to another terminal."""
    sealed = seal(CARD, Purpose.OPERATION, TERMINAL, key.public)
    with pytest.raises(SealError):
        key.open(sealed, purpose, terminal, CardReference)


@pytest.mark.parametrize("sealed", ["", "AAAA", "%%%", "ä", base64.b64encode(bytes(100)).decode()])
def test_rubbish_does_not_open(key: SealingKey, sealed: str) -> None:
    """Whatever arrives, the failure is the same one."""
    with pytest.raises(SealError):
        key.open(sealed, Purpose.OPERATION, TERMINAL, CardReference)


def test_a_failure_does_not_tell_what_was_inside(key: SealingKey) -> None:
    """An error that could be logged has neither the plain text nor a cause that has it."""
    wrong = CardReference.model_construct(issuer_sha256="ab" * 32, serial="NOT-HEX")
    sealed = seal(wrong, Purpose.OPERATION, TERMINAL, key.public)
    with pytest.raises(SealError) as failure:
        key.open(sealed, Purpose.OPERATION, TERMINAL, CardReference)
    assert "NOT-HEX" not in str(failure.value)
    assert failure.value.__cause__ is None
