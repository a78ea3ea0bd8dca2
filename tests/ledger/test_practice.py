"""The practice ledger: residents with points, one card revoked, one unknown, and a shop to enrol at."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.trust import Anchors
from ledger.embedded import assemble, open_ledger
from ledger.identity.registration import reference_to
from ledger.place import Place
from ledger.points.reports import count
from ledger.practice import prepare
from ledger.wire.answers import Inquiry, InquiryResult, Standing
from ledger.wire.client import LedgerClient
from ledger.wire.proof import key_bytes_of, proof_of
from ledger.wire.sealing import Purpose, seal
from ledger.wire.tokens import JpkiToken, Presented
from reader.virtual.cards import practice_cards


@pytest.mark.anyio
async def test_the_sample_residents_are_there(tmp_path: Path) -> None:
    """Every practice card stands as its name says, and preparing again gives nobody points a second time."""
    prepare(tmp_path, practice_cards())
    code = prepare(tmp_path, practice_cards())
    transport = httpx.ASGITransport(open_ledger(tmp_path, anchors=Anchors()))
    key = Ed25519PrivateKey.generate()
    async with LedgerClient(transport=transport) as newcomer:
        setup = await newcomer.enrol(code, key.public_key())
    found: dict[str, InquiryResult] = {}
    async with LedgerClient(transport=transport, terminal_id=setup.terminal_id, key=key) as client:
        for name, der in practice_cards():
            certificate = x509.load_der_x509_certificate(der)
            card = reference_to(certificate)
            public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            wanted, key_bytes = secrets.token_urlsafe(16), key_bytes_of(public)
            assert key_bytes is not None
            proof = proof_of(key_bytes, Purpose.INQUIRY, setup.terminal_id, wanted, setup.nonce)
            token = JpkiToken(kind="jpki", issuer_sha256=card.issuer_sha256, serial=card.serial)
            presented = Presented(token=token, nonce=setup.nonce, proof=proof)
            sealed = seal(presented, Purpose.INQUIRY, setup.terminal_id, setup.sealing_key, wanted)
            found[name] = await client.inquire(Inquiry(id=wanted, resident=sealed))
    assert {name: result.standing for name, result in found.items() if result.standing is not Standing.ACTIVE} == {
        "unregistered": Standing.UNREGISTERED,
        "expired": Standing.EXPIRED,
        "revoked": Standing.REVOKED,
    }
    held = {each.programme: each.points for each in found["two-towns"].balances}
    assert held == {"252034": 820, "252034-MIHON": 150, "131164": 2_400}
    assert [(each.programme, each.redeemable) for each in found["visitor"].balances] == [("131164", 1_500)]


def test_an_embedded_ledger_is_tidied_up_when_it_is_opened(tmp_path: Path) -> None:
    """Nobody need think of it: what lapsed is back with the issuer, and the totals agree."""
    prepare(tmp_path, practice_cards())
    open_ledger(tmp_path, anchors=Anchors(), clock=lambda: datetime(2028, 4, 9, tzinfo=UTC))
    ledger = assemble(Place(tmp_path), Anchors())
    found = {each.programme: each for each in count(ledger.books, "252034")}
    ledger.close()
    assert (found["252034"].held, found["252034"].lapsed, found["252034"].agree) == (0, found["252034"].issued, True)
