"""The keys under which an operation's resident lies: one a month, each a file that can be destroyed."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import date
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEPT_MONTHS = 3
"""The refund window: how many whole months before this one can still be undone, and so name their residents."""

_KEY_BYTES = 32
_NONCE_BYTES = 12


class PeriodKeys:
    """A directory of keys, apart from the databases and from their backups.

    Without its period's key an operation keeps its amounts and has no resident any more.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open: dict[str, tuple[Path, AESGCM]] = {}

    def seal(self, business_date: str, operation_id: str, plain: bytes) -> bytes:
        """Encrypt what an operation keeps of its resident (AES-256-GCM, bound to the operation id)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._key(business_date[:7], make=True).encrypt(nonce, plain, operation_id.encode())

    def open(self, business_date: str, operation_id: str, sealed: bytes) -> bytes | None:
        """Return what was sealed; None once the period's key was destroyed."""
        try:
            key = self._key(business_date[:7], make=False)
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], operation_id.encode())
        except (FileNotFoundError, InvalidTag):
            return None

    def shred(self, before: str) -> list[str]:
        """Destroy the keys of all periods before `before` (YYYY-MM) and return those periods."""
        gone = sorted(path.stem for path in self._directory.glob("*.key") if path.stem < before)
        for period in gone:
            path = self._directory / f"{period}.key"
            # Overwritten first: on some file systems the bytes would otherwise stay where they are.
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            self._open.pop(period, None)
        return gone

    def _key(self, period: str, *, make: bool) -> AESGCM:
        # Looked for every time: another process may have destroyed it.
        if (known := self._open.get(period)) is not None and known[0].exists():
            return known[1]
        path = self._directory / f"{period}.key"
        if make and not path.exists():
            _write_once(path, secrets.token_bytes(_KEY_BYTES))
        key = AESGCM(path.read_bytes())
        self._open[period] = path, key
        return key


def first_kept(today: date) -> str:
    """Return the first month (YYYY-MM) whose operations can still be undone."""
    months = today.year * 12 + today.month - 1 - KEPT_MONTHS
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _write_once(path: Path, content: bytes) -> None:
    """Write a whole file, unless another process was there first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
