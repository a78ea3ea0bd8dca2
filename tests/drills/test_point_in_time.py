"""PostgreSQL's own tools bring both stores back to a point; the ledger's keys and a new epoch follow from a backup."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import create_engine, make_url, text

from config.trust import Anchors
from ledger.api.state import Ledger
from ledger.backup.making import back_up
from ledger.backup.restoring import opened, restore
from ledger.embedded import assemble
from ledger.place import KeysApart, Place
from ledger.points.reports import count
from tests import postgres
from tests.ledger.backup.test_restore import OLD, World, reference
from tests.ledger.points.scenes import CITY, operation_id
from tests.pcsc import until

pytestmark = pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL is not installed")

KEY = X25519PrivateKey.generate()
NOW = datetime(2026, 11, 23, 5, 5, tzinfo=UTC)
QUICK = ("fsync = off",)


def place(node: postgres.Node, directory: Path) -> Place:
    """Return the place whose two databases lie on a server."""
    identity, points = (
        make_url(node.url).set(database=name).render_as_string(hide_password=False) for name in ("ids", "books")
    )
    return Place(directory, identity, points)


def ledger_of(where: Place) -> Ledger:
    """Return the ledger of a place."""
    return assemble(where, Anchors(), lambda: NOW)


def test_both_stores_come_back_to_one_point(tmp_path: Path) -> None:
    """A base backup, the log up to a named point, then the keys: what came later is gone, and nothing else."""
    (tmp_path / "backups").mkdir()
    with postgres.node(QUICK) as first:
        log = first.folder / "archive"
        first.run("mkdir", str(log), from_path=True)
        first.stop("fast")
        first.configure("archive_mode = on", f"archive_command = 'cp %p {log}/%f'")
        first.start()
        server = create_engine(first.url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            for name in ("ids", "books"):
                connection.execute(text(f"CREATE DATABASE {name}"))
        server.dispose()
        world = World(place(first, tmp_path / "first"), place(first, tmp_path / "first"), tmp_path / "backups")
        first.run(
            "pg_basebackup",
            "-D",
            str(first.folder / "base"),
            "-d",
            f"host={first.folder} user=kazasu",
            "-N",
            "-c",
            "fast",
        )
        world.fill()
        with world.ledger() as ledger:
            world.buy(ledger, 2)
        first.ask("SELECT pg_create_restore_point('noon')")
        with world.ledger() as ledger:
            world.buy(ledger, 3)
            ledger.periods.shred("2026-08")
            back_up(ledger, world.place, tmp_path / "backups" / "keys", KEY.public_key(), keys_only=True)
        first.ask("SELECT pg_switch_wal()")
        first.stop("fast")
        second = postgres.Node(first.folder / "second")
        first.run("mkdir", str(second.folder), from_path=True)
        first.run("mv", str(first.folder / "base"), str(second.data), from_path=True)
        first.run("touch", str(second.data / "recovery.signal"), from_path=True)
        second.configure(
            "archive_mode = off",
            f"restore_command = 'cp {log}/%f %p'",
            "recovery_target_name = 'noon'",
            "recovery_target_action = promote",
        )
        second.start()
        until(lambda: second.ask("SELECT pg_is_in_recovery()") == "False")
        try:
            _check(place(second, tmp_path / "second"), tmp_path / "backups" / "keys", world)
        finally:
            second.stop()


def _check(where: Place, keys: Path, world: World) -> None:
    with pytest.raises(KeysApart, match="ledger_key_missing"):
        ledger_of(where)
    with opened(keys, keys.with_name("kazasu-months.backup"), KEY, beside=where.directory) as backup:
        assert restore(backup, where, NOW) == ["2026-06"]
    ledger = ledger_of(where)
    assert ledger.epoch == int(NOW.timestamp())
    assert [ledger.points.verdict(operation_id(seq)) is not None for seq in (1, 2, 3)] == [True, True, False]
    assert ledger.identity.look_up([reference(1)])[reference(1)].mykey == world.mykey
    assert all(totals.agree for totals in count(ledger.books, CITY))
    assert world.void(ledger, 9, 1, OLD) == "target_forgotten"
    ledger.close()
