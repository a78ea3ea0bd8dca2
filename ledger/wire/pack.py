"""The pack: what a terminal may redeem while its line is down, in records that only the card itself finds and opens.

A record's place and key come from the 32 key bytes that a tap reads, and the pack's salt: whoever holds the disk can
walk nothing. The header says whose pack it is, its number and age, and the hash over all slots, under the ledger's
signature. A delta brings the slots that changed since the pack it starts from; a withdrawn slot never says why.

PackRefused             carries a stable `code`
"""

from __future__ import annotations

import base64
import hashlib
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, ValidationError

from config.errors import KnownError
from ledger.wire.canonical import canonical
from ledger.wire.values import Base64, Message, ProgrammeCode, RawKey, Sha256Hex, TerminalId, Timestamp

FORM: Final = "pack/1"

MEDIA_TYPE: Final = "application/octet-stream"

MOST_PROGRAMMES: Final = 4
"""Programmes in one record: all records have one size."""

REST_BYTES: Final = 40
"""Of SubjectPublicKeyInfo what one READ of 256 bytes does not bring, at most."""

READ_BYTES: Final = 256

_PLACE, _VERSION, _TAG = 16, 4, 16
_WITHDRAWN: Final = 1 << 31
_HEAD = struct.Struct(">16s32sB40s2sB")
_HOLDING = struct.Struct(">BIIi")
_PLAIN: Final = _HEAD.size + MOST_PROGRAMMES * _HOLDING.size
_SEALED: Final = _PLAIN + _TAG
SLOT_BYTES: Final = _PLACE + _VERSION + _SEALED
"""Length of a record on disk and in a delta."""

_SEQ = Annotated[int, Field(strict=True, ge=0)]


class PackRefused(KnownError):  # noqa: N818  # says what is the case
    """A pack that is not taken in: `pack_forged`, `pack_foreign`, `pack_damaged`, `pack_rolled_back` or `pack_gap`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def data(self) -> dict[str, str | int]:
        """Nothing."""
        return {}


class PackHeader(Message):
    """What the ledger signs of a pack.

    `base` is the number that a delta starts from, `head_seq` up to which entry of the terminal's journal is counted,
    `slots` how many there are once it is applied, and `sha256` the hash over them.
    """

    kazasu: Literal["pack/1"]
    terminal_id: TerminalId
    number: Annotated[int, Field(strict=True, ge=1)]
    base: Annotated[int, Field(strict=True, ge=1)] | None = None
    head_seq: _SEQ
    issued_at: Timestamp
    salt: Base64
    programmes: Annotated[list[ProgrammeCode], Field(max_length=255)]
    slots: _SEQ
    sha256: Sha256Hex


class SignedPackHeader(Message):
    """A header with the ledger's signature over its canonical JSON."""

    header: PackHeader
    key: RawKey
    signature: Base64


@dataclass(frozen=True, slots=True)
class PackHolding:
    """What a record says of one programme: points reserved, the balance beside it, what is left of the day's limit."""

    programme: str
    reserved: int
    balance: int = 0
    day_left: int | None = None


@dataclass(frozen=True, slots=True)
class PackRecord:
    """A card's record; `rest` is what of SubjectPublicKeyInfo follows its first 256 bytes. It names nobody."""

    reservation: bytes = field(repr=False)
    info_sha256: bytes = field(repr=False)
    rest: bytes = field(repr=False)
    language: str
    holdings: tuple[PackHolding, ...]

    def info(self, read: bytes) -> bytes | None:
        """Return the key of which a READ brought the beginning, where it is the record's own; None otherwise."""
        whole = read + self.rest if len(read) == READ_BYTES else read
        return whole if hashlib.sha256(whole).digest() == self.info_sha256 else None


@dataclass(frozen=True, slots=True)
class Slot:
    """One record's place, version, and what is in it, sealed; None where it was withdrawn."""

    place: bytes
    version: int
    sealed: bytes | None

    def encoded(self) -> bytes:
        """Return the slot as it is stored and travels."""
        mark = 0 if self.sealed is not None else _WITHDRAWN
        return self.place + (self.version | mark).to_bytes(_VERSION) + (self.sealed or b"")


@dataclass(frozen=True, slots=True)
class Pack:
    """A whole pack, verified when it was read; `slots` are all of one length, in the order of their places."""

    signed: SignedPackHeader
    slots: bytes = field(repr=False)

    @property
    def header(self) -> PackHeader:
        """What the ledger signed."""
        return self.signed.header

    @property
    def issued_at(self) -> datetime:
        """When the ledger made it."""
        return datetime.fromisoformat(self.header.issued_at)

    def encoded(self) -> bytes:
        """Return the file that it is: all slots, under whichever header came last."""
        return canonical(self.signed.as_json()) + b"\n" + self.slots

    def record(self, secret: bytes) -> PackRecord | None:
        """Return the record of the card of which a tap read these 32 bytes; None where there is none for it."""
        place, key = derive(secret, base64.b64decode(self.header.salt))
        index = bisect_left(range(self.header.slots), place, key=self._place)
        if index == self.header.slots or self._place(index) != place:
            return None
        version, sealed = _inside(self.slots[index * SLOT_BYTES : (index + 1) * SLOT_BYTES])
        try:
            plain = AESGCM(key).decrypt(_nonce(version), sealed, _bound(self.header, place))
        except InvalidTag:
            return None
        return _record(plain, self.header.programmes)

    def _place(self, index: int) -> bytes:
        return self.slots[index * SLOT_BYTES : index * SLOT_BYTES + _PLACE]


def pack_nonce(number: int) -> str:
    """Return the nonce of what is proven and signed under a pack."""
    return f"pack-{number}"


def derive(secret: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Return the place (16 bytes) and key (32) of a card's record."""
    derived = HKDF(SHA256(), _PLACE + 32, salt, b"kazasu/1 pack").derive(secret)
    return derived[:_PLACE], derived[_PLACE:]


def seal_slot(header: PackHeader, secret: bytes, version: int, record: PackRecord) -> Slot:
    """Return a record's slot."""
    place, key = derive(secret, base64.b64decode(header.salt))
    order = {code: index for index, code in enumerate(header.programmes)}
    plain = _HEAD.pack(
        record.reservation,
        record.info_sha256,
        len(record.rest),
        record.rest,
        record.language.encode(),
        len(record.holdings),
    )
    for each in record.holdings:
        left = -1 if each.day_left is None else each.day_left
        plain += _HOLDING.pack(order[each.programme], each.reserved, each.balance, left)
    return Slot(place, version, AESGCM(key).encrypt(_nonce(version), plain.ljust(_PLAIN, b"\0"), _bound(header, place)))


def slots_hash(slots: Iterable[Slot]) -> str:
    """Return the hash over slots that are not withdrawn, in the order of their places."""
    return hashlib.sha256(b"".join(slot.encoded() for slot in _sorted(slots))).hexdigest()


def sign_pack(header: PackHeader, slots: Iterable[Slot], key: Ed25519PrivateKey) -> bytes:
    """Return a pack, or a delta, as it travels: the signed header on a line, then the slots."""
    raw = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    signature = base64.b64encode(key.sign(canonical(header.as_json()))).decode()
    return _encoded(SignedPackHeader(header=header, key=raw, signature=signature), sorted(slots, key=_place_of))


def read_pack(
    content: bytes, terminal_id: str, pinned: Collection[str], held: Pack | None = None, *, stored: bool = False
) -> Pack:
    """Return the pack that an answer is, or a file that was `stored`; a delta is applied to the one that is held.

    Raise PackRefused: whatever is wrong with it, the one that is held goes on.
    """
    line, _, rest = content.partition(b"\n")
    try:
        signed = SignedPackHeader.model_validate_json(line, extra="ignore")
    except ValidationError:
        raise PackRefused("pack_damaged") from None
    header = signed.header
    if not _is_signed(signed, pinned):
        raise PackRefused("pack_forged")
    if header.terminal_id != terminal_id:
        raise PackRefused("pack_foreign")
    if held is not None and header.number < held.header.number:
        raise PackRefused("pack_rolled_back")
    if header.base is None or stored:
        slots = rest
    elif held is not None and header.number == held.header.number:
        return held
    elif held is None or held.header.number != header.base or held.header.salt != header.salt:
        raise PackRefused("pack_gap")
    else:
        slots = _changed(held.slots, rest)
    # One hash over the bytes as they are: they are in order, because the ledger hashed them so.
    if len(slots) != header.slots * SLOT_BYTES or hashlib.sha256(slots).hexdigest() != header.sha256:
        raise PackRefused("pack_damaged")
    return Pack(signed, slots)


def _changed(held: bytes, delta: bytes) -> bytes:
    """Return the slots after some were replaced, added or withdrawn."""
    slots = {held[at : at + _PLACE]: held[at : at + SLOT_BYTES] for at in range(0, len(held), SLOT_BYTES)}
    at = 0
    while at < len(delta):
        place = delta[at : at + _PLACE]
        if int.from_bytes(delta[at + _PLACE : at + _PLACE + _VERSION]) & _WITHDRAWN:
            slots.pop(place, None)
            at += _PLACE + _VERSION
        else:
            slots[place] = delta[at : at + SLOT_BYTES]
            at += SLOT_BYTES
    return b"".join(slots[place] for place in sorted(slots))


def _is_signed(signed: SignedPackHeader, pinned: Collection[str]) -> bool:
    if signed.key not in pinned:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed.key, validate=True))
        key.verify(base64.b64decode(signed.signature, validate=True), canonical(signed.header.as_json()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _inside(slot: bytes) -> tuple[int, bytes]:
    """Return a slot's version, and what is sealed in it."""
    return int.from_bytes(slot[_PLACE : _PLACE + _VERSION]), slot[_PLACE + _VERSION :]


def _record(plain: bytes, programmes: Sequence[str]) -> PackRecord:
    reservation, info, rest_length, rest, language, count = _HEAD.unpack_from(plain)
    holdings = []
    for index in range(count):
        programme, reserved, balance, left = _HOLDING.unpack_from(plain, _HEAD.size + index * _HOLDING.size)
        holdings.append(PackHolding(programmes[programme], reserved, balance, None if left < 0 else left))
    return PackRecord(reservation, info, rest[:rest_length], language.decode(), tuple(holdings))


def _encoded(signed: SignedPackHeader, slots: Iterable[Slot]) -> bytes:
    return canonical(signed.as_json()) + b"\n" + b"".join(slot.encoded() for slot in slots)


def _sorted(slots: Iterable[Slot]) -> list[Slot]:
    return sorted((slot for slot in slots if slot.sealed is not None), key=_place_of)


def _place_of(slot: Slot) -> bytes:
    return slot.place


def _nonce(version: int) -> bytes:
    return version.to_bytes(12)


def _bound(header: PackHeader, place: bytes) -> bytes:
    return header.terminal_id.encode() + hashlib.sha256(base64.b64decode(header.salt)).digest() + place
