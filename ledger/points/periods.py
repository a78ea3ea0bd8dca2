"""The keys under which lies what names a resident: of a month, of a day, or lasting, each a file to be destroyed.

The points store knows each key by its fingerprint (`period_keys`), and which months' keys were destroyed. A file that
is not there, or is another, is therefore never taken for a destroyed key: what lies under it waits until it is back.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, insert, select, update

from config.errors import KnownError
from ledger.database import reading, repeated, with_row_locks
from ledger.keys import LENGTH, make_secret, print_of
from ledger.locking import alone_in
from ledger.points.schema import operations, period_keys

KEPT_MONTHS = 3
"""The refund window: how many whole months before this one can still be undone, and so name their residents."""

LASTING = "lasting"
"""The key that goes with the ledger: what lies under it is destroyed with nothing but the ledger itself."""

_NONCE_BYTES = 12

T = TypeVar("T")

KeyPurpose = Literal["seal", "open"]
"""What a key is wanted for: to seal with, one that was destroyed is renewed."""


class PeriodKeyMissing(KnownError):  # noqa: N818  # says what is the case
    """A month's key is missing and was not destroyed: its file is away, or is another; carries `period`."""

    code = "period_key_missing"

    def __init__(self, period: str) -> None:
        super().__init__(period)
        self.period = period


class Known(NamedTuple):
    """What the store knows of a month: the fingerprint of the key in use, and whether an earlier one was destroyed.

    The fingerprint is empty where a key was in use before fingerprints were kept, and its file was not there then.
    """

    key_print: str | None = None
    destroyed: bool = False


class _Found(NamedTuple):
    """A period's key that is the store's, None where it was destroyed; `stamp` is its file's when it was read.

    `finding` keys the hashes by which rows of the period are found.
    """

    key: AESGCM | None
    finding: bytes
    renewed: bool
    stamp: tuple[int, int] | None


class _Unknown(Exception):  # noqa: N818  # says what is the case
    """A month's key was not looked up yet, or its file has changed since."""

    def __init__(self, period: str, *, purpose: KeyPurpose) -> None:
        super().__init__(period)
        self.period = period
        self.purpose = purpose


class PeriodKeys:
    """A directory of keys, apart from the databases and from their backups.

    Without its period's key an operation keeps its amounts and has no resident any more. `seal` and `open` are called
    inside `supplied`.
    """

    def __init__(self, directory: Path, engine: Engine) -> None:
        self._directory = directory
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine = with_row_locks(engine)
        self._found: dict[str, _Found] = {}

    def supplied(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, which is begun again whenever it meets a month whose key is to be looked up.

        So nobody asks the store for keys inside a transaction: of fifteen that hold a connection each, none would get
        a second one. Raise PeriodKeyMissing where a key is lost; a new one is made where the store knows of none.
        """
        while True:
            try:
                return work()
            except _Unknown as wanted:
                self._look_up(wanted.period, purpose=wanted.purpose)

    def seal(self, business_date: str, operation_id: str, plain: bytes) -> bytes:
        """Encrypt what an operation keeps of its resident (AES-256-GCM, bound to the operation id)."""
        return self.seal_in(business_date[:7], operation_id, plain)

    def open(self, business_date: str, operation_id: str, sealed: bytes) -> bytes | None:
        """Return what was sealed; None once the period's key was destroyed."""
        return self.open_in(business_date[:7], operation_id, sealed)

    def seal_in(self, period: str, bound_to: str, plain: bytes) -> bytes:
        """Encrypt under the key of a period (AES-256-GCM), bound to the id of what holds it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        if (key := self._known_key(period, purpose="seal").key) is None:
            raise _Unknown(period, purpose="seal")
        return nonce + key.encrypt(nonce, plain, bound_to.encode())

    def finder(self, period: str, named: bytes) -> str:
        """Return the keyed hash (hex) by which a row of a period is found.

        A key that was destroyed is renewed: should a clock have jumped ahead, what comes from then on is counted again.
        """
        found = self._known_key(period, purpose="seal")
        if found.key is None:
            raise _Unknown(period, purpose="seal")
        return hmac.digest(found.finding, named, hashlib.sha256).hex()[:32]

    def open_in(self, period: str, bound_to: str, sealed: bytes) -> bytes | None:
        """Return what was sealed under the key of a period; None once that was destroyed."""
        found = self._known_key(period, purpose="open")
        if found.key is None:
            return None
        try:
            return found.key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except InvalidTag:
            if found.renewed:
                return None  # it was sealed under the key that was destroyed
            raise

    def shred(self, before: str) -> list[str]:
        """Destroy the keys of all months before `before` (YYYY-MM), with their days, and return those months."""
        gone = sorted(period for period in self.in_use() | self._files() if period < before)
        for period in gone:
            self.destroy(period)
        return [period for period in gone if len(period) == len(before)]

    def shred_days(self, before: str) -> None:
        """Destroy the keys of all days before `before` (YYYY-MM-DD)."""
        for period in sorted(self.in_use() | self._files()):
            if len(period) == len(before) and period < before:
                self.destroy(period)

    def destroy(self, period: str) -> None:
        """Destroy a month's key, or record that it is lost: what it sealed can never be read again."""
        # Written down first: a file that is left is swept away later, a key that is gone must never seem to be lost.
        with alone_in(self._directory):
            repeated(self._engine, lambda connection: _forget(connection, period), on_taken_keys=True)
            self._remove(period)

    def sweep(self) -> None:
        """Destroy the files of months whose keys were destroyed; a backup may have brought them back."""
        known = self.known()
        for period in self._files():
            if known.get(period) == Known(None, destroyed=True):
                self._remove(period)

    def take(self, period: str) -> None:
        """Write the key down that was brought back for a month of which the store knows none."""
        if (found := self._print(period)) is not None:
            _insert(self._engine, period, found)

    def in_use(self) -> set[str]:
        """Return the periods that have a key."""
        return {period for period, each in self.known().items() if each.key_print is not None}

    def known(self) -> dict[str, Known]:
        """Return what the store knows of each month."""
        with reading(self._engine) as connection:
            return {row.period: Known(row.key_print, row.destroyed) for row in connection.execute(select(period_keys))}

    def missing(self) -> list[str]:
        """Return the months whose keys are in use, and are not there or are others."""
        return sorted(
            period for period, each in self.known().items() if each.key_print is not None and not self._is(period, each)
        )

    def adopt(self, today: date) -> None:
        """Write down what is there of a store that was filled before months had fingerprints.

        A key that is not there was destroyed if its month is past the refund window, and is lost if not.
        """
        with reading(self._engine) as connection:
            sealed = select(operations.c.business_date).where(operations.c.sealed.is_not(None)).distinct()
            months = {day[:7] for day in connection.scalars(sealed)}
        for period in sorted((months | self._files()) - self.known().keys()):
            found = self._print(period)
            if found is None and period < first_kept(today):
                self.destroy(period)
            else:
                _insert(self._engine, period, found or "")

    def _known_key(self, period: str, *, purpose: KeyPurpose) -> _Found:
        found = self._found.get(period)
        # Looked at every time: another process may have destroyed it, or made another.
        if found is None or found.stamp != self._stamp(period):
            raise _Unknown(period, purpose=purpose)
        return found

    def _look_up(self, period: str, *, purpose: KeyPurpose) -> None:
        """Read a period's key, if it is the one that the store knows; make it where that knows of none."""
        # Alone: between the store's word and the file nobody makes, renews or destroys the key.
        with alone_in(self._directory):
            with reading(self._engine) as connection:
                known = _known(connection, period)
            if known.key_print is None and purpose == "seal":
                known = self._make(period, known)
            stamp = self._stamp(period)
            if known == Known(None, destroyed=True):
                self._found[period] = _Found(None, b"", renewed=False, stamp=stamp)
            elif self._is(period, known):
                secret = self._path(period).read_bytes()
                finding = hmac.digest(secret, b"kazasu/2 finding", hashlib.sha256)
                self._found[period] = _Found(AESGCM(secret), finding, renewed=known.destroyed, stamp=stamp)
            else:
                raise PeriodKeyMissing(period)

    def _make(self, period: str, known: Known) -> Known:
        """Make a period's key; what is left of a destroyed one goes."""
        if known.destroyed:
            self._remove(period)
        make_secret(self._path(period))
        return _insert(self._engine, period, str(self._print(period)))

    def _is(self, period: str, known: Known) -> bool:
        """Return whether the file of a month is the key that the store knows."""
        found = self._print(period)
        return found is not None and known.key_print in ("", found)

    def _remove(self, period: str) -> None:
        self._found.pop(period, None)
        path = self._path(period)
        if not path.exists():
            return
        # Overwritten first: on some file systems the bytes would otherwise stay where they are.
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    def _print(self, period: str) -> str | None:
        try:
            content = self._path(period).read_bytes()
        except FileNotFoundError:
            return None
        return print_of(content) if len(content) == LENGTH else None

    def _stamp(self, period: str) -> tuple[int, int] | None:
        try:
            found = self._path(period).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _files(self) -> set[str]:
        return {path.stem for path in self._directory.glob("*.key")}

    def _path(self, period: str) -> Path:
        return self._directory / f"{period}.key"


def first_kept(today: date) -> str:
    """Return the first month (YYYY-MM) whose operations can still be undone."""
    months = today.year * 12 + today.month - 1 - KEPT_MONTHS
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _known(connection: Connection, period: str) -> Known:
    row = connection.execute(select(period_keys).where(period_keys.c.period == period)).one_or_none()
    return Known() if row is None else Known(row.key_print, row.destroyed)


def _insert(engine: Engine, period: str, key_print: str) -> Known:
    """Write a month's new key down; return what stands there then: of two servers with two keys the first one's."""

    def work(connection: Connection) -> Known:
        found = connection.execute(select(period_keys.c.key_print).where(period_keys.c.period == period)).one_or_none()
        if found is None:
            row = {"period": period, "key_print": key_print, "destroyed": False}
            connection.execute(insert(period_keys), row)
        elif found.key_print is None:
            free = (period_keys.c.period == period, period_keys.c.key_print.is_(None))
            connection.execute(update(period_keys).where(*free).values(key_print=key_print))
        return _known(connection, period)

    return repeated(engine, work, on_taken_keys=True)


def _forget(connection: Connection, period: str) -> None:
    there = update(period_keys).where(period_keys.c.period == period)
    if connection.execute(there.values(key_print=None, destroyed=True)).rowcount == 0:
        connection.execute(insert(period_keys), {"period": period, "key_print": None, "destroyed": True})
