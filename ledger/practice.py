"""Fills a ledger for practice mode: sample programmes, a shop, and residents who hold the practice cards."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field

from config.trust import Anchors
from ledger.api.state import Ledger
from ledger.embedded import assemble
from ledger.identity.registration import reference_to
from ledger.identity.revocation import RevocationList
from ledger.place import Place
from ledger.wire.answers import Standing
from ledger.wire.rules import Programme
from ledger.wire.setup import Shop
from ledger.wire.values import Message, ProgrammeCode

REVOKED = "revoked"
"""The name of the card that stands on the practice ledger's revocation list."""

_SAMPLE = Path(__file__).parent / "samples" / "practice.toml"


class PracticeLot(Message):
    """Points that somebody holds, and the last day on which they can be used."""

    programme: ProgrammeCode
    points: Annotated[int, Field(ge=1)]
    expires_on: date


class PracticeHolding(Message):
    """What the holder of one card has."""

    card: str
    lots: list[PracticeLot]


class Sample(Message):
    """The sample file."""

    programme: list[Programme]
    shop: Shop
    services: list[str]
    holding: list[PracticeHolding]


def prepare(directory: Path, cards: Iterable[tuple[str, bytes]]) -> str:
    """Make the practice ledger in a directory, or find it there, and return an enrolment code for its shop.

    `cards` are the practice cards' names and certificates (DER). One that the sample gives nothing is not registered.
    """
    sample = Sample.model_validate(tomllib.loads(_SAMPLE.read_text(encoding="utf-8")))
    ledger = assemble(Place(directory), Anchors())
    ledger.registry.add_programmes(sample.programme)
    ledger.registry.add_shop(sample.shop)
    for service in sample.services:
        ledger.registry.set_service(sample.shop.code[:6], service, [sample.shop.code])
    certificates = {name: x509.load_der_x509_certificate(der) for name, der in cards}
    for holding in sample.holding:
        if holding.card in certificates:
            _settle(ledger, sample, holding, certificates[holding.card])
    if REVOKED in certificates:
        _revoke(ledger, certificates[REVOKED])
    code = ledger.new_enrolment_code(sample.shop.code)
    ledger.close()
    return code


def _settle(ledger: Ledger, sample: Sample, holding: PracticeHolding, certificate: x509.Certificate) -> None:
    """Register a card's holder, who gets the sample's points once."""
    reference = reference_to(certificate)
    if ledger.identity.look_up([reference])[reference].mykey is not None:
        return
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mykey = ledger.identity.register(
        reference, key, [], ledger.today(), municipality=sample.shop.code[:6], ends=certificate.not_valid_after_utc
    )
    programmes = {programme.code: programme for programme in sample.programme}
    for lot in holding.lots:
        ledger.points.deposit(mykey, programmes[lot.programme], lot.expires_on, lot.points)


def _revoke(ledger: Ledger, certificate: x509.Certificate) -> None:
    """Register a card and revoke it: for a card that is not registered, a tap would not say that it is revoked."""
    reference = reference_to(certificate)
    if ledger.identity.look_up([reference])[reference].standing is Standing.UNREGISTERED:
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ledger.identity.register(reference, key, [], ledger.today())
    issuer = bytes.fromhex(reference.issuer_sha256)
    ledger.identity.replace_revocations(RevocationList(issuer, issuer, 0, (int(reference.serial, 16),)))
