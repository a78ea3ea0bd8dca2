"""What a backup's two files hold: a manifest first, then keys and stores, as a tar archive inside the seal."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Final, Literal

from pydantic import ValidationError

from config.files import draft_of, sync_directory
from ledger.backup.errors import BackupError
from ledger.backup.sealed import BackupKey, Lock, SealedReader, SealedWriter
from ledger.place import Store
from ledger.wire.values import Message

MANIFEST: Final = "manifest.json"
LEDGER_KEY: Final = "ledger.key"
MONTHS: Final = "kazasu-months.backup"
"""What the second file is called that each backup replaces: the keys of the months that are in use."""

_ROOM: Final = 1 << 20


class StoreCopy(Message):
    """How a store was copied: SQLite's own file, or pg_dump's custom format; `version` is that of its tables."""

    kind: Literal["sqlite", "postgresql"]
    version: str


class Month(Message):
    """A month's key: its fingerprint while it is in use, and whether an earlier one was destroyed."""

    key_print: str | None
    destroyed: bool


class Manifest(Message):
    """What a backup is of. The first file has `stores`, unless it holds keys alone; the second has none.

    `signing` is the number of the key that signed the ledger's answers then.
    """

    form: Literal[1] = 1
    ledger: str
    key_print: str
    epoch: int
    made_at: str
    signing: int
    stores: dict[Store, StoreCopy]
    months: dict[str, Month]


def pack(path: Path, lock: Lock, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write a sealed file, whole or not at all; what stood in its place is overwritten and gone."""
    with draft_of(path) as (file, draft):
        with SealedWriter(file, lock) as sealed, tarfile.open(fileobj=sealed, mode="w|") as archive:
            text = manifest.model_dump_json().encode()
            head = tarfile.TarInfo(MANIFEST)
            head.size = len(text)
            archive.addfile(head, BytesIO(text))
            for name, source in members.items():
                info = tarfile.TarInfo(name)
                info.size = source.stat().st_size
                with source.open("rb") as content:
                    archive.addfile(info, content)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        _replace(draft, path)


def unpack(path: Path, opener: BackupKey, folder: Path) -> Manifest:
    """Bring what a sealed file holds into a folder and return its manifest; read to the end, so nothing is missing."""
    try:
        with path.open("rb") as file, SealedReader(file, opener, str(path)) as sealed:
            with tarfile.open(fileobj=sealed, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member)
                    if content is None or Path(member.name).name != member.name:
                        raise BackupError("backup_damaged", path=str(path))
                    with (folder / member.name).open("xb") as target:
                        while part := content.read(_ROOM):
                            target.write(part)
            while sealed.read(_ROOM):
                pass
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupError("backup_missing", path=str(path)) from None
    except (tarfile.TarError, ValidationError, FileExistsError):
        raise BackupError("backup_damaged", path=str(path)) from None


def _replace(draft: Path, path: Path) -> None:
    """Put a file in the place of another, whose bytes are overwritten: it may hold keys that were destroyed since."""
    try:
        old = path.open("r+b")
    except FileNotFoundError:
        draft.rename(path)
    else:
        with old:
            draft.rename(path)
            overwrite(old)
    sync_directory(path.parent)


def overwrite(file: IO[bytes]) -> None:
    """Put zeros in the place of all that a file holds."""
    size = os.fstat(file.fileno()).st_size
    for start in range(0, size, _ROOM):
        file.write(bytes(min(_ROOM, size - start)))
    file.flush()
    os.fsync(file.fileno())
