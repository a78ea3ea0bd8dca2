"""Commands for points: totals, claims, what a day's end asks for, shredding, and the audit."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.office import EVERYWHERE, MunicipalityArgument, Office, note, office_of

if TYPE_CHECKING:  # what stores is imported by the command that needs it
    from ledger.api.state import Ledger

app = typer.Typer()

DayOption = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


@app.command()
def totals(context: typer.Context, municipality: MunicipalityArgument) -> None:
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
def budget(context: typer.Context, municipality: MunicipalityArgument) -> None:
    """Print what is left of each programme's budget (CSV): the points that shops may still issue, in all."""
    from ledger.points.gauges import budgets
    from ledger.wire.rules import in_force

    office = office_of(context)
    with office.open() as ledger:
        rules = in_force(ledger.registry.programmes([municipality]), ledger.today())
        found = budgets(ledger.books, municipality, rules.values())
    office.tell_table("office-columns-budget", ((b.programme, b.budget, b.issued, b.left) for b in found))


@app.command()
def claims(
    context: typer.Context,
    shop: Annotated[str, typer.Argument(help="The shop's code.")],
    since: DayOption = None,
    until: DayOption = None,
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
    from ledger.wire.days import earliest_running

    office = office_of(context)
    with office.open() as ledger:
        carry_out(ledger.books, ledger.periods, earliest_running(ledger.clock()))
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
    """Destroy the keys of past months: residents and amounts of their operations can then be read by nobody."""
    from ledger.points.periods import first_kept

    office = office_of(context)
    with office.open() as ledger:
        if lost is not None:
            if lost not in ledger.periods.missing():
                office.refuse("period_key_there", month=lost)
            ledger.periods.destroy(lost)
            note(ledger, EVERYWHERE, "shred", lost=lost)
            office.tell("office-shredded", months=lost)
            _shred_backup(office, ledger)
            return
        today = ledger.today()
        first = before or first_kept(today)
        if not _is_month(first) or first > f"{today:%Y-%m}":
            office.refuse("month_invalid")
        gone = ledger.periods.shred(first)
        note(ledger, EVERYWHERE, "shred", months=" ".join(gone))
        office.tell("office-shredded", months=", ".join(gone) or "–")
        if gone:
            _shred_backup(office, ledger)


def _shred_backup(office: Office, ledger: Ledger) -> None:
    """Destroy the same keys in the second file of the backup."""
    from ledger.backup.second import after_shredding

    if (path := after_shredding(ledger, office.place)) is not None:
        office.tell("keeping-months-destroyed", path=str(path))


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
