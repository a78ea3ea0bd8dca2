"""Who acts for the office, and what they did: tokens by municipality, and an audit entry for every act."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Engine, delete, insert, select

from ledger.api.schema import office_token
from ledger.database import reading, repeated
from ledger.points.schema import audit


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who acts for a municipality's office."""

    municipality: str
    who: str


class Act(NamedTuple):
    """An audit entry: when, who, what, and its details as JSON."""

    at: str
    who: str
    action: str
    detail: str


class OfficeDesk:
    """The office's tokens and its audit entries."""

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

    def note(self, officer: Officer, action: str, detail: Mapping[str, str], at: datetime) -> None:
        """Write down what was done."""
        row = self.row(officer, action, detail, at)
        repeated(self._engine, lambda connection: connection.execute(insert(audit), row))

    @staticmethod
    def row(
        officer: Officer, action: str, detail: Mapping[str, str], at: datetime, once: str | None = None
    ) -> dict[str, str]:
        """Return an audit entry; what may be done only `once` always has the same key."""
        return {
            "municipality": officer.municipality,
            "entry": secrets.token_hex(16) if once is None else _hash(once)[:32],
            "at": at.isoformat(timespec="seconds"),
            "who": officer.who,
            "action": action,
            "detail": json.dumps(dict(detail), ensure_ascii=False),
        }

    def acts(self, municipality: str) -> list[Act]:
        """Return what was done for a municipality, oldest first."""
        columns = (audit.c.at, audit.c.who, audit.c.action, audit.c.detail)
        query = select(*columns).where(audit.c.municipality == municipality).order_by(audit.c.at, audit.c.entry)
        with reading(self._engine) as connection:
            return [Act(*row) for row in connection.execute(query)]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
