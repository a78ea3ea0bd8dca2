"""The messages that terminal and ledger exchange, and the canonical form that both of them hash and sign.

Every hash and signature is over RFC 8785 canonical JSON of exactly the fields that were sent, so models here never
normalise: a time stays the text that the terminal wrote, and a field that was left out stays left out.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

MAX_YEN = 9_999_999
"""The largest bill in yen: seven digits, what a counter screen shows and a slip prints."""

MAX_UPLOAD = 500
"""The most journal entries in one upload."""

FIRST_PREVIOUS_HASH = "0" * 64
"""What the first entry of a journal names as the hash before it."""


def _timestamp(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its offset, as in 2026-11-23T14:05:00+09:00")
    return text


def _date(text: str) -> str:
    date.fromisoformat(text)
    return text


Yen = Annotated[int, Field(strict=True, ge=0, le=MAX_YEN)]
"""Integer yen, never negative: an operation's kind gives the direction."""

Points = Annotated[int, Field(strict=True, ge=1, le=MAX_YEN)]
"""Integer points that move: at least one."""

Balance = Annotated[int, Field(strict=True)]
"""Integer points that somebody holds; negative only where a programme allows an overdraft."""

MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
"""全国地方公共団体コード, six digits with the check digit."""

ProgrammeCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(-[A-Z][A-Z0-9]{0,15})?$")]
"""A municipality's own points (`252034`), or a shopping street's under it (`252034-KUROKABE`)."""

ShopCode = Annotated[str, StringConstraints(pattern=r"^\d{6}-\d{4}$")]
"""Municipality code and the shop's number in it: `252034-0001`."""

TerminalId = Annotated[str, StringConstraints(pattern=r"^\d{6}-\d{4}-\d{2}$")]
"""Shop code and the terminal's number in it, never given twice: `252034-0001-01`."""

OperationId = Annotated[str, StringConstraints(pattern=r"^\d{6}-\d{4}-\d{2}-\d{6,12}$")]
"""Terminal id and journal sequence number: `252034-0001-01-000042`."""

ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""What an award without a bill is given for, a code of the municipality's list: `volunteering`."""

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=16_384)]
RawKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""The 32 raw bytes of an Ed25519 public key in base64."""
Operator = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,16}$")]
Timestamp = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 40}),
]
"""ISO 8601 with an offset, kept as the text that was written."""
BusinessDate = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"),
    AfterValidator(_date),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""The shop's day, ISO 8601."""


class Message(BaseModel):
    """A frozen message that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """Return the fields as they were sent, ready for JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 canonical JSON of a JSON value with ASCII names and integers below 2⁵³.

    For such values the standard encoder's form is the canonical one (a test holds it to the rfc8785 package), at a
    seventh of that package's time; a resident waits for it at the terminal, and the ledger does it for every entry.
    """
    return _ENCODER.encode(value).encode()


# What an operation asks for --------------------------------------------------------------------------------------


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
    redeem: list[Leg] = []
    award: list[Leg] = []
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
    detail: dict[str, str | int] = {}


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


# How it travels ------------------------------------------------------------------------------------------------


class Entry(Message):
    """One journal entry, without its hash."""

    terminal_id: TerminalId
    seq: Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]
    at: Timestamp
    operator: Operator
    business_date: BusinessDate
    content: Content
    previous_hash: Sha256Hex

    @property
    def operation_id(self) -> str:
        """The id under which the ledger keeps this operation for ever."""
        return operation_id(self.terminal_id, self.seq)

    def canonical(self) -> bytes:
        """Return the bytes that are hashed: RFC 8785 of the fields as they were sent."""
        return canonical(self.as_json())


def operation_id(terminal_id: str, seq: int) -> str:
    """Return the id of the operation that stands at `seq` in the journal of `terminal_id`."""
    return f"{terminal_id}-{seq:06d}"


def entry_hash(entry: bytes) -> str:
    """Return the hash of an entry's canonical bytes: SHA-256 in hex."""
    return hashlib.sha256(entry).hexdigest()


def consent_digest(operation: str, at: str, nonce: str, content: dict[str, Any]) -> bytes:
    """Return the 32-byte SHA-256 digest that the resident's card signs for one operation.

    It covers operation id (and with it shop and terminal), time, nonce, and all of the content but the resident, who
    is the one that signs, and the assurance, which carries the signature.
    """
    asked = {name: value for name, value in content.items() if name not in {"resident", "registration", "assurance"}}
    return hashlib.sha256(
        canonical({"kazasu": "consent/1", "operation_id": operation, "at": at, "nonce": nonce, "content": asked})
    ).digest()


class SignedEntry(Message):
    """An entry with its hash and the Ed25519 signature (base64) of the terminal's key over the hash's 32 bytes."""

    entry: Entry
    hash: Sha256Hex
    signature: Base64


class Upload(Message):
    """Consecutive entries of one terminal's journal, oldest first."""

    entries: Annotated[list[SignedEntry], Field(min_length=1, max_length=MAX_UPLOAD)]


class Status(StrEnum):
    """What the ledger decided."""

    ACCEPTED = "accepted"
    SHORTFALL = "accepted_with_shortfall"
    REFUSED = "refused"


class Verdict(Message):
    """The ledger's final word on one operation; the same id and content always get the same one.

    `code` is a stable refusal code (see `ledger.reasons`), None when accepted.
    """

    operation_id: OperationId
    status: Status
    code: str | None = None
    redeemed: Balance = 0
    awarded: Balance = 0
    amount_due: Balance | None = None


class ProgrammeBalance(Message):
    """What a resident holds of one programme, and how much of it could be redeemed now at the asking shop.

    `redeemable` is after every limit, `tap_redeemable` the part of it that needs no PIN. `expires_on` and
    `expiring` are the next lot to lapse, None and 0 when nothing does. `earnable` is what the day's limit leaves to be
    awarded, None where there is no limit.
    """

    programme: ProgrammeCode
    points: Balance
    redeemable: int = 0
    tap_redeemable: int = 0
    earnable: int | None = None
    expires_on: BusinessDate | None = None
    expiring: int = 0


class Decision(Message):
    """A verdict together with what the resident holds after it (None where nobody is known)."""

    verdict: Verdict
    balances: list[ProgrammeBalance] | None = None


class UploadResult(Message):
    """A decision for every operation of the upload, in its order, and the journal's head as the ledger now has it."""

    decisions: list[Decision]
    head_seq: int
    head_hash: Sha256Hex


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
    services: Annotated[list[ServiceId], Field(max_length=16)] = []


class Inquiry(Message):
    """Who is this, and what do they hold? `resident` is a sealed `CardReference`, or None to ask for a nonce alone."""

    resident: Base64 | None = None


class Standing(StrEnum):
    """Whether a card may be used here."""

    ACTIVE = "active"
    UNREGISTERED = "unregistered"
    REVOKED = "revoked"
    SUSPENDED = "suspended"


class InquiryResult(Message):
    """A card's standing, its balances, its linked IDs, and a nonce that a card may sign for some minutes."""

    standing: Standing
    balances: list[ProgrammeBalance] = []
    services: list[ServiceId] = []
    nonce: str
    nonce_expires_at: Timestamp


class EnrolmentRequest(Message):
    """A new terminal's one-time code and its public key."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{8,32}$")]
    public_key: RawKey


class Shop(Message):
    """The shop that a terminal stands in."""

    code: ShopCode
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class TerminalSetup(Message):
    """All that a terminal must know to work.

    `programmes` are those usable at its shop (the fields of `ledger.rules.Programme`), `sealing_key` is the ledger's
    raw X25519 public key (base64), `server_time` its clock, and the head is where it stands in this journal.
    """

    terminal_id: TerminalId
    shop: Shop
    programmes: list[dict[str, Any]]
    sealing_key: Base64
    server_time: Timestamp
    head_seq: int = 0
    head_hash: Sha256Hex = FIRST_PREVIOUS_HASH


class Problem(Message):
    """RFC 9457 problem details; `code` is stable, `retryable` says whether the same request may succeed later."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    code: str
    retryable: bool = False
