"""The values that messages are made of: codes, amounts, times, and the frozen message itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from config.plain import UNSHOWN, flaw_of, normal, shown

MAX_YEN = 9_999_999
"""The largest bill in yen: seven digits, what a counter screen shows and a slip prints."""


def _timestamp(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time needs its offset, as in 2026-11-23T14:05:00+09:00")
    return text


def _date(text: str) -> str:
    date.fromisoformat(text)
    return text


def is_stored(info: ValidationInfo) -> bool:
    """Return whether the value was stored by an earlier version: it must be read even if it would be refused today."""
    return info.context is not None and bool(info.context.get("stored"))


STORED: dict[str, Any] = {"stored": True}
"""The context in which what an earlier version took in is read: what is out of bounds is brought inside them."""


@dataclass(frozen=True, slots=True)
class _Plain:
    """Checks one text: NFC, so many characters and cells at most, no character that is hidden or steers a screen."""

    chars: int
    cells: int

    def __call__(self, text: str, info: ValidationInfo) -> str:
        text = normal(text)
        fault = flaw_of(text, chars=self.chars, cells=self.cells)
        if fault is None:
            return text
        if is_stored(info):
            return shown(text[: self.chars], self.cells) or "?"
        raise PydanticCustomError(f"text_{fault}", f"text_{fault}", {"chars": self.chars, "cells": self.cells})


def _plain(chars: int, cells: int) -> tuple[AfterValidator, WithJsonSchema]:
    return AfterValidator(_Plain(chars, cells)), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": chars})


PlainText = Annotated[str, *_plain(40, 80)]
"""A name or a short note of at most 40 characters and 80 cells: NFC, no control, bidi, or invisible characters.

Its faults are errors of the type `text_<fault>`, whose sentences are the texts `text-<fault>`.
"""

ShownText = Annotated[
    str,
    AfterValidator(lambda text: shown(normal(text), 80) or UNSHOWN),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 81}),
]
"""A name from another machine or an earlier version: it is made safe to draw, and never refused."""

PlainNote = Annotated[str, *_plain(200, 400)]
"""As `PlainText`, of up to 200 characters."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """Checks that a value lies between two others; what was stored before there was this bound is brought inside."""

    lowest: Any
    highest: Any

    def __call__(self, value: Any, info: ValidationInfo) -> Any:
        inside = min(max(value, self.lowest), self.highest)
        if inside != value and not is_stored(info):
            bounds = {"lowest": str(self.lowest), "highest": str(self.highest)}
            raise PydanticCustomError("out_of_bounds", "out_of_bounds", bounds)
        return inside


def between(lowest: int | date, highest: int | date) -> AfterValidator:
    """Return the check that a number or a day lies between two others, both included."""
    return AfterValidator(_Bound(lowest, highest))


Yen = Annotated[int, Field(strict=True, ge=0, le=MAX_YEN)]
"""Integer yen, never negative: an operation's kind gives the direction."""

Points = Annotated[int, Field(strict=True, ge=1, le=MAX_YEN)]
"""Integer points that move: at least one."""

Balance = Annotated[int, Field(strict=True)]
"""Integer points that somebody holds; negative only where a programme allows an overdraft."""

MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
"""全国地方公共団体コード, six digits with the check digit."""

PROGRAMME: Final = re.compile(r"^\d{6}(-[A-Z][A-Z0-9]{0,15})?$", re.ASCII)
OPERATION_ID: Final = re.compile(r"^\d{6}-\d{4}-\d{2}-\d{6,12}$", re.ASCII)
REASON_CODE: Final = re.compile(r"^[a-z][a-z0-9_]{0,31}$")
"""What a code looks like, for whoever checks what was typed (`fullmatch`)."""

ProgrammeCode = Annotated[str, StringConstraints(pattern=PROGRAMME.pattern)]
"""A municipality's own points (`252034`), or a shopping street's under it (`252034-KUROKABE`)."""

ShopCode = Annotated[str, StringConstraints(pattern=r"^\d{6}-\d{4}$")]
"""Municipality code and the shop's number in it: `252034-0001`."""

TerminalId = Annotated[str, StringConstraints(pattern=r"^\d{6}-\d{4}-\d{2}$")]
"""Shop code and the terminal's number in it, never given twice: `252034-0001-01`."""

OperationId = Annotated[str, StringConstraints(pattern=OPERATION_ID.pattern)]
"""Terminal id and journal sequence number: `252034-0001-01-000042`."""

AwardReasonCode = Annotated[str, StringConstraints(pattern=REASON_CODE.pattern)]
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


def _true(value: object) -> object:
    if value is not True:
        raise ValueError("only true is stated; what is not so is left out")
    return value


Stated = Annotated[Literal[True], BeforeValidator(_true)]
"""True, and not 1, which would be another entry than the one that was hashed."""


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
