"""What the office's commands share: which ledger, in which language, by whom, and how a command answers or ends."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from config.municipalities import is_known
from config.plain import shown
from config.texts import Texts
from ledger.encodings import BOM
from ledger.place import CannotOpen, Place

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
        """Yield the ledger; a refusal ends the command with its sentences."""
        from sqlalchemy.exc import DBAPIError

        from config.trust import AnchorError, Anchors
        from ledger.database import is_standby
        from ledger.embedded import assemble
        from ledger.identity.errors import IdentityRefusal
        from ledger.points.periods import PeriodKeyMissing
        from ledger.points.registry import RegistryError

        try:
            ledger = assemble(self.place, Anchors.load(self.anchors))
        except (AnchorError, CannotOpen) as error:
            self.refuse(error.code, **{name: str(value) for name, value in vars(error).items()})
        except DBAPIError as error:
            if is_standby(error):
                self.refuse("database_standby")
            self.refuse("database_unreachable", error=type(error.orig).__name__)
        try:
            yield ledger
        except (IdentityRefusal, RegistryError) as refused:
            self.refuse(refused.code)
        except PeriodKeyMissing as missing:
            self.refuse(missing.code)
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
        """Say what is wrong, why, and what to do; end the command."""
        refusal = self.texts.refusal(code, **args)
        stop(f"{refusal.what}\n{refusal.why}\n{refusal.todo}\n({code})")

    def tell(self, key: str, **args: str | int) -> None:
        """Print a sentence."""
        answer(self.texts(key, **args))

    def tell_table(self, key: str, rows: Iterable[Sequence[object]]) -> None:
        """Print a table for a spreadsheet (CSV), whose columns the text `key` names."""
        if not sys.stdout.isatty():
            sys.stdout.write(BOM)  # by which a spreadsheet knows the encoding
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(self.texts(key).split(","))
        table.writerows([_cell(str(cell)) for cell in row] for row in rows)


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
    print(shown(line))  # noqa: T201  # this is how a command line answers


def stop(sentence: str) -> NoReturn:
    """Say why the command ends here."""
    typer.echo("\n".join(map(shown, sentence.splitlines())), err=True)
    raise typer.Exit(1)
