"""Where one terminal keeps its data: a single directory, and the names of the files in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "KAZASU_HOME"
"""The environment variable that names the data directory."""


@dataclass(frozen=True, slots=True)
class Home:
    """A data directory; nothing in it need exist yet."""

    path: Path

    @classmethod
    def locate(cls, override: Path | None = None) -> Home:
        """Return the directory given, else that of KAZASU_HOME, else the platform's own."""
        if override is not None:
            return cls(_absolute(override))
        if named := os.environ.get(VARIABLE):
            return cls(_absolute(named))
        from platformdirs import user_data_path  # only where nothing was named: the import costs every start

        return cls(user_data_path("kazasu", appauthor=False))

    def create(self) -> None:
        """Make the directory, open to its owner alone."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def settings(self) -> Path:
        """The settings file, written by people."""
        return self.path / "settings.toml"

    @property
    def enrolment(self) -> Path:
        """What the ledger told this terminal when it was enrolled."""
        return self.path / "enrolment.json"

    @property
    def terminal_key(self) -> Path:
        """The terminal's Ed25519 key."""
        return self.path / "terminal.key"

    @property
    def clerks(self) -> Path:
        """Who may sign on at the counter, with hashes of their codes."""
        return self.path / "clerks.json"

    @property
    def journal(self) -> Path:
        """The journal, an SQLite file."""
        return self.path / "journal.db"

    @property
    def pack(self) -> Path:
        """What may be redeemed here while the line is down."""
        return self.path / "pack"

    @property
    def lock(self) -> Path:
        """Held by the one process that may write here."""
        return self.path / "lock"

    @property
    def anchors(self) -> Path:
        """CA certificates (PEM) that the operator trusts beside the pinned ones."""
        return self.path / "anchors"

    @property
    def ledger(self) -> Path:
        """The embedded ledger's directory."""
        return self.path / "ledger"

    @property
    def display(self) -> Path:
        """Where the resident's display finds the counter."""
        return self.path / "display.json"

    @property
    def log(self) -> Path:
        """What went wrong, without secrets and without people."""
        return self.path / "kazasu.log"

    @property
    def practice(self) -> Home:
        """The home of practice mode: the same files, apart from the real ones."""
        return Home(self.path / "practice")


def _absolute(path: Path | str) -> Path:
    # Unlike Path's own, this leaves the name of a user whom there is not as it is.
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111
