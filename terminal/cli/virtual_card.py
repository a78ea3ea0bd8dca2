"""`kazasu virtual-card`: a virtual My Number card in the virtual reader of the real PC/SC service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from config.output import say
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS
from reader.virtual.unsteady import Unsteady
from reader.virtual.vpcd import ADDRESS, InsertedCard
from terminal.cli.context import given

EXAMPLE = "Example: kazasu virtual-card --profile blocked --write-ca test-ca.pem"


def command(
    context: typer.Context,
    vpcd: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where vpcd listens.")] = ":".join(map(str, ADDRESS)),
    profile: Annotated[str, typer.Option(help=f"Which card: {', '.join(DESIGNS)}.")] = "normal",
    write_ca: Annotated[Path | None, typer.Option(help="Write the test authority here (PEM), to be trusted.")] = None,
    insert_after: Annotated[float, typer.Option(min=0, help="Seconds before the card comes.")] = 0.0,
    slow: Annotated[float, typer.Option(min=0, help="Seconds that the card takes for each answer.")] = 0.0,
    vanish_after: Annotated[int | None, typer.Option(min=0, help="Exchanges after which the card is gone.")] = None,
) -> None:
    """Hold a virtual card over the virtual reader until Ctrl-C takes it away; its PIN is 1234."""
    chosen = given(context)
    if profile not in DESIGNS:
        raise typer.BadParameter(f"There are: {', '.join(DESIGNS)}.", param_hint="--profile")
    if write_ca is not None:
        write_ca.write_bytes(TEST_CA.pem)
    address = _address(vpcd)
    card = DESIGNS[profile].make()
    try:
        time.sleep(insert_after)
        inserted = InsertedCard(card, Unsteady(card, delay=slow, exchanges=vanish_after), address)
        say(chosen.texts("virtual-card-inserted", profile=profile))
        inserted.serve()
    except KeyboardInterrupt:
        pass
    say(chosen.texts("virtual-card-gone"))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise typer.BadParameter("It is HOST:PORT, as in 127.0.0.1:35963.", param_hint="--vpcd")
    return host, int(port)
