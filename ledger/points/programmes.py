"""Reads programmes, which are data that never changes once it has a version, and where they may be used."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, bindparam, select

from ledger.points.schema import partners, programmes
from ledger.wire.rules import Programme

_PROGRAMMES = select(programmes.c.rules).where(programmes.c.municipality.in_(bindparam("towns", expanding=True)))
_ISSUERS = select(partners.c.issuer).where(partners.c.municipality == bindparam("municipality_code"))
_USABLE = select(programmes.c.rules).where(
    (programmes.c.municipality == bindparam("municipality_code")) | programmes.c.municipality.in_(_ISSUERS)
)


def usable_programmes(connection: Connection, municipality: str) -> list[Programme]:
    """Return every version of a municipality's programmes, and of those that it accepts points of."""
    return [_parse(rules) for rules in connection.scalars(_USABLE, {"municipality_code": municipality})]


def load_programmes(connection: Connection, municipalities: Iterable[str]) -> list[Programme]:
    """Return every version of every programme of some municipalities."""
    return [_parse(rules) for rules in connection.scalars(_PROGRAMMES, {"towns": sorted(municipalities)})]


def issuers(connection: Connection, municipality: str) -> list[str]:
    """Return the municipalities whose points may be used in one: itself, and those that it accepts points of."""
    return [municipality, *connection.scalars(_ISSUERS, {"municipality_code": municipality})]


def accepting(connection: Connection, issuer: str) -> list[str]:
    """Return the municipalities in which an issuer's points may be used: itself, and those that accept them."""
    query = select(partners.c.municipality).where(partners.c.issuer == issuer)
    return [issuer, *connection.scalars(query)]


@lru_cache(maxsize=4096)
def _parse(rules: str) -> Programme:
    return Programme.recall(json.loads(rules))
