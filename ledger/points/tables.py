"""Reads programmes, which are data that never changes once it has a version, and where they may be used."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, select

from ledger.points.schema import partners, programmes
from ledger.rules import Programme


def load_programmes(connection: Connection, municipalities: Iterable[str]) -> list[Programme]:
    """Return every version of every programme of some municipalities."""
    rows = select(programmes.c.rules).where(programmes.c.municipality.in_(sorted(municipalities)))
    return [_parse(rules) for rules in connection.execute(rows).scalars()]


def issuers(connection: Connection, municipality: str) -> list[str]:
    """Return the municipalities whose points may be used in one: itself, and those that it accepts points of."""
    others = connection.scalars(select(partners.c.issuer).where(partners.c.municipality == municipality))
    return [municipality, *others]


@lru_cache(maxsize=4096)
def _parse(rules: str) -> Programme:
    return Programme.model_validate_json(rules)
