"""Trust in a card's certificate: its issuer by key and signature, never by name alone; its validity; its purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from config.trust import PINNED, AnchorError, Anchors, TrustError, WrongIssuer, check_certificate

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "authority")])
OTHER_NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "another")])
KEY, OTHER_KEY, HOLDER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def _usage(**more: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    none = dict.fromkeys((*names, "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**{**none, **more})


FOR_AUTHENTICATION = _usage(digital_signature=True)


def _identifier(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _anchor(
    key: ec.EllipticCurvePrivateKey = KEY, name: x509.Name = NAME, *, identified: bool = True
) -> x509.Certificate:
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - 10 * DAY, NOW - 5 * DAY)
    if identified:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(key, SHA256())


def _certificate(
    key: ec.EllipticCurvePrivateKey = KEY,
    *,
    issuer: x509.Name = NAME,
    usage: x509.KeyUsage | None = FOR_AUTHENTICATION,
    identifier: x509.AuthorityKeyIdentifier | None = None,
    holder: PublicKey = HOLDER.public_key(),  # noqa: B008  # a key is a value
) -> bytes:
    builder = x509.CertificateBuilder(issuer, OTHER_NAME, holder, 7, NOW - DAY, NOW + DAY)
    for extension, critical in ((usage, True), (identifier, False)):
        if extension is not None:
            builder = builder.add_extension(extension, critical)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def _code(der: bytes, anchors: list[x509.Certificate], at: datetime = NOW) -> str | None:
    try:
        check_certificate(der, Anchors(tuple(anchors)), at)
    except TrustError as error:
        return error.code
    return None


def _of(holder: PublicKey) -> bytes:
    return _certificate(holder=holder)


ISSUERS: dict[str, tuple[bytes, list[x509.Certificate], str | None]] = {
    "by name and signature": (_certificate(), [_anchor()], None),
    "by identifier": (_certificate(identifier=_identifier(KEY)), [_anchor()], None),
    "second generation, by identifier": (
        _certificate(identifier=_identifier(KEY)),
        [_anchor(OTHER_KEY), _anchor()],
        None,
    ),
    "newer, by signature": (_certificate(), [_anchor(OTHER_KEY), _anchor()], None),
    "anchor without identifier": (_certificate(identifier=_identifier(KEY)), [_anchor(identified=False)], None),
    "no anchors": (_certificate(), [], "wrong_issuer"),
    "another's key of ours": (_certificate(), [_anchor(name=OTHER_NAME)], "wrong_issuer"),
    "another's name": (_certificate(issuer=OTHER_NAME), [_anchor()], "wrong_issuer"),
    "unknown generation": (_certificate(identifier=_identifier(OTHER_KEY)), [_anchor()], "wrong_issuer"),
    "impostor": (_certificate(OTHER_KEY), [_anchor()], "bad_signature"),
    "impostor with identifier": (_certificate(OTHER_KEY, identifier=_identifier(KEY)), [_anchor()], "bad_signature"),
}
"""Certificates, the anchors at hand, and what comes of it."""


@pytest.mark.parametrize("case", ISSUERS)
def test_an_issuer_is_known_by_its_key_and_never_by_its_name_alone(case: str) -> None:
    """Authorities that share a name are told apart by key, and a signature is believed only when it verifies."""
    der, anchors, code = ISSUERS[case]
    assert _code(der, anchors) == code


USES: dict[str, tuple[bytes, str | None]] = {
    "authentication": (_certificate(usage=FOR_AUTHENTICATION), None),
    "no usage": (_certificate(usage=None), "wrong_key_usage"),
    "other usage": (_certificate(usage=_usage(key_agreement=True)), "wrong_key_usage"),
    "signing": (_certificate(usage=_usage(digital_signature=True, content_commitment=True)), "wrong_key_usage"),
    "authority": (_certificate(usage=_usage(digital_signature=True, key_cert_sign=True)), "wrong_key_usage"),
    "RSA 2048": (_of(rsa.generate_private_key(65537, 2048).public_key()), None),
    "P-384": (_of(ec.generate_private_key(ec.SECP384R1()).public_key()), None),
    "RSA 1024": (
        _of(rsa.generate_private_key(65537, 1024).public_key()),  # noqa: S505  # it is to be refused
        "certificate_unreadable",
    ),
    "secp256k1": (_of(ec.generate_private_key(ec.SECP256K1()).public_key()), "certificate_unreadable"),
    "Ed25519": (_of(ed25519.Ed25519PrivateKey.generate().public_key()), "certificate_unreadable"),
    "nothing": (b"", "certificate_unreadable"),
    "too long": (_certificate() + b"\0", "certificate_unreadable"),
    "too short": (_certificate()[:-1], "certificate_unreadable"),
}
"""Certificates of the known authority, and what comes of it."""


@pytest.mark.parametrize("case", USES)
def test_only_a_certificate_for_authentication_with_a_fit_key_is_accepted(case: str) -> None:
    """The signing certificate of the same card, weak keys and broken bytes each have their code."""
    der, code = USES[case]
    assert _code(der, [_anchor()]) == code


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW - DAY - timedelta(seconds=1), "certificate_not_yet_valid"),
        (NOW - DAY, None),
        (NOW + DAY, None),
        (NOW + DAY + timedelta(seconds=1), "certificate_expired"),
    ],
)
def test_validity_is_asked_of_the_certificate_and_not_of_the_anchor(at: datetime, code: str | None) -> None:
    """Both ends count; the anchor, which here ended long ago, is trusted for being named."""
    assert _code(_certificate(), [_anchor()], at) == code


def test_a_flipped_bit_is_a_bad_signature() -> None:
    """Nothing that was signed may change."""
    der = bytearray(_certificate())
    der[der.index(b"another") + 2] ^= 1
    assert _code(bytes(der), [_anchor()]) == "bad_signature"


def test_operators_add_authorities_as_files(tmp_path: Path) -> None:
    """Every PEM file of the directory counts, also with several certificates in it, and one named beside it."""
    beside = tmp_path / "beside.crt"
    beside.write_bytes(_anchor(name=OTHER_NAME).public_bytes(Encoding.PEM))
    (tmp_path / "two.pem").write_bytes(b"".join(a.public_bytes(Encoding.PEM) for a in (_anchor(), _anchor(OTHER_KEY))))
    assert len(Anchors.load(tmp_path, beside).certificates) == 3
    assert Anchors.load(tmp_path / "nowhere").certificates == ()
    assert Anchors.load().pins == PINNED


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"])
def test_a_file_that_is_no_authority_is_named(tmp_path: Path, content: bytes) -> None:
    """An operator's mistake stops the start and says which file."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(content)
    with pytest.raises(AnchorError) as raised:
        Anchors.load(tmp_path)
    assert raised.value.path == wrong


def test_an_authority_that_a_card_brings_is_taken_by_its_fingerprint_alone_and_kept(tmp_path: Path) -> None:
    """A pinned one is written down for the next start; any other is refused, whatever its name."""
    anchor, impostor = _anchor(), _anchor(OTHER_KEY)
    anchors = Anchors(pins=frozenset({anchor.fingerprint(SHA256())}), directory=tmp_path / "anchors")
    with pytest.raises(WrongIssuer):
        anchors.admit(impostor.public_bytes(Encoding.DER))
    assert anchors.admit(anchor.public_bytes(Encoding.DER)).certificates == (anchor,)
    assert Anchors.load(tmp_path / "anchors").certificates == (anchor,)
