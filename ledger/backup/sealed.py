r"""A sealed file: what is written to it only a passphrase or a private key can read, and no part of it can be changed.

    "kazasu backup\n" | length of the header, 4 bytes | header, JSON | chunks

The header says `form` 1 and where the file's key comes from: `scrypt` (RFC 7914) of a passphrase, or `hpke` (RFC 9180:
DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM), in which a random key is sealed to a public key. Each chunk is a
MiB of the content, the last one less, under AES-256-GCM with 16 bytes of tag: its nonce is its number (8 bytes) and,
as the last byte of four, 1 for the last chunk, so that none is moved or missing; its associated data is SHA-256 of all
before the chunks. Numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ledger.backup.errors import BackupError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

FORM: Final = 1
MIN_PASSPHRASE: Final = 12
"""Characters. A passphrase must resist years of guessing, since a backup file can be copied."""

_MAGIC: Final = b"kazasu backup\n"
_CHUNK: Final = 1 << 20
_TAG: Final = 16
_MAX_HEADER: Final = 4096
_SCRYPT: Final = {"n": 1 << 17, "r": 8, "p": 1}
"""128 MiB, and half a second of a small machine."""

_LIMITS: Final = {"n": 1 << 20, "r": 16, "p": 4}
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO: Final = b"kazasu/1 backup"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What a person remembers; both seals and opens."""

    text: str

    def key(self, salt: bytes, numbers: dict[str, int]) -> bytes:
        """Return the key of a file."""
        return Scrypt(salt, 32, numbers["n"], numbers["r"], numbers["p"]).derive(
            unicodedata.normalize("NFC", self.text).encode()
        )


Lock = Passphrase | X25519PublicKey
"""What a file is sealed to."""

BackupKey = Passphrase | X25519PrivateKey
"""What opens it again."""


def read_public_key(path: Path) -> X25519PublicKey:
    """Return the public key of a PEM file; raise BackupError `backup_key_wrong`."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        key = None
    if not isinstance(key, X25519PublicKey):
        raise BackupError("backup_key_wrong", path=str(path))
    return key


def read_private_key(path: Path) -> X25519PrivateKey:
    """Return the private key of a PEM file; raise BackupError `backup_key_wrong`."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise BackupError("backup_key_wrong", path=str(path))
    return key


class SealedWriter(RawIOBase):
    """Seals what is written to it; only once it is closed is the file whole."""

    def __init__(self, file: IO[bytes], lock: Lock) -> None:
        self._file = file
        if isinstance(lock, Passphrase):
            salt = secrets.token_bytes(16)
            key = lock.key(salt, _SCRYPT)
            source: dict[str, Any] = {"scrypt": {**_SCRYPT, "salt": _text(salt)}}
        else:
            key = secrets.token_bytes(32)
            source = {"hpke": {"sealed": _text(_SUITE.encrypt(key, lock, _INFO)), "to": fingerprint(lock)}}
        header = json.dumps({"form": FORM, **source}, sort_keys=True, separators=(",", ":")).encode()
        head = _MAGIC + len(header).to_bytes(4, "big") + header
        self._cipher = _Cipher(key, head)
        self._buffer = bytearray()
        file.write(head)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, content: ReadableBuffer, /) -> int:
        """Take bytes in; whole chunks go to the file."""
        self._buffer += content
        while len(self._buffer) > _CHUNK:
            self._file.write(self._cipher.seal(bytes(self._buffer[:_CHUNK]), last=False))
            del self._buffer[:_CHUNK]
        return memoryview(content).nbytes

    def close(self) -> None:
        """Write the last chunk."""
        if not self.closed:
            self._file.write(self._cipher.seal(bytes(self._buffer), last=True))
        super().close()


class SealedReader(RawIOBase):
    """Opens a sealed file; raises BackupError where it is none, is locked to something else, or was changed."""

    def __init__(self, file: IO[bytes], opener: BackupKey, name: str) -> None:
        self._file = file
        self._name = name
        head, header = self._read_head()
        self._cipher = _Cipher(self._key(header, opener), head)
        self._buffer = b""
        self._next = file.read(_CHUNK + _TAG)
        self._advance("backup_locked")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer as far as this chunk goes."""
        if not self._buffer and self._next:
            self._advance("backup_damaged")
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._buffer))
        view[:size] = self._buffer[:size]
        self._buffer = self._buffer[size:]
        return size

    def _advance(self, code: str) -> None:
        sealed, self._next = self._next, self._file.read(_CHUNK + _TAG)
        try:
            self._buffer = self._cipher.open(sealed, last=not self._next)
        except InvalidTag:
            raise BackupError(code, path=self._name) from None

    def _read_head(self) -> tuple[bytes, dict[str, Any]]:
        start = self._file.read(len(_MAGIC) + 4)
        size = int.from_bytes(start[len(_MAGIC) :], "big")
        if not start.startswith(_MAGIC) or len(start) != len(_MAGIC) + 4 or size > _MAX_HEADER:
            raise BackupError("backup_unreadable", path=self._name)
        text = self._file.read(size)
        try:
            header = json.loads(text)
        except ValueError:
            header = None
        if not isinstance(header, dict) or header.get("form") != FORM:
            raise BackupError("backup_unreadable", path=self._name)
        return start + text, header

    def _key(self, header: dict[str, Any], opener: BackupKey) -> bytes:
        try:
            if isinstance(opener, Passphrase):
                numbers = {name: int(header["scrypt"][name]) for name in _LIMITS}
                if any(not 0 < value <= _LIMITS[name] for name, value in numbers.items()):
                    raise BackupError("backup_unreadable", path=self._name)
                return opener.key(b64decode(header["scrypt"]["salt"]), numbers)
            return _SUITE.decrypt(b64decode(header["hpke"]["sealed"]), opener, _INFO)
        except (KeyError, TypeError, ValueError, InvalidTag):
            raise BackupError("backup_locked", path=self._name) from None


class _Cipher:
    """The chunks of one file, in their order."""

    def __init__(self, key: bytes, head: bytes) -> None:
        self._aead = AESGCM(key)
        self._bound = hashlib.sha256(head).digest()
        self._number = 0

    def seal(self, plain: bytes, *, last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(last=last), plain, self._bound)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        if len(sealed) < _TAG:
            raise InvalidTag
        return self._aead.decrypt(self._nonce(last=last), sealed, self._bound)

    def _nonce(self, *, last: bool) -> bytes:
        self._number += 1
        return self._number.to_bytes(8, "big") + int(last).to_bytes(4, "big")


def fingerprint(key: X25519PublicKey) -> str:
    """Return what a public key is called: SHA-256 of its 32 bytes, the first 16 digits."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
