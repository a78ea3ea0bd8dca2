"""What the tests of the API play with: a card, a till with its journal, and the authority that issues cards."""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.japan import JST
from ledger.identity.registration import reference_to
from ledger.wire.answers import Inquiry
from ledger.wire.consent import consent_digest, consent_digest_2
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry, SignedEntry, entry_hash, operation_id
from ledger.wire.proof import key_bytes_of, proof_of
from ledger.wire.sealing import Purpose, seal
from ledger.wire.setup import TerminalSetup
from ledger.wire.tokens import CardReference, Presented, Registration, ServiceId

NOW = datetime(2026, 11, 23, 5, 5, tzinfo=UTC)
"""When the tests play: 14:05 in Japan."""

_CA_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])
_CA_KEY = ec.generate_private_key(ec.SECP384R1())


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@cache
def anchor() -> x509.Certificate:
    """Return the certificate of the authority that issues the tests' cards."""
    return x509.CertificateBuilder(_CA_NAME, _CA_NAME, _CA_KEY.public_key(), 1, NOW, NOW).sign(_CA_KEY, SHA256())


@dataclass(frozen=True, slots=True)
class Card:
    """A resident's card, with a P-384 key because that is made quickly."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def issue(cls, serial: int, at: datetime = NOW) -> Card:
        """Return a card with a serial number, valid at a time."""
        key = ec.generate_private_key(ec.SECP384R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "0000000000TEST")])
        builder = x509.CertificateBuilder(_CA_NAME, subject, key.public_key(), serial)
        builder = builder.not_valid_before(at - timedelta(days=300)).not_valid_after(at + timedelta(days=300))
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        return cls(key, builder.add_extension(usage, critical=True).sign(_CA_KEY, SHA256()))

    @property
    def reference(self) -> CardReference:
        """What a tap tells of the card."""
        return reference_to(self.certificate)

    @property
    def key_bytes(self) -> bytes:
        """What a tap reads at the card's public key."""
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        found = key_bytes_of(public)
        assert found is not None
        return found

    def sign(self, digest: bytes) -> str:
        """Return the card's signature (base64), as after a PIN."""
        return b64encode(self.key.sign(digest, ec.ECDSA(Prehashed(SHA256())))).decode()


@dataclass(slots=True)
class Till:
    """A terminal's journal, and how its entries are made."""

    setup: TerminalSetup
    key: Ed25519PrivateKey
    clock: Clock
    entries: list[SignedEntry] = field(default_factory=list)
    form: int = 2
    nonce: str = ""
    """What the next inquiry is proven with; a sale has none unless it is given one, as where the line was down."""
    day: str | None = None
    """The business day that its entries state, where it is not the clock's."""

    def __post_init__(self) -> None:
        self.nonce = self.nonce or self.setup.nonce

    @property
    def next_id(self) -> str:
        """The id that the next entry will have."""
        return operation_id(self.setup.terminal_id, len(self.entries) + 1)

    def record(self, content: dict[str, Any]) -> SignedEntry:
        """Append an entry to the journal and return it."""
        before = self.entries[-1].hash if self.entries else FIRST_PREVIOUS_HASH
        entry = Entry.model_validate(
            {
                "terminal_id": self.setup.terminal_id,
                "seq": len(self.entries) + 1,
                "at": self._at(),
                "operator": "12",
                "business_date": self._day(),
                **({} if self.form == 1 else {"form": self.form}),
                "content": content,
                "previous_hash": before,
            }
        )
        self.entries.append(self.signed(entry))
        return self.entries[-1]

    def signed(self, entry: Entry) -> SignedEntry:
        """Return an entry with its hash and the terminal's signature."""
        digest = entry_hash(entry.canonical())
        signature = b64encode(self.key.sign(bytes.fromhex(digest))).decode()
        return SignedEntry(entry=entry, hash=digest, signature=signature)

    def consent(self, card: Card, content: dict[str, Any], nonce: str) -> dict[str, Any]:
        """Return content with the card's signature over the entry that it is about to become."""
        if self.form == 1:
            signature = card.sign(consent_digest(self.next_id, self._at(), nonce, content))
            return {**content, "assurance": {"method": "pin", "nonce": nonce, "signature": signature}}
        content = {**content, "assurance": {"method": "pin"}}
        signature = card.sign(self.digest(content, nonce))
        return {**content, "resident": self.presented(card, self.next_id, nonce=nonce, signature=signature)}

    def digest(self, content: dict[str, Any], nonce: str, registered: dict[str, Any] | None = None) -> bytes:
        """Return what a card signs of the entry that content is about to become."""
        return consent_digest_2(self.next_id, self._at(), self._day(), nonce, content, registered)

    def link(self, card: Card, nonce: str, *services: ServiceId) -> dict[str, Any]:
        """Return a first registration."""
        der = b64encode(card.certificate.public_bytes(Encoding.DER)).decode()
        content = {"kind": "link", "municipality": "252034", "consent": True}
        key, terminal = self.setup.sealing_key, self.setup.terminal_id
        if self.form == 1:
            asked = Registration(certificate=der, services=list(services))
            sealed = seal(asked, Purpose.REGISTRATION, terminal, key)
            return self.consent(card, content | {"registration": sealed}, nonce)
        authority = b64encode(anchor().public_bytes(Encoding.DER)).decode()
        asked = Registration(certificate=der, services=list(services), nonce=nonce, authority=authority)
        content |= {"assurance": {"method": "pin"}}
        signature = card.sign(self.digest(content, nonce, asked.as_json()))
        asked = asked.model_copy(update={"signature": signature})
        return content | {"registration": seal(asked, Purpose.REGISTRATION, terminal, key, self.next_id)}

    def presented(
        self, card: Card, operation: str, *, nonce: str = "", signature: str | None = None, **changed: Any
    ) -> str:
        """Return what a tap presents for one operation, sealed; `changed` are fields that differ."""
        return self._seal(card, Purpose.OPERATION, operation, nonce, signature, **changed)

    def _seal(
        self,
        card: Card,
        purpose: Purpose,
        bound_to: str,
        nonce: str,
        signature: str | None = None,
        **changed: Any,
    ) -> str:
        terminal = self.setup.terminal_id
        fields: dict[str, Any] = {
            "token": {"kind": "jpki", **card.reference.as_json()},
            "nonce": nonce,
            "proof": proof_of(card.key_bytes, purpose, terminal, bound_to, nonce),
        }
        fields |= {} if signature is None else {"signature": signature}
        return seal(Presented(**(fields | changed)), purpose, terminal, self.setup.sealing_key, bound_to)

    def sale(self, card: Card, bill: int, redeem: int = 0, award: int = 0) -> dict[str, Any]:
        """Return a sale by tap alone."""
        legs = {"redeem": redeem, "award": award}
        return {
            "kind": "sale",
            "municipality": "252034",
            "resident": self._resident(card),
            "bill": bill,
            **{name: [{"programme": "252034", "points": points}] for name, points in legs.items() if points},
            "amount_due": bill - redeem,
            "rules": {"252034": 1},
            "assurance": {"method": "tap"},
        }

    def inquiry(self, card: Card) -> Inquiry:
        """Return the question what a card's holder has."""
        wanted = secrets.token_urlsafe(16)
        return Inquiry(id=wanted, resident=self._seal(card, Purpose.INQUIRY, wanted, self.nonce))

    def _resident(self, card: Card) -> str:
        if self.form == 1:
            return seal(card.reference, Purpose.OPERATION, self.setup.terminal_id, self.setup.sealing_key)
        return self.presented(card, self.next_id)

    def _day(self) -> str:
        return self.day or self.clock().astimezone(JST).date().isoformat()

    def _at(self) -> str:
        return self.clock().isoformat(timespec="seconds")
