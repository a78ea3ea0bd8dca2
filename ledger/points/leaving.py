"""Forgets who leaves, but for what leaving must not undo: counts, debts, and suspensions by towns.

They stay sealed, and are found by a keyed hash of the MyKey ID, as all counts are. Nothing in the store names who left,
and what is counted for a day or month ends with its key.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine, select

from ledger.database import reading, repeated
from ledger.points.counters import Counters
from ledger.points.operations import Account, residents
from ledger.points.periods import PeriodKeys
from ledger.points.schema import programmes, suspended, wallets
from ledger.points.suspensions import resume, suspend
from ledger.points.wallet import Change, CountKey, Wallet
from ledger.points.wallet_rows import Sums, add_up, drop_wallet, lock_wallets, write_totals, write_wallets

_OWED: Final = "owed"
_SUSPENDED: Final = "suspended"
_LEFT: Final = "left"
"""The counters, and their period, in which a debt and a suspension wait for whoever left."""


def erase(engine: Engine, keys: PeriodKeys, mykey: str, on: date) -> None:
    """Let all points of a resident who leaves lapse, and forget them."""
    with reading(engine) as connection:
        every = _municipalities(connection)
        stopped = select(suspended.c.municipality).where(
            suspended.c.municipality.in_(every), suspended.c.mykey == mykey
        )
        theirs = select(wallets.c.municipality).where(wallets.c.municipality.in_(every), wallets.c.mykey == mykey)
        suspending = set(connection.scalars(stopped))
        holding = set(connection.scalars(theirs))
    counters = Counters.of(keys, (), keys.in_use())
    for municipality in sorted(holding | suspending):
        work = partial(
            _erase,
            municipality=municipality,
            counters=counters,
            mykey=mykey,
            day=on.isoformat(),
            is_suspended=municipality in suspending,
        )
        keys.supplied(partial(repeated, engine, work))
        resume(engine, municipality, mykey)


def welcome(engine: Engine, keys: PeriodKeys, mykey: str, on: date) -> None:
    """Bring debts and suspensions back of whoever left and came back; of anybody else there is nothing to bring."""
    with reading(engine) as connection:
        every = _municipalities(connection)
    lasting = Counters.of(keys, ())

    def waiting() -> set[str]:
        with reading(engine) as connection:
            return lasting.municipalities_of(connection, every, mykey)

    for municipality in sorted(keys.supplied(waiting)):
        work = partial(_welcome, municipality=municipality, counters=lasting, mykey=mykey, day=on.isoformat())
        if keys.supplied(partial(repeated, engine, work, on_taken_keys=True)):
            suspend(engine, municipality, mykey)


def _erase(
    connection: Connection, *, municipality: str, counters: Counters, mykey: str, day: str, is_suspended: bool
) -> None:
    """Post what a person still has as lapsed, and what they owe as lost; then forget them."""
    acting = [mykey] if is_suspended else []
    for wallet in lock_wallets(connection, municipality, counters, acting, [mykey]).values():
        change = Change(tuple(wallet.lots.items()), tuple(wallet.debts.items())).reversed()
        lapsed = [posting._replace(account=Account.LAPSED, points=-posting.points) for posting in residents(change)]
        sums: Sums = {}
        add_up(sums, (*residents(change), *lapsed), day)
        write_totals(connection, municipality, sums)
        kept = [(CountKey(programme, _OWED, _LEFT), points) for programme, points in wallet.debts.items()]
        kept += [(CountKey("", _SUSPENDED, _LEFT), 1)] * is_suspended
        after = wallet.after(change + Change(uses=tuple(kept)))
        write_wallets(connection, municipality, counters, {mykey: wallet}, {mykey: after})
        drop_wallet(connection, municipality, mykey)


def _welcome(connection: Connection, *, municipality: str, counters: Counters, mykey: str, day: str) -> bool:
    """Give a person their debts again; return whether the town had suspended them."""
    wallet: Wallet = lock_wallets(connection, municipality, counters, [mykey])[mykey]
    waited = [(use, points) for use, points in wallet.uses.items() if use.period == _LEFT]
    owed = tuple((use.programme, points) for use, points in waited if use.counter == _OWED)
    change = Change(debts=owed, uses=tuple((use, -points) for use, points in waited))
    back = [posting._replace(account=Account.LAPSED, points=-posting.points) for posting in residents(change)]
    sums: Sums = {}
    add_up(sums, (*residents(change), *back), day)
    write_totals(connection, municipality, sums)
    if waited:
        write_wallets(connection, municipality, counters, {mykey: wallet}, {mykey: wallet.after(change)})
    return any(use.counter == _SUSPENDED for use, _ in waited)


def _municipalities(connection: Connection) -> list[str]:
    return list(connection.scalars(select(programmes.c.municipality).distinct()))
