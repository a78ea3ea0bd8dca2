"""`kazasu ledger`: serve a ledger, and do the office's work on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from config.home import Home
from config.texts import LANGUAGES, Lang, Texts
from ledger.place import LedgerNewer, Place

if TYPE_CHECKING:  # what serves and stores is imported by the command that needs it
    from ledger.api.state import Ledger

EVERYWHERE = "000000"
"""Stands in the audit for a municipality where an act concerns all of them."""

Who = Annotated[str, typer.Argument(help="A MyKey ID, or a linked number as library:0042.")]

app = typer.Typer(
    no_args_is_help=True,
    help="Serve a ledger, and do the office's work on it.",
    epilog="Example: kazasu ledger enrol --shop 252034-0001",
)


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
        except (AnchorError, LedgerNewer) as error:
            self.refuse(error.code, **{name: str(value) for name, value in vars(error).items()})
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
    with office.open():
        pass  # keys and tables are made, and what is wrong is said, before the processes part
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
        _note(ledger, code[:6], "shop", shop=code)


@app.command()
def enrol(context: typer.Context, shop: Annotated[str, typer.Option(help="The shop's code.")]) -> None:
    """Print a code with which one terminal of a shop can be enrolled, once, within a week."""
    with _office(context).open() as ledger:
        code = ledger.registry.new_enrolment_code(shop, ledger.clock())
        _note(ledger, shop[:6], "enrolment_code", shop=shop)
        _print(code)


@app.command()
def token(
    context: typer.Context,
    municipality: Annotated[str, typer.Option(help="Six digits: whose office it is.")],
    who: Annotated[str, typer.Option(help="Who will act with it, for the audit.")],
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long it is good for.")] = 365,
) -> None:
    """Print a token with which an office may use the HTTP API; it is shown once."""
    from config.municipalities import is_known
    from ledger.api.desk import Officer

    if not is_known(municipality):
        raise typer.BadParameter(f"there is no municipality {municipality}")
    with _office(context).open() as ledger:
        made = ledger.office.new_token(Officer(municipality, who[:40]), ledger.today() + timedelta(days=days))
        _note(ledger, municipality, "token", to=who[:40])
        _print(made)


@app.command()
def stop(context: typer.Context, who: Who) -> None:
    """Suspend a holder; it counts from the next request on."""
    with _office(context).open() as ledger:
        mykey = _mykey(ledger, who)
        ledger.identity.stop(mykey)
        _note(ledger, EVERYWHERE, "stop", mykey=mykey)


@app.command()
def resume(context: typer.Context, who: Who) -> None:
    """Lift a suspension."""
    with _office(context).open() as ledger:
        mykey = _mykey(ledger, who)
        ledger.identity.resume(mykey)
        _note(ledger, EVERYWHERE, "resume", mykey=mykey)


@app.command()
def renew(context: typer.Context, who: Who) -> None:
    """Print a code with which somebody whom the office identified takes their MyKey ID over to a renewed card."""
    with _office(context).open() as ledger:
        mykey = _mykey(ledger, who)
        code = ledger.identity.renewal_code(mykey, ledger.today())
        _note(ledger, EVERYWHERE, "renewal_code", mykey=mykey)
        _print(code)


@app.command()
def revocations(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="X.509 CRLs, PEM or DER.")],
) -> None:
    """Take revocation lists in; each replaces the last one of its issuer or distribution point."""
    from config.trust import Anchors
    from ledger.identity.revocation import read

    office = _office(context)
    with office.open() as ledger:
        anchors = Anchors.load(office.anchors).certificates
        for path in files:
            count = ledger.identity.replace_revocations(read(path.read_bytes(), anchors))
            _note(ledger, EVERYWHERE, "revocations", file=path.name, cards=str(count))
            _print(f"{path}: {count}")


def _office(context: typer.Context) -> Office:
    office = context.obj
    if not isinstance(office, Office):
        raise TypeError("the options of the ledger come first")
    return office


def _mykey(ledger: Ledger, who: str) -> str:
    """Return the MyKey ID that was typed, or that a typed number is linked to."""
    from pydantic import ValidationError

    from ledger.identity.errors import IdentityRefusal
    from ledger.messages import ServiceId

    service, colon, number = who.partition(":")
    if not colon:
        return who.upper()
    try:
        mykey = ledger.identity.find_mykey(ServiceId(service=service, number=number))
    except ValidationError:
        mykey = None
    if mykey is None:
        raise IdentityRefusal("mykey_unknown")
    return mykey


def _note(ledger: Ledger, municipality: str, action: str, **detail: str) -> None:
    from ledger.api.desk import Officer

    ledger.office.note(Officer(municipality, f"cli:{getuser()}"[:40]), action, detail, ledger.clock())


def _print(line: str) -> None:
    print(line)  # noqa: T201  # this is how a command line answers


def _stop(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
