"""What the ledger answers: verdicts, balances, standings, and problems."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from ledger.wire.tokens import ServiceId
from ledger.wire.values import (
    Balance,
    Base64,
    BusinessDate,
    Message,
    OperationId,
    ProgrammeCode,
    RawKey,
    Sha256Hex,
    TerminalId,
    Timestamp,
)


class Status(StrEnum):
    """What the ledger decided."""

    ACCEPTED = "accepted"
    SHORTFALL = "accepted_with_shortfall"
    REFUSED = "refused"


class Cut(Message):
    """Points of one leg that were asked for and not granted, and why (a code of `ledger.wire.reasons`)."""

    leg: Literal["redeem", "award"]
    programme: ProgrammeCode
    asked: int
    granted: int
    reason: str


class Verdict(Message):
    """The ledger's final word on one operation; the same id and content always get the same one.

    `code` is a stable refusal code (see `ledger.wire.reasons`), None when accepted. `redeemed`, `awarded` and
    `amount_due` are what was granted; `cuts` say what was asked beyond it. Since form 2 `content_hash` is the hash of
    the entry that was decided, `day` the business day under whose limits it counts, and `late` says that this is not
    the day that the entry states, or that the consent had grown old.
    """

    operation_id: OperationId
    status: Status
    code: str | None = None
    redeemed: Balance = 0
    awarded: Balance = 0
    amount_due: Balance | None = None
    cuts: list[Cut] = Field(default_factory=list)
    content_hash: Sha256Hex | None = None
    day: BusinessDate | None = None
    late: bool = False

    def said(self) -> dict[str, Any]:
        """Return what differs from the default: the one form of a verdict that is hashed, recalled or not."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def short_redeemed(self) -> int:
        """Points that were to pay and did not: due in yen while the customer is there, the shop's loss afterwards."""
        return sum(cut.asked - cut.granted for cut in self.cuts if cut.leg == "redeem")

    @property
    def short_awarded(self) -> int:
        """Points that were promised and not given."""
        return sum(cut.asked - cut.granted for cut in self.cuts if cut.leg == "award")


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
    reserved: int = 0


class Decision(Message):
    """A verdict together with what the resident holds after it (None where nobody is known).

    `contact_number` is what a resident who has just registered is called by over the telephone.
    """

    verdict: Verdict
    balances: list[ProgrammeBalance] | None = None
    contact_number: str | None = None


class Statement(Message):
    """What the ledger signs of an answer: to whom and to which request, its own state, and what it decided.

    `ledger` names the ledger and `epoch` counts its restores. `request` is the nonce of the request's own signature, so
    that no old answer passes for a new one. The head is where the ledger stands in the terminal's journal after it;
    `verdicts` are those that the answer brings, `body_sha256` the hash of the rest (canonical JSON).
    """

    kazasu: Literal["answer/2"]
    ledger: str
    epoch: int
    terminal_id: TerminalId
    request: str
    at: Timestamp
    head_seq: Annotated[int, Field(strict=True, ge=0)]
    head_hash: Sha256Hex
    verdicts: list[Verdict] = Field(default_factory=list)
    body_sha256: Sha256Hex


class SignedStatement(Message):
    """A statement and its signature (base64): Ed25519 over its canonical JSON, by the ledger's key `key` (raw)."""

    statement: Statement
    key: RawKey
    signature: Base64


class SignedAnswer(Message):
    """An answer of the ledger as it travels: what it signed, and the body whose hash the statement holds."""

    signed: SignedStatement
    body: dict[str, Any]


class Aftermath(Message):
    """What an answer carries beside a verdict; see `Decision`."""

    balances: list[ProgrammeBalance] | None = None
    contact_number: str | None = None


class UploadBody(Message):
    """What an answer to an upload brings beside its verdicts, of each in their order."""

    after: list[Aftermath]


class UploadResult(Message):
    """A decision for every operation of the upload, in its order, and the journal's head as the ledger now has it.

    `signed` is the ledger's own word for it, worth keeping: it proves what was decided to a ledger that forgot it.
    """

    decisions: list[Decision]
    head_seq: int
    head_hash: Sha256Hex
    signed: SignedStatement | None = None


class Inquiry(Message):
    """Who is this, and what do they hold? `resident` is sealed, or None to ask for a nonce alone.

    Form 2 has an `id` of its own, to which a sealed `Presented` is bound; form 1 sealed a `CardReference`.
    """

    resident: Base64 | None = None
    id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{16,64}$")] | None = None


class Standing(StrEnum):
    """Whether a card may be used here."""

    ACTIVE = "active"
    UNREGISTERED = "unregistered"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    """Its certificate has ended."""
    SUPERSEDED = "superseded"
    """A renewed card took its place."""


class InquiryResult(Message):
    """A card's standing, its balances, its linked IDs, and a nonce that a card may sign for some minutes."""

    standing: Standing
    balances: list[ProgrammeBalance] = Field(default_factory=list)
    services: list[ServiceId] = Field(default_factory=list)
    nonce: str
    nonce_expires_at: Timestamp


class Problem(Message):
    """RFC 9457 problem details; `code` is stable, `retryable` says whether the same request may succeed later."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    code: str
    retryable: bool = False
