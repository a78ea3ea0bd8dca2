"""Codes that people write down and read out over a telephone: MyKey IDs, enrolment codes, renewal codes."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, five bits a character: nothing is mistaken for something else."""

MYKEY_LENGTH: Final = 10

CONTACT_LENGTH: Final = 8
"""Characters of the number by which a resident is called on the telephone; the last one checks the others."""

SECRET_LENGTH: Final = 12
"""Characters of an enrolment code that are secret: 60 bits, good once and for a week."""

PRINT_LENGTH: Final = 16
"""Characters of an enrolment code that name the ledger's signing key: 80 bits of its fingerprint."""

_MEANT: Final = str.maketrans("OIL", "011", "- ")
_MYKEY: Final = re.compile(f"[{ALPHABET}]{{{MYKEY_LENGTH}}}")
_CONTACT: Final = re.compile(f"[{ALPHABET}]{{{CONTACT_LENGTH}}}")
_ENROLMENT: Final = re.compile(f"[{ALPHABET}]{{{SECRET_LENGTH + PRINT_LENGTH + 1}}}")


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


def as_contact(text: str) -> str | None:
    """Return the contact number that somebody wrote or read out, None where it is none or was mistyped."""
    code = as_meant(text)
    if not _CONTACT.fullmatch(code) or check_character(code[:-1]) != code[-1]:
        return None
    return code


def contact_of(digest: bytes) -> str:
    """Return the contact number that a digest stands for: 35 of its bits and a check character."""
    bits = int.from_bytes(digest[:8], "big")
    code = "".join(ALPHABET[bits >> shift & 31] for shift in range(0, 5 * (CONTACT_LENGTH - 1), 5))
    return code + check_character(code)


def grouped(code: str) -> str:
    """Return a code in groups of four, as people read it out."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def check_character(code: str) -> str:
    """Return the character that ends a code, so that a mistyped one is noticed.

    It follows the hybrid systems of ISO/IEC 7064 with 33 and 32 in place of 37 and 36: every single wrong character is
    found, and nearly every two that changed places.
    """
    base = len(ALPHABET)
    product = base
    for character in code:
        total = (product + ALPHABET.index(character)) % base or base
        product = total * 2 % (base + 1)
    return ALPHABET[(base + 1 - product) % base]


def key_print(public_key: str) -> str:
    """Return the fingerprint of a ledger's signing key (raw, base64): 80 bits of its SHA-256 in 16 characters."""
    digest = hashlib.sha256(base64.b64decode(public_key, validate=True)).digest()
    bits = int.from_bytes(digest[: PRINT_LENGTH * 5 // 8], "big")
    return "".join(ALPHABET[bits >> shift & 31] for shift in range(5 * (PRINT_LENGTH - 1), -1, -5))


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """What the office hands a shop: a secret that is good once, and the fingerprint of the ledger's signing key."""

    secret: str
    key_print: str

    @classmethod
    def read(cls, text: str) -> EnrolmentCode | None:
        """Return the code that somebody typed, None where it is none or was mistyped."""
        code = as_meant(text)
        if not _ENROLMENT.fullmatch(code) or check_character(code[:-1]) != code[-1]:
            return None
        return cls(code[:SECRET_LENGTH], code[SECRET_LENGTH:-1])

    def __str__(self) -> str:
        code = as_meant(self.secret) + self.key_print
        code += check_character(code)
        return grouped(code)
