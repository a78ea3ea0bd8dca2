"""Packs as a ledger makes them, for the practice cards."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from ledger.wire.pack import PackHeader, PackHolding, PackRecord, Slot, seal_slot, sign_pack, slots_hash
from reader.public_key import key_proof
from reader.virtual.cards import DESIGNS
from tests.terminal.counters import MUNICIPALITY, STREET, TERMINAL

SALT = base64.b64encode(bytes(32)).decode()


def info_of(card: str) -> bytes:
    """Return a practice card's SubjectPublicKeyInfo."""
    key = load_der_x509_certificate(DESIGNS[card].certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def secret_of(card: str) -> bytes:
    """Return the 32 bytes that a tap reads of a practice card's key."""
    return key_proof(info_of(card)).secret


def record_of(card: str, holdings: Mapping[str, int], reservation: bytes = b"r" * 16) -> PackRecord:
    """Return a practice card's record with points reserved."""
    info = info_of(card)
    held = tuple(PackHolding(code, points) for code, points in holdings.items())
    return PackRecord(reservation, hashlib.sha256(info).digest(), info[256:], "ja", held)


def header_of(issued_at: datetime, number: int = 1, head_seq: int = 0, terminal_id: str = TERMINAL) -> PackHeader:
    """Return a header of no slots."""
    return PackHeader(
        kazasu="pack/1",
        terminal_id=terminal_id,
        number=number,
        head_seq=head_seq,
        issued_at=issued_at.isoformat(),
        salt=SALT,
        programmes=[MUNICIPALITY, STREET],
        slots=0,
        sha256=hashlib.sha256().hexdigest(),
    )


def slots_of(header: PackHeader, records: Mapping[str, PackRecord], version: int = 1) -> list[Slot]:
    """Return the slots of practice cards' records."""
    return [seal_slot(header, secret_of(card), version, record) for card, record in records.items()]


def pack_of(header: PackHeader, slots: list[Slot], key: Ed25519PrivateKey) -> bytes:
    """Return a whole pack as it travels."""
    counted = {"slots": len(slots), "sha256": slots_hash(slots)}
    return sign_pack(header.model_copy(update=counted), slots, key)


def delta_of(header: PackHeader, base: int, before: list[Slot], changed: list[Slot], key: Ed25519PrivateKey) -> bytes:
    """Return what changed since a pack, as it travels."""
    after = {slot.place: slot for slot in before} | {slot.place: slot for slot in changed}
    left = [slot for slot in after.values() if slot.sealed is not None]
    counted = {"base": base, "slots": len(left), "sha256": slots_hash(left)}
    return sign_pack(PackHeader.model_validate({**header.as_json(), **counted}), changed, key)


def withdrawn(slot: Slot) -> Slot:
    """Return a slot as it is withdrawn."""
    return replace(slot, version=slot.version + 1, sealed=None)
