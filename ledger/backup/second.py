"""The second file of a backup: the months' keys. There is one of it, and what is shredded is destroyed there as well.

The ledger's directory remembers where it is, and the public key that it was sealed to.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from pydantic import ValidationError

from ledger.api.state import Ledger
from ledger.backup.content import Manifest, Month, overwrite, pack
from ledger.backup.errors import BackupError
from ledger.backup.sealed import Lock, Passphrase
from ledger.place import Place
from ledger.wire.values import Message

_MEMORY: Final = "backup.json"


class _Memory(Message):
    """Where the second file is, and the public key that it is sealed to (raw, base64), unless that is a passphrase."""

    months: str
    to: str | None


def months_of(ledger: Ledger) -> Manifest:
    """Return what is known of a ledger and its months' keys now; raise BackupError where one of these is missing."""
    if missing := ledger.periods.missing():
        raise BackupError("period_keys_lost", months=", ".join(missing))
    return Manifest(
        ledger=ledger.mark.ledger,
        key_print=ledger.mark.key_print,
        epoch=ledger.epoch,
        made_at=ledger.clock().isoformat(timespec="seconds"),
        signing=ledger.signing.number,
        stores={},
        months={
            period: Month(key_print=known.key_print, destroyed=known.destroyed)
            for period, known in ledger.periods.known().items()
        },
    )


def write_months(place: Place, path: Path, lock: Lock, manifest: Manifest) -> None:
    """Write the second file in the place of the last one, wherever that was: its bytes are overwritten."""
    in_use = [period for period, month in manifest.months.items() if month.key_print is not None]
    pack(path, lock, manifest, {f"{period}.key": place.periods / f"{period}.key" for period in in_use})
    last = _remembered(place)
    if last is not None and Path(last.months) != path.resolve():
        _destroy(Path(last.months))
    remember(place, path, lock)


def remember(place: Place, path: Path, lock: Lock) -> None:
    """Keep in mind where the second file is, and how it is sealed."""
    to = None if isinstance(lock, Passphrase) else b64encode(lock.public_bytes_raw()).decode()
    memory = _Memory(months=str(path.resolve()), to=to).model_dump_json()
    (place.directory / _MEMORY).write_text(memory, encoding="utf-8")


def after_shredding(ledger: Ledger, place: Place) -> Path | None:
    """Destroy in the second file what was destroyed; return where it is, if that could not be done, or it is gone.

    One that is sealed to a public key is written anew. What a passphrase sealed cannot be, and is destroyed whole: the
    next backup makes it again.
    """
    memory = _remembered(place)
    if memory is None:
        return None
    path = Path(memory.months)
    if memory.to is not None and path.exists():
        lock = X25519PublicKey.from_public_bytes(b64decode(memory.to))
        write_months(place, path, lock, months_of(ledger))
        return None
    _destroy(path)
    return path


def _remembered(place: Place) -> _Memory | None:
    try:
        return _Memory.model_validate_json((place.directory / _MEMORY).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _destroy(path: Path) -> None:
    try:
        with path.open("r+b") as file:
            overwrite(file)
    except FileNotFoundError:
        return
    path.unlink()
