"""Readings that tests make of a card at once."""

from __future__ import annotations

from reader import plans
from reader.jpki import JpkiSession

DIGEST = bytes(range(32))
"""What tests have signed."""


def head_and_sign(session: JpkiSession, pin: bytearray | None = None) -> bytes:
    """Read the head and have the card sign, as a terminal may that needs neither proof nor choice."""
    return plans.sign_with_card(session, plans.head(session), bytearray(b"1234") if pin is None else pin, DIGEST)
