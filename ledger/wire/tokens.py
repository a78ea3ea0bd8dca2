"""What names a resident to the ledger; always sealed on its way."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from ledger.wire.values import Base64, Message, Sha256Hex


class CardReference(Message):
    """What names a card to the ledger, always sealed: SHA-256 of the issuer's DER name, the serial in hex."""

    issuer_sha256: Sha256Hex
    serial: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,40}$")]


class ServiceId(Message):
    """A shop's or library's own number for the resident, linked once and called up by the tap (N3)."""

    service: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,32}$")]


class Registration(Message):
    """What a first registration seals for the ledger: the whole certificate (base64 DER) and IDs to link."""

    certificate: Base64
    services: Annotated[list[ServiceId], Field(max_length=16)] = Field(default_factory=list)
