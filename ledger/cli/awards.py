"""Commands for awards: give what a file says, take it back, and approve what one person may not give alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.output import say
from config.plain import shown
from ledger.cli.office import MunicipalityOption, Office, bearer_of, office_of, officer

if TYPE_CHECKING:  # what stores is imported by the command that needs it
    from ledger.api.awards import Plan
    from ledger.api.state import Ledger

app = typer.Typer()

FileArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="CSV or xlsx: who, programme, points, reason; day, row.")
]
Occasion = Annotated[str, typer.Option(help="Tells the same rows of two months apart: 2026-12.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only look what would be done.")]


@app.command()
def award(
    context: typer.Context,
    file: FileArgument,
    municipality: MunicipalityOption,
    dry_run: DryRun = False,
    occasion: Occasion = "",
) -> None:
    """Award points from a file: all rows, or none where one is wrong; a row that was given is not given again."""
    from ledger.api.approvals import hold
    from ledger.api.awards import carry_out
    from ledger.points.grants import ApprovalNeeded

    office = office_of(context)
    with office.open() as ledger:
        asked = _plan(office, ledger, municipality, file, occasion)
        _tell_known(office, asked)
        if not asked.gifts:
            office.tell("office-award-known")
            return
        office.tell("office-award", lines=len(asked.gifts), people=asked.people, points=asked.total)
        if dry_run:
            _tell_approval(office, ledger, asked)
            office.tell("office-dry-run")
            return
        try:
            carry_out(ledger, asked, officer(municipality), progress=office.progress("office-giving"))
        except ApprovalNeeded as needed:
            held = hold(ledger, asked, officer(municipality), needed)
            office.tell("office-award-held", file=held, programme=needed.programme, limit=needed.limit)


@app.command()
def reverse(
    context: typer.Context,
    file: FileArgument,
    municipality: MunicipalityOption,
    rows: Annotated[str, typer.Option(help="Only these lines of the file: 3,5-8.")] = "",
    dry_run: DryRun = False,
    occasion: Occasion = "",
) -> None:
    """Take back what a file, or some lines of it, gave; where points were spent, what is left."""
    from ledger.api.awards import reverse as carry_out

    office = office_of(context)
    wanted = _lines(office, rows)
    with office.open() as ledger:
        asked = _plan(office, ledger, municipality, file, occasion, paid=True)
        if wanted is not None:
            asked.gifts = [gift for gift in asked.gifts if asked.line_of[gift.key] in wanted]
        if unpaid := asked.wanted_unpaid(wanted):
            office.tell("office-reverse-unpaid", count=unpaid)
        if not asked.gifts:
            office.tell("office-reverse-nothing")
            return
        office.tell("office-reverse", lines=len(asked.gifts), people=asked.people, points=asked.total)
        if dry_run:
            office.tell("office-dry-run")
            return
        for line, back in carry_out(ledger, asked, officer(municipality), office.progress("office-taking")):
            if back.owed or back.short:
                told = {"points": back.points, "taken": back.taken, "owed": back.owed, "short": back.short}
                office.tell("office-reverse-line", line=str(line), **told)


@app.command()
def approve(
    context: typer.Context,
    municipality: MunicipalityOption,
    file: Annotated[str | None, typer.Argument(help="The number of the file; without it, those that wait.")] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="KAZASU_OFFICE_TOKEN", show_envvar=True, help="The second person's own token (approve)."),
    ] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Throw the file away instead.")] = False,
) -> None:
    """Give, as a second person, what one person may not give alone."""
    from ledger.api import approvals
    from ledger.api.desk import Scope

    office = office_of(context)
    with office.open() as ledger:
        if file is None:
            rows = (
                (w.file, w.at, w.who, w.occasion, w.programme, w.points, w.rows)
                for w in approvals.waiting(ledger.books, municipality)
            )
            office.tell_table("office-columns-waiting", rows)
            return
        second = bearer_of(office, ledger, municipality, token, Scope.APPROVE)
        if refuse:
            approvals.refuse(ledger, second, file)
            office.tell("office-award-refused", file=shown(file, 20))
            return
        done = approvals.approve(ledger, second, file)
        office.tell("office-award", lines=done.rows, people=done.people, points=done.points)


def _plan(office: Office, ledger: Ledger, municipality: str, file: Path, occasion: str, *, paid: bool = False) -> Plan:
    """Return what a file asks for; where a line is wrong, say which, and end the command."""
    from ledger.api.awards import plan

    occasion = office.plain("--occasion", occasion) if occasion else ""
    with file.open("rb") as lines:
        asked = plan(ledger, municipality, lines, occasion, paid=paid, progress=office.progress("office-reading"))
    for error in asked.errors:
        sentence = office.texts(f"award-line-{error.code}", told=shown(error.told, 60))
        say(office.texts("award-line", line=str(error.line), sentence=sentence))
    if asked.wrong or asked.is_empty:
        say(office.texts("award-lines-wrong", count=asked.wrong))
        office.refuse("award_file_wrong")
    return asked


def _tell_known(office: Office, asked: Plan) -> None:
    """Say which rows say the same, and how many were given already and when."""
    for line, first in asked.same:
        office.tell("office-award-same", line=str(line), first=str(first))
    if asked.same_count:
        office.tell("office-award-same-count", count=asked.same_count)
    for day, count in sorted(asked.paid.items()):
        office.tell("office-award-paid", count=count, day=day)


def _tell_approval(office: Office, ledger: Ledger, asked: Plan) -> None:
    """Say where a second person would have to approve."""
    from ledger.points.grants import day_sums

    before = day_sums(ledger.books, asked.municipality, asked.on)
    for code, points in sorted(asked.sums.items()):
        limit = asked.programmes[code].approval_above
        if before.get(code, 0) + points > limit:
            office.tell("office-award-second", programme=code, limit=limit)


def _lines(office: Office, rows: str) -> set[int] | None:
    """Return the lines that were named as 3,5-8; None where none were."""
    if not rows:
        return None
    found: set[int] = set()
    for part in rows.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            office.refuse("rows_wrong", given=shown(rows, 40))
        found |= set(range(int(first), min(int(last or first), 10_000_000) + 1))
    return found
