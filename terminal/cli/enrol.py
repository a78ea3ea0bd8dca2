"""`kazasu enrol`: makes this machine a terminal of a ledger, with the code that the office gave."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from config.output import answer, tell
from terminal.cli.context import AsJson, given
from terminal.shop import enrolment as enrolments

EXAMPLE = "Example: kazasu enrol 5WNQ-GW69-536B-R3T0-9VKE-XN2C-4D7H-M --ledger https://ledger.example.jp"


def command(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="The one-time code.")],
    as_json: AsJson = False,
) -> None:
    """Make this machine a terminal of the ledger at --ledger, with the one-time code that the office gave."""
    chosen = given(context)
    if chosen.ledger is None:
        raise typer.BadParameter("name the ledger: --ledger URL")
    enrolment = asyncio.run(enrolments.enrol(chosen.home, code, chosen.ledger))
    setup = enrolment.setup
    if as_json:
        answer({"terminal_id": setup.terminal_id, "shop": setup.shop.code, "name": setup.shop.name})
    else:
        tell(chosen.texts("enrolled", terminal=setup.terminal_id, shop=setup.shop.name))
