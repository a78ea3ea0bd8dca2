"""Who and what there is: two towns that take each other's points, four terminals in three shops, six residents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.wire.rules import (
    AwardReason,
    DaysAfterAward,
    DaysAfterUse,
    Earning,
    FiscalYearEnd,
    Name,
    Programme,
    Rate,
    Redeeming,
    Returning,
    Usable,
)
from ledger.wire.setup import Shop
from reader.certificate import parse_head
from reader.public_key import key_proof
from reader.tap import JpkiCard, Tap
from reader.virtual.authority import TEST_CA, load_card_key
from reader.virtual.cards import CardDesign

NORTH, SOUTH = "252034", "131164"
"""Two municipalities."""

STREET = "252034-MIHON"
"""A shopping street's points, under the first."""

TOWNS: Final = (NORTH, SOUTH)

SHOPS: Final = (
    Shop(code="252034-0001", name="見本商店"),
    Shop(code="252034-0002", name="深夜食堂", day_starts_at=5),
    Shop(code="131164-0001", name="となり商店"),
)
"""The second one closes after midnight."""

TERMINALS: Final = (SHOPS[0], SHOPS[0], SHOPS[1], SHOPS[2])
"""The shop of each terminal: two of them are sisters."""

RULES_SINCE: Final = date(2026, 4, 1)


@dataclass(frozen=True)
class Card:
    """A resident's card: its key, and the certificate that the test authority issued."""

    serial: int
    key_name: str

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate."""
        return x509.load_der_x509_certificate(CardDesign(self.serial, self.key_name).certificate)

    @cached_property
    def public_key(self) -> bytes:
        """The public key (DER)."""
        return self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @cached_property
    def tap(self) -> Tap:
        """What a proven reading gives."""
        head = parse_head(self.certificate.public_bytes(Encoding.DER))
        return Tap(JpkiCard(head, key_proof(self.public_key)), exchanges=3, bytes_read=0)

    def sign(self, digest: bytes) -> bytes:
        """Return the card's signature over a digest, as after a PIN."""
        key = load_card_key(self.key_name)
        assert isinstance(key, RSAPrivateKey)
        return key.sign(digest, PKCS1v15(), Prehashed(SHA256()))


CARDS: Final = tuple(
    Card(0x0C000001 + number, name)
    for number, name in enumerate(("two-towns", "visitor", "expired", "revoked", "blocked", "normal"))
)
"""Each resident's card; the names are those of the keys, which lie in the project."""

AUTHORITY: Final = TEST_CA


def programmes() -> tuple[Programme, ...]:
    """Return the rules: tight limits, so that every day meets them; lots that lapse within weeks."""
    return (
        Programme(
            code=NORTH,
            name=Name(ja="長浜市ポイント", en="Nagahama"),
            version=1,
            effective_from=RULES_SINCE,
            deduction_order=10,
            earning=Earning(yen_per_point=100, per_day=60),
            reasons={"visit": AwardReason(name=Name(ja="来館", en="Visit"), up_to=500)},
            redeeming=Redeeming(per_day=500, per_operation=400, tap_ceiling=200),
            expiry=FiscalYearEnd(rule="fiscal_year_end", years=1),
            usable=Usable(also_in=(SOUTH,)),
            convert=(Rate(to=STREET, take=10, give=11, since=RULES_SINCE),),
        ),
        Programme(
            code=STREET,
            name=Name(ja="見本商店街ポイント", en="Mihon"),
            version=1,
            effective_from=RULES_SINCE,
            deduction_order=20,
            earning=Earning(yen_per_point=110),
            redeeming=Redeeming(minimum=5, per_day=300, tap_ceiling=300),
            expiry=DaysAfterUse(rule="days_after_use", days=10),
            overdraft=True,
        ),
        Programme(
            code=SOUTH,
            name=Name(ja="豊島区ポイント", en="Toshima"),
            version=1,
            effective_from=RULES_SINCE,
            deduction_order=10,
            earning=Earning(yen_per_point=50),
            reasons={"visit": AwardReason(name=Name(ja="来館", en="Visit"), points=30)},
            redeeming=Redeeming(per_day=400, per_month=3_000, tap_ceiling=400),
            expiry=DaysAfterAward(rule="days_after_award", days=12),
            usable=Usable(also_in=(NORTH,)),
            returning=Returning(lapsed="extend", days=3),
        ),
    )


PROGRAMMES: Final = {each.code: each for each in programmes()}

HOLDINGS: Final = (
    (NORTH, date(2027, 3, 31), 3_000),
    (NORTH, date(2028, 3, 31), 20_000),
    (SOUTH, date(2027, 12, 1), 9_000),
)
"""What each resident has at the beginning."""
