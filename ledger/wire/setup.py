"""Enrolment of a terminal, and all that it must know to work."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from ledger.wire.entries import FIRST_PREVIOUS_HASH
from ledger.wire.values import (
    Base64,
    BusinessDate,
    Message,
    Nonce,
    RawKey,
    Sha256Hex,
    ShopCode,
    ShownText,
    TerminalId,
    Timestamp,
)


class EnrolmentRequest(Message):
    """A new terminal's one-time code and its public key."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{8,32}$")]
    """Its secret part alone: the rest names the ledger's key, and is for the terminal to check."""
    public_key: RawKey
    nonce: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{16,64}$")]
    """What the signed answer names as the request; the terminal has no signature of its own yet."""


class Shop(Message):
    """The shop that a terminal stands in."""

    code: ShopCode
    name: ShownText
    day_starts_at: Annotated[int, Field(strict=True, ge=0, le=12)] = 0
    """The full hour of Japan's time at which the shop's day starts."""


class TerminalSetup(Message):
    """All that a terminal must know to work.

    `programmes` are those usable at its shop (the fields of `ledger.wire.rules.Programme`), `sealing_key` is the
    ledger's raw X25519 public key (base64), `server_time` its clock, and the head is where it stands in this journal.
    """

    terminal_id: TerminalId
    shop: Shop
    programmes: list[dict[str, Any]]
    sealing_key: Base64
    server_time: Timestamp
    head_seq: int = 0
    head_hash: Sha256Hex = FIRST_PREVIOUS_HASH
    ledger: str | None = None
    """The ledger's own name; 0.1.0 had none."""
    signing_keys: list[RawKey] = Field(default_factory=list)
    """The keys under which the ledger signs its answers, now and next; what they sign may replace them."""
    nonce: Nonce = ""
    """One to begin with; each inquiry brings the next."""
    nonce_expires_at: Timestamp | None = None
    floor: BusinessDate | None = None
    """The business day of the terminal's last close: what is dated before it is late."""


class Succession(Message):
    """The word of a ledger's signing key that another one follows it; see `ledger.wire.statements`."""

    ledger: str
    key: RawKey
    next: RawKey
    signature: Base64


class LedgerKeys(Message):
    """The keys under which a ledger signs its answers, now and next.

    Nothing signs it: an enrolment code or a pinned key vouches for one of the keys, and `succession` leads from each
    earlier key to the one after it, for a terminal that was away for longer.
    """

    ledger: str
    signing_keys: Annotated[list[RawKey], Field(min_length=1)]
    succession: list[Succession] = Field(default_factory=list)
