"""Where a ledger's databases and keys are, and what may be wrong with them there.

CannotOpen
├── LedgerNewer       a newer version of the program made the tables
└── KeysApart         keys and stores do not belong together
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.errors import KnownError

Store = Literal["identity", "points"]


class CannotOpen(KnownError):  # noqa: N818  # says what is the case
    """A ledger cannot be opened as it lies there; `code` names why."""

    code = "ledger_unopened"


class LedgerNewer(CannotOpen):
    """A newer version of the program made a store's tables; carries `store`, and the `version` that stands there."""

    code = "ledger_newer"

    def __init__(self, store: Store, version: str) -> None:
        super().__init__(f"the {store} store is at version {version}, which this program does not know")
        self.store = store
        self.version = version


class KeysApart(CannotOpen):
    """Keys and stores do not belong together, so that nothing was opened or made; carries what its sentence names.

    `ledger_key_missing`, `ledger_key_wrong` and `ledger_key_damaged` carry `path`, `ledger_store_missing` carries
    `store`, `ledger_stores_differ` nothing.
    """

    def __init__(self, code: str, **arguments: str) -> None:
        super().__init__(code, arguments)
        self.code = code
        vars(self).update(arguments)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger's data are. Keys are files of `directory` always; databases are there unless URLs name others."""

    directory: Path
    identity_url: str | None = None
    points_url: str | None = None

    @property
    def secret(self) -> Path:
        """The file from which the ledger's own keys are derived."""
        return self.directory / "ledger.key"

    @property
    def signing(self) -> Path:
        """The number of the key under which the ledger signs its answers; there is none as long as it is the first."""
        return self.directory / "signing.number"

    @property
    def periods(self) -> Path:
        """The keys under which operations keep their residents."""
        return self.directory / "periods"

    def url(self, store: Store) -> str:
        """Return the URL of a store's database."""
        given = self.identity_url if store == "identity" else self.points_url
        return given or f"sqlite:///{self.directory / store}.db"
