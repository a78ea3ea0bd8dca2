"""Remembers what came of each Ed25519 check: a town makes the same one many times, and the answer never changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Self
from unittest.mock import patch

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    PrivateFormat,
    PublicFormat,
)

Buffer = bytes | bytearray | memoryview


class RememberedKey(Ed25519PublicKey):
    """A public key that checks each signature once."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key, self._raw = key, key.public_bytes_raw()

    def verify(self, signature: Buffer, data: Buffer) -> None:
        """Raise InvalidSignature unless this key signed the data."""
        if not _is_signed(self._raw, bytes(signature), bytes(data)):
            raise InvalidSignature

    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes:  # noqa: A002  # its name there
        """Return the key in a format."""
        return self._key.public_bytes(encoding, format)

    def public_bytes_raw(self) -> bytes:
        """Return the key's 32 bytes."""
        return self._raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ed25519PublicKey) and other.public_bytes_raw() == self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class RememberedSigner(Ed25519PrivateKey):
    """A private key whose public key checks each signature once."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key, self._public = key, RememberedKey(key.public_key())

    def public_key(self) -> Ed25519PublicKey:
        """Return the public key."""
        return self._public

    def sign(self, data: Buffer) -> bytes:
        """Sign."""
        return self._key.sign(data)

    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,  # noqa: A002  # its name there
        encryption_algorithm: KeySerializationEncryption,
    ) -> bytes:
        """Return the key in a format."""
        return self._key.private_bytes(encoding, format, encryption_algorithm)

    def private_bytes_raw(self) -> bytes:
        """Return the key's 32 bytes."""
        return self._key.private_bytes_raw()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


@contextmanager
def remembered_checks() -> Iterator[None]:
    """Let every public key that is read meanwhile check each signature once."""
    with patch.object(Ed25519PublicKey, "from_public_bytes", _read):
        yield


_READ = Ed25519PublicKey.from_public_bytes


@lru_cache(maxsize=256)
def _read(data: bytes) -> Ed25519PublicKey:
    return RememberedKey(_READ(data))


@lru_cache(maxsize=1 << 14)
def _is_signed(key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        _READ(key).verify(signature, data)
    except InvalidSignature:
        return False
    return True
