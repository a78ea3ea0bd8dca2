"""What a barcode scanner read: the code of one of our own slips, or something that means nothing to the counter."""

from __future__ import annotations

import re
from dataclasses import dataclass

_APART = "[:+*']"
"""A colon, and what a scanner that is set to another keyboard types in its place (US on Japanese, and the reverse)."""

_SLIP = re.compile(
    rf"KZ1{_APART}(\d{{6}}-\d{{4}}-\d{{2}}-\d{{6,12}}){_APART}([0-9a-f]{{8,64}})", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class SlipCode:
    """What the QR code of a slip says (`terminal.slips.operation.qr_text`): an operation, and its entry's hash."""

    operation_id: str
    short_hash: str


def slip_code(text: str) -> SlipCode | None:
    """Return the slip that a scanned text names, None where it names none."""
    found = _SLIP.fullmatch(text.strip())
    return SlipCode(found[1], found[2].lower()) if found else None
