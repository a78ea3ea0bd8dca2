"""`kazasu ledger`: serve a ledger, and do the office's work on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from config.home import Home
from config.texts import LANGUAGES, Lang, Texts
from ledger.place import Place

if TYPE_CHECKING:  # what serves and stores is imported by the command that needs it
    from ledger.api.state import Ledger

app = typer.Typer(no_args_is_help=True, help="Serve a ledger, and do the office's work on it.")


@dataclass(frozen=True, slots=True)
class Office:
    """Which ledger is worked on, and in which language."""

    place: Place
    anchors: Path
    texts: Texts

    @contextmanager
    def open(self) -> Iterator[Ledger]:
        """Yield the ledger; a refusal ends the command with its sentences."""
        from config.trust import AnchorError, Anchors
        from ledger.embedded import assemble
        from ledger.identity.errors import IdentityRefusal
        from ledger.points.registry import RegistryError

        try:
            ledger = assemble(self.place, Anchors.load(self.anchors))
        except AnchorError as error:
            self.refuse(error.code, path=str(error.path))
        try:
            yield ledger
        except IdentityRefusal as refused:
            self.refuse(refused.code)
        except RegistryError as error:
            _stop(str(error))
        finally:
            ledger.close()

    def refuse(self, code: str, **args: str | int) -> NoReturn:
        """Say what is wrong, why, and what to do; end the command."""
        refusal = self.texts.refusal(code, **args)
        _stop(f"{refusal.what}\n{refusal.why}\n{refusal.todo}\n({code})")


@app.callback()
def ledger_options(
    context: typer.Context,
    directory: Annotated[Path | None, typer.Option(help="Where keys and SQLite files lie.")] = None,
    anchors: Annotated[Path | None, typer.Option(help="Directory of the authorities' certificates (PEM).")] = None,
    identity_url: Annotated[str | None, typer.Option(envvar="KAZASU_LEDGER_IDENTITY_URL", show_envvar=True)] = None,
    points_url: Annotated[str | None, typer.Option(envvar="KAZASU_LEDGER_POINTS_URL", show_envvar=True)] = None,
) -> None:
    """Work on the ledger of the data directory, or on the one that these options name."""
    home = Home.locate()
    lang = context.parent.params.get("lang") if context.parent is not None else None
    context.obj = Office(
        Place(directory or home.ledger, identity_url, points_url),
        anchors or home.anchors,
        Texts(cast("Lang", lang) if lang in LANGUAGES else LANGUAGES[0]),
    )


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on; TLS is a reverse proxy's work.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Processes; several need PostgreSQL.")] = 1,
) -> None:
    """Serve the ledger over HTTP until stopped."""
    from ledger.server import serve as run

    office = _office(context)
    if workers > 1 and office.place.url("points").startswith("sqlite"):
        _stop("Several processes need PostgreSQL: give --points-url and --identity-url.")
    run(office.place, office.anchors, host=host, port=port, workers=workers)


@app.command()
def shop(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Municipality and number: 252034-0001.")],
    name: Annotated[str, typer.Argument(help="The name on slips.")],
) -> None:
    """Add a shop, or change its name."""
    from pydantic import ValidationError

    from ledger.messages import Shop

    try:
        asked = Shop(code=code, name=name)
    except ValidationError as invalid:
        raise typer.BadParameter(invalid.errors(include_url=False)[0]["msg"]) from None
    with _office(context).open() as ledger:
        ledger.registry.add_shop(asked)


@app.command()
def enrol(context: typer.Context, shop: Annotated[str, typer.Option(help="The shop's code.")]) -> None:
    """Print a code with which one terminal of a shop can be enrolled, once, within a week."""
    with _office(context).open() as ledger:
        _print(ledger.registry.new_enrolment_code(shop, ledger.clock()))


def _office(context: typer.Context) -> Office:
    office = context.obj
    if not isinstance(office, Office):
        raise TypeError("the options of the ledger come first")
    return office


def _print(line: str) -> None:
    print(line)  # noqa: T201  # this is how a command line answers


def _stop(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
