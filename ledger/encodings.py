"""Tells in which encoding a file of the office's is: UTF-8, Shift_JIS as Windows has it, or a spreadsheet's UTF-16."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Final

BOM: Final = "\ufeff"
"""The byte order mark, as a character: some programs write two of them."""

ENCODING_NAMES: Final[Mapping[str, str]] = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp932": "Shift_JIS (cp932)",
}
"""What people call each encoding that is known here."""


def encoding_of(content: bytes) -> str | None:
    """Return Python's name of the encoding in which a whole text is, None where it is none of those known here."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16" if is_in(content, "utf-16") else None
    if is_in(content, "utf-8"):
        return "utf-8" if b"\0" not in content else _without_mark(content)
    return "cp932" if is_in(content, "cp932") and b"\0" not in content else _without_mark(content)


def is_in(content: bytes, encoding: str) -> bool:
    """Return whether bytes can be read in an encoding."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(content: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is in: its ASCII characters have their zeros on one side alone."""
    even, odd = content[0::2].count(0), content[1::2].count(0)
    if len(content) % 2 or not (even or odd) or min(even, odd) * 10 > max(even, odd):
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    return encoding if is_in(content, encoding) else None
