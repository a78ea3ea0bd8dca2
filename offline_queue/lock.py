"""One process per data directory: a lock that the operating system lets go of when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from offline_queue.errors import JournalInUse, JournalReadOnly

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCKED_BYTE = 4096
"""The byte that is locked on Windows: it lies after the file's text, because a locked byte cannot be read."""


class InstanceLock:
    """Held for as long as this process may write in a data directory; the file says who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; raise JournalInUse where another process has it."""
        try:
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise JournalReadOnly(f"{self._path}: {error.strerror}") from error
        try:
            _try_lock(file)
        except OSError:
            with file:
                raise _in_use(file) from None
        file.truncate(0)
        file.write(f"{os.getpid()} {Path(sys.argv[0]).name} {' '.join(sys.argv[1:2])}".rstrip())
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go of the lock; the file stays, because removing it would let two processes lock two files."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _in_use(file: IO[str]) -> JournalInUse:
    file.seek(0)
    pid, _, program = file.read().partition(" ")
    return JournalInUse(int(pid) if pid.isdigit() else 0, program or "kazasu")
