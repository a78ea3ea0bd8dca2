"""What a terminal may ask of the ledger: one model for each kind of operation, and the marks that ask nothing."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ledger.wire.values import (
    AwardReasonCode,
    Base64,
    Message,
    MunicipalityCode,
    OperationId,
    Points,
    ProgrammeCode,
    Sha256Hex,
    Stated,
    Yen,
)


class Leg(Message):
    """Points of one programme that one operation moves."""

    programme: ProgrammeCode
    points: Points


class TapOnly(Message):
    """The card was held over the reader and nothing more was proven (かざし利用)."""

    method: Literal["tap"]


class CardSigned(Message):
    """The resident entered the PIN and the card signed the operation; see `consent_digest`.

    In form 1 `nonce` is the ledger's and `signature` is base64: PKCS#1 v1.5 over SHA-256 (RSA), or DER ECDSA over the
    same digest. Since form 2 both travel inside the seal: two RSA signatures in plain would give the card's key away.
    """

    method: Literal["pin"]
    nonce: Annotated[str, StringConstraints(max_length=256)] = ""
    signature: Base64 = ""


Assurance = Annotated[TapOnly | CardSigned, Field(discriminator="method")]


class OfResident(Message):
    """What names a resident: `resident` is a sealed `Presented`, in form 1 a sealed `CardReference`."""

    resident: Base64


class Priced(OfResident):
    """What moves a resident's points: `rules` is the version of each programme that it was priced with."""

    rules: dict[ProgrammeCode, int]


class DecidedOffline(Message):
    """What a terminal decided alone: the pack that it had, and the hash of its counters afterwards."""

    pack: Annotated[int, Field(strict=True, ge=1)]
    counters: Sha256Hex


class Sale(Priced):
    """A bill, settled in points as far as `redeem` says; `amount_due` = bill − redeemed, in yen.

    `municipality` is the one whose points move; all legs are of its programmes. `rules` is the version of each
    programme that the terminal priced with. `resident` is a sealed `CardReference`.
    """

    kind: Literal["sale"]
    municipality: MunicipalityCode
    bill: Annotated[Yen, Field(ge=1)]
    redeem: list[Leg] = Field(default_factory=list)
    award: list[Leg] = Field(default_factory=list)
    amount_due: Yen
    assurance: Assurance
    offline: DecidedOffline | None = None


class Reserve(Priced):
    """Set points aside for the terminal that writes it (取り置き)."""

    kind: Literal["reserve"]
    municipality: MunicipalityCode
    points: Annotated[list[Leg], Field(min_length=1)]
    assurance: CardSigned


class Release(OfResident):
    """Give back all that is left of a resident's reservations at this terminal."""

    kind: Literal["release"]
    municipality: MunicipalityCode
    assurance: Assurance


class Award(Priced):
    """Points without a bill: volunteering, a visit, a course."""

    kind: Literal["award"]
    municipality: MunicipalityCode
    award: Annotated[list[Leg], Field(min_length=1)]
    reason: AwardReasonCode
    assurance: Assurance


class Void(Message):
    """Undo `target` before the close, points back into their lots; of an id not yet seen, make that id impossible.

    `by_owner` says that the owner's code was given: without it a terminal undoes nothing of a sister's.
    """

    kind: Literal["void"]
    municipality: MunicipalityCode
    target: OperationId
    by_owner: Stated | None = None


class Return(Message):
    """Take goods of `target` back after its close: `bill` yen of it, with points in proportion, dated today.

    `by_owner` is as in `Void`.
    """

    kind: Literal["return"]
    municipality: MunicipalityCode
    target: OperationId
    bill: Annotated[Yen, Field(ge=1)]
    by_owner: Stated | None = None


class Convert(Priced):
    """Move points of one programme into another of the same municipality at the dated rate (振替)."""

    kind: Literal["convert"]
    municipality: MunicipalityCode
    take: Leg
    give: Leg
    assurance: Assurance


class Link(Message):
    """First registration (初回登録), or re-registration after renewal: `registration` is a sealed `Registration`."""

    kind: Literal["link"]
    municipality: MunicipalityCode
    registration: Base64
    consent: Stated
    consent_text: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{1,32}$")] | None = None
    """The version of the text that the resident agreed to; form 1 names none."""
    assurance: CardSigned


class Unlink(OfResident):
    """Give one linked service up, or (without `service`) leave altogether; points that remain lapse."""

    kind: Literal["unlink"]
    municipality: MunicipalityCode
    service: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")] | None = None
    assurance: CardSigned


class Close(Message):
    """The Z report (日計・締め): what was decided of the entries `first_seq` to `last_seq` when it was written.

    `verdicts` is how many verdicts the journal held, `day` and `perpetual` are totals by name, `undecided` counts the
    operations that go into the next close. From then on what it covers can be returned and no more voided.
    """

    kind: Literal["close"]
    municipality: MunicipalityCode
    number: Annotated[int, Field(strict=True, ge=1)]
    first_seq: Annotated[int, Field(strict=True, ge=1)]
    last_seq: Annotated[int, Field(strict=True, ge=0)]
    verdicts: Annotated[int, Field(strict=True, ge=0)]
    undecided: Annotated[int, Field(strict=True, ge=0)] = 0
    undecided_bill: Annotated[int, Field(strict=True, ge=0)] = 0
    day: dict[str, int]
    perpetual: dict[str, int]


MarkKind = Literal["opened", "signed_in", "set_aside", "closed"]

MARKS: tuple[MarkKind, ...] = get_args(MarkKind)
"""The kinds of entries that ask the ledger for nothing."""


class Mark(Message):
    """An entry that asks the ledger for nothing.

    The journal was opened, a clerk signed in, a damaged entry was set aside, or, in form 1, the day was closed.
    """

    kind: MarkKind
    detail: dict[str, str | int] = Field(default_factory=dict)


class Unreadable(Message):
    """Content that this ledger cannot read; its verdict is a refusal, so that it never blocks what follows."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: Annotated[str, StringConstraints(max_length=32)]


Operation = Sale | Award | Void | Return | Convert | Link | Unlink | Close | Reserve | Release

Content = Annotated[
    Annotated[Operation | Mark, Field(discriminator="kind")] | Unreadable, Field(union_mode="left_to_right")
]


def is_operation(content: BaseModel) -> bool:
    """Return whether the ledger owes this content a verdict."""
    return not isinstance(content, Mark)
