"""The command line: only the command that is named is imported, so that none is slower for the others."""

from __future__ import annotations

import importlib
import sys
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from config.errors import SettingsError
from config.home import VARIABLE, Home
from config.texts import LANGUAGES, Lang
from terminal.cli.context import Exit, Globals, answer, fail, hoist, say
from terminal.fault import Fault

COMMANDS = {
    "op": "terminal.cli.op",
    "display": "terminal.screens.display.cli",
    "doctor": "terminal.cli.doctor",
    "enrol": "terminal.cli.enrol",
    "card": "terminal.cli.card",
    "queue": "terminal.cli.queue",
    "close": "terminal.cli.close",
    "virtual-card": "terminal.cli.virtual_card",
    "ledger": "ledger.cli",
}
"""Each command's module: its `app` where there are commands below it, or else the function `command`."""


def main(words: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    options, words = hoist(sys.argv[1:] if words is None else words)
    try:
        code = _application(words[:1])([*options, *words], prog_name="kazasu", standalone_mode=False)
    except typer.TyperException as misuse:
        return _misused(misuse, words)
    except SettingsError as error:
        return _settings_wrong(error, options, words)
    except typer.Abort:
        return Exit.FAILED
    return code if isinstance(code, int) else Exit.ACCEPTED


def _application(first: list[str]) -> typer.Typer:
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


def terminal(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help=f"The data directory; also by {VARIABLE}.")] = None,
    ledger: Annotated[str | None, typer.Option(help="The ledger's URL, where it is not the one enrolled with.")] = None,
    lang: Annotated[Lang | None, typer.Option(help="ja or en.")] = None,
) -> None:
    """Open the terminal for municipal points on the My Number card; or run a command."""
    context.obj = Globals(Home.locate(home), ledger, lang)
    if context.invoked_subcommand is None:
        from terminal.cli.screen import open_screen

        open_screen(context.obj)


def _misused(misuse: typer.TyperException, words: list[str]) -> int:
    if "--json" in words:
        answer({"status": "refused", "error": "usage", "message": misuse.format_message()})
    else:
        context = getattr(misuse, "ctx", None)
        say(f"{misuse.format_message()}\n-> {context.command_path if context else 'kazasu'} --help")
    return misuse.exit_code


def _settings_wrong(error: SettingsError, options: list[str], words: list[str]) -> int:
    asked = dict(pairwise(options)).get("--lang")
    lang = next((lang for lang in LANGUAGES if lang == asked), None)
    told = (("path", str(error.path)), ("line", error.line), ("key", error.key), ("reason", error.reason))
    fault = Fault(error.code, told)
    try:
        fail(Globals(Home(error.path.parent), lang=lang), fault, as_json="--json" in words, exit_code=Exit.USAGE)
    except typer.Exit as ended:
        return ended.exit_code
