"""Suspensions by one town: its points are neither used nor given with the card, which works elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, delete, select

from ledger.database import reading, repeated
from ledger.points.bulk import put
from ledger.points.operations import Request
from ledger.points.schema import suspended
from ledger.wire.kinds import kind_of

REFUSAL = "card_suspended"
"""The code with which an operation is refused: that of a card which is suspended everywhere."""


def suspend(engine: Engine, municipality: str, mykey: str) -> None:
    """Let nothing of a town's points be used or given to a resident."""
    repeated(engine, lambda connection: put(connection, suspended, municipality, [(mykey,)]))


def resume(engine: Engine, municipality: str, mykey: str) -> None:
    """Let it again."""
    query = delete(suspended).where(suspended.c.municipality == municipality, suspended.c.mykey == mykey)
    repeated(engine, lambda connection: connection.execute(query))


def refusals(engine: Engine, requests: Sequence[Request]) -> dict[str, str]:
    """Return the refusals, by operation id, of what a suspended resident would use or be given."""
    asked = [each for each in requests if each.mykey is not None and each.refusal is None and _moves(each)]
    if not asked:
        return {}
    with reading(engine) as connection:
        found = suspended_among(connection, {each.municipality for each in asked}, {str(each.mykey) for each in asked})
    return {each.operation_id: REFUSAL for each in asked if (each.municipality, each.mykey) in found}


def suspended_among(
    connection: Connection, municipalities: Iterable[str], people: Iterable[str]
) -> set[tuple[str, str]]:
    """Return which towns have suspended which of some residents."""
    query = select(suspended).where(
        suspended.c.municipality.in_(sorted(municipalities)), suspended.c.mykey.in_(sorted(people))
    )
    return {(row.municipality, row.mykey) for row in connection.execute(query)}


def _moves(request: Request) -> bool:
    kind = kind_of(request.content)
    return kind is not None and kind.needs_wallet
