"""`kazasu clerk`: who may sign on at the counter, each with a number and a code."""

from __future__ import annotations

from typing import Annotated

import typer

from config.errors import CommandFailed
from config.output import answer, tell
from terminal.cli import pin
from terminal.cli.context import AsJson, Exit, given
from terminal.shop import clerks

app = typer.Typer(
    help="The clerks who may sign on at the counter.",
    epilog="Example: kazasu clerk add 12",
    no_args_is_help=True,
)

Number = Annotated[str, typer.Argument(help="The clerk's number: 1 to 16 digits or letters.")]
CodeFd = Annotated[int | None, typer.Option(min=0, help="Read the code from this open file descriptor.")]


@app.command(epilog="Example: kazasu clerk add 12 --code-fd 3 3< code")
def add(context: typer.Context, number: Number, code_fd: CodeFd = None) -> None:
    """Let a clerk sign on with a code of 4 to 8 digits; for one who is there already, change the code."""
    chosen = given(context)
    if not (number.isascii() and number.isalnum() and len(number) <= 16):
        raise CommandFailed("clerk_number_wrong", Exit.USAGE)
    code = _code(chosen.texts("clerk-code"), code_fd)
    if not (code.isascii() and code.isdigit() and clerks.SHORTEST <= len(code) <= clerks.LONGEST):
        raise CommandFailed("clerk_code_wrong", Exit.USAGE)
    chosen.home.create()
    known = clerks.load(chosen.home.clerks).with_clerk(clerks.Clerk.with_code(number, code))
    clerks.save(chosen.home.clerks, known)
    tell(chosen.texts("clerk-added", clerk=number))


@app.command(epilog="Example: kazasu clerk remove 12")
def remove(context: typer.Context, number: Number) -> None:
    """Let a clerk sign on no more."""
    chosen = given(context)
    known = clerks.load(chosen.home.clerks)
    if known.named(number) is None:
        raise CommandFailed("clerk_unknown")
    clerks.save(chosen.home.clerks, known.without(number))
    tell(chosen.texts("clerk-removed", clerk=number))


@app.command("list", epilog="Example: kazasu clerk list --json")
def list_them(context: typer.Context, as_json: AsJson = False) -> None:
    """Name the clerks who may sign on."""
    chosen = given(context)
    numbers = [clerk.number for clerk in clerks.load(chosen.home.clerks).clerks]
    if as_json:
        answer({"clerks": numbers})
    else:
        tell("\n".join(numbers) or chosen.texts("clerk-none"))


def _code(prompt: str, descriptor: int | None) -> str:
    if descriptor is not None:
        return pin.from_descriptor(descriptor).decode("ascii", "replace")
    if not pin.can_ask():
        raise CommandFailed("clerk_code_wrong", Exit.USAGE)
    return pin.ask(prompt).decode("ascii", "replace")
