"""What a tap is to everybody but the reader: one token, and what reading it cost.

Another kind of token (FeliCa, a phone's certificate, a printed code) is another class with a `kind` of its own in the
union `Token`, and a plan that returns it. Every match over `Token` ends in `assert_never`, so the type checker names
each place that has to know it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reader.certificate import CertificateHead
from reader.public_key import KeyProof


@dataclass(frozen=True, slots=True)
class JpkiCard:
    """A My Number card's user-authentication certificate: its head, and the proof that the card itself was read."""

    head: CertificateHead
    key: KeyProof | None = None
    """None where only the head was read."""

    short_names: bool = True
    """Whether the card took short identifiers; who speaks to it again need not find out anew."""

    kind: Literal["jpki"] = field(default="jpki", init=False)

    @property
    def issuer_sha256(self) -> str:
        """SHA-256 of the issuer's DER name, in hex."""
        return self.head.issuer_sha256

    @property
    def serial_hex(self) -> str:
        """The serial number in lower-case hex, without leading zeros."""
        return self.head.serial_hex

    def check_validity(self, at: datetime) -> None:
        """Raise CertificateRefused where a moment lies outside the certificate's validity."""
        self.head.check_validity(at)


Token = JpkiCard
"""Every kind of token, discriminated by `kind`."""


@dataclass(frozen=True, slots=True)
class Tap:
    """One token that was read, with the exchanges and the bytes of answers that this took."""

    token: Token
    exchanges: int
    bytes_read: int
