"""A ledger says whether it can lose a verdict, and serves only where it cannot, if that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import event, text

from config.trust import Anchors
from ledger.database import open_engine
from ledger.durability import Cause, file_system, weaknesses
from ledger.embedded import assemble
from ledger.place import Place
from tests import commands
from tests.ledger.points.conftest import city

SETTINGS: dict[tuple[str, ...], set[str]] = {
    (): {"durability_no_standby"},
    ("synchronous_standby_names = 'standby'",): set(),
    ("synchronous_standby_names = 'standby'", "synchronous_commit = remote_apply"): set(),
    ("synchronous_standby_names = 'standby'", "synchronous_commit = remote_write"): {"durability_standby_late"},
    ("synchronous_standby_names = 'standby'", "synchronous_commit = local"): {"durability_standby_late"},
    ("synchronous_commit = off",): {"durability_postgresql", "durability_no_standby"},
    ("synchronous_standby_names = 'standby'", "fsync = off"): {"durability_postgresql"},
    ("synchronous_standby_names = 'standby'", "full_page_writes = off"): {"durability_postgresql"},
}


@pytest.mark.parametrize("settings", SETTINGS, ids=" ".join)
def test_each_setting_of_postgresql_that_loses_verdicts_is_found(postgres_url: str, settings: tuple[str, ...]) -> None:
    """Alone and together; a role's own settings count as much as the server's."""
    values = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "synchronous_standby_names": ""}
    values |= dict(each.replace("'", "").split(" = ") for each in settings)
    engine = open_engine(postgres_url)
    event.listen(engine, "before_cursor_execute", lambda *call: (_shown(call[2], values), call[3]), retval=True)
    assert {each.code for each in weaknesses(engine, "points")} == SETTINGS[settings]
    engine.dispose()


def _shown(statement: str, values: dict[str, str]) -> str:
    """Return the statement of a server that has other settings: most of them are fixed when a server starts."""
    name = statement.removeprefix("SHOW ")
    return f"SELECT '{values[name]}'" if name in values else statement


def test_a_role_that_does_not_wait_for_the_disk_is_found(postgres_url: str) -> None:
    """The setting is the session's, as the ledger's own sessions have it."""
    engine = open_engine(f"{postgres_url}&options=-c synchronous_commit=off")
    assert "synchronous_commit = off" in {each.value for each in weaknesses(engine, "points")}
    engine.dispose()


def test_sqlite_waits_for_its_disk_and_has_but_one(tmp_path: Path) -> None:
    """Where something changed its pragmas, or it lies in memory, that is said too."""
    engine = open_engine(f"sqlite:///{tmp_path / 'points.db'}")
    assert [(each.code, each.cause) for each in weaknesses(engine, "points")] == [
        ("durability_one_disk", Cause.ONE_COPY)
    ]
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
    engine.dispose()
    assert [each.value for each in weaknesses(engine, "points")] == ["synchronous = 1", ""]
    engine.dispose()


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    """Also where its name has a space; where the system does not say, nothing is said."""
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/our\\040share nfs4 rw 0 0\ntmpfs /mnt tmpfs rw 0 0\n",
        encoding="utf-8",
    )
    assert file_system(Path("/mnt/our share/ledger/points.db"), mounts) == "nfs4"
    assert file_system(Path("/mnt/other/points.db"), mounts) == "tmpfs"
    assert file_system(Path("/var/points.db"), mounts) == "ext4"
    assert file_system(Path("/var/points.db"), tmp_path / "none") == ""


def test_a_server_that_must_not_lose_a_verdict_does_not_start_where_it_could(tmp_path: Path) -> None:
    """It says why, and what to do."""
    code, said = commands.ledger("--directory", str(tmp_path), "serve", "--require-durable")
    assert code == 1
    assert "(not_durable)" in said
    assert "docs/operations.md" in said


def test_the_doctor_examines_a_ledger(tmp_path: Path) -> None:
    """A good one is good; a lost month's key, and books that do not agree, are wrong."""
    ledger = assemble(Place(tmp_path), Anchors())
    ledger.registry.add_programmes([city()])
    ledger.periods.supplied(lambda: ledger.periods.seal("2026-11-01", "x", b"x"))
    code, said = commands.ledger("--directory", str(tmp_path), "doctor", "--json")
    found = json.loads(said)
    assert (code, found["ok"]) == (0, True)
    assert {each["error"] for each in found["findings"]} == {None, "durability_one_disk"}
    (tmp_path / "periods" / "2026-11.key").unlink()
    with ledger.books.begin() as connection:
        connection.execute(text("INSERT INTO totals VALUES ('252034', '252034', 'issued', '', '2026-11-01', 'x', -5)"))
    code, said = commands.ledger("--directory", str(tmp_path), "doctor", "--json")
    assert code == 1
    assert {"period_keys_lost", "totals_wrong"} < {each["error"] for each in json.loads(said)["findings"]}
    assert "2026-11" in commands.ledger("--directory", str(tmp_path), "doctor")[1]
    ledger.close()


def test_the_doctor_says_how_postgresql_stands(postgres_url: str, tmp_path: Path) -> None:
    """The tests' own server does not wait for its disk: that is wrong, of both stores."""
    place = Place(tmp_path, postgres_url, postgres_url)
    assemble(place, Anchors()).close()
    urls = ("--identity-url", postgres_url, "--points-url", postgres_url)
    code, said = commands.ledger("--directory", str(tmp_path), *urls, "doctor", "--json")
    found = json.loads(said)["findings"]
    assert code == 1
    assert {each["detail"] for each in found if each["error"] == "durability_postgresql"} == {"identity", "points"}
