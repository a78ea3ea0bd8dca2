"""Says whether a ledger's databases can lose a verdict that they gave, and through what.

A crash loses what was not on a disk; the loss of a machine, or a failover, loses what was on one disk alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text

from ledger.database import reading
from ledger.place import Store

_MOUNTS: Final = Path("/proc/self/mounts")
_REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "glusterfs", "fuse.sshfs"})
"""File systems on which SQLite's locks and its shared memory do not work as it needs them (sqlite.org/wal.html)."""

_MEMORY: Final = frozenset({"tmpfs", "ramfs"})

_FULL: Final = 2
"""`PRAGMA synchronous` at FULL: each commit is on the disk before it is answered."""

_ON_DISKS: Final = frozenset({"on", "remote_apply"})
"""`synchronous_commit`: a commit is on the disks of the primary and of the synchronous standby."""


class Cause(StrEnum):
    """What may lose a verdict."""

    CRASH = "crash"
    """The machine or its power fails and comes back."""
    ONE_COPY = "one_copy"
    """A disk or machine is lost, or a standby takes over."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """One way in which a store can lose a verdict; `code` has its sentences, `value` is what was found."""

    code: str
    cause: Cause
    store: Store
    value: str = ""


def weaknesses(engine: Engine, store: Store) -> list[Weakness]:
    """Return the ways in which a store can lose a verdict, none where it cannot."""
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            return list(_of_sqlite(connection, store, Path(str(engine.url.database))))
        return list(_of_postgresql(connection, store))


def _of_sqlite(connection: Connection, store: Store, path: Path) -> Iterator[Weakness]:
    for pragma, good in (("journal_mode", {"wal", "delete", "truncate", "persist"}), ("synchronous", {_FULL, 3})):
        found = connection.execute(text(f"PRAGMA {pragma}")).scalar()
        if found not in good:
            yield Weakness("durability_sqlite", Cause.CRASH, store, f"{pragma} = {found}")
    kind = file_system(path)
    if kind in _REMOTE:
        yield Weakness("durability_network", Cause.CRASH, store, kind)
    elif kind in _MEMORY:
        yield Weakness("durability_memory", Cause.CRASH, store, kind)
    yield Weakness("durability_one_disk", Cause.ONE_COPY, store)


def _of_postgresql(connection: Connection, store: Store) -> Iterator[Weakness]:
    def show(name: str) -> str:
        return str(connection.execute(text(f"SHOW {name}")).scalar())

    for name in ("fsync", "full_page_writes"):
        if (found := show(name)) != "on":
            yield Weakness("durability_postgresql", Cause.CRASH, store, f"{name} = {found}")
    commit = show("synchronous_commit")
    if commit == "off":
        yield Weakness("durability_postgresql", Cause.CRASH, store, f"synchronous_commit = {commit}")
    if not show("synchronous_standby_names").strip():
        yield Weakness("durability_no_standby", Cause.ONE_COPY, store)
    elif commit not in _ON_DISKS:
        yield Weakness("durability_standby_late", Cause.ONE_COPY, store, f"synchronous_commit = {commit}")


def file_system(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the kind of the file system that a file is on, empty where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    path = path.resolve()
    found, kind = Path(), ""
    for line in lines:
        _, where, of_kind, *_ = line.split(" ")
        # The table writes a space as \040; of two mounts at one place the later one lies on top.
        mounted = Path(where.replace("\\040", " "))
        if path.is_relative_to(mounted) and len(mounted.parts) >= len(found.parts):
            found, kind = mounted, of_kind
    return kind
