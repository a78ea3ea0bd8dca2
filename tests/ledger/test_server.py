"""A server's own duties: it tidies up by itself, and lets no statement run for ever."""

from __future__ import annotations

import logging
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from config.trust import Anchors
from ledger import server
from ledger.api.telemetry import LOGGER
from ledger.database import open_engine
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.days import earliest_running


class Ended(Exception):  # noqa: N818  # ends the server's day
    """It is night."""


def test_a_day_is_tidied_up_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Again and again; a database that is down for a while is logged, and does not end it."""
    ledger = assemble(Place(tmp_path), Anchors())
    days: list[date] = []
    waits: list[float] = []
    sleep, here = time.sleep, threading.get_ident()

    def tidy(_books: object, _keys: object, today: date) -> None:
        days.append(today)
        if len(days) == 1:
            raise OperationalError("SELECT", {}, OSError("K7QM3V9TXW"))

    def wait(seconds: float) -> None:
        if threading.get_ident() != here:  # another server's thread, of a test before this one
            sleep(seconds)
            return
        waits.append(seconds)
        if len(waits) == 3:
            raise Ended

    monkeypatch.setattr(server, "tidy", tidy)
    monkeypatch.setattr(time, "sleep", wait)
    caplog.set_level(logging.INFO, LOGGER.name)
    with pytest.raises(Ended):
        server._tidy_for_ever(ledger)
    assert days == [earliest_running(ledger.clock())] * 3
    assert caplog.text.count("OperationalError") == 1
    assert "K7QM3V9TXW" not in caplog.text
    ledger.close()


def test_no_statement_runs_for_ever(postgres_url: str) -> None:
    """It ends as an error that the API calls retryable."""
    engine = open_engine(postgres_url)
    server.limit_time(engine, 1)
    with engine.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.exec_driver_sql("SELECT pg_sleep(60)")
    engine.dispose()
