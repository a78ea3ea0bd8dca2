"""What the API joins, and how a request finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from config.japan import JST
from ledger.api.audit import Audit
from ledger.api.desk import OfficeDesk
from ledger.api.limits import RequestRate
from ledger.api.nonces import Nonces
from ledger.api.replay import Replays
from ledger.api.telemetry import Metrics, log_failure
from ledger.database import reading
from ledger.identity.registration import Registrar
from ledger.identity.store import Identity
from ledger.marks import StoreMark
from ledger.points.events import EventKind, Events
from ledger.points.packs import Packs
from ledger.points.periods import PeriodKeys
from ledger.points.registry import Registry
from ledger.points.store import PointsStore
from ledger.signing_keys import SigningKeys
from ledger.wire.codes import EnrolmentCode, key_print
from ledger.wire.sealing import SealingKey


@dataclass(frozen=True, slots=True)
class Ledger:
    """All parts of one ledger; `stores` are the databases of identity and of points."""

    stores: tuple[Engine, Engine]
    identity: Identity
    registrar: Registrar
    points: PointsStore
    periods: PeriodKeys
    registry: Registry
    sealing_key: SealingKey
    signing: SigningKeys
    events: Events
    nonces: Nonces
    replays: Replays
    packs: Packs
    office: OfficeDesk
    audit: Audit
    clock: Callable[[], datetime]
    mark: StoreMark
    metrics: Metrics = field(default_factory=Metrics)
    terminal_rate: RequestRate = field(default_factory=lambda: RequestRate(per_minute=1200))
    office_rate: RequestRate = field(default_factory=lambda: RequestRate(per_minute=300))
    wrong_proofs: RequestRate = field(default_factory=lambda: RequestRate(per_minute=10))
    """An honest terminal has none."""
    enrolment_rate: RequestRate = field(default_factory=lambda: RequestRate(per_minute=10))

    @property
    def id(self) -> str:
        """The ledger's own name, which no other has."""
        return self.mark.ledger

    @property
    def epoch(self) -> int:
        """How often this ledger was restored, plus one: it may have lost verdicts of earlier epochs."""
        return self.mark.epoch

    @property
    def books(self) -> Engine:
        """The database of the points store: what the office counts, and what is done at a day's end."""
        return self.stores[1]

    def check(self) -> None:
        """Ask both stores something; raise DBAPIError where one does not answer."""
        for engine in self.stores:
            with reading(engine) as connection:
                connection.execute(select(1))

    def noticed(self, kind: EventKind, about: str, times: int = 1, municipality: str | None = None) -> None:
        """Count an event for the office; a failure to count stops no request."""
        try:
            self.events.note(kind, about, self.clock(), times, municipality)
        except (DBAPIError, PoolTimeoutError) as error:
            log_failure(error)

    def new_enrolment_code(self, shop: str) -> str:
        """Return a new one-time code for a terminal of a shop, which names the key that signs the answers too."""
        secret = self.registry.new_enrolment_code(shop, self.clock())
        return str(EnrolmentCode(secret, key_print(self.signing.public[0])))

    def close(self) -> None:
        """Let go of the databases."""
        for engine in self.stores:
            engine.dispose()

    def today(self) -> date:
        """Return the day in Japan."""
        return today_in_japan(self.clock())


def today_in_japan(moment: datetime) -> date:
    """Return the day in Japan at a moment."""
    return moment.astimezone(JST).date()


async def _ledger(request: Request) -> Ledger:
    # Asynchronous though it waits for nothing: else every request goes to another thread for it and back.
    ledger = request.app.state.ledger
    assert isinstance(ledger, Ledger)  # noqa: S101  # set by create_app
    return ledger


LedgerHere = Annotated[Ledger, Depends(_ledger)]
"""The ledger that the application serves."""
