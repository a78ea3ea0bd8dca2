"""Runs command lines in this process, from their very edge, and returns what a shell would see."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

from terminal.cli import main


def ledger(*words: str) -> tuple[int, str]:
    """Return the exit code of `kazasu ledger …` and all that it printed."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(["--lang", "en", "ledger", *words])
    return code, said.getvalue()
