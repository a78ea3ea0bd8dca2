"""Reads an issuer's revocation list (X.509 CRL, RFC 5280, 5), once it is known to be the issuer's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from ledger.identity.errors import IdentityRefusal


@dataclass(frozen=True, slots=True)
class RevocationList:
    """The cards that an issuer revoked. `issuer` is SHA-256 of its DER name, `issued` in seconds since 1970.

    `scope` is what a newer list replaces: that of one key of the issuer, whole or for one of its distribution points.
    """

    issuer: bytes
    scope: bytes
    issued: int
    serials: Iterable[int]


@dataclass(frozen=True, slots=True)
class _Serials:
    """The serial numbers of a list, one at a time whenever they are asked for: there may be millions."""

    crl: x509.CertificateRevocationList

    def __iter__(self) -> Iterator[int]:
        return (entry.serial_number for entry in self.crl)


def read(data: bytes, anchors: Sequence[x509.Certificate]) -> RevocationList:
    """Return a list given as PEM or DER.

    Raise IdentityRefusal with code `revocation_list_unreadable` (damaged, or a delta of another list) or
    `revocation_list_untrusted` (no anchor's signature).
    """
    try:
        is_pem = data.lstrip().startswith(b"-----")
        crl = x509.load_pem_x509_crl(data) if is_pem else x509.load_der_x509_crl(data)
        extensions = {extension.oid: extension.value for extension in crl.extensions}
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise IdentityRefusal("revocation_list_unreadable") from None
    if ExtensionOID.DELTA_CRL_INDICATOR in extensions:
        raise IdentityRefusal("revocation_list_unreadable")
    signer = next((anchor for anchor in anchors if _is_by(crl, anchor)), None)
    if signer is None:
        raise IdentityRefusal("revocation_list_untrusted")
    issuer = crl.issuer.public_bytes()
    point = extensions.get(ExtensionOID.ISSUING_DISTRIBUTION_POINT)
    key = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    scope = issuer + key + (b"" if point is None else point.public_bytes())
    return RevocationList(
        issuer=hashlib.sha256(issuer).digest(),
        scope=hashlib.sha256(scope).digest(),
        issued=int(crl.last_update_utc.timestamp()),
        serials=_Serials(crl),
    )


def _is_by(crl: x509.CertificateRevocationList, anchor: x509.Certificate) -> bool:
    # All generations of the issuer share one name: the signature tells them apart.
    if crl.issuer != anchor.subject:
        return False
    try:
        return crl.is_signature_valid(anchor.public_key())  # type: ignore[arg-type]  # any other key raises TypeError
    except (InvalidSignature, TypeError, UnsupportedAlgorithm):
        return False
