"""Describes an operation to another terminal of its shop, whose owner wants it undone: all of it but the resident."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from ledger.database import reading
from ledger.points.operations import Movements
from ledger.points.periods import PeriodKeys
from ledger.points.rows import ELSEWHERE, OperationRow, recalled, rows_of, undoing, unsealed
from ledger.wire.answers import Verdict
from ledger.wire.operations import Award, Convert, Leg, Sale, TapOnly

_TAP = TapOnly(method="tap")


@dataclass(frozen=True, slots=True)
class Described:
    """An operation, its verdict, when it came, and the yen that were returned of it."""

    content: Sale | Award | Convert
    verdict: Verdict
    at: datetime
    returned: int


def described(engine: Engine, keys: PeriodKeys, operation_id: str) -> Described | None:
    """Return an accepted operation; None where there is none, or nobody knows any more what it moved."""

    def read() -> Described | None:
        with reading(engine) as connection:
            home = rows_of(connection, operation_id[:6], [operation_id]).get(operation_id)
            municipality = str(home.target) if home is not None and home.kind == ELSEWHERE else operation_id[:6]
            row = rows_of(connection, municipality, [operation_id]).get(operation_id)
            moved = None if row is None else unsealed(keys, row)
            if row is None or moved is None:
                return None
            returned = sum(each.returned_bill or 0 for each in undoing(connection, municipality, [operation_id]))
        content = _content(municipality, row, moved)
        if content is None:
            return None
        return Described(content, recalled(row, moved), datetime.fromtimestamp(row.arrived_at or 0, UTC), returned)

    return keys.supplied(read)


def _content(municipality: str, row: OperationRow, moved: Movements) -> Sale | Award | Convert | None:
    taken = _legs((lot.programme, points) for lot, points in moved.taken)
    given = _legs((*((lot.programme, points) for lot, points in moved.given), *moved.repaid))
    rules = dict(moved.rules or {})
    common = {"municipality": municipality, "resident": "", "rules": rules, "assurance": _TAP}
    match row.kind:
        case "sale":
            due = moved.bill - sum(leg.points for leg in taken)
            return Sale(kind="sale", bill=moved.bill, redeem=taken, award=given, amount_due=due, **common)
        case "award":
            return Award(kind="award", award=given, reason=_reason(moved), **common)
        case "convert":
            return Convert(kind="convert", take=taken[0], give=given[0], **common)
        case _:  # a terminal undoes nothing else
            return None


def _legs(moved: Iterable[tuple[str, int]]) -> list[Leg]:
    sums: Counter[str] = Counter()
    for programme, points in moved:
        sums[programme] += points
    return [Leg(programme=programme, points=points) for programme, points in sums.items()]


def _reason(moved: Movements) -> str:
    """Return what an award was given for, by what it counted."""
    return next(use.counter.partition(":")[2] for use, _ in moved.uses if use.counter.startswith("reason:"))
