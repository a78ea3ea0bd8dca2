"""`kazasu ledger events|webhook`: what was noticed about terminals and shops, and who is told of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from config.japan import JST
from ledger.cli.office import MunicipalityArgument, acting, office_of

app = typer.Typer()

Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day; a week ago.")]


@app.command()
def events(
    context: typer.Context,
    municipality: MunicipalityArgument,
    since: Since = None,
    concentration: Annotated[
        bool, typer.Option("--concentration", help="Print each shop's share of its five busiest cards instead.")
    ] = False,
) -> None:
    """Print what was noticed about terminals and shops, as CSV; never about persons."""
    from ledger.api.watch import concentration as shares

    office = office_of(context)
    with office.open() as ledger:
        first: date = since.date() if since else ledger.today() - timedelta(days=7)
        if concentration:
            found = shares(ledger, municipality, first)
            rows = [(each.day, each.shop, each.points, each.share) for each in found]
            office.tell_table("office-columns-concentration", rows)
            return
        noticed = ledger.events.since(municipality, first)
        told = [
            (*each[:4], _in_japan(each.last_at), office.texts(f"event-{each.kind.replace('_', '-')}"))
            for each in noticed
        ]
        office.tell_table("office-columns-events", told)


@app.command()
def webhook(
    context: typer.Context,
    municipality: MunicipalityArgument,
    url: Annotated[str | None, typer.Option(help="Send events to this https address.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Send them nowhere.")] = False,
) -> None:
    """Say where a town's events are sent, and whether they arrive; set or remove the address."""
    from ledger.api.webhook import remove_webhook, set_webhook, webhook_of

    office = office_of(context)
    with office.open() as ledger:
        if remove or url is not None:
            with acting(ledger, municipality, "webhook", url=url or ""):
                if url is None:
                    remove_webhook(ledger, municipality)
                else:
                    set_webhook(ledger, municipality, url)
        hook = webhook_of(ledger, municipality)
        if hook is None:
            office.tell("office-webhook-none", municipality=municipality)
        else:
            told = {"url": hook.url, "upto": _in_japan(hook.upto)}
            if hook.failures:
                office.tell("office-webhook-failing", count=hook.failures, why=hook.last_error, **told)
            else:
                office.tell("office-webhook", **told)


def _in_japan(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(JST).isoformat(timespec="seconds")
