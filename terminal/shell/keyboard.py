"""What keys are the same on every keyboard: digits however they are typed, and a numeric pad's stand-ins."""

from __future__ import annotations

import unicodedata

PAD = {"slash": "escape", "asterisk": "f1"}
"""What a numeric pad has in place of keys that it lacks, by Textual's names."""


def digit(character: str | None) -> str | None:
    """Return the digit that a key types, also where an input method makes it a full-width one."""
    plain = unicodedata.normalize("NFKC", character or "")
    return plain if len(plain) == 1 and plain in "0123456789" else None
