"""Revocation lists: taken in when a trusted issuer signed them, whole, and never an older one after a newer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine, event

from ledger.database import open_engine
from ledger.identity.errors import IdentityRefusal
from ledger.identity.revocation import read
from ledger.identity.schema import metadata
from ledger.identity.schema import revoked as revoked_cards
from ledger.identity.store import Identity
from ledger.wire.answers import Standing
from ledger.wire.tokens import CardReference

ISSUED = datetime(2026, 11, 22, 15, tzinfo=UTC)
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])
KEY, OTHER_KEY = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())


@cache
def anchor(key: ec.EllipticCurvePrivateKey, name: x509.Name = NAME) -> x509.Certificate:
    """Return the self-signed certificate of an issuer."""
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, ISSUED, ISSUED + timedelta(days=3650))
    return builder.sign(key, SHA256())


def crl(
    serials: Sequence[int],
    *,
    issued: datetime = ISSUED,
    key: ec.EllipticCurvePrivateKey = KEY,
    extension: x509.ExtensionType | None = None,
) -> bytes:
    """Return a revocation list (DER) with these serial numbers."""
    builder = x509.CertificateRevocationListBuilder(NAME, issued, issued + timedelta(days=2))
    for serial in serials:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, issued).build())
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def point(name: str) -> x509.IssuingDistributionPoint:
    """Return what marks a list as that of one distribution point."""
    uri = x509.UniformResourceIdentifier(f"ldap://example/{name}")
    return x509.IssuingDistributionPoint([uri], None, False, False, None, False, False)


def reference(serial: int) -> CardReference:
    """Return what a terminal says of a card of the test issuer."""
    return CardReference(issuer_sha256=sha256(NAME.public_bytes()).hexdigest(), serial=f"{serial:x}")


@pytest.fixture
def identity(database_url: str) -> Iterator[Identity]:
    """Yield an empty ID table."""
    engine = open_engine(database_url)
    metadata.create_all(engine)
    yield Identity(engine, b"s" * 32)
    engine.dispose()


def revoked(identity: Identity, serials: Sequence[int]) -> set[int]:
    """Return which of these serial numbers stand as revoked."""
    cards = {reference(serial): serial for serial in serials}
    return {cards[card] for card, found in identity.look_up(cards).items() if found.standing is Standing.REVOKED}


def test_a_list_stops_its_cards_registered_or_not(identity: Identity) -> None:
    """Both a holder's card and one that nobody registered are revoked, and cannot be registered."""
    identity.register(reference(1), b"key", [], ISSUED.date())
    assert identity.replace_revocations(read(crl([1, 2]), [anchor(KEY)])) == 2
    assert revoked(identity, [1, 2, 3]) == {1, 2}
    with pytest.raises(IdentityRefusal, match="card_revoked"):
        identity.register(reference(2), b"key", [], ISSUED.date())


def test_a_newer_list_replaces_the_older_and_never_the_other_way(identity: Identity) -> None:
    """A card that was on hold comes back; yesterday's file, taken in by mistake, does not count."""
    identity.replace_revocations(read(crl([1, 2]), [anchor(KEY)]))
    newer = read(crl([2, 3], issued=ISSUED + timedelta(days=1)), [anchor(KEY)])
    identity.replace_revocations(newer)
    identity.replace_revocations(newer)
    with pytest.raises(IdentityRefusal, match="revocation_list_old"):
        identity.replace_revocations(read(crl([1]), [anchor(KEY)]))
    assert revoked(identity, [1, 2, 3]) == {2, 3}


def test_what_ended_on_a_list_stays_revoked(identity: Identity) -> None:
    """The authority drops a card from its list once its certificate has ended (RFC 5280, 3.3)."""
    dropped = ISSUED + timedelta(days=1)
    for serial, ends in ((1, dropped), (2, dropped + timedelta(seconds=1)), (3, None)):
        identity.register(reference(serial), b"key", [], ISSUED.date(), ends=ends)
    identity.replace_revocations(read(crl([1, 2, 3]), [anchor(KEY)]))
    for days in (1, 2):
        identity.replace_revocations(read(crl([], issued=ISSUED + timedelta(days=days)), [anchor(KEY)]))
        assert revoked(identity, [1, 2, 3]) == {1, 3}, "that of which no end is known stays too"


def test_lists_of_other_points_and_generations_stand_beside_it(identity: Identity) -> None:
    """A list replaces that of its own distribution point and key; a card on two of them stays on the other."""
    anchors = [anchor(KEY), anchor(OTHER_KEY)]
    for data in (crl([1], extension=point("a")), crl([1, 2], extension=point("b")), crl([3], key=OTHER_KEY)):
        identity.replace_revocations(read(data, anchors))
    assert revoked(identity, [1, 2, 3, 4]) == {1, 2, 3}
    identity.replace_revocations(read(crl([], issued=ISSUED + timedelta(days=1), extension=point("a")), anchors))
    assert revoked(identity, [1, 2, 3, 4]) == {1, 2, 3}


def test_pem_is_read_too() -> None:
    """What a mail brought as text is the same list."""
    data = x509.load_der_x509_crl(crl([7])).public_bytes(Encoding.PEM)
    assert list(read(data, [anchor(KEY)]).serials) == [7]


_OTHER_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Other CA")])


@pytest.mark.parametrize(
    ("data", "anchors", "code"),
    [
        (b"", [anchor(KEY)], "revocation_list_unreadable"),
        (b"rubbish", [anchor(KEY)], "revocation_list_unreadable"),
        (b"-----BEGIN X509 CRL-----\n", [anchor(KEY)], "revocation_list_unreadable"),
        (crl([1])[:-4], [anchor(KEY)], "revocation_list_unreadable"),
        (crl([1], extension=x509.DeltaCRLIndicator(1)), [anchor(KEY)], "revocation_list_unreadable"),
        (crl([1]), [], "revocation_list_untrusted"),
        (crl([1]), [anchor(OTHER_KEY)], "revocation_list_untrusted"),
        (crl([1]), [anchor(KEY, _OTHER_NAME)], "revocation_list_untrusted"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(data: bytes, anchors: list[x509.Certificate], code: str) -> None:
    """Damaged, partial, or signed by somebody else: nothing of it is taken in."""
    with pytest.raises(IdentityRefusal, match=code):
        read(data, anchors)


def test_looking_up_takes_two_queries_for_any_number_of_cards(identity: Identity) -> None:
    """However many cards an upload names, and however long the list, the look goes through the index twice."""
    identity.replace_revocations(read(crl(range(1, 2000)), [anchor(KEY)]))
    statements: list[str] = []

    def note(*call: Any) -> None:
        statements.append(call[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert len(revoked(identity, range(1990, 2100))) == 10
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len([each for each in statements if each.startswith("SELECT")]) == 2
    assert next(iter(revoked_cards.primary_key)).name == "card_key"
