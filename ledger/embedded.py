"""Opens a ledger whose databases and keys lie in one directory: in the terminal's own process, or behind a server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.audit import Audit
from ledger.api.desk import OfficeDesk
from ledger.api.nonces import Nonces
from ledger.api.replay import Replays
from ledger.api.state import Ledger, today_in_japan
from ledger.database import database_errors, open_engine
from ledger.identity.registration import Registrar
from ledger.identity.store import Identity
from ledger.marks import Stores, check_made, tie
from ledger.migrations import upgrade
from ledger.place import Place
from ledger.points.counters import seal_counts_of_0_1_0 as adopt_counters
from ledger.points.events import Events
from ledger.points.packs import Packs
from ledger.points.periods import PeriodKeys
from ledger.points.registry import Registry
from ledger.points.store import PointsStore
from ledger.points.upkeep import tidy
from ledger.signing_keys import SigningKeys
from ledger.wire.days import earliest_running


def assemble(place: Place, anchors: Anchors, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Ledger:
    """Return the ledger of a place, which is made where nothing is. Raise CannotOpen where it cannot be opened."""
    place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity_engine, points_engine = open_engine(place.url("identity")), open_engine(place.url("points"))
    periods = PeriodKeys(place.periods, points_engine)
    stores: Stores = {"identity": identity_engine, "points": points_engine}
    try:
        with database_errors():
            check_made(stores, place.secret)
            for store, engine in stores.items():
                upgrade(engine, store)
        keys, mark = tie(stores, place.secret, lambda: periods.adopt(today_in_japan(clock())))
        periods.sweep()
        adopt_counters(points_engine, periods)
    except BaseException:
        for engine in stores.values():
            engine.dispose()
        raise
    identity, registry = Identity(identity_engine, keys.cards, clock), Registry(points_engine)
    if identity.has_unassigned() and len(municipalities := registry.municipalities()) == 1:
        identity.assign(municipalities[0])
    return Ledger(
        stores=(identity_engine, points_engine),
        identity=identity,
        registrar=Registrar(identity, anchors),
        points=PointsStore(points_engine, periods),
        periods=periods,
        registry=registry,
        sealing_key=keys.sealing,
        signing=SigningKeys(mark.ledger, keys.signing, place.signing),
        events=Events(points_engine),
        nonces=Nonces(keys.nonces),
        replays=Replays(points_engine),
        packs=Packs(points_engine, periods),
        office=OfficeDesk(points_engine),
        audit=Audit(points_engine, periods, keys.audit),
        clock=clock,
        mark=mark,
    )


def open_ledger(
    directory: Path, *, anchors: Anchors, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    """Return the application of the ledger in a directory, to be reached through `httpx.ASGITransport`.

    There is no server to tidy up after midnight: it is done whenever the ledger is opened.
    """
    ledger = assemble(Place(directory), anchors, clock)
    tidy(ledger.books, ledger.periods, earliest_running(ledger.clock()))
    return create_app(ledger)
