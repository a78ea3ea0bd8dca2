"""How the ledger keeps to its database: a server that was away is noticed, and what it takes away is done again."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from ledger import database
from ledger.database import open_engine, reading


def test_a_connection_that_lay_idle_is_replaced_where_the_server_dropped_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sale after a restart of the database must not fail."""
    engine, other = open_engine(postgres_url), open_engine(postgres_url)
    with engine.begin() as connection:
        process = connection.scalar(text("SELECT pg_backend_pid()"))
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
    monkeypatch.setattr(database, "_IDLE_SECONDS", -1.0)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != process
    engine.dispose()
    other.dispose()
