"""The lock: one process per data directory, and who it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from offline_queue.errors import JournalInUse
from offline_queue.lock import InstanceLock

_HOLD = """
import sys
from pathlib import Path
from offline_queue.lock import InstanceLock
lock = InstanceLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    """The refusal names the process; when that one is killed, the lock is free."""
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(JournalInUse) as caught:
            InstanceLock(path).acquire()
        assert caught.value.pid == holder.pid
        holder.kill()
    with InstanceLock(path):
        pass


def test_releasing_lets_the_next_one_in(tmp_path: Path) -> None:
    """The file stays, the lock does not; two locks in one process exclude each other too."""
    path = tmp_path / "lock"
    with InstanceLock(path), pytest.raises(JournalInUse):
        InstanceLock(path).acquire()
    with InstanceLock(path):
        assert path.exists()
