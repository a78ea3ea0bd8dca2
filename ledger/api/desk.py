"""Who acts for the office: tokens by municipality."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, delete, insert, select

from ledger.api.schema import office_token
from ledger.database import reading, repeated


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who acts for a municipality's office."""

    municipality: str
    who: str


class OfficeDesk:
    """The office's tokens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new_token(self, officer: Officer, expires_on: date) -> str:
        """Return a new token, good to the end of a day; the ledger keeps its hash alone, so it can be shown once."""
        token = f"{officer.municipality}-{secrets.token_urlsafe(32)}"
        row = {
            "municipality": officer.municipality,
            "token_hash": _hash(token),
            "who": officer.who,
            "expires_on": expires_on.isoformat(),
        }
        repeated(self._engine, lambda connection: connection.execute(insert(office_token), row))
        return token

    def withdraw_tokens(self, officer: Officer) -> int:
        """Forget all tokens that somebody was given, and return how many they were."""
        query = delete(office_token).where(
            office_token.c.municipality == officer.municipality, office_token.c.who == officer.who
        )
        return repeated(self._engine, lambda connection: connection.execute(query).rowcount)

    def officer(self, token: str, today: date) -> Officer | None:
        """Return who bears a token, None where nobody does or it has ended."""
        municipality = token[:6]
        query = select(office_token.c.who).where(
            office_token.c.municipality == municipality,
            office_token.c.token_hash == _hash(token),
            office_token.c.expires_on >= today.isoformat(),
        )
        with reading(self._engine) as connection:
            who = connection.scalar(query)
        return None if who is None else Officer(municipality, who)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
