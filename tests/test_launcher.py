"""The launcher: what it holds while it sets up, it lets go of before it starts anything that lasts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PYTHON = """#!/bin/sh
case "$2" in
    pip) exit 0 ;;
    *) flock -n .venv.lock echo free || echo held ;;
esac
"""
"""Installs nothing; in the terminal's place it says whether another start could set up now."""


TO_BE_UPDATED = """#!/bin/sh
case "$2 $4" in
    'pip '*) exit 0 ;;
    'terminal status'|'terminal ') echo '{"last_seq": 41, "unsent": 17, "refused": []}' ;;
    *) ;;
esac
"""
"""The environment of an earlier version, in whose journal something is unsent."""


def test_before_an_update_it_is_said_what_is_unsent(tmp_path: Path) -> None:
    """A newer version brings a newer lock: what is kept and sent later is said before anything is changed."""
    shutil.copy(ROOT / "kazasu", tmp_path)
    (tmp_path / "requirements.lock").write_text("newer==2\n", encoding="utf-8")
    installed = tmp_path / ".venv" / "installed"
    installed.mkdir(parents=True)
    (installed / "folder").write_text(f"{tmp_path}\n", encoding="utf-8")
    (installed / "requirements.lock").write_text("older==1\n", encoding="utf-8")
    for path, text in {".venv/bin/python": TO_BE_UPDATED, "bin/dpkg-query": "#!/bin/sh\nprintf installed\n"}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
        (tmp_path / path).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    started = subprocess.run(
        [tmp_path / "kazasu"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert started.returncode == 0, started.stderr
    said = started.stderr.index("17 operations are not sent yet")
    assert said < started.stderr.index("3/3  Python packages")


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not there (util-linux), and no lock without it")
def test_a_first_start_keeps_no_lock_for_its_life(tmp_path: Path) -> None:
    """The checks run beside a terminal that set everything up and is still open."""
    shutil.copy(ROOT / "kazasu", tmp_path)
    (tmp_path / "requirements.lock").write_text("nothing==1\n", encoding="utf-8")
    installed = tmp_path / ".venv" / "installed"
    installed.mkdir(parents=True)
    (installed / "folder").write_text(f"{tmp_path}\n", encoding="utf-8")
    for path, text in {".venv/bin/python": PYTHON, "bin/dpkg-query": "#!/bin/sh\nprintf installed\n"}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
        (tmp_path / path).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    started = subprocess.run(
        [tmp_path / "kazasu"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (started.returncode, started.stdout) == (0, "free\n"), started.stderr
