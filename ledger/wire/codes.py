"""Codes that people write down and read out over a telephone: MyKey IDs, enrolment codes, renewal codes."""

from __future__ import annotations

import re
import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, five bits a character: nothing is mistaken for something else."""

MYKEY_LENGTH: Final = 10

_MEANT: Final = str.maketrans("OIL", "011", "- ")
_MYKEY: Final = re.compile(f"[{ALPHABET}]{{{MYKEY_LENGTH}}}")


def random_code(length: int) -> str:
    """Return so many random characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def as_meant(code: str) -> str:
    """Return a code without what does not count: small letters, groups, an O for a zero, an I or L for a one."""
    return code.strip().upper().translate(_MEANT)


def as_mykey(text: str) -> str | None:
    """Return the MyKey ID that somebody wrote, None where it can be none."""
    mykey = as_meant(text)
    return mykey if _MYKEY.fullmatch(mykey) else None
