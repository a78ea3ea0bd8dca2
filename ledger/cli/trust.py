"""`kazasu ledger signing-key`: which key signs the ledger's answers, and moving on to the next."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.office import EVERYWHERE, note, office_of

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
