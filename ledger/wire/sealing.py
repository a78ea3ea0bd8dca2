"""Seals what names a resident to the ledger's public key, so that nothing at the shop can be read back there.

HPKE, RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. `info` binds a sealed message to its
purpose, to one terminal, and to one operation or inquiry: what a journal keeps for an operation cannot be sent as an
inquiry, nor for another operation, nor by another shop.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import ValidationError

from ledger.wire.canonical import canonical
from ledger.wire.values import Message

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)

_PADDED = 128
"""Bytes to whose multiple a plain text is filled up, so that its length does not tell serials apart."""

M = TypeVar("M", bound=Message)


class Purpose(StrEnum):
    """What a sealed message is for; it opens for nothing else."""

    INQUIRY = "inquiry"
    OPERATION = "operation"
    REGISTRATION = "registration"


class SealError(Exception):
    """A sealed message does not open: damaged, for another purpose or terminal, or to another key."""


def seal(message: Message, purpose: Purpose, terminal_id: str, sealing_key: str, bound_to: str | None = None) -> str:
    """Return a message sealed (base64) to `TerminalSetup.sealing_key`.

    `bound_to` is the id of the operation or inquiry that it is for (form 2); in form 1 a seal was bound to the terminal
    alone.
    """
    recipient = X25519PublicKey.from_public_bytes(base64.b64decode(sealing_key, validate=True))
    plain = canonical(message.as_json())
    if bound_to is not None:
        # JSON allows spaces at its end. HPKE hides no length, and a serial of eight digits is longer than one of seven.
        plain = plain.ljust(-(-len(plain) // _PADDED) * _PADDED)
    sealed = _SUITE.encrypt(plain, recipient, _info(purpose, terminal_id, bound_to))
    return base64.b64encode(sealed).decode()


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The ledger's private key, which opens what terminals seal."""

    private: X25519PrivateKey

    @property
    def public(self) -> str:
        """The raw public key (base64), as terminals are told it."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    def open(self, sealed: str, purpose: Purpose, terminal_id: str, kind: type[M], bound_to: str | None = None) -> M:
        """Return the message of type `kind` that was sealed; raise SealError when it does not open."""
        try:
            info = _info(purpose, terminal_id, bound_to)
            plain = _SUITE.decrypt(base64.b64decode(sealed, validate=True), self.private, info)
            return kind.model_validate_json(plain)
        except (InvalidTag, binascii.Error, ValueError, ValidationError):
            # From nothing: the causes carry the plain text.
            raise SealError(f"a sealed {kind.__name__} does not open") from None


def _info(purpose: Purpose, terminal_id: str, bound_to: str | None) -> bytes:
    if bound_to is None:
        return f"kazasu/1 {purpose} {terminal_id}".encode()
    return f"kazasu/2 {purpose} {terminal_id} {bound_to}".encode()
