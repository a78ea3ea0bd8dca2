"""What the office's commands share: which ledger, in which language, by whom, and how a command answers or ends."""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

from config.errors import CommandFailed
from config.municipalities import is_known
from config.output import say, tell, tell_all
from config.plain import shown
from config.texts import Texts
from ledger.encodings import BOM
from ledger.place import Place

if TYPE_CHECKING:  # what stores is imported by the command that needs it
    from ledger.api.desk import Officer, Scope
    from ledger.api.state import Ledger

T = TypeVar("T")

MAX_NAME: Final = 40
"""Characters of the longest name or note that is typed here."""

EVERYWHERE = "000000"
"""Stands in the audit for a municipality where an act concerns all of them."""


def _municipality(code: str) -> str:
    if not is_known(code):
        raise typer.BadParameter(f"there is no municipality {code}")
    return code


Who = Annotated[str, typer.Argument(help="A contact number, a MyKey ID, or a linked number as library:0042.")]
MunicipalityArgument = Annotated[str, typer.Argument(help="Six digits: 252034.", callback=_municipality)]
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
        from ledger.database import database_errors
        from ledger.embedded import assemble

        with database_errors():
            ledger = assemble(self.place, Anchors.load(self.anchors))
            try:
                if left := ledger.identity.unassigned():
                    say(self.texts("office-unassigned", services=", ".join(sorted(left))))
                for municipality in ledger.registry.municipalities():
                    ledger.audit.deliver(municipality)
                yield ledger
            finally:
                ledger.close()

    def plain(self, field: str, text: str) -> str:
        """Return a name or note that was typed, composed; end the command where it is not plain text."""
        from config.plain import flaw_of, normal

        text = normal(text)
        if (fault := flaw_of(text, chars=MAX_NAME, cells=2 * MAX_NAME)) is not None:
            self.refuse("text_wrong", field=field, reason=self.texts(f"text-{fault}".replace("_", "-"), chars=MAX_NAME))
        return text

    def refuse(self, code: str, /, **args: str | int) -> NoReturn:
        """End the command; the command line's edge says what is wrong, why, and what to do."""
        raise CommandFailed(code, **args)

    def tell(self, key: str, **args: str | int) -> None:
        """Print a sentence."""
        print_line(self.texts(key, **args))

    def progress(self, key: str) -> Callable[[int], None]:
        """Return what says on standard error how far a command is, once it has taken a second, and every second."""
        last = time.monotonic()

        def tell(done: int) -> None:
            nonlocal last
            if time.monotonic() - last >= 1:
                last = time.monotonic()
                say(self.texts(key, count=done))

        return tell

    def counted(self, items: Iterable[T], key: str) -> Iterator[T]:
        """Yield items, and say how far it is."""
        tell = self.progress(key)
        for count, each in enumerate(items, start=1):
            yield each
            if count % 1_000 == 0:
                tell(count)

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


@contextmanager
def acting(ledger: Ledger, municipality: str, action: str, mykey: str | None = None, **detail: str) -> Iterator[None]:
    """Write down what is about to be done and then what came of it, in every town that it concerns."""
    from ledger.api.people import concerned

    municipalities = set() if mykey is None else concerned(ledger, mykey)
    with ledger.audit.act(officer(municipality), action, detail, ledger.clock(), mykey, municipalities):
        yield


def mykey_of(ledger: Ledger, who: str, municipality: str) -> str:
    """Return the MyKey ID of whom somebody typed: it, a contact number, or a number of a town's service."""
    from ledger.api.people import find_resident
    from ledger.awards import who_of
    from ledger.identity.errors import IdentityRefusal

    if (named := who_of(who)) is None:
        raise IdentityRefusal("mykey_unknown")
    return find_resident(ledger, municipality, named)


def municipality_of(office: Office, ledger: Ledger, who: str, named: str | None) -> str:
    """Return whose office acts: the one that is named, else that of the number, else the only one there is."""
    prefix, slash, _ = who.partition("/")
    municipality = named or (prefix if slash else only_municipality(ledger))
    if not municipality and ledger.registry.municipalities():
        office.refuse("municipality_needed")
    return municipality


def bearer_of(office: Office, ledger: Ledger, municipality: str, token: str | None, scope: Scope) -> Officer:
    """Return who bears a token of a town's office for some work; end the command where nobody does."""
    bearer = None if token is None else ledger.office.officer(token, ledger.today())
    if bearer is None:
        office.refuse("token_wrong")
    if bearer.municipality != municipality:
        office.refuse("office_mismatch")
    if scope not in bearer.scopes:
        office.refuse("scope_wrong")
    return bearer


def only_municipality(ledger: Ledger) -> str:
    """Return the municipality of a ledger that has one alone; empty where it has several."""
    municipalities = ledger.registry.municipalities()
    return municipalities[0] if len(municipalities) == 1 else ""


def print_line(line: str) -> None:
    """Print a result."""
    tell(shown(line))
