"""Remembers the nonces of signed requests while their signatures are accepted, for all processes of the ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from ledger.api.schema import request_nonce
from ledger.database import repeated, with_row_locks

_SWEEP_SECONDS = 60


class Replays:
    """The nonces that were used."""

    def __init__(self, engine: Engine) -> None:
        # The key decides: of two that bring one nonce at once, the second finds it taken.
        self._engine = with_row_locks(engine)
        self._swept = 0

    def is_new(self, terminal_id: str, nonce: str, now: datetime, expires: datetime) -> bool:
        """Remember a nonce until `expires`; return whether it had not been used before."""
        row = {
            "municipality": terminal_id[:6],
            "terminal_id": terminal_id,
            "nonce": nonce,
            "expires": int(expires.timestamp()),
        }
        try:
            repeated(self._engine, lambda connection: connection.execute(insert(request_nonce), row))
        except IntegrityError:
            return False
        self._sweep(int(now.timestamp()))
        return True

    def _sweep(self, seconds: int) -> None:
        if seconds - self._swept >= _SWEEP_SECONDS:
            self._swept = seconds
            old = delete(request_nonce).where(request_nonce.c.expires < seconds)
            repeated(self._engine, lambda connection: connection.execute(old))
