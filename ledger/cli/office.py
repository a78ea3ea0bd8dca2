"""What the office's commands share: which ledger, in which language, by whom, and how a command answers or ends."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from config.errors import CommandFailed
from config.municipalities import is_known
from config.output import tell, tell_all
from config.plain import shown
from config.texts import Texts
from ledger.encodings import BOM
from ledger.place import Place

if TYPE_CHECKING:  # what stores is imported by the command that needs it
    from ledger.api.desk import Officer
    from ledger.api.state import Ledger

MAX_NAME: Final = 40
"""Characters of the longest name or note that is typed here."""

EVERYWHERE = "000000"
"""Stands in the audit for a municipality where an act concerns all of them."""


def _municipality(code: str) -> str:
    if not is_known(code):
        raise typer.BadParameter(f"there is no municipality {code}")
    return code


Who = Annotated[str, typer.Argument(help="A MyKey ID, or a linked number as library:0042.")]
Municipality = Annotated[str, typer.Argument(help="Six digits: 252034.", callback=_municipality)]
MunicipalityOption = Annotated[str, typer.Option("--municipality", help="Six digits.", callback=_municipality)]


@dataclass(frozen=True, slots=True)
class Office:
    """Which ledger is worked on, and in which language."""

    place: Place
    anchors: Path
    texts: Texts

    @contextmanager
    def open(self) -> Iterator[Ledger]:
        """Yield the ledger; raise KnownError."""
        from config.trust import Anchors
        from ledger.database import translated
        from ledger.embedded import assemble

        with translated():
            ledger = assemble(self.place, Anchors.load(self.anchors))
            try:
                yield ledger
            finally:
                ledger.close()

    def plain(self, field: str, text: str) -> str:
        """Return a name or note that was typed, composed; end the command where it is not plain text."""
        from config.plain import fault_of, normal

        text = normal(text)
        if (fault := fault_of(text, chars=MAX_NAME, cells=2 * MAX_NAME)) is not None:
            self.refuse("text_wrong", field=field, reason=self.texts(f"text-{fault}".replace("_", "-"), chars=MAX_NAME))
        return text

    def refuse(self, code: str, /, **args: str | int) -> NoReturn:
        """End the command; the command line's edge says what is wrong, why, and what to do."""
        raise CommandFailed(code, **args)

    def tell(self, key: str, **args: str | int) -> None:
        """Print a sentence."""
        answer(self.texts(key, **args))

    def tell_table(self, key: str, rows: Iterable[Sequence[object]]) -> None:
        """Print a table for a spreadsheet (CSV), whose columns the text `key` names."""
        heads, *lines = (_line(row) for row in (self.texts(key).split(","), *rows))
        # By its mark a spreadsheet knows the encoding.
        mark = "" if sys.stdout is None or sys.stdout.isatty() else BOM
        tell_all([f"{mark}{heads}", *lines])


def _line(row: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([_cell(str(cell)) for cell in row])
    return line.getvalue()


def _cell(text: str) -> str:
    """Return what stands in a cell: nothing that steers a terminal, or that a spreadsheet takes for a formula."""
    safe = shown(text)
    return f"'{safe}" if safe[:1] in {"=", "+", "@", "\t"} or (safe[:1] == "-" and not safe[1:].isdecimal()) else safe


def office_of(context: typer.Context) -> Office:
    """Return the office that a command works for."""
    office = context.obj
    if not isinstance(office, Office):
        raise TypeError("the options of the ledger come first")
    return office


def officer(municipality: str) -> Officer:
    """Return who sits at this shell."""
    from ledger.api.desk import Officer

    try:
        name = getuser()
    except (KeyError, OSError):  # in a container, nobody need have a name
        name = str(os.getuid())
    name = shown(name)
    return Officer(municipality, f"cli:{name}"[:40])


def note(ledger: Ledger, municipality: str, action: str, mykey: str | None = None, **detail: str) -> None:
    """Write into the audit what was done, and whom it concerned."""
    ledger.audit.note(officer(municipality), action, detail, ledger.clock(), mykey)


def mykey_of(ledger: Ledger, who: str) -> str:
    """Return the MyKey ID that was typed, or that a typed number is linked to."""
    from pydantic import ValidationError

    from ledger.identity.errors import IdentityRefusal
    from ledger.wire.codes import as_mykey
    from ledger.wire.tokens import ServiceId

    service, colon, number = who.partition(":")
    try:
        mykey = as_mykey(who) if not colon else ledger.identity.find_mykey(ServiceId(service=service, number=number))
    except ValidationError:
        mykey = None
    if mykey is None:
        raise IdentityRefusal("mykey_unknown")
    return mykey


def answer(line: str) -> None:
    """Print a result."""
    tell(shown(line))
