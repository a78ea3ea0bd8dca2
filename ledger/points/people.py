"""Wallets as they are kept: locked, loaded, and written where they changed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, select

from ledger.points.operations import Posting
from ledger.points.schema import debts, lots, totals, upsert, usage, wallets
from ledger.points.wallet import Lot, Use, Wallet

Sums = dict[tuple[str, str, str, str], int]
"""Points by programme, account, shop and business date."""

_PARTS: Final[dict[Table, Callable[[Wallet], Mapping[Any, int]]]] = {
    lots: lambda wallet: wallet.lots,
    debts: lambda wallet: {(programme,): points for programme, points in wallet.debts.items()},
    usage: lambda wallet: wallet.uses,
}
"""The tables over which a wallet is spread, and what of it lies in each: by the rest of the key, points."""


def lock_wallets(
    connection: Connection, municipality: str, acting: Iterable[str], others: Iterable[str] = ()
) -> dict[str, Wallet]:
    """Lock wallets until the transaction ends and return them; those of `acting` are made where they are missing.

    They are locked in the order of the key, so that of two batches one waits, and never each for the other.
    """
    needed = set(acting)
    wanted = sorted(needed.union(others))
    if not wanted:
        return {}
    lock = select(wallets.c.mykey).where(wallets.c.municipality == municipality, wallets.c.mykey.in_(wanted))
    lock = lock.order_by(wallets.c.mykey).with_for_update()
    there = set(connection.scalars(lock))
    if missing := sorted(needed - there):
        upsert(connection, wallets, [{"municipality": municipality, "mykey": mykey} for mykey in missing])
        there = set(connection.scalars(lock))
    return read_wallets(connection, municipality, sorted(there))


def read_wallets(connection: Connection, municipality: str, people: Sequence[str]) -> dict[str, Wallet]:
    """Return wallets as they are."""
    found: dict[str, tuple[dict[Lot, int], dict[str, int], dict[Use, int]]] = {mykey: ({}, {}, {}) for mykey in people}
    for mykey, *lot, points in connection.execute(_of(lots, municipality, people)):
        found[mykey][0][Lot(*lot)] = points
    for mykey, programme, points in connection.execute(_of(debts, municipality, people)):
        found[mykey][1][programme] = points
    for mykey, *use, points in connection.execute(_of(usage, municipality, people)):
        found[mykey][2][Use(*use)] = points
    return {mykey: Wallet(*parts) for mykey, parts in found.items()}


def write_wallets(
    connection: Connection, municipality: str, before: Mapping[str, Wallet], after: Mapping[str, Wallet]
) -> None:
    """Write what changed, and delete what came to nothing."""
    changed = [mykey for mykey in sorted(after) if after[mykey] is not before[mykey]]
    for table, part in _PARTS.items():
        there: list[dict[str, Any]] = []
        gone: list[dict[str, Any]] = []
        names = [column.name for column in table.primary_key]
        for mykey in changed:
            old, new = part(before[mykey]), part(after[mykey])
            there += [
                {**dict(zip(names, (municipality, mykey, *key), strict=True)), "points": points}
                for key, points in new.items()
                if old.get(key) != points
            ]
            gone += [dict(zip(names, (municipality, mykey, *key), strict=True)) for key in old if key not in new]
        upsert(connection, table, there)
        if gone:
            connection.execute(delete(table).where(*(table.c[name] == bindparam(name) for name in names)), gone)


def forget(connection: Connection, municipality: str, mykey: str) -> None:
    """Delete all that is kept of a person."""
    for table in (*_PARTS, wallets):
        connection.execute(delete(table).where(table.c.municipality == municipality, table.c.mykey == mykey))


def add_up(sums: Sums, postings: Iterable[Posting], day: str) -> None:
    """Add postings of a business date to sums."""
    for account, programme, shop, points in postings:
        key = (programme, account, shop, day)
        sums[key] = sums.get(key, 0) + points


def write_totals(connection: Connection, municipality: str, sums: Sums) -> None:
    """Append sums to the totals, each as a part of its own."""
    rows = [
        {
            "municipality": municipality,
            "programme": programme,
            "account": account,
            "shop": shop,
            "business_date": day,
            "part": secrets.token_hex(8),
            "points": points,
        }
        for (programme, account, shop, day), points in sums.items()
        if points
    ]
    if rows:
        connection.execute(totals.insert(), rows)


def _of(table: Table, municipality: str, people: Sequence[str]) -> Any:
    columns = [column for column in table.c if column.name != "municipality"]
    return select(*columns).where(table.c.municipality == municipality, table.c.mykey.in_(people))
