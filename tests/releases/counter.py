"""A shop's home, worked through the command line: practice cards are tapped in an enrolled home too."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from config.home import Home
from config.settings import Settings
from reader.practice import PracticeSource
from reader.virtual.cards import PRACTICE_PIN
from terminal.cli import call, main
from terminal.shop.engine import Surroundings
from terminal.shop.engine_thread import BackgroundEngine, make_engine
from terminal.shop.opening import Opener, Station
from terminal.shop.practice import PracticeReader

NOWHERE = "http://127.0.0.1:9"
"""A ledger that nobody reaches: the line is down."""


class Counter:
    """Runs command lines in one home; one that practises has everything in a home below it."""

    def __init__(self, path: Path, *, practises: bool = False) -> None:
        self.root = Home(path)
        self.home = self.root.practice if practises else self.root

    def __call__(self, *words: str, pin: bool = False) -> dict[str, Any]:
        """Return the object that a command prints, with its exit code as `exit`."""
        readable, writable = os.pipe()
        os.write(writable, PRACTICE_PIN + b"\n")
        os.close(writable)
        try:
            given = ("--pin-fd", str(readable)) if pin else ()
            code, said = self._run(*words, *given, "--json")
        finally:
            os.close(readable)
        return {**json.loads(said), "exit": code}

    def office(self, *words: str) -> str:
        """Return what a command of the office prints; it must not fail."""
        code, said = self._run("ledger", "--directory", str(self.home.ledger), *words)
        assert code == 0, words
        return said

    def export(self) -> str:
        """Return the export of the journal: a line for each entry, and since form 2 others."""
        return self._run("queue", "export")[1]

    def totals(self, municipality: str) -> list[list[str]]:
        """Return where each programme's points are, as the office reads it."""
        return list(csv.reader(io.StringIO(self.office("totals", municipality))))[1:]

    def _run(self, *words: str) -> tuple[int, str]:
        out = io.StringIO()
        with patch.object(call, "make_engine", _engine), redirect_stdout(out), redirect_stderr(io.StringIO()):
            code = main(["--home", str(self.root.path), "--lang", "en", *words])
        return code, out.getvalue()

    @asynccontextmanager
    async def station(self, ledger: str | None = None) -> AsyncIterator[Station]:
        """Yield what a terminal works with, for what has no command."""
        async with Opener(self.home, Settings(), PracticeSource({}), ledger=ledger)(lambda _state: None) as station:
            yield station


def _engine(
    home: Home,
    ledger: str | None = None,
    *,
    card: str | None = None,
    reference: str | None = None,
    clerk: str | None = None,
) -> BackgroundEngine:
    """Return the engine of a home in which practice cards can be tapped, whatever it is."""
    if not home.enrolment.exists():
        return make_engine(home, ledger, card=card, reference=reference, clerk=clerk or "")
    reader = PracticeReader(PracticeSource())
    opening = Opener(home, Settings(), reader, ledger=ledger, reference=reference, clerk=clerk or "")
    return BackgroundEngine(opening, reader, Surroundings("1"), reader.hold, reader.names)
