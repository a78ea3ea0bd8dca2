"""Wallets as they are kept: locked, loaded, and written where they changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Select, Table, bindparam, delete, literal, select, union_all

from ledger.points.bulk import drop, has_arrays, increase, is_one_of, put
from ledger.points.counters import Counters
from ledger.points.operations import Posting
from ledger.points.schema import debts, lots, totals, wallets
from ledger.points.wallet import Lot, Wallet

Sums = dict[tuple[str, str, str, str], int]
"""Points by programme, account, shop and business date."""

OFFICE: Final = "office"
"""The part of the totals to which everything is added that no terminal did."""

_PARTS: Final[dict[Table, Callable[[Wallet], Mapping[Any, int]]]] = {
    lots: lambda wallet: wallet.lots,
    debts: lambda wallet: {(programme,): points for programme, points in wallet.debts.items()},
}
"""The tables over which a wallet is spread, and what of it lies in each: by the rest of the key, points.

What is counted is sealed, and lies in `counters`.
"""


def lock_wallets(
    connection: Connection, municipality: str, counters: Counters, acting: Iterable[str], others: Iterable[str] = ()
) -> dict[str, Wallet]:
    """Lock wallets until the transaction ends and return them; those of `acting` are made where they are missing.

    They are locked in the order of the key, so that of two batches one waits, and never each for the other.
    """
    needed = set(acting)
    people = sorted(needed.union(others))
    if not people:
        return {}
    lock, named = _lock(arrays=has_arrays(connection)), {"municipality": municipality, "people": people}
    there = set(connection.scalars(lock, named))
    if missing := sorted(needed - there):
        put(connection, wallets, municipality, [(mykey,) for mykey in missing])
        there = set(connection.scalars(lock, named))
    return read_wallets(connection, municipality, counters, sorted(there))


def read_wallets(
    connection: Connection, municipality: str, counters: Counters, people: Iterable[str]
) -> dict[str, Wallet]:
    """Return wallets as they are."""
    found: dict[str, tuple[dict[Lot, int], dict[str, int]]] = {mykey: ({}, {}) for mykey in people}
    named = {"municipality": municipality, "people": list(found)}
    for part, mykey, programme, first, second, points in connection.execute(
        _read(arrays=has_arrays(connection)), named
    ):
        held, owed = found[mykey]
        if part == lots.name:
            held[Lot(programme, first, second)] = points
        else:
            owed[programme] = points
    counted = counters.read(connection, municipality, found)
    return {mykey: Wallet(*parts, counted.get(mykey, {})) for mykey, parts in found.items()}


def write_wallets(
    connection: Connection,
    municipality: str,
    counters: Counters,
    before: Mapping[str, Wallet],
    after: Mapping[str, Wallet],
) -> None:
    """Write what changed, and delete what came to nothing."""
    changed = [mykey for mykey in sorted(after) if after[mykey] is not before[mykey]]
    for table, part in _PARTS.items():
        there: list[tuple[Any, ...]] = []
        gone: list[tuple[Any, ...]] = []
        for mykey in changed:
            old, new = part(before[mykey]), part(after[mykey])
            there += [(mykey, *key, points) for key, points in new.items() if old.get(key) != points]
            gone += [(mykey, *key) for key in old if key not in new]
        put(connection, table, municipality, there)
        drop(connection, table, municipality, gone)
    counters.write(connection, municipality, before, {mykey: after[mykey] for mykey in changed})


def drop_wallet(connection: Connection, municipality: str, mykey: str) -> None:
    """Delete all that names a person; what is counted of them is sealed, and stays."""
    for table in (*_PARTS, wallets):
        connection.execute(delete(table).where(table.c.municipality == municipality, table.c.mykey == mykey))


def add_up(sums: Sums, postings: Iterable[Posting], day: str) -> None:
    """Add postings of a business date to sums."""
    for account, programme, shop, points in postings:
        key = (programme, account, shop, day)
        sums[key] = sums.get(key, 0) + points


def write_totals(connection: Connection, municipality: str, sums: Sums, part: str = OFFICE) -> None:
    """Add sums to a part of the totals.

    Each shop has a part, so that no two wait for one another; what its terminals sold on a day is one sum. Until a
    second sale comes, that is the first one's amount, which tells nobody whose it was. The rows are in the order of
    their key, so that nobody waits in a circle.
    """
    rows = [(*key, part, points) for key, points in sorted(sums.items()) if points]
    increase(connection, totals, municipality, rows)


def part_of(shop: str) -> str:
    """Return the part of the totals to which a shop's operations are added."""
    return hashlib.sha256(shop.encode()).hexdigest()[:2]


@lru_cache
def _lock(*, arrays: bool) -> Select[str]:
    named = (wallets.c.municipality == bindparam("municipality"), is_one_of(wallets.c.mykey, "people", arrays=arrays))
    return select(wallets.c.mykey).where(*named).order_by(wallets.c.mykey).with_for_update()


@lru_cache
def _read(*, arrays: bool) -> CompoundSelect[Any]:
    """Return the query for all parts of wallets, so that they are asked for once."""
    return union_all(*(_part(table, arrays=arrays) for table in _PARTS))


def _part(table: Table, *, arrays: bool) -> Select[Any]:
    rest = [column for column in table.c if column.name not in {"municipality", "mykey", "programme", "points"}]
    columns = [*rest, literal(""), literal("")][:2]
    named = (table.c.municipality == bindparam("municipality"), is_one_of(table.c.mykey, "people", arrays=arrays))
    return select(literal(table.name), table.c.mykey, table.c.programme, *columns, table.c.points).where(*named)
