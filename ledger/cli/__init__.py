"""`kazasu ledger`: serve a ledger, and do the office's work on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from config import settings
from config.home import Home
from config.output import say
from config.texts import Lang, Texts
from ledger.cli import awards, keeping, people, places, points, trust, watching
from ledger.cli.office import Office, office_of
from ledger.place import Place

app = typer.Typer(
    no_args_is_help=True,
    help="Serve a ledger, and do the office's work on it.",
    epilog="Example: kazasu ledger enrol --shop 252034-0001",
)


@app.callback()
def ledger_options(
    context: typer.Context,
    directory: Annotated[Path | None, typer.Option(help="Where keys and SQLite files lie.")] = None,
    anchors: Annotated[Path | None, typer.Option(help="Directory of the authorities' certificates (PEM).")] = None,
    identity_url: Annotated[str | None, typer.Option(envvar="KAZASU_LEDGER_IDENTITY_URL", show_envvar=True)] = None,
    points_url: Annotated[str | None, typer.Option(envvar="KAZASU_LEDGER_POINTS_URL", show_envvar=True)] = None,
) -> None:
    """Work on the ledger of the data directory, or on the one that these options name."""
    above: dict[str, Any] = {} if context.parent is None else context.parent.params
    home = Home.locate(above.get("home"))
    lang: Lang = above.get("lang") or settings.load_settings(home.settings).screen.language
    context.obj = Office(
        Place(directory or home.ledger, identity_url, points_url),
        anchors or home.anchors,
        Texts(lang),
    )


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on; TLS is a reverse proxy's work.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Processes; several need PostgreSQL.")] = 1,
    proxy: Annotated[
        list[str] | None, typer.Option(help="Address of a reverse proxy whose X-Forwarded-For is believed.")
    ] = None,
    require_durable: Annotated[
        bool, typer.Option("--require-durable", help="Do not serve where a verdict can be lost.")
    ] = False,
) -> None:
    """Serve the ledger over HTTP until stopped."""
    from config.findings import Level
    from ledger.examination import durability
    from ledger.server import serve as run

    office = office_of(context)
    if workers > 1 and office.place.url("points").startswith("sqlite"):
        office.refuse("workers_need_postgresql")
    with office.open() as ledger:  # keys and tables are made, and what is wrong is said, before the processes part
        weak = [each for each in durability(ledger) if each.level is not Level.GOOD]
        for each in weak:
            say(each.lines(office.texts, "keeping"))
        if weak and require_durable:
            office.refuse("not_durable")
    run(office.place, office.anchors, host=host, port=port, workers=workers, proxies=proxy or ())


for part in (places, people, awards, points, watching, keeping, trust):
    app.add_typer(part.app)
