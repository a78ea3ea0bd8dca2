"""Files are written whole: what was there stays until the new one is on the disk."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.files import write_once, write_whole


def test_a_file_is_replaced_and_its_owners_alone(tmp_path: Path) -> None:
    """Nothing is left beside it."""
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_first_of_many_stays(tmp_path: Path) -> None:
    """However many write at once, one of them is found whole by all."""
    path = tmp_path / "file"
    contents = [bytes([number]) * 1000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_once(path, content), contents))
    assert path.read_bytes() in contents
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    """A draft that was not finished is gone."""
    path = tmp_path / "file"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
