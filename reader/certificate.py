"""What a card's certificate says: its head, parsed from the first 256 bytes, and the whole of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from config.trust import Anchors, CertificateUnreadable, TrustError, check_certificate, check_validity
from reader.der import DerError, Element, Tag, element, expect
from reader.errors import CertificateRefused

VERSION_3 = bytes.fromhex("A003020102")
"""The version field of an X.509 v3 certificate (RFC 5280, 4.1.2.1)."""

SHORT_NAMES = {
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("55040A"): "O",
    bytes.fromhex("55040B"): "OU",
}
"""Attribute types of X.520 as RFC 4514, 3 abbreviates them."""

MAX_SERIAL_BYTES = 20
"""The longest serial number (RFC 5280, 4.1.2.2)."""


@dataclass(frozen=True, slots=True)
class CertificateHead:
    """Who issued a certificate (DER name), its serial number, and its validity with both ends included.

    Issuer and serial name a resident: they are for the ledger alone, and no `repr` shows them.
    """

    issuer: bytes = field(repr=False)
    serial: int = field(repr=False)
    not_before: datetime
    not_after: datetime

    @property
    def serial_hex(self) -> str:
        """The serial number in lower-case hex, without leading zeros."""
        return f"{self.serial:x}"

    @property
    def issuer_sha256(self) -> str:
        """SHA-256 of the issuer's DER name, in hex."""
        return hashlib.sha256(self.issuer).hexdigest()

    @property
    def issuer_text(self) -> str:
        """The issuer as people read it, in the certificate's order: `C=JP, O=JPKI, …`."""
        text = ", ".join(_attributes(element(self.issuer)))
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)

    def check_validity(self, at: datetime) -> None:
        """Raise CertificateRefused where a moment lies outside the validity."""
        try:
            check_validity(self.not_before, self.not_after, at)
        except TrustError as error:
            raise CertificateRefused(error) from None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A whole user-authentication certificate."""

    head: CertificateHead
    der: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The certificate's fingerprint, in hex."""
        return hashlib.sha256(self.der).hexdigest()

    def check(self, anchors: Anchors, at: datetime) -> None:
        """Check issuer, signature, validity and key usage; raise CertificateRefused."""
        try:
            check_certificate(self.der, anchors, at)
        except TrustError as error:
            raise CertificateRefused(error) from None


def unreadable(why: object) -> CertificateRefused:
    """Return the error for bytes that are no certificate."""
    return CertificateRefused(CertificateUnreadable(str(why)))


def parse_certificate(der: bytes) -> Certificate:
    """Return the certificate that exactly these bytes are, as far as its head goes; raise CertificateRefused."""
    if certificate_length(der) != len(der):
        raise unreadable("the length is not the certificate's")
    return Certificate(parse_head(der), der)


def certificate_length(data: bytes) -> int:
    """Return how long the certificate is that these bytes begin with; raise CertificateRefused."""
    try:
        return expect(iter([element(data)]), Tag.SEQUENCE).end
    except DerError as error:
        raise unreadable(error) from None


def parse_head(data: bytes) -> CertificateHead:
    """Return the head of the certificate that these bytes begin with; raise CertificateRefused."""
    try:
        return head_in(data)
    except ValueError as error:
        raise unreadable(error) from None


def head_in(data: bytes) -> CertificateHead:
    """Return the head of the certificate that these bytes begin with (RFC 5280, 4.1).

    Raise ValueError; Truncated where more of the certificate may help.
    """
    head, _ = _head_and_rest(data)
    return head


def key_offset_in(data: bytes) -> int:
    """Return where SubjectPublicKeyInfo stands in the certificate that these bytes begin with; raise as `head_in`.

    It follows the subject, whose length has to be among the bytes; its contents need not.
    """
    _, rest = _head_and_rest(data)
    return expect(rest, Tag.SEQUENCE).end


def _head_and_rest(data: bytes) -> tuple[CertificateHead, Iterator[Element]]:
    """Return the head, and the fields that follow it, the first of which is the subject."""
    outer = expect(iter([element(data)]), Tag.SEQUENCE)
    fields = expect(outer.children(), Tag.SEQUENCE).children()
    if expect(fields, Tag.CONTEXT_0).encoded != VERSION_3:
        raise DerError("not a certificate of version 3")
    serial = _positive(expect(fields, Tag.INTEGER).contents)
    expect(fields, Tag.SEQUENCE)  # the signature's algorithm, which the whole certificate is checked with
    issuer = expect(fields, Tag.SEQUENCE)
    list(_attributes(issuer))  # so that it can be shown later
    validity = expect(fields, Tag.SEQUENCE).children()
    not_before = _time(expect(validity, Tag.UTC_TIME, Tag.GENERALIZED_TIME))
    not_after = _time(expect(validity, Tag.UTC_TIME, Tag.GENERALIZED_TIME))
    return CertificateHead(issuer.encoded, serial, not_before, not_after), fields


def _positive(contents: bytes) -> int:
    serial = int.from_bytes(contents, signed=True)
    padded = len(contents) > 1 and contents[0] == 0 and contents[1] < 0x80
    if serial <= 0 or padded or len(contents) > MAX_SERIAL_BYTES:
        raise DerError("the serial number is not a positive integer")
    return serial


def _time(moment: Element) -> datetime:
    """Return a time in one of the two forms that RFC 5280, 4.1.2.5 allows; UTCTime means 1950 to 2049."""
    text = moment.contents.decode("ascii")
    if moment.tag == Tag.UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    if len(text) != len("YYYYMMDDHHMMSSZ") or not text[:-1].isdigit():
        raise DerError("a time that is not to the second in UTC")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _attributes(name: Element) -> Iterator[str]:
    """Yield each attribute of a name as `type=value`."""
    for relative in name.children():
        for attribute in relative.children():
            parts = attribute.children()
            kind = expect(parts, Tag.OBJECT_IDENTIFIER).contents
            value = expect(parts, Tag.PRINTABLE_STRING, Tag.UTF8_STRING, Tag.IA5_STRING).contents.decode()
            yield f"{SHORT_NAMES.get(kind, kind.hex())}={value}"
