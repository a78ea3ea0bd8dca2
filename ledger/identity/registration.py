"""Admits a resident: the ledger itself checks the whole certificate and the card's signature, and only then writes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.my_number import looks_like_my_number
from config.trust import Anchors, TrustError, WrongIssuer, check_certificate
from ledger.identity.errors import IdentityRefusal
from ledger.identity.store import Identity
from ledger.wire.consent import is_signed
from ledger.wire.tokens import CardReference, Registration


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers cards whose certificate an anchor vouches for."""

    identity: Identity
    anchors: Anchors

    def register(
        self,
        registration: Registration,
        *,
        digest: bytes,
        signature: str,
        now: datetime,
        today: date,
        municipality: str = "",
        linkable: Container[str] | None = None,
    ) -> str:
        """Register the card that signed `digest` at a shop of a town, and return its MyKey ID.

        Raise IdentityRefusal with a code of `config.trust`, of `Identity.register`, `consent_wrong`, or
        `my_number_refused`.
        """
        try:
            der = base64.b64decode(registration.certificate, validate=True)
            self._check(der, registration.authority, now)
        except TrustError as error:
            raise IdentityRefusal(error.code) from None
        except ValueError:
            raise IdentityRefusal("certificate_unreadable") from None
        certificate = x509.load_der_x509_certificate(der)
        public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if not is_signed(public_key, digest, signature):
            raise IdentityRefusal("consent_wrong")
        if any(looks_like_my_number(each.number) for each in registration.services):
            raise IdentityRefusal("my_number_refused")
        return self.identity.register(
            reference_to(certificate),
            public_key,
            registration.services,
            today,
            municipality=municipality,
            linkable=linkable,
            ends=certificate.not_valid_after_utc,
        )

    def _check(self, der: bytes, authority: str | None, now: datetime) -> None:
        """Check a card's certificate, with the authority's that the card brings where only its pin is known here."""
        try:
            check_certificate(der, self.anchors.with_learned(), now)
        except WrongIssuer:
            if authority is None:
                raise
            check_certificate(der, self.anchors.admit(base64.b64decode(authority, validate=True)), now)


def reference_to(certificate: x509.Certificate) -> CardReference:
    """Return what a terminal that reads this certificate's first bytes calls the card."""
    return CardReference(
        issuer_sha256=hashlib.sha256(certificate.issuer.public_bytes()).hexdigest(),
        serial=f"{certificate.serial_number:x}",
    )
