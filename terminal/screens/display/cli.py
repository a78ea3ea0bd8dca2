"""`kazasu display`: the resident's display, in a window or on a monitor of its own."""

from __future__ import annotations

import typer

from terminal.cli.context import given

app = typer.Typer(invoke_without_command=True, epilog="Example: kazasu display --lang en")


@app.callback()
def show(context: typer.Context) -> None:
    """Show residents what to do at the counter that runs on this machine."""
    from config import settings
    from terminal.cli.screen import need_terminal
    from terminal.screens.display.app import DisplayApp
    from terminal.screens.display.link import follow

    need_terminal()
    told = given(context)
    screen = settings.load_settings(told.home.settings).screen
    if told.lang is not None:
        screen = screen.model_copy(update={"language": told.lang})
    DisplayApp(lambda: follow(told.home.display), screen).run()
