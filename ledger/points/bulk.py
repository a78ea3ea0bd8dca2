"""Finds, adds, replaces and deletes many rows of one municipality with one statement, on either engine.

PostgreSQL is given every column as one array, so that a statement is as long for five hundred rows as for one, is
prepared once, and travels once. SQLite knows no arrays, and nothing travels there: its driver repeats the statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Insert,
    String,
    Table,
    TableValuedAlias,
    any_,
    bindparam,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

Rows = Collection[Sequence[Any]]
"""Rows without their municipality: the values of all other columns, in their order."""


def has_arrays(connection: Connection) -> bool:
    """Return whether many values travel as one."""
    return connection.dialect.name == "postgresql"


def is_one_of(column: Column[str], name: str, *, arrays: bool) -> ColumnElement[bool]:
    """Return the condition that a column is one of the texts that the parameter `name` brings, a list."""
    if arrays:
        return column == any_(bindparam(name, type_=postgresql.ARRAY(String)))
    return column.in_(bindparam(name, expanding=True))


def add(connection: Connection, table: Table, municipality: str, rows: Rows) -> None:
    """Insert rows."""
    _write(connection, _insert(table, arrays=has_arrays(connection)), table.c.keys(), municipality, rows)


def put(connection: Connection, table: Table, municipality: str, rows: Rows) -> None:
    """Insert rows, or replace what stands under their key."""
    _write(connection, _upsert(table, arrays=has_arrays(connection)), table.c.keys(), municipality, rows)


def increase(connection: Connection, table: Table, municipality: str, rows: Rows) -> None:
    """Insert rows, or add their points to what stands under their key."""
    _write(connection, _increase(table, arrays=has_arrays(connection)), table.c.keys(), municipality, rows)


def tally(connection: Connection, table: Table, municipality: str, rows: Rows) -> None:
    """Insert rows, or add their times to what stands under their key, and say when last."""
    _write(connection, _tally(table, arrays=has_arrays(connection)), table.c.keys(), municipality, rows)


def drop(connection: Connection, table: Table, municipality: str, keys: Rows) -> None:
    """Delete the rows of some keys."""
    _write(connection, _delete(table, arrays=has_arrays(connection)), table.primary_key.c.keys(), municipality, keys)


def _write(
    connection: Connection, statement: Insert | Delete, names: Sequence[str], municipality: str, rows: Rows
) -> None:
    if not rows:
        return
    if has_arrays(connection):
        arrays = [list(values) for values in zip(*rows, strict=True)]
        connection.execute(statement, dict(zip(names, [municipality, *arrays], strict=True)))
    else:
        connection.exec_driver_sql(_text(statement), [(municipality, *row) for row in rows])


@lru_cache
def _text(statement: Insert | Delete) -> str:
    """Return a statement's SQL for SQLite's driver, with its parameters by position, in the order of the columns."""
    return str(statement.compile(dialect=sqlite.dialect()))


@lru_cache
def _insert(table: Table, *, arrays: bool) -> postgresql.Insert | sqlite.Insert:
    if not arrays:
        return sqlite.insert(table)
    given = _given(list(table.c)[1:])
    rows = select(bindparam("municipality", type_=String), given)
    return postgresql.insert(table).from_select(table.c.keys(), rows)


@lru_cache
def _upsert(table: Table, *, arrays: bool) -> Insert:
    insert = _insert(table, arrays=arrays)
    key = table.primary_key.c.keys()
    values: Mapping[str, ColumnElement[Any]] = {
        column.name: insert.excluded[column.name] for column in table.c if column.name not in key
    }
    if not values:
        # All columns are the key: an update of nothing is no SQL.
        return insert.on_conflict_do_nothing()
    return insert.on_conflict_do_update(index_elements=key, set_=values)


@lru_cache
def _increase(table: Table, *, arrays: bool) -> Insert:
    insert = _insert(table, arrays=arrays)
    # The database adds to what is there at that moment: a sum that was read before may be old by now.
    more = {"points": table.c.points + insert.excluded.points}
    return insert.on_conflict_do_update(index_elements=table.primary_key.c.keys(), set_=more)


@lru_cache
def _tally(table: Table, *, arrays: bool) -> Insert:
    insert = _insert(table, arrays=arrays)
    more = {"times": table.c.times + insert.excluded.times, "last_at": insert.excluded.last_at}
    return insert.on_conflict_do_update(index_elements=table.primary_key.c.keys(), set_=more)


@lru_cache
def _delete(table: Table, *, arrays: bool) -> Delete:
    municipality, *rest = table.primary_key.c
    of_municipality = delete(table).where(municipality == bindparam(municipality.name))
    if arrays:
        # The municipality stands apart, as a plain condition: by it Citus sends the statement to one shard.
        return of_municipality.where(tuple_(*rest).in_(select(_given(rest))))
    return of_municipality.where(*(column == bindparam(column.name) for column in rest))


def _given(columns: Sequence[Column[Any]]) -> TableValuedAlias:
    """Return as a table what the parameters of these columns' names bring, each an array."""
    arrays = (bindparam(column.name, type_=postgresql.ARRAY(column.type)) for column in columns)
    return func.unnest(*arrays).table_valued(*(Column(c.name, c.type) for c in columns), name="given").render_derived()
