"""Commands for keeping a ledger: examine it, back it up, restore it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.findings import Level
from ledger.cli.office import EVERYWHERE, Office, note, office_of, print_line

if TYPE_CHECKING:  # what seals and stores is imported by the command that needs it
    from ledger.backup.sealed import Passphrase

app = typer.Typer()

PassphraseFile = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Its first line is the passphrase; else it is asked.")
]


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="A new file; the months' keys go beside it.")],
    to_key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Seal to a public key (X25519, PEM).")
    ] = None,
    passphrase_file: PassphraseFile = None,
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Only the keys: PostgreSQL's own tools keep the databases.")
    ] = False,
) -> None:
    """Back up keys and both databases at one moment, sealed; the months' keys go into a second file."""
    from ledger.backup.making import back_up
    from ledger.backup.sealed import read_public_key

    office = office_of(context)
    with _refusals(office), office.open() as ledger:
        lock = read_public_key(to_key) if to_key is not None else _passphrase(office, passphrase_file, new=True)
        months = back_up(ledger, office.place, file, lock, keys_only=keys_only)
        note(ledger, EVERYWHERE, "backup", file=file.name)
        office.tell("keeping-backed-up", path=str(file), months=str(months))


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A backup.")],
    months: Annotated[
        Path | None, typer.Option(dir_okay=False, help="The months' keys; by default, the file beside the backup.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The private key that it was sealed to (PEM).")
    ] = None,
    passphrase_file: PassphraseFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read it to its end and check it.")] = False,
) -> None:
    """Restore a backup where there is no ledger; what was shredded since it was made is shredded again."""
    from datetime import UTC, datetime

    from ledger.backup.content import MONTHS
    from ledger.backup.restoring import opened
    from ledger.backup.restoring import restore as carry_out
    from ledger.backup.sealed import Passphrase, read_private_key
    from ledger.backup.second import remember

    office = office_of(context)
    with _refusals(office):
        opener = read_private_key(key) if key is not None else _passphrase(office, passphrase_file, new=False)
        second = months or file.with_name(MONTHS)
        with opened(file, second, opener, beside=office.place.directory) as found:
            made_at = found.manifest.made_at
            if dry_run:
                office.tell("keeping-checked", path=str(file), at=made_at, ledger=found.manifest.ledger[:8])
                office.tell("office-dry-run")
                return
            again = carry_out(found, office.place, datetime.now(UTC))
        remember(office.place, second, opener if isinstance(opener, Passphrase) else opener.public_key())
        with office.open() as ledger:
            note(ledger, EVERYWHERE, "restore", made_at=made_at, epoch=str(ledger.epoch))
            office.tell("keeping-restored", at=made_at, epoch=str(ledger.epoch))
            office.tell("office-shredded", months=", ".join(again) or "–")


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Examine keys, databases, whether a verdict can be lost, and the books; exit 1 if anything has to be mended."""
    from ledger.examination import examine

    office = office_of(context)
    with office.open() as ledger:
        findings = list(examine(ledger))
    wrong = any(each.level is Level.WRONG for each in findings)
    if as_json:
        print_line(json.dumps({"ok": not wrong, "findings": [each.as_json(office.texts) for each in findings]}))
    else:
        for each in findings:
            print_line(each.lines(office.texts, "keeping"))
    raise typer.Exit(1 if wrong else 0)


@contextmanager
def _refusals(office: Office) -> Iterator[None]:
    """End the command with the sentences of what is wrong with a backup."""
    from ledger.database import database_errors

    try:
        with database_errors():
            yield
    except OSError as error:
        office.refuse("backup_not_written", reason=error.strerror or type(error).__name__)


def _passphrase(office: Office, file: Path | None, *, new: bool) -> Passphrase:
    from ledger.backup.sealed import MIN_PASSPHRASE, Passphrase

    if file is not None:
        text = file.read_text(encoding="utf-8").split("\n")[0].rstrip("\r")
    elif sys.stdin.isatty():
        text = typer.prompt(office.texts("keeping-passphrase"), hide_input=True, confirmation_prompt=new)
    else:
        office.refuse("passphrase_needed")
    if new and len(text) < MIN_PASSPHRASE:
        office.refuse("passphrase_short", least=MIN_PASSPHRASE)
    return Passphrase(text)
