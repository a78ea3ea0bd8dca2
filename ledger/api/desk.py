"""Who acts for the office: tokens by municipality, each of one named person, with an end, for some of its work."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Engine, delete, insert, select

from config.errors import KnownError
from ledger.api.schema import office_token
from ledger.database import reading, repeated


class Scope(StrEnum):
    """What a token is good for."""

    READ = "read"
    """Totals, claims, lists, the audit."""
    AWARD = "award"
    """Give points from files, and take them back."""
    APPROVE = "approve"
    """Approve, as a second person, what another one asked for."""
    OPERATE = "operate"
    """Shops, terminals, services, and what residents telephone about."""
    TOKENS = "tokens"
    """Give tokens out, and end them."""


APART: Final = ((Scope.AWARD, Scope.APPROVE), (Scope.AWARD, Scope.TOKENS))
"""What one person's tokens never hold together: else two persons could be one."""

BEFORE_SCOPES: Final = frozenset({Scope.READ, Scope.AWARD, Scope.OPERATE})
"""What a token is good for that was given out before there were scopes."""


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who acts for a municipality's office, and what for."""

    municipality: str
    who: str
    scopes: frozenset[Scope] = BEFORE_SCOPES


class ScopesApartError(KnownError):
    """Scopes stand together, in one token or in one person's tokens, that must not: carries both."""

    code = "scopes_apart"

    def __init__(self, one: Scope, other: Scope) -> None:
        super().__init__(f"{one} and {other}")
        self.one = one
        self.other = other


class OfficeDesk:
    """The office's tokens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new_token(self, officer: Officer, expires_on: date, today: date | None = None) -> str:
        """Return a new token, good to the end of a day; the ledger keeps its hash alone, so it can be shown once.

        Raise ScopesApartError where it would give one person, with the tokens that they have, what two must do.
        """
        token = f"{officer.municipality}-{secrets.token_urlsafe(32)}"
        row = {
            "municipality": officer.municipality,
            "token_hash": _hash(token),
            "who": officer.who,
            "expires_on": expires_on.isoformat(),
            "scopes": " ".join(sorted(officer.scopes)),
        }
        with reading(self._engine) as connection:
            held = connection.scalars(
                select(office_token.c.scopes).where(
                    office_token.c.municipality == officer.municipality,
                    office_token.c.who == officer.who,
                    office_token.c.expires_on >= (today or date.min).isoformat(),
                )
            ).all()
        check_apart(officer.scopes.union(*map(_scopes, held)))
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
        query = select(office_token.c.who, office_token.c.scopes).where(
            office_token.c.municipality == municipality,
            office_token.c.token_hash == _hash(token),
            office_token.c.expires_on >= today.isoformat(),
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Officer(municipality, row.who, _scopes(row.scopes))


def check_apart(scopes: Iterable[Scope]) -> None:
    """Raise ScopesApartError where scopes stand together that must not."""
    held = set(scopes)
    for one, other in APART:
        if held >= {one, other}:
            raise ScopesApartError(one, other)


def _scopes(kept: str) -> frozenset[Scope]:
    return frozenset(Scope(each) for each in kept.split())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
