"""Reads what people type as an amount: digits, full-width ones too, and never a 個人番号."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TypeVar

from config.my_number import looks_like_my_number
from ledger.wire.values import MAX_YEN
from terminal.counter.events import Erased, Typed
from terminal.counter.facts import Fault
from terminal.counter.states import (
    EnteringAward,
    EnteringConvert,
    EnteringPart,
    EnteringReserve,
    EnteringReturn,
    FindingUndo,
    Idle,
)

S = TypeVar("S", Idle, EnteringAward, EnteringPart, EnteringConvert, EnteringReserve, EnteringReturn, FindingUndo)


def digits_of(text: str, most: int = MAX_YEN) -> str | Fault:
    """Return the digits typed so far, without leading zeros, or why they cannot be the start of an amount."""
    if looks_like_my_number(text):
        return Fault("my_number_refused")
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return ""
    if plain.startswith(("-", "−")):
        return Fault("amount_negative")
    if not (plain.isascii() and plain.isdigit()):
        return Fault("amount_not_digits")
    plain = plain.lstrip("0") or "0"
    # By length first: int() of a very long string is refused by Python itself.
    if len(plain) > len(str(most)) or int(plain) > most:
        return Fault("amount_too_large", (("most", most),))
    return plain


def amount_of(text: str, most: int = MAX_YEN) -> int | Fault:
    """Return a whole amount from 1 to `most`, or why it is none."""
    digits = digits_of(text, most)
    if isinstance(digits, Fault):
        return digits
    if not digits:
        return Fault("amount_missing")
    return int(digits) or Fault("amount_zero")


def edited(state: S, event: Typed | Erased, most: int = MAX_YEN) -> S:
    """Return what is typed after one more key; a wrong key is named, and erased before anything that stands there."""
    if isinstance(event, Erased):
        return replace(state, text=state.text if state.notice else state.text[:-1], notice=None)
    digits = digits_of(state.text + event.text, most)
    if isinstance(digits, Fault):
        return replace(state, notice=digits)
    return replace(state, text=digits, notice=None)
