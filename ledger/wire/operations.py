"""What a terminal may ask of the ledger: one model for each kind of operation, and the marks that ask nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ledger.wire.values import Base64, Message, MunicipalityCode, OperationId, Points, ProgrammeCode, ReasonCode, Yen


class Leg(Message):
    """Points of one programme that one operation moves."""

    programme: ProgrammeCode
    points: Points


class TapOnly(Message):
    """The card was held over the reader and nothing more was proven (かざし利用)."""

    method: Literal["tap"]


class CardSigned(Message):
    """The resident entered the PIN and the card signed the operation; see `consent_digest`.

    `nonce` is the ledger's, `signature` is base64: PKCS#1 v1.5 over SHA-256 (RSA), or DER ECDSA over the same digest.
    """

    method: Literal["pin"]
    nonce: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    signature: Base64


Assurance = Annotated[TapOnly | CardSigned, Field(discriminator="method")]


class Sale(Message):
    """A bill, settled in points as far as `redeem` says; `amount_due` = bill − redeemed, in yen.

    `municipality` is the one whose points move; all legs are of its programmes. `rules` is the version of each
    programme that the terminal priced with. `resident` is a sealed `CardReference`.
    """

    kind: Literal["sale"]
    municipality: MunicipalityCode
    resident: Base64
    bill: Annotated[Yen, Field(ge=1)]
    redeem: list[Leg] = Field(default_factory=list)
    award: list[Leg] = Field(default_factory=list)
    amount_due: Yen
    rules: dict[ProgrammeCode, int]
    assurance: Assurance


class Award(Message):
    """Points without a bill: volunteering, a visit, a course."""

    kind: Literal["award"]
    municipality: MunicipalityCode
    resident: Base64
    award: Annotated[list[Leg], Field(min_length=1)]
    reason: ReasonCode
    rules: dict[ProgrammeCode, int]
    assurance: Assurance


class Void(Message):
    """Undo `target` before the close, points back into their lots; of an id not yet seen, make that id impossible."""

    kind: Literal["void"]
    municipality: MunicipalityCode
    target: OperationId


class Return(Message):
    """Take goods of `target` back after its close: `bill` yen of it, with points in proportion, dated today."""

    kind: Literal["return"]
    municipality: MunicipalityCode
    target: OperationId
    bill: Annotated[Yen, Field(ge=1)]


class Convert(Message):
    """Move points of one programme into another of the same municipality at the dated rate (振替)."""

    kind: Literal["convert"]
    municipality: MunicipalityCode
    resident: Base64
    take: Leg
    give: Leg
    rules: dict[ProgrammeCode, int]
    assurance: Assurance


class Link(Message):
    """First registration (初回登録), or re-registration after renewal: `registration` is a sealed `Registration`."""

    kind: Literal["link"]
    municipality: MunicipalityCode
    registration: Base64
    consent: Literal[True]
    assurance: CardSigned


class Unlink(Message):
    """Give one linked service up, or (without `service`) leave altogether; points that remain lapse."""

    kind: Literal["unlink"]
    municipality: MunicipalityCode
    resident: Base64
    service: Annotated[str, StringConstraints(max_length=32)] | None = None
    assurance: CardSigned


class Mark(Message):
    """An entry that asks the ledger for nothing: the journal was opened, a clerk signed in, the day was closed."""

    kind: Literal["opened", "signed_in", "closed"]
    detail: dict[str, str | int] = Field(default_factory=dict)


class Unreadable(Message):
    """Content that this ledger cannot read; its verdict is a refusal, so that it never blocks what follows."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Annotated[str, StringConstraints(max_length=32)]


Operation = Sale | Award | Void | Return | Convert | Link | Unlink

Content = Annotated[
    Annotated[Operation | Mark, Field(discriminator="kind")] | Unreadable, Field(union_mode="left_to_right")
]


def is_operation(content: BaseModel) -> bool:
    """Return whether the ledger owes this content a verdict."""
    return not isinstance(content, Mark)
