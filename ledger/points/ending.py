"""Ends reservations without their terminal: what lapsed goes back to the issuer, a withdrawn terminal's to residents.

Time alone gives nothing back: a terminal without a line may have redeemed it. What lapsed is therefore kept a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine, select

from ledger.database import reading, repeated, with_row_locks
from ledger.points.counters import Counters
from ledger.points.operations import Account, Posting, residents
from ledger.points.periods import PeriodKeys
from ledger.points.programmes import issuers, load_programmes
from ledger.points.reservations import (
    HELD,
    PART,
    Reservation,
    drop_links,
    home,
    read_links,
    read_reservations,
    write_reservations,
)
from ledger.points.schema import reservation_links, reserved
from ledger.points.wallet import Change, CountKey, Lot, Wallet
from ledger.points.wallet_rows import Sums, add_up, lock_wallets, write_totals, write_wallets
from ledger.wire.rules import Programme, in_force

KEPT_AFTER_LAPSE: Final = timedelta(days=31)
"""For how long what lapsed stays set aside: a sale that its terminal decided before may still be on its way."""

Chosen = Callable[[Lot], bool]


def lapse_reserved(engine: Engine, keys: PeriodKeys, municipality: str, today: date) -> None:
    """Give back to the issuer what lapsed long enough before a day."""
    bound = (today - KEPT_AFTER_LAPSE).isoformat()
    query = select(reserved.c.terminal, reserved.c.handle).where(
        reserved.c.municipality == municipality, reserved.c.expires_on < bound
    )
    with reading(engine) as connection:
        found = sorted({(terminal, handle) for terminal, handle in connection.execute(query)})
    for terminal, handle in found:
        work = partial(
            _end,
            keys=keys,
            municipality=municipality,
            terminal_id=terminal,
            handle=handle,
            day=today.isoformat(),
            chosen=lambda lot: lot.expires_on < bound,
            rules=None,
        )
        keys.supplied(partial(repeated, with_row_locks(engine), work))


def end_reservations(engine: Engine, keys: PeriodKeys, terminal_id: str, today: date) -> dict[str, int]:
    """Give back to residents all that is set aside at a terminal that was withdrawn; return it by programme.

    Whatever the terminal has redeemed of it and not sent is its shop's: nothing comes from it any more.
    """
    given_back: dict[str, int] = {}
    with reading(engine) as connection:
        municipalities = issuers(connection, terminal_id[:6])
    for municipality in municipalities:
        with reading(engine) as connection:
            rules = in_force(load_programmes(connection, [municipality]), today)
            of_terminal = (
                reservation_links.c.municipality == municipality,
                reservation_links.c.terminal == terminal_id,
            )
            handles = sorted(connection.scalars(select(reservation_links.c.handle).where(*of_terminal)))
        for handle in handles:
            work = partial(
                _end,
                keys=keys,
                municipality=municipality,
                terminal_id=terminal_id,
                handle=handle,
                day=today.isoformat(),
                chosen=lambda _: True,
                rules=rules,
            )
            for programme, points in keys.supplied(partial(repeated, with_row_locks(engine), work)).items():
                given_back[programme] = given_back.get(programme, 0) + points
    return given_back


def _end(
    connection: Connection,
    *,
    keys: PeriodKeys,
    municipality: str,
    terminal_id: str,
    handle: str,
    day: str,
    chosen: Chosen,
    rules: Mapping[str, Programme] | None,
) -> dict[str, int]:
    """End lots of one reservation: back to the resident where `rules` are given, else, or where they left, lapsed."""
    link = read_links(connection, keys, municipality, terminal_id, [handle]).get(handle)
    mykey = "" if link is None else link.mykey
    lasting = Counters.of(keys, ())
    wallets = lock_wallets(connection, municipality, lasting, (), [mykey])
    before = read_reservations(connection, municipality, terminal_id, [handle])
    lots = {lot: points for each in before.values() for lot, points in each.lots.items() if chosen(lot)}
    ended = [(lot, -points) for lot, points in lots.items()]
    after = {each: kept.after(ended) for each, kept in before.items()}
    write_reservations(connection, municipality, terminal_id, before, after)
    wallet = wallets.get(mykey)
    change = Change() if wallet is None else _less(wallet, terminal_id, lots.items(), after.get(handle))
    postings = [Posting(Account.RESERVED, lot.programme, "", points) for lot, points in ended]
    if wallet is None or rules is None:
        postings += (Posting(Account.LAPSED, lot.programme, "", points) for lot, points in lots.items())
    else:
        change += Change(tuple((home(lot, rules.get(lot.programme)), points) for lot, points in lots.items()))
    sums: Sums = {}
    add_up(sums, (*residents(change), *postings), day)
    write_totals(connection, municipality, sums)
    if wallet is not None:
        write_wallets(connection, municipality, lasting, wallets, {mykey: wallet.after(change)})
    if rules is not None:
        drop_links(connection, municipality, terminal_id, [handle])
    found: dict[str, int] = {}
    for lot, points in lots.items():
        found[lot.programme] = found.get(lot.programme, 0) + points
    return found


def _less(wallet: Wallet, terminal_id: str, lots: Iterable[tuple[Lot, int]], left: Reservation | None) -> Change:
    """Return the change by which a wallet counts less at a terminal; with the last point goes the part of a limit."""
    less: dict[str, int] = {}
    for lot, points in lots:
        less[lot.programme] = less.get(lot.programme, 0) + points
    remain = {lot.programme for lot in left.lots} if left is not None else set()
    uses: list[tuple[CountKey, int]] = []
    for programme, points in less.items():
        held, part = CountKey(programme, terminal_id, HELD), CountKey(programme, terminal_id, PART)
        uses.append((held, -min(points, wallet.uses.get(held, 0))))
        if programme not in remain:
            uses.append((part, -wallet.uses.get(part, 0)))
    return Change(uses=tuple(uses))
