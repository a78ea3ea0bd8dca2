"""The clerks who may sign on at the counter: a number each, and a hash of the code that only they know."""

from __future__ import annotations

import base64
import os
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.errors import KnownError
from config.files import write_whole

ClerkNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,16}$")]
"""What stands as the operator of each entry."""

SHORTEST, LONGEST = 4, 8
"""Digits of a code."""

_COST: Final = 2**14
"""The cost of scrypt (RFC 7914): some 50 ms for a try, so that whoever copies the file tries 10,000 codes for long."""


class ClerksDamaged(KnownError):  # noqa: N818  # says what is the case
    """The file of the clerks cannot be read."""

    code = "clerks_damaged"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} cannot be read")
        self.path = path


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Clerk(_Model):
    """One clerk: `salt` and `hashed` (base64) are of the code, which stands nowhere."""

    number: ClerkNumber
    salt: str
    hashed: str

    @classmethod
    def with_code(cls, number: str, code: str) -> Self:
        """Return a clerk with a code of their own."""
        salt = os.urandom(16)
        return cls(number=number, salt=base64.b64encode(salt).decode(), hashed=_hashed(code, salt))

    def knows(self, code: str) -> bool:
        """Return whether this is the clerk's code; takes a while, on purpose."""
        return compare_digest(_hashed(code, base64.b64decode(self.salt)), self.hashed)


class Clerks(_Model):
    """Everybody who may sign on; where there is nobody, no one is asked to."""

    form: Literal[1] = 1
    clerks: tuple[Clerk, ...] = Field(default=())

    def named(self, number: str) -> Clerk | None:
        """Return the clerk with a number, None where there is none."""
        return next((clerk for clerk in self.clerks if clerk.number == number), None)

    def without(self, number: str) -> Clerks:
        """Return all but one."""
        return Clerks(clerks=tuple(clerk for clerk in self.clerks if clerk.number != number))

    def with_clerk(self, clerk: Clerk) -> Clerks:
        """Return all with one more, in the order of their numbers; the same number gets the new code."""
        every = (*self.without(clerk.number).clerks, clerk)
        return Clerks(clerks=tuple(sorted(every, key=lambda each: (len(each.number), each.number))))


def load(path: Path) -> Clerks:
    """Return the clerks of a file, nobody where there is none; raise ClerksDamaged."""
    try:
        return Clerks.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Clerks()
    except ValidationError:
        raise ClerksDamaged(path) from None


def save(path: Path, clerks: Clerks) -> None:
    """Write the clerks down."""
    write_whole(path, clerks.model_dump_json(indent=1).encode())


def _hashed(code: str, salt: bytes) -> str:
    return base64.b64encode(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(code.encode())).decode()
