"""`kazasu ledger signing-key|losses|recover`: what the ledger signs, what it lost, and how a terminal goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.office import EVERYWHERE, MunicipalityArgument, note, office_of

app = typer.Typer()


@app.command("signing-key")
def signing_key(
    context: typer.Context,
    advance: Annotated[bool, typer.Option("--advance", help="Sign with the next key from now on.")] = False,
) -> None:
    """Print the number and fingerprint of the key that signs the ledger's answers; move on to the next.

    Terminals know the next key beforehand and follow by themselves. Enrolment codes that were given out before name the
    old key and are to be given out again.
    """
    from ledger.wire.codes import key_print

    office = office_of(context)
    with office.open() as ledger:
        if advance:
            note(ledger, EVERYWHERE, "signing_key", number=str(ledger.signing.advance()))
        print_ = key_print(ledger.signing.public[0])
        groups = "-".join(print_[start : start + 4] for start in range(0, len(print_), 4))
        office.tell("office-signing-key", number=ledger.signing.number, print=groups)


@app.command()
def losses(context: typer.Context, municipality: MunicipalityArgument) -> None:
    """Print what verdicts that the ledger lost, and gave back by its own signature, could not bring back, as CSV."""
    from datetime import UTC, datetime

    from config.japan import JST
    from ledger.points.reports import losses_of

    office = office_of(context)
    with office.open() as ledger:
        rows = [
            (each.operation, each.what, each.programme, each.points, datetime.fromtimestamp(each.noted_at, UTC))
            for each in losses_of(ledger.books, municipality)
        ]
        office.tell_table("office-columns-losses", [(*row[:4], row[4].astimezone(JST).isoformat()) for row in rows])


@app.command()
def recover(
    context: typer.Context,
    terminal: Annotated[str, typer.Argument(help="Its number: 252034-0001-01.")],
    head: Annotated[str, typer.Option(help="The last entry that is given up, as NUMBER:HASH.")],
) -> None:
    """Go on in a terminal's journal behind entries that are lost on both sides; they can never be decided.

    This is for a person to decide: what a terminal can send again, or the ledger's signature proves, heals by itself.
    No verdict is set aside: the ledger goes forward only. A terminal whose journal contradicts the ledger's is
    withdrawn, and enrolled anew.
    """
    from ledger.points.events import EventKind
    from ledger.wire.entries import SetAside

    office = office_of(context)
    number, _, digest = head.partition(":")
    try:
        place = SetAside(seq=int(number), hash=digest)
    except ValueError:
        raise typer.BadParameter("NUMBER:HASH is expected") from None
    with office.open() as ledger:
        if ledger.registry.terminal(terminal) is None:
            office.refuse("terminal_unknown")
        if not ledger.registry.advance_head(terminal, place.seq, place.hash):
            office.refuse("recover_backwards")
        note(ledger, terminal[:6], "recover", terminal=terminal, head=head)
        ledger.noticed(EventKind.RECOVERED, terminal)
        office.tell("office-recovered", terminal=terminal, seq=place.seq)
