"""What the ledger answers: verdicts, balances, standings, and problems."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field

from ledger.wire.tokens import ServiceId
from ledger.wire.values import Balance, Base64, BusinessDate, Message, OperationId, ProgrammeCode, Sha256Hex, Timestamp


class Status(StrEnum):
    """What the ledger decided."""

    ACCEPTED = "accepted"
    SHORTFALL = "accepted_with_shortfall"
    REFUSED = "refused"


class Verdict(Message):
    """The ledger's final word on one operation; the same id and content always get the same one.

    `code` is a stable refusal code (see `ledger.wire.reasons`), None when accepted.
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
