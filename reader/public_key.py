"""The kinds of public key that a card may have: how each is told by its bytes, and what of it nobody can guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from reader.der import DerError

SECRET_BYTES = 32
"""How much of a public key a reading takes as its proof."""


@dataclass(frozen=True, slots=True)
class KeyShape:
    """A row of the table of keys."""

    prefix: bytes
    """What stands in SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) before the bytes that differ from key to key."""

    before_digest: bytes
    """What the card's key is given before the 32 bytes of a SHA-256 digest."""

    signature_bytes: int | None
    """The length of a signature; None where it is DER and varies."""

    info_bytes: int
    """The length of SubjectPublicKeyInfo."""


class KeyKind(Enum):
    """The kinds of key."""

    RSA_2048 = KeyShape(
        bytes.fromhex("30820122300D06092A864886F70D01010105000382010F003082010A0282010100"),
        bytes.fromhex("3031300D060960864801650304020105000420"),
        256,
        294,
    )
    """The modulus follows, which begins with a set bit (RFC 3279, 2.3.1). The card pads the DigestInfo that it is given
    by PKCS#1 v1.5 (RFC 8017, 9.2, note 1)."""

    P_384 = KeyShape(bytes.fromhex("3076301006072A8648CE3D020106052B8104002203620004"), b"", None, 120)
    """The uncompressed point's X follows (RFC 5480, 2). The card signs the digest as it is and answers in DER."""


KEY_READ_BYTES = max(len(kind.value.prefix) for kind in KeyKind) + SECRET_BYTES
"""Length of what is read at a key: enough, whatever its kind turns out to be."""


@dataclass(frozen=True, slots=True)
class KeyProof:
    """What a reading at the public key gave: the key's kind, and 32 bytes that only a reader of the card knows.

    The bytes are the beginning of an RSA modulus or the X of a point. They key a hash; no `repr` shows them. `info` is
    SubjectPublicKeyInfo as far as it was read: all of it of a point, all but the end of an RSA key.
    """

    kind: KeyKind
    secret: bytes = field(repr=False)
    info: bytes = field(default=b"", repr=False, compare=False)

    @property
    def without_secret(self) -> KeyProof:
        """What a later signature needs to know of the key: its kind."""
        return KeyProof(self.kind, b"")


def key_proof(read: bytes) -> KeyProof:
    """Return the proof in the bytes at which SubjectPublicKeyInfo begins; raise DerError for a key of no known kind."""
    for kind in KeyKind:
        prefix = kind.value.prefix
        secret = read[len(prefix) : len(prefix) + SECRET_BYTES]
        if read.startswith(prefix) and len(secret) == SECRET_BYTES:
            if kind is KeyKind.RSA_2048 and secret[0] < 0x80:
                raise DerError("a modulus that is shorter than its length")
            return KeyProof(kind, secret, read[: kind.value.info_bytes])
    raise DerError("no key of a known kind")
