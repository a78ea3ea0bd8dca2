"""What doctor says of the SQLite that is there."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from config.findings import Level
from config.home import Home
from config.settings import Settings
from reader.practice import PracticeSource
from terminal.shop import doctor
from terminal.shop.opening import local_time


@pytest.mark.parametrize(
    ("version", "level", "code"),
    [
        ((3, 36, 0), Level.WRONG, "sqlite_old"),
        ((3, 44, 5), Level.NOTE, "sqlite_wal_bug"),
        ((3, 44, 6), Level.GOOD, None),
        ((3, 45, 0), Level.NOTE, "sqlite_wal_bug"),
        ((3, 50, 6), Level.NOTE, "sqlite_wal_bug"),
        ((3, 50, 7), Level.GOOD, None),
        ((3, 51, 2), Level.NOTE, "sqlite_wal_bug"),
        ((3, 51, 3), Level.GOOD, None),
    ],
)
def test_versions_with_a_known_defect_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: tuple[int, int, int],
    level: Level,
    code: str | None,
) -> None:
    """Each line of SQLite was mended by a version of its own."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    finding = doctor._sqlite(doctor.Patient(Home(tmp_path), Settings(), PracticeSource({}), local_time))
    assert (finding.level, finding.fault and finding.fault.code) == (level, code)


@pytest.mark.parametrize(("hours", "level"), [(9, Level.GOOD), (0, Level.NOTE), (-5, Level.NOTE)])
def test_another_time_zone_is_harmless(hours: int, level: Level) -> None:
    """Days are Japan's everywhere: it is named, and nothing has to be mended."""
    assert doctor._zone(timedelta(hours=hours)).level is level
