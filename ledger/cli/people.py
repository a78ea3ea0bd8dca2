"""Commands for people: stop and resume a card, renew it, leave, and what the card's issuer revoked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from config.errors import CommandFailed
from config.output import tell
from ledger.cli.office import (
    EVERYWHERE,
    Who,
    acting,
    bearer_of,
    municipality_of,
    mykey_of,
    note,
    office_of,
    officer,
)

app = typer.Typer()


ActingFor = Annotated[
    str | None, typer.Option("--municipality", help="Whose office acts; needed where the ledger has several.")
]


@app.command()
def stop(context: typer.Context, who: Who, municipality: ActingFor = None) -> None:
    """Suspend a holder; where another town registered them, this town's points alone. It counts at once."""
    from ledger.api import people

    office = office_of(context)
    with office.open() as ledger:
        code = municipality_of(office, ledger, who, municipality)
        mykey = mykey_of(ledger, who, code)
        with acting(ledger, code, "stop", mykey):
            whole = people.stop(ledger, code, mykey)
        office.tell("office-stopped" if whole else "office-stopped-here", mykey=mykey, municipality=code)


@app.command()
def resume(context: typer.Context, who: Who, municipality: ActingFor = None) -> None:
    """Lift a suspension."""
    from ledger.api import people

    office = office_of(context)
    with office.open() as ledger:
        code = municipality_of(office, ledger, who, municipality)
        mykey = mykey_of(ledger, who, code)
        with acting(ledger, code, "resume", mykey):
            whole = people.resume(ledger, code, mykey)
        office.tell("office-resumed" if whole else "office-resumed-here", mykey=mykey, municipality=code)


@app.command()
def renew(
    context: typer.Context,
    who: Who,
    municipality: ActingFor = None,
    token: Annotated[
        str | None, typer.Option(envvar="KAZASU_OFFICE_TOKEN", help="Of the person who acts, where two must.")
    ] = None,
) -> None:
    """Print a code with which somebody whom the office identified takes their MyKey ID over to a renewed card.

    Where another town registered them two persons must ask, each with a token of their own, the second a day later.
    """
    from ledger.api import people
    from ledger.api.desk import Scope

    office = office_of(context)
    with office.open() as ledger:
        code = municipality_of(office, ledger, who, municipality)
        mykey = mykey_of(ledger, who, code)
        person = officer(code) if token is None else bearer_of(office, ledger, code, token, Scope.OPERATE)
        with ledger.audit.act(
            person, "renewal_code", {}, ledger.clock(), mykey, municipalities=people.concerned(ledger, mykey)
        ):
            code = people.renewal_code(ledger, person, mykey)
        tell(code)


@app.command()
def contact(
    context: typer.Context,
    who: Who,
    municipality: ActingFor = None,
    another: Annotated[bool, typer.Option("--replace", help="Give them another; the old one is nobody's.")] = False,
) -> None:
    """Print the number by which somebody is called on the telephone, or give them another."""
    from ledger.api import people
    from ledger.wire.codes import grouped

    office = office_of(context)
    with office.open() as ledger:
        code = municipality_of(office, ledger, who, municipality)
        mykey = mykey_of(ledger, who, code)
        with acting(ledger, code, "contact_replaced" if another else "contact_read", mykey):
            people.check_home(ledger, code, mykey)
            change = ledger.identity.replace_contact_number if another else ledger.identity.contact_number
            number = change(mykey)
        tell(grouped(number))


@app.command()
def unlink(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="A linked number, as library:0042 or 252034/library:0042.")],
    municipality: ActingFor = None,
) -> None:
    """Give one linked number up; the holder keeps everything else."""
    from ledger.awards import who_of
    from ledger.wire.tokens import ServiceId

    office, asked = office_of(context), who_of(number)
    if not isinstance(asked, ServiceId):
        raise typer.BadParameter("a linked number is written as library:0042")
    with office.open() as ledger:
        code = municipality_of(office, ledger, number, municipality)
        mykey = mykey_of(ledger, number, code)
        with acting(ledger, code, "unlink", mykey, service=asked.service):
            ledger.identity.unlink(mykey, asked.service, code)
        office.tell("office-unlinks", service=asked.service, number=asked.number)


@app.command()
def leave(
    context: typer.Context,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="The holder has heard it and wants it.")] = False,
    municipality: ActingFor = None,
) -> None:
    """Say what somebody who leaves loses; with --yes, forget the person: points lapse, numbers and card are deleted."""
    from ledger.api import people
    from ledger.api.decisions import leave as carry_out
    from ledger.points.reports import holdings

    office = office_of(context)
    with office.open() as ledger:
        code = municipality_of(office, ledger, who, municipality)
        mykey = mykey_of(ledger, who, code)
        people.check_home(ledger, code, mykey)
        for programme, points in holdings(ledger.books, mykey):
            office.tell("office-lapses", programme=programme, points=points)
        for each in ledger.identity.services(mykey):
            office.tell("office-unlinks", service=each.service, number=each.number)
        if not yes:
            raise CommandFailed("leave_unconfirmed")
        # The audit does not name a resident who leaves.
        with ledger.audit.act(
            officer(code), "leave", {}, ledger.clock(), municipalities=people.concerned(ledger, mykey)
        ):
            carry_out(ledger, mykey)
        office.tell("office-left")


@app.command()
def revocations(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="X.509 CRLs, PEM or DER.")],
) -> None:
    """Take revocation lists in; each replaces the last one of its issuer or distribution point."""
    from config.trust import Anchors
    from ledger.identity.revocation import read

    office = office_of(context)
    with office.open() as ledger:
        anchors = Anchors.load(office.anchors).certificates
        for path in files:
            found = read(path.read_bytes(), anchors)
            found = replace(found, serials=office.counted(found.serials, "office-revoking"))
            count = ledger.identity.replace_revocations(found)
            note(ledger, EVERYWHERE, "revocations", file=path.name, cards=str(count))
            office.tell("office-revocations", path=str(path), count=count)
