"""Serves a ledger over HTTP, in one process or in several on the same databases."""

from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.telemetry import LOGGER
from ledger.embedded import assemble
from ledger.place import Place

DIRECTORY: Final = "KAZASU_LEDGER_DIRECTORY"
IDENTITY_URL: Final = "KAZASU_LEDGER_IDENTITY_URL"
POINTS_URL: Final = "KAZASU_LEDGER_POINTS_URL"
ANCHORS: Final = "KAZASU_LEDGER_ANCHORS"
"""Environment variables: how a server's processes are told what to serve, out of sight of the process list."""


def serve(place: Place, anchors: Path, *, host: str, port: int, workers: int) -> None:
    """Serve a ledger until stopped. Several processes need databases that several processes can write: PostgreSQL."""
    told = {
        DIRECTORY: str(place.directory),
        IDENTITY_URL: place.url("identity"),
        POINTS_URL: place.url("points"),
        ANCHORS: str(anchors),
    }
    os.environ |= told
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
    )


def application() -> FastAPI:
    """Return the application that the environment describes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    place = Place(Path(os.environ[DIRECTORY]), os.environ[IDENTITY_URL], os.environ[POINTS_URL])
    app = create_app(assemble(place, Anchors.load(Path(os.environ[ANCHORS]))))
    # What is loaded by now stays: the collector need not walk it again and again for what requests leave behind.
    gc.freeze()
    return app
