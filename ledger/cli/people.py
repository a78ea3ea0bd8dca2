"""Commands for people: stop and resume a card, renew it, leave, and what the card's issuer revoked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config.errors import CommandFailed
from config.output import tell
from ledger.cli.office import EVERYWHERE, Who, mykey_of, note, office_of

app = typer.Typer()


@app.command()
def stop(context: typer.Context, who: Who) -> None:
    """Suspend a holder; it counts from the next request on."""
    office = office_of(context)
    with office.open() as ledger:
        mykey = mykey_of(ledger, who)
        ledger.identity.stop(mykey)
        note(ledger, EVERYWHERE, "stop", mykey=mykey)
        office.tell("office-stopped", mykey=mykey)


@app.command()
def resume(context: typer.Context, who: Who) -> None:
    """Lift a suspension."""
    office = office_of(context)
    with office.open() as ledger:
        mykey = mykey_of(ledger, who)
        ledger.identity.resume(mykey)
        note(ledger, EVERYWHERE, "resume", mykey=mykey)
        office.tell("office-resumed", mykey=mykey)


@app.command()
def renew(context: typer.Context, who: Who) -> None:
    """Print a code with which somebody whom the office identified takes their MyKey ID over to a renewed card."""
    with office_of(context).open() as ledger:
        mykey = mykey_of(ledger, who)
        code = ledger.identity.renewal_code(mykey, ledger.today())
        note(ledger, EVERYWHERE, "renewal_code", mykey=mykey)
        tell(code)


@app.command()
def unlink(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="A linked number, as library:0042.")],
) -> None:
    """Give one linked number up; the holder keeps everything else."""
    service, _, own = number.partition(":")
    if not own:
        raise typer.BadParameter("a linked number is written as library:0042")
    office = office_of(context)
    with office.open() as ledger:
        mykey = mykey_of(ledger, number)
        ledger.identity.unlink(mykey, service)
        note(ledger, EVERYWHERE, "unlink", mykey, service=service)
        office.tell("office-unlinks", service=service, number=own)


@app.command()
def leave(
    context: typer.Context,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="The holder has heard it and wants it.")] = False,
) -> None:
    """Say what somebody who leaves loses; with --yes, forget the person: points lapse, numbers and card are deleted."""
    from ledger.api.decisions import leave as carry_out
    from ledger.identity.errors import IdentityRefusal
    from ledger.points.reports import holdings

    office = office_of(context)
    with office.open() as ledger:
        mykey = mykey_of(ledger, who)
        if mykey not in ledger.identity.known([mykey]):
            raise IdentityRefusal("mykey_unknown")
        for programme, points in holdings(ledger.books, mykey):
            office.tell("office-lapses", programme=programme, points=points)
        for each in ledger.identity.services(mykey):
            office.tell("office-unlinks", service=each.service, number=each.number)
        if not yes:
            raise CommandFailed("leave_unconfirmed")
        carry_out(ledger, mykey)
        note(ledger, EVERYWHERE, "leave")
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
            count = ledger.identity.replace_revocations(read(path.read_bytes(), anchors))
            note(ledger, EVERYWHERE, "revocations", file=path.name, cards=str(count))
            office.tell("office-revocations", path=str(path), count=count)
