"""The values that messages are made of: codes, amounts, times, and the frozen message itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

MAX_YEN = 9_999_999
"""The largest bill in yen: seven digits, what a counter screen shows and a slip prints."""


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


Reference = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._:/-]{1,64}$")]
"""A caller's own name for an operation, such as a POS's receipt number; the same again is the same operation."""

Nonce = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{0,128}$")]
"""What makes a proof or a signature serve once: the ledger's, or empty where the line was down."""
