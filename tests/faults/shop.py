"""A shop that practises: its commands, and its books as they stand once everything has been sent."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Any

from config.home import Home
from terminal.cli import main

HOLDER = "two-towns"
"""Whose card is tapped."""

SALE = ("op", "sale", "--bill", "1200", "--redeem", "all", "--card", HOLDER)
AWARD = ("op", "award", "--points", "50", "--reason", "volunteering", "--card", HOLDER)


class Shop:
    """Runs command lines in one home."""

    def __init__(self, home: Path) -> None:
        self.home = Home(home)

    def words(self, *words: str) -> list[str]:
        """Return the whole command line."""
        return ["--home", str(self.home.path), "--lang", "en", *words, "--json"]

    def __call__(self, *words: str) -> dict[str, Any]:
        """Return what a command says, with its exit code."""
        with redirect_stdout(io.StringIO()) as said:
            code = main(self.words(*words))
        return {**json.loads(said.getvalue()), "exit": code}

    def books(self) -> dict[str, Any]:
        """Send what is unsent, and return all that is known of points and money, here and at the ledger."""
        self("queue", "sync")
        verified = self("queue", "verify")
        return {
            "journal": {name: verified[name] for name in ("ok", "entries", "verdicts")},
            "unsent": self("queue", "status")["unsent"],
            "day": self("close", "--x"),
            "balances": self("op", "balance", "--card", HOLDER)["balances"],
            "operations": self._ledger("SELECT operation, status FROM operations"),
            "totals": self._ledger("SELECT programme, account, shop, SUM(points) FROM totals GROUP BY 1, 2, 3"),
        }

    def _ledger(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.home.practice.ledger / "points.db")) as points:
            return sorted(points.execute(query))
