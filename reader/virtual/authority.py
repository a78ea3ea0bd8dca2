"""The test authorities: they issue certificates built like the real ones, each of which says that it is a test.

Their keys and the cards' lie beside this module, public on purpose, so that every process issues the very same
certificates and practice starts without making keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CardKey = RSAPrivateKey | EllipticCurvePrivateKey
"""What a card signs with: RSA 2048 today, P-384 in the announced generation."""

_KEYS = Path(__file__).parent / "keys"
_VALIDITY = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC))
_POLICY = ObjectIdentifier("2.25.1834110662514058")
"""An arc that anybody may use (X.667)."""


@cache
def load_card_key(name: str) -> CardKey:
    """Return one of the test keys."""
    key = load_pem_private_key((_KEYS / f"{name}.pem").read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, CardKey):
        raise TypeError(f"{name} is no key of a card")
    return key


def _name(*attributes: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])


_ISSUER = _name(
    (NameOID.COUNTRY_NAME, "JP"),
    (NameOID.ORGANIZATION_NAME, "Kazasu TEST"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "TEST for user authentication"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "TEST authority of the virtual card of Kazasu"),
)
"""As many parts as the real authority's name has, and about as long."""

_JAPANESE = _name(
    (NameOID.COUNTRY_NAME, "JP"),
    (NameOID.ORGANIZATION_NAME, "かざす試験用"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "公的個人認証サービスではありません"),
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A test authority, by the name of its key."""

    key_name: str

    @property
    def certificate(self) -> x509.Certificate:
        """Its own certificate, which an operator would add to the anchors."""
        return _ca_certificate(self.key_name)

    @property
    def pem(self) -> bytes:
        """The same as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, key: CardKey, serial: int, not_before: datetime, not_after: datetime) -> x509.Certificate:
        """Return a user-authentication certificate, the same for the same arguments."""
        holder = _name((NameOID.COUNTRY_NAME, "JP"), (NameOID.COMMON_NAME, f"TEST{serial:08X}TEST13100A"))
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (_key_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
            (x509.CertificatePolicies([x509.PolicyInformation(_POLICY, ["https://kazasu.invalid/test-policy"])]), True),
            (x509.IssuerAlternativeName([x509.DirectoryName(_JAPANESE)]), False),
            (x509.CRLDistributionPoints([_distribution_point()]), False),
            (x509.AuthorityInformationAccess([_status_service()]), False),
            (_authority_key_identifier(self.certificate), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        ]
        return _sign(self.key_name, holder, key, serial, (not_before, not_after), extensions)


TEST_CA = Authority("ca")
"""The authority of practice mode."""

OTHER_CA = Authority("other-ca")
"""One of the same name with another key, as an impostor would have."""


@cache
def _ca_certificate(key_name: str) -> x509.Certificate:
    key = load_card_key(key_name)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (_key_usage("key_cert_sign", "crl_sign"), True),
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    return _sign(key_name, _ISSUER, key, 1, _VALIDITY, extensions)


def _sign(
    authority: str,
    subject: x509.Name,
    key: CardKey,
    serial: int,
    validity: tuple[datetime, datetime],
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    builder = x509.CertificateBuilder(_ISSUER, subject, key.public_key(), serial, *validity)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(load_card_key(authority), SHA256())


def _key_usage(*usages: str) -> x509.KeyUsage:
    known = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{usage: usage in usages for usage in (*known, *more)})


def _distribution_point() -> x509.DistributionPoint:
    directory = _name(
        (NameOID.COUNTRY_NAME, "JP"),
        (NameOID.ORGANIZATION_NAME, "Kazasu TEST"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "TEST for user authentication"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "TEST revocation lists"),
        (NameOID.COMMON_NAME, "TEST revocation list of the virtual card"),
    )
    return x509.DistributionPoint([x509.DirectoryName(directory)], None, None, None)


def _status_service() -> x509.AccessDescription:
    place = x509.UniformResourceIdentifier("http://ocsp.kazasu.invalid/")
    return x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)


def _authority_key_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
