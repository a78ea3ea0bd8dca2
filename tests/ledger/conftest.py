"""Databases for the ledger's tests: SQLite files, and a PostgreSQL server that is started once for all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests import postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Yield the URL of a running server, fast because nothing of it need survive."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed: ./kazasu test installs it on Debian and Ubuntu")
    with postgres.server(("fsync = off", "synchronous_commit = off", "max_connections = 200")) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """Return the URL of an empty database of the server."""
    name = f"test_{next(_numbers)}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(postgres_server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
