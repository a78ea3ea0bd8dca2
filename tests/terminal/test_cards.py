"""What the counter's tasks ask of a card: counted over every power-up, and about one card from tap to signature."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate

from config.trust import Anchors
from reader.connection import Connection, Meter
from reader.errors import CardChanged
from reader.practice import PracticeSource
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS
from terminal.shop.cards import Cards

DIGEST = bytes(range(32))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Counted(PracticeSource):
    """Practice cards whose exchanges are counted, one number for each power-up."""

    def __init__(self) -> None:
        super().__init__({name: design.make() for name, design in DESIGNS.items()})
        self.exchanges: list[int] = []

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Power the card up, and count."""
        with super().connect() as connection:
            meter = Meter(connection)
            try:
                yield meter
            finally:
                self.exchanges.append(meter.apdu_count)


def _cards() -> tuple[Counted, Cards]:
    source = Counted()
    return source, Cards(source, Anchors().with_certificates([TEST_CA.certificate]), lambda: NOW)


@pytest.mark.parametrize("name", ["two-towns", "next-generation"])
def test_a_sale_with_pin_takes_eleven_exchanges_in_three_power_ups(name: str) -> None:
    """Tap, tries, signature: 3, 3 and 5; a card of the next generation signs without being configured."""
    source, cards = _cards()
    source.tap(name)
    tap = cards.read(1)
    assert tap.token.key is not None
    assert cards.tries_left(1) == 3
    signature = cards.sign(1, bytearray(b"1234"), DIGEST, last_try=False)
    assert source.exchanges == [3, 3, 5]
    key = load_der_x509_certificate(DESIGNS[name].certificate).public_key()
    if isinstance(key, RSAPublicKey):
        key.verify(signature, DIGEST, PKCS1v15(), Prehashed(SHA256()))
    else:
        assert isinstance(key, EllipticCurvePublicKey)
        key.verify(signature, DIGEST, ECDSA(Prehashed(SHA256())))


def test_a_registration_reads_the_whole_certificate_and_is_a_proven_tap_too() -> None:
    """The tap that comes with it is the one that `read` gives."""
    source, cards = _cards()
    source.tap("visitor")
    whole = cards.read_whole(1)
    assert whole.certificate.der == DESIGNS["visitor"].certificate
    assert whole.tap.token == cards.read(1).token
    assert len(cards.sign(1, bytearray(b"1234"), DIGEST, last_try=False)) == 256


def test_a_task_is_about_the_card_that_it_began_with() -> None:
    """Another card, or the card of an earlier task, is neither asked for its tries nor sent a PIN."""
    source, cards = _cards()
    source.tap("two-towns")
    cards.read(1)
    source.tap("visitor")
    pin = bytearray(b"1234")
    with pytest.raises(CardChanged):
        cards.tries_left(1)
    with pytest.raises(CardChanged):
        cards.sign(1, pin, DIGEST, last_try=False)
    assert pin == bytes(4)
    assert source.exchanges == [3, 2, 2]
    with pytest.raises(CardChanged):
        cards.sign(2, bytearray(b"1234"), DIGEST, last_try=False)


@pytest.mark.parametrize("name", ["visitor", "two-towns"])
def test_no_bytes_of_the_key_stay_behind_a_tap(name: str) -> None:
    """What the card is known by afterwards is its head; it still signs."""
    source, cards = _cards()
    source.tap(name)
    tap = cards.read(1)
    key = tap.token.key
    assert key is not None
    assert len(key.secret) == 32
    kept = cards._tap
    assert kept is not None
    assert kept.token.key is not None
    assert (kept.token.key.secret, kept.token.key.info) == (b"", b"")
    assert key.secret not in pickle.dumps(kept)
    assert cards.sign(1, bytearray(b"1234"), DIGEST, last_try=False)
