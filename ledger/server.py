"""Serves a ledger over HTTP, in one process or in several on the same databases."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.state import Ledger
from ledger.api.telemetry import LOGGER, SHARED, log_failure
from ledger.api.webhook import deliver
from ledger.doors import CONNECTIONS, Door
from ledger.embedded import assemble
from ledger.place import Place
from ledger.points.upkeep import tidy
from ledger.wire.days import earliest_running

DIRECTORY: Final = "KAZASU_LEDGER_DIRECTORY"
IDENTITY_URL: Final = "KAZASU_LEDGER_IDENTITY_URL"
POINTS_URL: Final = "KAZASU_LEDGER_POINTS_URL"
ANCHORS: Final = "KAZASU_LEDGER_ANCHORS"
"""Environment variables that tell a server's processes what to serve; a process list does not show them."""

STATEMENT_SECONDS: Final = 30
"""How long a request may hold a connection with one statement; a terminal waits for less."""

_TIDY_SECONDS: Final = 1800
"""How long after midnight the day before may wait to be tidied up."""


_TELL_SECONDS: Final = 30
"""How often it is looked whether a town's own system is to be told something."""


def serve(place: Place, anchors: Path, *, host: str, port: int, workers: int, proxies: Sequence[str] = ()) -> None:
    """Serve a ledger until stopped. Several processes need databases that several processes can write: PostgreSQL.

    Only the `proxies` may name the client that they ask for (`X-Forwarded-For`).
    """
    variables = {
        DIRECTORY: str(place.directory),
        IDENTITY_URL: place.url("identity"),
        POINTS_URL: place.url("points"),
        ANCHORS: str(anchors),
    }
    os.environ |= variables
    with TemporaryDirectory(prefix="kazasu-metrics-") as counts:
        if workers > 1:
            os.environ[SHARED] = counts
        # No access log: it would write down who asked for which operation.
        uvicorn.run(
            "ledger.server:application",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_level="warning",
            server_header=False,
            http=Door,
            ws="none",
            limit_concurrency=CONNECTIONS,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
        )


def application() -> FastAPI:
    """Return the application that the environment describes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    place = Place(Path(os.environ[DIRECTORY]), os.environ[IDENTITY_URL], os.environ[POINTS_URL])
    ledger = assemble(place, Anchors.load(Path(os.environ[ANCHORS])))
    for engine in ledger.stores:
        limit_time(engine, STATEMENT_SECONDS)
    threading.Thread(target=_tidy_for_ever, args=(ledger,), name="tidy", daemon=True).start()
    threading.Thread(target=_tell_for_ever, args=(ledger,), name="webhooks", daemon=True).start()
    app = create_app(ledger)
    # What is loaded by now stays: the collector need not walk it again and again for what requests leave behind.
    gc.freeze()
    return app


def limit_time(engine: Engine, seconds: int) -> None:
    """Limit how long a statement runs or waits for a lock; the request may be tried again (PostgreSQL only).

    A commit that waits for a synchronous standby is not cut short: the server stops its clock before it.
    """
    if engine.dialect.name != "postgresql":
        return

    def begin(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{seconds}s'")
        connection.commit()

    event.listen(engine, "connect", begin)
    engine.dispose()  # connections from before have no limit


def _tidy_for_ever(ledger: Ledger) -> None:
    """Do what a day's end asks for, without anybody's having to think of it; most of the time there is nothing."""
    while True:
        try:
            tidy(ledger.books, ledger.periods, earliest_running(ledger.clock()))
            for municipality in ledger.registry.municipalities():
                ledger.audit.deliver(municipality)
        except DBAPIError as error:
            log_failure(error)
        time.sleep(_TIDY_SECONDS)


def _tell_for_ever(ledger: Ledger) -> None:
    """Tell the towns' own systems what was noticed; each process tries, and one of them does."""
    while True:
        try:
            deliver(ledger)
        except (DBAPIError, PoolTimeoutError) as error:
            log_failure(error)
        time.sleep(_TELL_SECONDS)
