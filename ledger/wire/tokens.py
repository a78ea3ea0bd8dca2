"""What names a resident to the ledger; always sealed on its way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ledger.wire.values import Base64, Message, MunicipalityCode, Nonce, Sha256Hex


class CardReference(Message):
    """What named a card in form 1: SHA-256 of the issuer's DER name, the serial in hex."""

    issuer_sha256: Sha256Hex
    serial: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,40}$")]


class JpkiToken(Message):
    """A My Number card by its user-authentication certificate: SHA-256 of the issuer's DER name, the serial in hex."""

    kind: Literal["jpki"]
    issuer_sha256: Sha256Hex
    serial: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,40}$")]


TokenReference = JpkiToken
"""What names a resident, discriminated by `kind`: another kind of token joins the union here."""


class Presented(Message):
    """What one tap presents, sealed to the ledger and bound to one operation or inquiry (form 2).

    `proof` shows that the card was read (`ledger.wire.proof`), over `nonce`. `signature` (base64) is the card's over
    the consent digest, where the PIN was entered; of several operations that it consents to at once, `digests` are all.
    """

    token: TokenReference
    nonce: Nonce = ""
    proof: Sha256Hex | None = None
    signature: Base64 | None = None
    digests: Annotated[list[Sha256Hex], Field(max_length=8)] = Field(default_factory=list)
    reservation: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None


class ServiceId(Message):
    """A shop's or library's own number for the resident, linked once and called up by the tap (N3).

    Since form 2 `municipality` says whose service it is: what a shop links belongs to its own town.
    """

    service: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,32}$")]
    municipality: MunicipalityCode | None = None


class Registration(Message):
    """What a first registration seals for the ledger: the whole certificate (base64 DER) and IDs to link.

    Since form 2 `authority` is the issuing authority's certificate that the card carries, and `nonce` and `signature`
    are what the card signed; form 1 has the two in the operation's assurance.
    """

    certificate: Base64
    services: Annotated[list[ServiceId], Field(max_length=16)] = Field(default_factory=list)
    authority: Base64 | None = None
    nonce: Nonce = ""
    signature: Base64 | None = None
