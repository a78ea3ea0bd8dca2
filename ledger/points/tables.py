"""Reads programmes, which are data that never changes once it has a version."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, select

from ledger.points.schema import programmes
from ledger.rules import Programme


def load_programmes(connection: Connection, municipalities: Iterable[str]) -> list[Programme]:
    """Return every version of every programme of some municipalities."""
    rows = select(programmes.c.rules).where(programmes.c.municipality.in_(sorted(municipalities)))
    return [_parse(rules) for rules in connection.execute(rows).scalars()]


@lru_cache(maxsize=4096)
def _parse(rules: str) -> Programme:
    return Programme.model_validate_json(rules)
