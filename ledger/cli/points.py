"""Commands for points: awards from a file, totals, claims, what a day's end asks for, shredding, and the audit."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.plain import shown
from ledger.cli.office import EVERYWHERE, Municipality, MunicipalityOption, note, office_of, officer, stop

app = typer.Typer()

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


@app.command()
def award(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: who, programme, points, reason.")],
    municipality: MunicipalityOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether it could be done.")] = False,
    occasion: Annotated[str, typer.Option(help="Tells two files of the same content apart: 2026-12.")] = "",
) -> None:
    """Award points from a file: all lines, or none where one is wrong; the same file again does nothing."""
    from ledger.api.awards import carry_out, plan

    office = office_of(context)
    occasion = office.plain("--occasion", occasion) if occasion else ""
    with office.open() as ledger:
        with file.open("rb") as lines:
            asked = plan(ledger, municipality, lines)
        for error in asked.errors:
            sentence = office.texts(f"award-line-{error.code}", told=shown(error.told, 60))
            typer.echo(office.texts("award-line", line=str(error.line), sentence=sentence), err=True)
        if asked.wrong or not asked.points:
            typer.echo(office.texts("award-lines-wrong", count=asked.wrong), err=True)
            office.refuse("award_file_wrong")
        sums = {"lines": asked.lines, "people": asked.people, "points": asked.total}
        if dry_run:
            office.tell("office-award", **sums)
            office.tell("office-dry-run")
        elif carry_out(ledger, asked, officer(municipality), occasion):
            office.tell("office-award", **sums)
        else:
            office.tell("office-award-known")


@app.command()
def totals(context: typer.Context, municipality: Municipality) -> None:
    """Print where each programme's points are (CSV): issued = held + claimed + lapsed + converted − overdraft."""
    from ledger.points.reports import count

    office = office_of(context)
    with office.open() as ledger:
        found = count(ledger.books, municipality)
    rows = ((t.programme, t.issued, t.held, t.claimed, t.lapsed, t.converted, t.overdraft) for t in found)
    office.tell_table("office-columns-totals", rows)
    if wrong := [each.programme for each in found if not each.agree]:
        office.refuse("totals_wrong", programmes=", ".join(wrong))


@app.command()
def claims(
    context: typer.Context,
    shop: Annotated[str, typer.Argument(help="The shop's code.")],
    since: Day = None,
    until: Day = None,
) -> None:
    """Print what each programme owes a shop for each business day (CSV); by default of this month."""
    from ledger.points.reports import claims as find

    office = office_of(context)
    with office.open() as ledger:
        today = ledger.today()
        days = (since.date() if since else today.replace(day=1), until.date() if until else date.max)
        rows = ((claim.business_date, claim.programme, claim.points) for claim in find(ledger.books, shop, *days))
        office.tell_table("office-columns-claims", rows)


@app.command()
def tidy(context: typer.Context) -> None:
    """Let lapse what has lapsed, and add up the totals of days that are over; a server does it by itself."""
    from ledger.points.upkeep import tidy as carry_out

    office = office_of(context)
    with office.open() as ledger:
        carry_out(ledger.books, ledger.today())
        note(ledger, EVERYWHERE, "tidy")
        office.tell("office-tidied")


@app.command()
def shred(
    context: typer.Context,
    before: Annotated[str | None, typer.Option(help="YYYY-MM; by default, three whole months are kept.")] = None,
    lost: Annotated[
        str | None, typer.Option(help="YYYY-MM: give up a key that is lost for good, so that its month goes on.")
    ] = None,
) -> None:
    """Destroy the keys of past months: whose their operations were, and for how much, nobody can read any more."""
    from ledger.points.periods import first_kept

    office = office_of(context)
    with office.open() as ledger:
        if lost is not None:
            if lost not in ledger.periods.missing():
                office.refuse("period_key_there", month=lost)
            ledger.periods.destroy(lost)
            note(ledger, EVERYWHERE, "shred", lost=lost)
            office.tell("office-shredded", months=lost)
            return
        today = ledger.today()
        first = before or first_kept(today)
        if not _is_month(first) or first > f"{today:%Y-%m}":
            stop(office.texts("office-shred-when"))
        gone = ledger.periods.shred(first)
        note(ledger, EVERYWHERE, "shred", months=" ".join(gone))
        office.tell("office-shredded", months=", ".join(gone) or "–")


@app.command()
def audit(
    context: typer.Context,
    municipality: Annotated[
        str, typer.Argument(help="Six digits; by default, what concerned all of them.")
    ] = EVERYWHERE,
) -> None:
    """Print what the office did: when, who, what (CSV)."""
    office = office_of(context)
    with office.open() as ledger:
        office.tell_table("office-columns-audit", ledger.audit.acts(municipality))


def _is_month(text: str) -> bool:
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError:
        return False
    return len(text) == len("2026-11")
