"""From nothing, migrations make the tables that the code names, on both engines; what is newer is left alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, TableClause, column, inspect, text, update

from config.trust import Anchors
from ledger.api import schema as api
from ledger.database import open_engine
from ledger.embedded import assemble
from ledger.identity import schema as identity
from ledger.migrations import newest, upgrade
from ledger.place import LedgerNewer, Place, Store
from ledger.points import schema as points
from tests import commands


def together(*parts: MetaData) -> MetaData:
    """Return all tables of a store."""
    whole = MetaData()
    for each in (table for part in parts for table in part.sorted_tables):
        each.to_metadata(whole)
    return whole


STORES: dict[Store, MetaData] = {
    "identity": together(identity.metadata),
    "points": together(points.metadata, api.metadata),
}

UPGRADE = """
import sys
from ledger.database import open_engine
from ledger.migrations import upgrade
upgrade(open_engine(sys.argv[1]), "points")
print("alembic" in sys.modules)
"""
"""A program that upgrades the points store of a URL, and says whether it needed alembic for it."""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Yield an empty database."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def differences(engine: Engine, store: Store) -> list[object]:
    """Return what alembic would have to do to make a store's tables those of the code."""
    with engine.connect() as connection:
        options = {"version_table": f"{store}_version", "compare_type": True}
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), STORES[store])
        return found


def set_version(engine: Engine, store: Store, version: str) -> None:
    """Let a store say that it is at a version."""
    with engine.begin() as connection:
        connection.execute(update(TableClause(f"{store}_version", column("version_num"))).values(version_num=version))


@pytest.mark.parametrize("store", STORES)
def test_migrations_make_the_tables_that_the_code_names(engine: Engine, store: Store) -> None:
    """Nothing is missing, and nothing is left over."""
    upgrade(engine, store)
    assert differences(engine, store) == []


@pytest.mark.parametrize("store", STORES)
def test_nothing_is_done_twice(engine: Engine, store: Store) -> None:
    """Every start looks, and finds the tables there."""
    upgrade(engine, store)
    before = inspect(engine).get_table_names()
    upgrade(engine, store)
    assert inspect(engine).get_table_names() == before


def test_only_nonces_are_not_logged(postgres_url: str) -> None:
    """PostgreSQL empties what is not logged after a crash: of all tables that may befall the nonces alone."""
    engine = open_engine(postgres_url)
    upgrade(engine, "points")
    upgrade(engine, "identity")
    unlogged = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u'")
    with engine.connect() as connection:
        assert connection.scalars(unlogged).all() == ["request_nonce"]
    engine.dispose()


def test_both_stores_may_lie_in_one_database(engine: Engine) -> None:
    """Each has a version of its own."""
    for store in STORES:
        upgrade(engine, store)
    assert {"identity_version", "points_version", "card", "wallets"} <= set(inspect(engine).get_table_names())


def test_servers_that_start_at_once_make_one_set_of_tables(database_url: str, engine: Engine) -> None:
    """One makes them; the others wait for it, and find nothing left to do."""
    command = [sys.executable, "-c", UPGRADE, database_url]
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [each.wait() for each in started] == [0, 0, 0]
    assert differences(engine, "points") == []


def test_a_newer_ledger_is_refused_and_not_touched(engine: Engine) -> None:
    """An old program must not write into tables whose meaning it does not know."""
    upgrade(engine, "points")
    set_version(engine, "points", "v9999")
    with pytest.raises(LedgerNewer) as refused:
        upgrade(engine, "points")
    assert (refused.value.store, refused.value.version) == ("points", "v9999")


def test_the_command_line_says_that_the_ledger_is_newer(tmp_path: Path) -> None:
    """With a sentence of its own, and what to do."""
    ledger = assemble(Place(tmp_path), Anchors())
    set_version(ledger.stores[1], "points", "v9999")
    ledger.close()
    code, said = commands.ledger("--directory", str(tmp_path), "enrol", "--shop", "252034-0001")
    assert code == 1
    assert "v9999" in said
    assert "(ledger_newer)" in said


def test_alembic_is_not_loaded_where_nothing_is_to_be_done(tmp_path: Path) -> None:
    """A terminal's first sale of the day waits for the start of its ledger."""
    command = [sys.executable, "-c", UPGRADE, f"sqlite:///{tmp_path / 'points.db'}"]
    first, second = (subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(2))
    assert (first.stdout.strip(), second.stdout.strip()) == ("True", "False")


@pytest.mark.parametrize("store", STORES)
def test_revisions_stand_in_one_line(store: Store) -> None:
    """Each names itself as its file does, and the one before it."""
    folder = Path(__file__).parents[2] / "ledger" / "migrations"
    revisions = [*ScriptDirectory(folder, version_locations=[str(folder / store)]).walk_revisions()][::-1]
    names = [each.revision for each in revisions]
    assert (
        names
        == [f"v{number:04d}" for number in range(1, len(names) + 1)]
        == [Path(each.path).stem for each in revisions]
    )
    assert names[-1] == newest(store)
