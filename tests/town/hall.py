"""The town hall's ledger: the real application on SQLite files, which can be stopped, started, and set back."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.state import Ledger
from ledger.embedded import assemble
from ledger.identity.registration import reference_to
from ledger.place import Place
from ledger.points.periods import first_kept
from ledger.points.reports import Claim, Lost, ProgrammeTotals, claims, count, losses_of
from ledger.points.rows import ELSEWHERE
from ledger.points.schema import operations
from ledger.points.upkeep import tidy
from ledger.wire.answers import Verdict
from ledger.wire.days import earliest_running
from tests.town.clocks import TownClock
from tests.town.setting import AUTHORITY, CARDS, HOLDINGS, PROGRAMMES, SHOPS, TOWNS, Card, programmes

FOUNDED: Final[dict[str, bytes]] = {}
"""The files of a ledger that knows everybody, once one was founded: every town begins with the same."""


@dataclass(slots=True)
class Hall:
    """The ledger of both towns; `app` is None while nobody serves."""

    directory: Path
    clock: TownClock
    ledger: Ledger = field(init=False)
    app: FastAPI | None = field(init=False)
    kept: Path | None = None
    """The copy of the stores that it may be set back to."""
    is_store_away: bool = False
    """Whether its databases answer nothing."""

    def __post_init__(self) -> None:
        if FOUNDED:
            for name, content in FOUNDED.items():
                (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
                (self.directory / name).write_bytes(content)
            self.start()
            return
        self.start()
        self.ledger.registry.add_programmes(programmes())
        for shop in SHOPS:
            self.ledger.registry.add_shop(shop)
        for card in CARDS:
            self.settle(card)
        self.stop()
        files = (file for file in self.directory.rglob("*") if file.is_file())
        FOUNDED.update({str(file.relative_to(self.directory)): file.read_bytes() for file in files})
        self.start()

    def settle(self, card: Card) -> None:
        """Register a resident, and give them what everybody has at the beginning."""
        identity = self.ledger.identity
        mykey = identity.register(reference_to(card.certificate), card.public_key, [], self.ledger.today())
        for code, expires_on, points in HOLDINGS:
            self.ledger.points.deposit(mykey, PROGRAMMES[code], expires_on, points)

    # Up and down --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the ledger, and serve it."""
        self.ledger = assemble(Place(self.directory), Anchors((AUTHORITY.certificate,)), self.clock)
        self.app = create_app(self.ledger)
        self.is_store_away = False

    def stop(self) -> None:
        """Serve nobody any more."""
        if self.app is not None:
            self.app = None
            self.ledger.close()

    def restart(self) -> None:
        """Stop, and start again; nothing is lost."""
        self.stop()
        self.start()

    def take_store_away(self) -> None:
        """Let every statement of its databases fail, while it goes on to serve, until it is started again."""
        for engine in {engine.engine for engine in self.ledger.stores}:
            event.listen(engine, "before_cursor_execute", _away)
        self.is_store_away = True

    @property
    def has_all(self) -> bool:
        """Whether it serves, and neither databases nor keys are missing."""
        return self.app is not None and not self.is_store_away and not self._lost.exists()

    def lose_keys(self) -> None:
        """Lose the keys of all periods."""
        if not self._lost.exists():
            shutil.move(self.directory / "periods", self._lost)
            (self.directory / "periods").mkdir(mode=0o700)

    def bring_keys(self) -> None:
        """Bring the keys back that were lost, over whatever was made in their place."""
        if self._lost.exists():
            shutil.copytree(self._lost, self.directory / "periods", dirs_exist_ok=True)
            shutil.rmtree(self._lost)

    @property
    def _lost(self) -> Path:
        return self.directory.with_name("lost")

    # Forgetting ---------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Copy both stores as they are at this moment, as a standby that follows has them."""
        self.kept = self.directory.with_name("kept")
        self.kept.mkdir(exist_ok=True)
        for old in self.kept.iterdir():
            old.unlink()
        for file in self.directory.glob("*.db*"):
            shutil.copy(file, self.kept)

    def set_back(self) -> bool:
        """Fail over to the copy, which lacks what came since; keys lie elsewhere. Return whether there is one."""
        if self.kept is None:
            return False
        self.stop()
        for file in self.directory.glob("*.db*"):
            file.unlink()
        for file in self.kept.iterdir():
            shutil.copy(file, self.directory)
        self.kept = None
        self.start()
        return True

    # Upkeep -------------------------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Do what is done after midnight."""
        tidy(self.ledger.books, self.ledger.periods, earliest_running(self.clock()))

    def shred(self) -> list[str]:
        """Destroy the keys of months that nothing can be undone of any more."""
        return self.ledger.periods.shred(first_kept(self.ledger.today()))

    # What it says of itself ---------------------------------------------------------------------------------------

    def books(self, town: str) -> list[ProgrammeTotals]:
        """Return the totals of a town's programmes."""
        return count(self.ledger.books, town)

    def decided(self) -> set[str]:
        """Return every operation that it has a verdict on."""
        with self.ledger.books.connect() as connection:
            return set(connection.scalars(select(operations.c.operation).where(operations.c.kind != ELSEWHERE)))

    def claims(self, shop: str) -> list[Claim]:
        """Return all that a shop is owed."""
        today = self.ledger.today()
        return claims(self.ledger.books, shop, today - timedelta(days=3_000), today + timedelta(days=30))

    def losses(self) -> list[Lost]:
        """Return what the ledger lists as lost."""
        return [lost for town in TOWNS for lost in losses_of(self.ledger.books, town)]

    def verdict(self, operation_id: str) -> Verdict | None:
        """Return what the ledger has of an operation."""
        return self.ledger.points.verdict(operation_id)


def _away(*_statement: object) -> None:
    raise OperationalError("a statement", {}, sqlite3.OperationalError("unable to open database file"))
