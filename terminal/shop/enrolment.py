"""Which ledger this machine belongs to, and as which terminal: one file, written when it is enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, Field, ValidationError

from config import settings as settings_file
from config.errors import KnownError
from config.files import write_whole
from config.home import Home
from ledger.wire.setup import TerminalSetup
from ledger.wire.values import Message
from offline_queue.keys import load_key, load_or_make_key
from offline_queue.lock import InstanceLock
from offline_queue.reading import read_journal
from terminal.shop.ledger_access import open_client


class EnrolmentError(KnownError):
    """This machine cannot work as an enrolled terminal; carries the `path` of the file in question.

    EnrolmentError
    ├── NotEnrolled          there is no enrolment
    ├── EnrolmentDamaged     the file cannot be read
    ├── EnrolmentNewer       a newer version of the program wrote the file
    ├── TerminalKeyDamaged   the key's file is missing or is none
    └── AlreadyEnrolled      another enrolment would orphan the journal that is here
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{self.code}: {path}")
        self.path = path


class NotEnrolled(EnrolmentError):  # noqa: N818  # says what is the case
    """This machine belongs to no ledger yet."""

    code = "not_enrolled"


class EnrolmentDamaged(EnrolmentError):  # noqa: N818  # as above
    """What the ledger told this machine cannot be read any more."""

    code = "enrolment_damaged"


class EnrolmentNewer(EnrolmentError):  # noqa: N818  # as above
    """A newer version of the program wrote the file, which is not touched."""

    code = "enrolment_newer"


class TerminalKeyDamaged(EnrolmentError):  # noqa: N818  # as above
    """The terminal's key is missing or cannot be read."""

    code = "terminal_key_damaged"


class AlreadyEnrolled(EnrolmentError):  # noqa: N818  # as above
    """This machine is a terminal already; carries how many of its operations are `unsent`."""

    code = "already_enrolled"

    def __init__(self, path: Path, unsent: int) -> None:
        super().__init__(path)
        self.unsent = unsent

    @property
    def spoken_code(self) -> str:
        """Whoever means to give this machine another number must send first what is not sent yet."""
        return f"{self.code}_unsent" if self.unsent else self.code


FORM = 2
"""The form in which the file is written. Form 1, of 0.1.0, said no number and less of the ledger."""


class Enrolment(Message):
    """The ledger's URL (or `terminal.shop.ledger_access.EMBEDDED`), and what it last told this terminal.

    `form` is the one in which it was written. A field that is new has a default and makes a new form.
    """

    form: Annotated[int, Field(strict=True, ge=1)] = 1
    ledger: str
    setup: TerminalSetup


class _Numbered(BaseModel):
    """What every form says, so that a newer one is told from a damaged one."""

    form: Annotated[int, Field(strict=True, ge=1)] = 1


def load_enrolment(home: Home) -> Enrolment | None:
    """Return the enrolment of a home, None where it has none; raise EnrolmentError."""
    try:
        written = home.enrolment.read_bytes()
    except FileNotFoundError:
        return None
    try:
        if _Numbered.model_validate_json(written).form > FORM:
            raise EnrolmentNewer(home.enrolment)
        return Enrolment.model_validate_json(written)
    except ValidationError:
        raise EnrolmentDamaged(home.enrolment) from None


async def enrol(home: Home, code: str, ledger: str) -> Enrolment:
    """Make this machine a terminal with a one-time code of its office, and keep what the ledger told it.

    Raise EnrolmentError, LedgerError, or QueueError where another process is at work here.
    """
    home.create()
    with InstanceLock(home.lock):
        if load_enrolment(home) is not None:
            raise AlreadyEnrolled(home.enrolment, _unsent(home))
        return await redeem(home, code, ledger)


def _unsent(home: Home) -> int:
    """Return how many operations the ledger has not decided yet; none where the journal cannot be read."""
    try:
        journal = read_journal(home.journal, key_of(home).public_key())
    except KnownError:
        return 0
    try:
        return journal.unsent_count()
    finally:
        journal.close()


async def redeem(home: Home, code: str, ledger: str) -> Enrolment:
    """Redeem a code for a home that is locked already."""
    key = load_or_make_key(home.terminal_key)
    allowed = settings_file.load_settings(home.settings).ledger.plain_http
    async with open_client(home, ledger, plain_http=allowed) as client:
        setup = await client.enrol(code, key.public_key())
    enrolment = Enrolment(ledger=ledger, setup=setup)
    save(home, enrolment)
    return enrolment


def key_of(home: Home) -> Ed25519PrivateKey:
    """Return the terminal's key; raise TerminalKeyDamaged."""
    try:
        return load_key(home.terminal_key)
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise TerminalKeyDamaged(home.terminal_key) from None


def save(home: Home, enrolment: Enrolment) -> None:
    """Write the enrolment in the place of the old one."""
    numbered = enrolment.model_copy(update={"form": FORM})
    write_whole(home.enrolment, numbered.model_dump_json(exclude_unset=True, indent=1).encode())
