"""Gives points to many people at once, as a municipality's file says: all of them, or nobody, and once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Engine, select

from ledger.database import repeated, with_row_locks
from ledger.points.operations import Account, Posting, residents
from ledger.points.schema import audit
from ledger.points.wallet import Change, Wallet
from ledger.points.wallet_rows import Sums, add_up, lock_wallets, write_totals, write_wallets
from ledger.wire.rules import Programme

_PEOPLE: Final = 5_000
"""How many wallets are read and written with one statement."""


@dataclass(frozen=True, slots=True)
class Gift:
    """Points of one programme, by MyKey ID."""

    programme: Programme
    points: Mapping[str, int]


def grant(engine: Engine, gifts: Sequence[Gift], on: date, note: Mapping[str, Any]) -> bool:
    """Give points of one municipality's programmes, dated `on`, and write `note` into the audit, in one transaction.

    Return False, and do nothing, where the audit has that entry already.
    """
    town = gifts[0].programme.municipality
    people = sorted(set().union(*(gift.points for gift in gifts)))

    def work(connection: Connection) -> bool:
        known = select(audit.c.entry).where(audit.c.municipality == town, audit.c.entry == note["entry"])
        if connection.scalar(known) is not None:
            return False
        connection.execute(audit.insert(), note)
        sums: Sums = {}
        # In the order in which every batch of sales locks wallets too, so that none waits for another in a circle.
        for start in range(0, len(people), _PEOPLE):
            _give(connection, town, people[start : start + _PEOPLE], gifts, on.isoformat(), sums)
        write_totals(connection, town, sums)
        return True

    return repeated(with_row_locks(engine), work, on_taken_keys=True)


def _give(
    connection: Connection, town: str, people: Sequence[str], gifts: Sequence[Gift], day: str, sums: Sums
) -> None:
    before = lock_wallets(connection, town, people)
    after: dict[str, Wallet] = {}
    for mykey, there in before.items():
        wallet = there
        for gift in gifts:
            if points := gift.points.get(mykey):
                wallet = _with(wallet, gift.programme, points, day, sums)
        after[mykey] = wallet
    write_wallets(connection, town, before, after)


def _with(wallet: Wallet, programme: Programme, points: int, day: str, sums: Sums) -> Wallet:
    """Return a wallet with points given to it; what had lapsed by not being used is not revived."""
    lapsed = wallet.lapse(programme, day)
    wallet = wallet.after(lapsed)
    change = wallet.used(programme, day) + wallet.give(programme, points, day)
    back = (Posting(Account.LAPSED, lot.programme, "", -gone) for lot, gone in lapsed.lots)
    issued = Posting(Account.ISSUED, programme.code, "", -points)
    add_up(sums, (*residents(lapsed + Change(change.lots, change.debts)), *back, issued), day)
    return wallet.after(change)
