"""What a points store does every day: lots lapse, ended counters go, the parts of a day's totals are added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Engine, and_, delete, func, or_, select, tuple_

from ledger.database import reading, repeated, with_row_locks
from ledger.points.counters import Counters
from ledger.points.dating import late_bound
from ledger.points.ending import lapse_reserved
from ledger.points.operations import Account, Posting, residents
from ledger.points.periods import PeriodKeys
from ledger.points.programmes import load_programmes
from ledger.points.schema import counters, gauges, lots, programmes, totals
from ledger.points.wallet import NEVER, Change, Wallet
from ledger.points.wallet_rows import Sums, add_up, lock_wallets, write_totals, write_wallets
from ledger.wire.rules import Programme, in_force

_PEOPLE: Final = 500
"""How many wallets are locked at once."""


def tidy(engine: Engine, keys: PeriodKeys, today: date) -> None:
    """Do what a day's end asks for, in every municipality; doing it again, or twice at once, changes nothing more.

    `today` is the earliest business day that is still running at any shop. What was counted, and lots that lapsed, are
    kept until no operation of their day can come any more.
    """
    engine = with_row_locks(engine)
    with reading(engine) as connection:
        municipalities = list(connection.scalars(select(programmes.c.municipality).distinct()))
    first_kept = today
    for municipality in municipalities:
        with reading(engine) as connection:
            oldest = today - late_bound(load_programmes(connection, [municipality]))
        first_kept = min(first_kept, oldest)
        lapse(engine, keys, municipality, oldest)
        lapse_reserved(engine, keys, municipality, oldest)
        repeated(engine, partial(_drop_ended, municipality=municipality, oldest=oldest))
        repeated(engine, partial(_add_up_days, municipality=municipality, today=oldest), on_taken_keys=True)
    keys.shred_days(first_kept.isoformat())


def lapse(engine: Engine, keys: PeriodKeys, municipality: str, today: date) -> None:
    """Take out what had lapsed before a day, and give it back to the issuer."""
    engine = with_row_locks(engine)
    with reading(engine) as connection:
        rules = in_force(load_programmes(connection, [municipality]), today)
        suspects = (lots.c.expires_on < today.isoformat()) | (lots.c.expires_on == NEVER)
        query = select(lots.c.mykey).where(lots.c.municipality == municipality, suspects).distinct()
        people = iter(connection.scalars(query).all())
    lasting = Counters.of(keys, ())
    while group := list(islice(people, _PEOPLE)):
        work = partial(_lapse, municipality=municipality, lasting=lasting, people=group, rules=rules, today=today)
        keys.supplied(partial(repeated, engine, work))


def lapsed(wallet: Wallet, rules: Mapping[str, Programme], today: str) -> Change:
    """Return the change that takes out of a wallet what can be used no more."""
    dated = Change(tuple((lot, -points) for lot, points in wallet.lots.items() if lot.expires_on < today))
    return sum((wallet.lapse(programme, today) for programme in rules.values()), dated)


def _lapse(
    connection: Connection,
    *,
    municipality: str,
    lasting: Counters,
    people: Iterable[str],
    rules: Mapping[str, Programme],
    today: date,
) -> None:
    before = lock_wallets(connection, municipality, lasting, (), people)
    after: dict[str, Wallet] = {}
    sums: Sums = {}
    for mykey, wallet in before.items():
        change = lapsed(wallet, rules, today.isoformat())
        after[mykey] = wallet.after(change)
        back = (Posting(Account.LAPSED, lot.programme, "", -points) for lot, points in change.lots)
        add_up(sums, (*residents(change), *back), today.isoformat())
    write_wallets(connection, municipality, lasting, before, after)
    write_totals(connection, municipality, sums)


def _drop_ended(connection: Connection, *, municipality: str, oldest: date) -> None:
    """Delete what was counted towards limits of days and months of which no operation can come any more."""
    day = oldest.isoformat()
    ended = or_(
        and_(func.length(counters.c.period) == len(day), counters.c.period < day),
        and_(func.length(counters.c.period) == len(day[:7]), counters.c.period < day[:7]),
    )
    connection.execute(delete(counters).where(counters.c.municipality == municipality, ended))
    over = (gauges.c.municipality == municipality, gauges.c.day < day)
    connection.execute(delete(gauges).where(*over))


def _add_up_days(connection: Connection, *, municipality: str, today: date) -> None:
    """Put one part in the place of the many that the batches of a day left."""
    key = (totals.c.programme, totals.c.account, totals.c.shop, totals.c.business_date)
    of_municipality = totals.c.municipality == municipality
    over = totals.c.business_date < today.isoformat()
    in_parts = select(*key).where(of_municipality, over).group_by(*key).having(func.count() > 1)
    for group in connection.execute(in_parts).all():
        of_group = (of_municipality, tuple_(*key) == tuple_(*group))
        # Locked: of two processes that add the same parts up, the second finds them gone.
        parts = connection.execute(select(totals.c.part, totals.c.points).where(*of_group).with_for_update()).all()
        connection.execute(delete(totals).where(*of_group, totals.c.part.in_([part for part, _ in parts])))
        write_totals(connection, municipality, {tuple(group): sum(points for _, points in parts)})
