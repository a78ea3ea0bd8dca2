"""Registration: a card is admitted when an authority vouches for it, it signed, and nobody typed a My Number."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from config.trust import PINS, AnchorError, Anchors
from ledger.database import open_engine
from ledger.identity.errors import IdentityRefusal
from ledger.identity.registration import Registrar, reference_to
from ledger.identity.schema import metadata
from ledger.identity.store import Identity
from ledger.wire.answers import Standing
from ledger.wire.tokens import Registration, ServiceId

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
DIGEST = bytes(range(32))
CA_KEY, CARD_KEY = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
CA_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])


def certificate(
    *, key: ec.EllipticCurvePrivateKey = CA_KEY, days: int = 100, signing: bool = False, serial: int = 0x01F3A9C2
) -> x509.Certificate:
    """Return a card's certificate, as a test authority issues it."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "0000000000TEST")])
    start = NOW - timedelta(days=300)
    builder = x509.CertificateBuilder(CA_NAME, subject, CARD_KEY.public_key(), serial)
    builder = builder.not_valid_before(start).not_valid_after(NOW + timedelta(days=days))
    usage = x509.KeyUsage(True, signing, False, False, False, False, False, False, False)
    return builder.add_extension(usage, critical=True).sign(key, SHA256())


ANCHOR = x509.CertificateBuilder(CA_NAME, CA_NAME, CA_KEY.public_key(), 1, NOW, NOW).sign(CA_KEY, SHA256())
GOOD = certificate()
SIGNATURE = b64encode(CARD_KEY.sign(DIGEST, ec.ECDSA(Prehashed(SHA256())))).decode()


def registration(of: x509.Certificate = GOOD, *services: ServiceId) -> Registration:
    """Return what a terminal seals."""
    return Registration(certificate=b64encode(of.public_bytes(Encoding.DER)).decode(), services=list(services))


@pytest.fixture
def registrar(tmp_path: Path) -> Iterator[Registrar]:
    """Yield a registrar with an empty ID table that trusts the test authority."""
    engine = open_engine(f"sqlite:///{tmp_path / 'identity.db'}")
    metadata.create_all(engine)
    yield Registrar(Identity(engine, b"s" * 32), Anchors((ANCHOR,)))
    engine.dispose()


def test_a_card_that_is_vouched_for_and_signed_is_registered(registrar: Registrar) -> None:
    """The terminal's later taps, which read issuer and serial alone, find it."""
    mykey = registrar.register(registration(), digest=DIGEST, signature=SIGNATURE, now=NOW, today=NOW.date())
    reference = reference_to(GOOD)
    holder = registrar.identity.look_up([reference])[reference]
    assert (holder.standing, holder.mykey) == (Standing.ACTIVE, mykey)


@pytest.mark.parametrize(
    ("asked", "signature", "code"),
    [
        (Registration(certificate=""), SIGNATURE, "certificate_unreadable"),
        (Registration(certificate="A"), SIGNATURE, "certificate_unreadable"),
        (registration(certificate(days=-1)), SIGNATURE, "certificate_expired"),
        (registration(certificate(key=CARD_KEY)), SIGNATURE, "bad_signature"),
        (registration(certificate(signing=True)), SIGNATURE, "wrong_key_usage"),
        (registration(), "AAAA", "consent_wrong"),
        (registration(GOOD, ServiceId(service="library", number="123456789018")), SIGNATURE, "my_number_refused"),
    ],
)
def test_everything_else_is_refused(registrar: Registrar, asked: Registration, signature: str, code: str) -> None:
    """Each refusal has its code and leaves nothing behind."""
    with pytest.raises(IdentityRefusal, match=f"^{code}$"):
        registrar.register(asked, digest=DIGEST, signature=signature, now=NOW, today=NOW.date())
    reference = reference_to(GOOD)
    assert registrar.identity.look_up([reference])[reference].standing is Standing.UNREGISTERED


def pinned(directory: Path, of: x509.Certificate = ANCHOR) -> Anchors:
    """Return anchors of which an operator wrote the fingerprint alone down."""
    directory.mkdir(exist_ok=True)
    printed = of.fingerprint(SHA256()).hex(":").upper()
    (directory / PINS).write_text(f"\ufeff# the authority\n{printed}  # since 2026\n\n", encoding="utf-8")
    return Anchors.load(directory)


def brought(authority: x509.Certificate) -> Registration:
    """Return a registration that brings the authority's certificate, as the card carries it."""
    der = b64encode(authority.public_bytes(Encoding.DER)).decode()
    return registration().model_copy(update={"authority": der})


def test_a_fingerprint_vouches_for_the_authority_that_the_card_brings(registrar: Registrar, tmp_path: Path) -> None:
    """It is kept, so that the next card need not bring it, in this process or another, and lists of it are believed."""
    anchors = pinned(tmp_path / "anchors")
    assert anchors.certificates == ()
    trusting, other = Registrar(registrar.identity, anchors), Registrar(registrar.identity, anchors)
    told: Any = {"digest": DIGEST, "signature": SIGNATURE, "now": NOW, "today": NOW.date()}
    with pytest.raises(IdentityRefusal, match=r"^wrong_issuer$"):
        trusting.register(registration(), **told)
    mykey = trusting.register(brought(ANCHOR), **told)
    assert other.register(registration(), **told) == mykey
    assert Anchors.load(tmp_path / "anchors").certificates == (ANCHOR,)


def test_another_authority_is_not_believed(registrar: Registrar, tmp_path: Path) -> None:
    """A made-up one of the same name, one that is no certificate, or a fingerprint that is another's."""
    forged = x509.CertificateBuilder(CA_NAME, CA_NAME, CARD_KEY.public_key(), 1, NOW, NOW).sign(CARD_KEY, SHA256())
    told: Any = {"digest": DIGEST, "signature": SIGNATURE, "now": NOW, "today": NOW.date()}
    for anchors, asked, code in (
        (pinned(tmp_path / "a"), brought(forged), "wrong_issuer"),
        (pinned(tmp_path / "b"), registration().model_copy(update={"authority": "AAAA"}), "certificate_unreadable"),
        (pinned(tmp_path / "c", forged), brought(ANCHOR), "wrong_issuer"),
        (pinned(tmp_path / "d", forged), brought(forged), "bad_signature"),
    ):
        with pytest.raises(IdentityRefusal, match=f"^{code}$"):
            Registrar(registrar.identity, anchors).register(asked, **told)


def test_a_directory_that_cannot_be_written_keeps_nothing(registrar: Registrar, tmp_path: Path) -> None:
    """The card is registered all the same."""
    anchors = replace(pinned(tmp_path / "anchors"), directory=tmp_path / "anchors" / PINS / "no folder")
    trusting = Registrar(registrar.identity, anchors)
    assert trusting.register(brought(ANCHOR), digest=DIGEST, signature=SIGNATURE, now=NOW, today=NOW.date())


@pytest.mark.parametrize("content", ["zz", "abcd", "64114F29"])
def test_a_fingerprint_that_is_none_is_said(tmp_path: Path, content: str) -> None:
    """At once, and not at the first card."""
    (tmp_path / PINS).write_text(content)
    with pytest.raises(AnchorError):
        Anchors.load(tmp_path)


def test_a_renewed_card_is_the_same_person_and_the_old_one_nobody(registrar: Registrar) -> None:
    """After a renewal the old card does not register anew as a second person."""
    told: Any = {"digest": DIGEST, "signature": SIGNATURE, "now": NOW, "today": NOW.date()}
    mykey = registrar.register(registration(), **told)
    code = registrar.identity.renewal_code(mykey, NOW.date())
    newer = certificate(serial=0x02)
    asked = registration(newer, ServiceId(service="renewal", number=code))
    assert registrar.register(asked, **told) == mykey
    with pytest.raises(IdentityRefusal, match=r"^card_superseded$"):
        registrar.register(registration(), **told)


def test_an_authority_that_is_not_at_hand_vouches_for_nobody(registrar: Registrar) -> None:
    """Without anchors nothing is accepted."""
    with pytest.raises(IdentityRefusal, match="wrong_issuer"):
        Registrar(registrar.identity, Anchors()).register(
            registration(), digest=DIGEST, signature=SIGNATURE, now=NOW, today=NOW.date()
        )
