"""Which authorities may vouch for a card's certificate, and the check that both terminal and ledger make of one."""

# ruff: noqa: N818  # an error's name says what happened

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from config.errors import KnownError

PINNED = frozenset(
    {
        bytes.fromhex("4DCFC4CA0AAF9FB2A3081B3F0C991C320B3ACC008667A341EEAEC5AF1D58CA7D"),
        bytes.fromhex("64114F29620C24ED2631D46476A040E7EE740D956089C00B036A6A8118C322B5"),
    }
)
"""SHA-256 of the JPKI user-authentication CA's certificates: generations 1 (to 2025-10-19) and 3 (to 2033-07-15).

The certificates themselves lie on every card. Generation 2 is not known here; an operator can add it.
"""

PINS = "pins.txt"
"""The file among the anchors in which an operator adds fingerprints: SHA-256 in hex, one a line, # before a remark."""

MINIMUM_RSA_BITS = 2048
"""What an RSA key must have at least: today's card has just that. The announced one has P-384."""


class TrustError(Exception):
    """A certificate is not accepted.

    TrustError
    ├── CertificateUnreadable    not a certificate, or of an algorithm that no card has
    ├── WrongIssuer              no known authority issued it
    ├── BadSignature             it says that a known authority issued it, and that is not true
    ├── CertificateExpired       carries `not_after`
    ├── CertificateNotYetValid   carries `not_before`
    └── WrongKeyUsage            not a user-authentication certificate
    """

    code: ClassVar[str] = "certificate_unreadable"


class CertificateUnreadable(TrustError):
    """The bytes are not an X.509 certificate with a key that a card may have."""


class WrongIssuer(TrustError):
    """No known authority has the name and the key that the certificate names as its issuer's."""

    code = "wrong_issuer"


class BadSignature(TrustError):
    """The known authority that the certificate names did not sign it."""

    code = "bad_signature"


class CertificateExpired(TrustError):
    """The certificate's time is over."""

    code = "certificate_expired"

    def __init__(self, not_after: datetime) -> None:
        super().__init__(f"expired at {not_after.isoformat()}")
        self.not_after = not_after


class CertificateNotYetValid(TrustError):
    """The certificate's time has not come."""

    code = "certificate_not_yet_valid"

    def __init__(self, not_before: datetime) -> None:
        super().__init__(f"valid from {not_before.isoformat()}")
        self.not_before = not_before


class WrongKeyUsage(TrustError):
    """The certificate is for something else than authentication, such as signing documents."""

    code = "wrong_key_usage"


class AnchorError(KnownError):
    """A file among the operator's anchors is not a PEM certificate; carries `path`."""

    code = "anchor_invalid"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a PEM certificate")
        self.path = path


@dataclass(frozen=True, slots=True)
class Anchors:
    """The authorities that are trusted: certificates at hand, and fingerprints of those that cards bring along.

    What a card brought is kept in `directory`, so that no card need bring it again.
    """

    certificates: tuple[x509.Certificate, ...] = ()
    pins: frozenset[bytes] = PINNED
    directory: Path | None = None

    @classmethod
    def load(cls, directory: Path | None = None, *files: Path) -> Anchors:
        """Return the pins and what the PEM files in a directory and beside it hold; raise AnchorError for a bad one."""
        found = sorted(directory.glob("*.pem")) if directory is not None else []
        certificates = tuple(certificate for path in (*found, *files) for certificate in _load(path))
        return cls(certificates, PINNED | _pins(directory), directory=directory)

    def with_certificates(self, certificates: Iterable[x509.Certificate]) -> Anchors:
        """Return these anchors and some more."""
        return replace(self, certificates=(*self.certificates, *certificates))

    def admit(self, der: bytes) -> Anchors:
        """Return these anchors and the authority that a card brought (DER); raise WrongIssuer if it is not pinned."""
        certificate = _parse(der)
        fingerprint = certificate.fingerprint(SHA256())
        if fingerprint not in self.pins:
            raise WrongIssuer("the card brings an authority that is not pinned")
        if self.directory is not None:
            _keep(self.directory, fingerprint, certificate)
        return self.with_certificates([certificate])

    def with_learned(self) -> Anchors:
        """Return these anchors and what cards have brought since, to this process or to another one."""
        if self.directory is None:
            return self
        known = {certificate.fingerprint(SHA256()) for certificate in self.certificates}
        paths = [self.directory / f"{pin.hex()}.pem" for pin in self.pins - known]
        return self.with_certificates(each for path in paths if path.exists() for each in _load(path))

    def authority_of(self, der: bytes) -> bytes:
        """Return the certificate (DER) of the authority that issued one; raise TrustError."""
        return self.issuer_of(_parse(der)).public_bytes(Encoding.DER)

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate:
        """Return the anchor that signed a certificate; raise WrongIssuer or BadSignature.

        Generations of the authority share one name, so the key identifier decides where there is one, and the
        signature always.
        """
        named = [anchor for anchor in self.certificates if _may_have_issued(anchor, certificate)]
        if not named:
            raise WrongIssuer("no known authority has this name and key")
        for anchor in named:
            try:
                certificate.verify_directly_issued_by(anchor)
            except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
                continue
            return anchor
        raise BadSignature("the authority did not sign this")


def check_certificate(der: bytes, anchors: Anchors, at: datetime) -> None:
    """Check a card's certificate at a moment: issuer and signature, validity, key usage; raise TrustError.

    What an anchor says of its own validity is not asked: trust in it is the operator's (RFC 5280, 6.1.1 d).
    """
    certificate = _parse(der)
    anchors.issuer_of(certificate)
    check_validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc, at)
    _check_key(certificate)


def check_validity(not_before: datetime, not_after: datetime, at: datetime) -> None:
    """Check that a moment lies within a validity, both ends included (RFC 5280, 4.1.2.5); raise TrustError."""
    if at > not_after:
        raise CertificateExpired(not_after)
    if at < not_before:
        raise CertificateNotYetValid(not_before)


def _pins(directory: Path | None) -> frozenset[bytes]:
    """Return the fingerprints that the operator added: SHA-256 in hex, one a line; raise AnchorError for a bad one."""
    path = None if directory is None else directory / PINS
    if path is None or not path.exists():
        return frozenset()
    lines = (line.partition("#")[0].replace(":", "").strip() for line in path.read_text("utf-8-sig").splitlines())
    try:
        pins = frozenset(bytes.fromhex(line) for line in lines if line)
    except ValueError as error:
        raise AnchorError(path) from error
    if any(len(pin) != SHA256.digest_size for pin in pins):
        raise AnchorError(path)
    return pins


def _keep(directory: Path, fingerprint: bytes, certificate: x509.Certificate) -> None:
    """Write what a card brought, whole or not at all; a directory that cannot be written keeps nothing."""
    path = directory / f"{fingerprint.hex()}.pem"
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(certificate.public_bytes(Encoding.PEM))
        draft.replace(path)


def _load(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AnchorError(path) from error


def _parse(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        _ = certificate.extensions
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise CertificateUnreadable("not a certificate") from error
    match key:
        case RSAPublicKey() if key.key_size >= MINIMUM_RSA_BITS:
            return certificate
        case EllipticCurvePublicKey(curve=SECP256R1() | SECP384R1()):
            return certificate
        case _:
            raise CertificateUnreadable("no card has such a key")


def _may_have_issued(anchor: x509.Certificate, certificate: x509.Certificate) -> bool:
    if anchor.subject != certificate.issuer:
        return False
    try:
        named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        own = anchor.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return True
    return named is None or named == own


def _check_key(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise WrongKeyUsage("no key usage") from None
    # The signing certificate of the same card has content commitment (nonRepudiation); it is never ours to take.
    if not usage.digital_signature or usage.content_commitment or usage.key_cert_sign:
        raise WrongKeyUsage("not for authentication")
