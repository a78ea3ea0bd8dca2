"""One at a time in a directory of keys, among threads and processes: a lock that dies with its holder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory of keys: one thread of one process at a time."""
    with (directory / ".lock").open("a+b") as file:
        file.seek(0)
        _lock(file.fileno())
        yield
