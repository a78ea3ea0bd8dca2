"""Remembers the nonces of signed requests while their signatures are accepted, for all processes of the ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import DBAPIError

from ledger.api.schema import request_nonce
from ledger.database import is_taken, one_by_one, repeated

_SWEEP_SECONDS = 60


class Replays:
    """The nonces that were used."""

    def __init__(self, engine: Engine) -> None:
        # The key decides: of two that bring one nonce at once, the second finds it taken.
        self._engine = one_by_one(engine)
        self._swept: dict[str, int] = {}

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
        except DBAPIError as error:
            if is_taken(error):
                return False
            raise
        self._sweep(terminal_id[:6], int(now.timestamp()))
        return True

    def _sweep(self, municipality: str, seconds: int) -> None:
        if seconds - self._swept.get(municipality, 0) >= _SWEEP_SECONDS:
            self._swept[municipality] = seconds
            over = (request_nonce.c.municipality == municipality, request_nonce.c.expires < seconds)
            repeated(self._engine, lambda connection: connection.execute(delete(request_nonce).where(*over)))
