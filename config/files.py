"""Writes files so that a crash leaves the old one or the new one, and never half of it.

Their owner alone can read them. The draft lies beside the file under a name of its own: several processes may write at
once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def draft_of(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file beside `path` to write into; it is on the disk at the end, and gone unless it was moved."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file, draft
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, in the place of what was there."""
    with draft_of(path) as (file, draft):
        _to_disk(file, content)
        draft.replace(path)
    sync_directory(path.parent)


def write_once(path: Path, content: bytes) -> None:
    """Write a file unless another process was there first: that one stays."""
    with draft_of(path) as (file, draft):
        _to_disk(file, content)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names of a directory durable."""
    if os.name != "posix":  # elsewhere a directory cannot be opened, and a rename is durable by itself
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_disk(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
    file.close()  # some systems move no file that is open
