"""Recognises a 個人番号 in typed text, so that it is refused there: it is never asked for, stored or accepted."""

from __future__ import annotations

import re
import unicodedata

_TWELVE = re.compile(r"(?<!\d)\d{4}[ -]?\d{4}[ -]?\d{4}(?!\d)")


def check_digit(eleven: str) -> int:
    """Return the check digit of eleven digits (省令第85号, art. 5).

    With P1…P11 counted from the right, Q = n+1 for n ≤ 6 and n−5 above; r = Σ P·Q mod 11; 0 if r ≤ 1, else 11 − r.
    """
    remainder = sum(int(p) * (n + 1 if n <= 6 else n - 5) for n, p in enumerate(reversed(eleven), start=1)) % 11
    return 0 if remainder <= 1 else 11 - remainder


def looks_like_my_number(text: str) -> bool:
    """Return whether a text holds twelve digits (full-width too, in groups of four or not) with a right check digit."""
    for found in _TWELVE.finditer(unicodedata.normalize("NFKC", text)):
        digits = re.sub(r"\D", "", found.group())
        if check_digit(digits[:11]) == int(digits[11]):
            return True
    return False
