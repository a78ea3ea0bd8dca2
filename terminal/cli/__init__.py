"""The command line: only the command that is named is imported, so that none is slower for the others."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from config import __version__, output
from config.home import VARIABLE, Home
from config.texts import LANGUAGES, Lang
from terminal.cli.context import Exit, Globals, hoist
from terminal.cli.edge import end
from terminal.cli.log import keep_log

COMMANDS = {
    "op": "terminal.cli.op",
    "display": "terminal.screens.display.cli",
    "doctor": "terminal.cli.doctor",
    "enrol": "terminal.cli.enrol",
    "card": "terminal.cli.card",
    "clerk": "terminal.cli.clerk",
    "queue": "terminal.cli.queue",
    "close": "terminal.cli.close",
    "owner": "terminal.cli.owner",
    "slip": "terminal.cli.slip",
    "verify": "terminal.cli.verify",
    "virtual-card": "terminal.cli.virtual_card",
    "ledger": "ledger.cli",
}
"""Each command's module: its `app` where there are commands below it, or else the function `command`."""


def main(words: list[str] | None = None) -> int:
    """Run one command line and return its exit code; nothing is raised."""
    output.speak_utf8()
    options, words = hoist(sys.argv[1:] if words is None else words)
    try:
        if words:
            keep_log(_globals(options).home)
        code = application(words[:1])([*options, *words], prog_name="kazasu", standalone_mode=False)
        output.flush()
    except BaseException as error:  # noqa: BLE001  # the outermost edge
        return end(error, _globals(options), words)
    return code if isinstance(code, int) else Exit.ACCEPTED


def _globals(options: list[str]) -> Globals:
    """Return the global options as far as they can be read before the command line is understood."""
    named = dict(zip(options[::2], options[1::2], strict=False))
    home, lang = named.get("--home"), named.get("--lang")
    spoken = lang if lang in LANGUAGES else None
    try:
        found = Home.locate(Path(home) if home else None)
    except OSError:  # the working directory was taken away
        found = Home(Path(os.devnull))
    return Globals(found, named.get("--ledger"), spoken)


def application(first: Sequence[str] = ("",)) -> typer.Typer:
    """Return the application with the command that is named first.

    It has all of them where something else stands there, for help and suggestions, and none where nothing does: the
    screen must not wait for what it does not use.
    """
    application = typer.Typer(
        name="kazasu",
        callback=terminal,
        invoke_without_command=True,
        add_completion=False,
        epilog="Example: kazasu op sale --bill 1200 --redeem all --card two-towns --json",
    )
    wanted = first if not first or first[0] in COMMANDS else list(COMMANDS)
    for name in wanted:
        module = importlib.import_module(COMMANDS[name])
        if hasattr(module, "app"):
            application.add_typer(module.app, name=name)
        else:
            application.command(name, epilog=module.EXAMPLE)(module.command)
    return application


def _spoken(lang: Lang | None) -> Lang | None:
    if lang is not None and lang not in LANGUAGES:
        raise typer.BadParameter(f"there are: {', '.join(LANGUAGES)}")
    return lang


def terminal(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help=f"The data directory; also by {VARIABLE}.")] = None,
    ledger: Annotated[str | None, typer.Option(help="The ledger's URL, where it is not the one enrolled with.")] = None,
    lang: Annotated[Lang | None, typer.Option(help=" or ".join(LANGUAGES) + ".", callback=_spoken)] = None,
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    """Open the terminal for municipal points on the My Number card; or run a command."""
    if version:
        output.tell(f"kazasu {__version__} (Python {platform.python_version()}, {platform.platform()})")
        raise typer.Exit
    context.obj = Globals(Home.locate(home), ledger, lang)
    if context.invoked_subcommand is None:
        from terminal.cli.screen import open_screen

        open_screen(context.obj)
