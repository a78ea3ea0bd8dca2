"""Operations as they are kept: found by id or by what they undo, and recalled as verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, select

from ledger.points.bulk import add, has_arrays, is_one_of
from ledger.points.operations import Movements
from ledger.points.periods import LASTING, PeriodKeys
from ledger.points.schema import operations
from ledger.wire.answers import Status, Verdict
from ledger.wire.kinds import asked
from ledger.wire.operations import Operation
from ledger.wire.reasons import Reason

VOIDED = "voided"
"""The kind of an operation that has not arrived, and never can."""

ELSEWHERE = "elsewhere"
"""The kind of a row that says only that an id is taken: the operation is the municipality's that `target` names."""


UNREADABLE = "unreadable"
"""The kind under which content is kept that this ledger cannot read, whatever it calls itself."""


class OperationIdConflict(Exception):  # noqa: N818  # says what is the case
    """An operation id came a second time with other content; carries `operation_id`."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(operation_id)
        self.operation_id = operation_id


class OperationRow(NamedTuple):
    """An operation as it is kept; the fields are the table's columns but the municipality."""

    operation: str
    content_hash: str | None
    kind: str
    target: str | None
    business_date: str
    status: str
    code: str | None
    sealed: bytes | None
    reported_on: str | None = None
    late: bool | None = None
    arrived_at: int | None = None
    nonce: str | None = None
    returned_bill: int | None = None
    returned: bytes | None = None

    @property
    def day(self) -> str:
        """The day on which reports show it."""
        return self.reported_on or self.business_date


def impossible(operation_id: str, business_date: str) -> OperationRow:
    """Return the row of an operation that was voided before it arrived."""
    reason = Reason.VOIDED_BEFORE_ARRIVAL
    return OperationRow(operation_id, None, VOIDED, None, business_date, Status.REFUSED, reason, None)


def rows_of(connection: Connection, municipality: str, ids: Iterable[str]) -> dict[str, OperationRow]:
    """Return the operations that are there of some ids."""
    named = {"municipality": municipality, "ids": list(ids)}
    query = _by_id(arrays=has_arrays(connection))
    return {operation: OperationRow(operation, *rest) for operation, *rest in connection.execute(query, named)}


def undoing(connection: Connection, municipality: str, targets: Iterable[str]) -> list[OperationRow]:
    """Return the accepted operations that undid some others, or part of them."""
    named = {"municipality": municipality, "ids": list(targets)}
    return [OperationRow(*found) for found in connection.execute(_by_target(arrays=has_arrays(connection)), named)]


def spent(connection: Connection, municipality: str, nonces: Iterable[str]) -> dict[str, str]:
    """Return which operations some nonces served already, by the nonce's hash."""
    named = {"municipality": municipality, "nonces": list(nonces)}
    found = connection.execute(_by_nonce(arrays=has_arrays(connection)), named)
    return {nonce: operation for operation, nonce in found}


def insert_rows(connection: Connection, municipality: str, rows: Iterable[OperationRow]) -> None:
    """Add operations; they are never changed."""
    add(connection, operations, municipality, list(rows))


def check_same(row: OperationRow, content_hash: str) -> None:
    """Raise OperationIdConflict where an id was used for other content."""
    if row.content_hash not in (None, content_hash):
        raise OperationIdConflict(row.operation)


def unsealed(keys: PeriodKeys, row: OperationRow) -> Movements | None:
    """Return what an operation moved; None where that was nothing, or its key was destroyed.

    Of a return the amounts are left then, and nobody whose they were.
    """
    plain = None if row.sealed is None else keys.open(row.business_date, row.operation, row.sealed)
    if plain is None and row.returned is not None:
        plain = keys.open_in(LASTING, row.operation, row.returned)
    return None if plain is None else Movements.from_json(plain)


def recalled(row: OperationRow, moved: Movements | None, content: object = None) -> Verdict:
    """Return the verdict that was given.

    Once the key of its period was destroyed the amounts are those that the content asks for, which an acceptance
    grants; a return's are kept. Without content, of a void, and where something was cut, they are forgotten with the
    person.
    """
    amounts, cuts = (_asked(row, content), ()) if moved is None else (moved.amounts, moved.cuts)
    redeemed, awarded, due = (0, 0, None) if row.status == Status.REFUSED else amounts
    return Verdict(
        operation_id=row.operation,
        status=Status(row.status),
        code=row.code,
        redeemed=redeemed,
        awarded=awarded,
        amount_due=due,
        cuts=list(cuts),
        content_hash=row.content_hash,
        day=row.business_date,
        late=bool(row.late),
    )


@lru_cache
def _by_id(*, arrays: bool) -> Select[Any]:
    return _of_municipality().where(is_one_of(operations.c.operation, "ids", arrays=arrays))


@lru_cache
def _by_target(*, arrays: bool) -> Select[Any]:
    wanted = is_one_of(operations.c.target, "ids", arrays=arrays)
    return _of_municipality().where(wanted, operations.c.status != Status.REFUSED)


@lru_cache
def _by_nonce(*, arrays: bool) -> Select[Any]:
    wanted = is_one_of(operations.c.nonce, "nonces", arrays=arrays)
    of_municipality = operations.c.municipality == bindparam("municipality")
    return select(operations.c.operation, operations.c.nonce).where(of_municipality, wanted)


def _of_municipality() -> Select[Any]:
    columns = [operations.c[name] for name in OperationRow._fields]
    return select(*columns).where(operations.c.municipality == bindparam("municipality"))


def _asked(row: OperationRow, content: object) -> tuple[int, int, int | None]:
    if not isinstance(content, Operation) or row.status == Status.SHORTFALL:
        return 0, 0, None
    amounts = asked(content)
    return amounts.redeemed, amounts.awarded, amounts.amount_due
