"""The keys under which a ledger signs its answers, one after the other: which one signs now is a number in a file.

All are derived from the ledger's own secret. The number lies beside that secret and not in a store, so that no store
that is restored brings a key back which terminals were told to forget.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from config.files import write_whole
from ledger.wire.setup import LedgerKeys
from ledger.wire.statements import raw, sign_succession

_LENGTH: Final = 32


class SigningKeys:
    """A ledger's signing keys, numbered from 1; `ledger` is its own name, `secret` what they are derived from."""

    def __init__(self, ledger: str, secret: bytes, path: Path) -> None:
        self._ledger = ledger
        self._path = path
        self._key = lru_cache(maxsize=None)(lambda number: _derived(secret, number))
        self._stated: tuple[float, int] = (-1.0, 1)

    @property
    def number(self) -> int:
        """The number of the key that signs now; each process sees at its next answer that it was moved."""
        try:
            written = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return 1
        if self._stated[0] != written:
            self._stated = (written, int(self._path.read_text("ascii")))
        return self._stated[1]

    @property
    def present(self) -> Ed25519PrivateKey:
        """The key that signs now."""
        return self._key(self.number)

    @property
    def public(self) -> list[str]:
        """The keys that a terminal pins (raw, base64): the one that signs now, and the next."""
        number = self.number
        return [self._public(number), self._public(number + 1)]

    @property
    def every(self) -> list[str]:
        """All keys under which this ledger ever signed, and the next."""
        return [self._public(number) for number in range(1, self.number + 2)]

    def published(self) -> LedgerKeys:
        """Return the keys for terminals, each with its signature over the next."""
        succession = [
            sign_succession(self._ledger, self._key(number), self._key(number + 1).public_key())
            for number in range(1, self.number + 1)
        ]
        return LedgerKeys(ledger=self._ledger, signing_keys=self.public, succession=succession)

    def advance(self) -> int:
        """Move to the next key and return its number."""
        number = self.number + 1
        write_whole(self._path, f"{number}\n".encode())
        return number

    def _public(self, number: int) -> str:
        return raw(self._key(number).public_key())


def _derived(secret: bytes, number: int) -> Ed25519PrivateKey:
    derived = HKDFExpand(SHA256(), _LENGTH, f"kazasu/1 signing {number}".encode()).derive(secret)
    return Ed25519PrivateKey.from_private_bytes(derived)
