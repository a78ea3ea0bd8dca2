"""How the ledger keeps to its database: a server that was away is noticed, and what it takes away is done again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import database
from ledger.database import DatabaseDamaged, DatabaseFailed, database_errors, open_engine, reading


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


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    """It is damaged, which is mended by a backup; a folder that is away is another thing, which is waited for."""
    (tmp_path / "points.db").write_bytes(b"This is a letter. " * 300)
    with pytest.raises(DatabaseDamaged), database_errors():
        open_engine(f"sqlite:///{tmp_path}/points.db").connect()
    with pytest.raises(DatabaseFailed) as away, database_errors():
        open_engine(f"sqlite:///{tmp_path}/away/points.db").connect()
    assert away.value.code == "database_unreachable"
