"""What is set aside at a terminal, reservation by reservation, as its pack says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, Engine

from ledger.database import reading
from ledger.points.counters import Counters
from ledger.points.periods import PeriodKeys
from ledger.points.programmes import usable_programmes
from ledger.points.reservations import PART, Reservation, ReservationLink, kept_counter, read_links, read_reservations
from ledger.points.suspensions import suspended_among
from ledger.points.wallet import CountKey, Wallet
from ledger.points.wallet_rows import read_wallets
from ledger.wire.pack import MOST_PROGRAMMES, PackHolding
from ledger.wire.rules import Programme, accepts, in_force

_PEOPLE = 500
"""How many wallets are read at once."""


@dataclass(frozen=True, slots=True)
class HeldHere:
    """A resident's reservation at a terminal: whose, its handle, and what of each programme may be redeemed of it."""

    mykey: str = field(repr=False)
    handle: str
    holdings: tuple[PackHolding, ...]
    municipalities: frozenset[str]


def held_at(engine: Engine, keys: PeriodKeys, terminal_id: str, on: date) -> list[HeldHere]:
    """Return what may be redeemed at a terminal without a line on a day, of every municipality's points."""

    def read() -> list[HeldHere]:
        with reading(engine) as connection:
            shop = terminal_id[:11]
            rules = in_force(usable_programmes(connection, shop[:6]), on)
            usable = {code: each for code, each in rules.items() if each.offline.redeem and accepts(each, shop)}
            return _merged(connection, keys, terminal_id, usable, on.isoformat())

    return keys.supplied(read)


def _merged(
    connection: Connection, keys: PeriodKeys, terminal_id: str, usable: Mapping[str, Programme], day: str
) -> list[HeldHere]:
    """Join what a resident set aside: they have one handle at a terminal for all municipalities' points."""
    found: dict[str, HeldHere] = {}
    for municipality in sorted({code[:6] for code in usable}):
        own = {code: each for code, each in usable.items() if code[:6] == municipality}
        links = read_links(connection, keys, municipality, terminal_id)
        kept = read_reservations(connection, municipality, terminal_id, locked=False)
        wallets = _wallets(connection, keys, municipality, links, own, day)
        people = {link.mykey for link in links.values()}
        stopped = {mykey for _, mykey in suspended_among(connection, [municipality], people)} if people else set()
        for handle, link in links.items():
            if link.mykey in stopped:
                continue
            live = kept.get(handle, Reservation(handle)).live(day)
            wallet = wallets.get(link.mykey, Wallet())
            held = tuple(_holding(each, live.get(code, 0), wallet, terminal_id, day) for code, each in own.items())
            held = tuple(each for each in held if each.reserved or each.balance > 0)
            before = found.get(handle, HeldHere(link.mykey, handle, (), frozenset()))
            merged = (*before.holdings, *held)[:MOST_PROGRAMMES]
            found[handle] = HeldHere(link.mykey, handle, merged, before.municipalities | {municipality})
    return [each for each in found.values() if each.holdings]


def _wallets(
    connection: Connection,
    keys: PeriodKeys,
    municipality: str,
    links: Mapping[str, ReservationLink],
    programmes: Mapping[str, Programme],
    day: str,
) -> dict[str, Wallet]:
    """Return the wallets, where rules say something that depends on them."""
    if not any(_limit(each) is not None or each.offline.floor is not None for each in programmes.values()):
        return {}
    people = sorted({link.mykey for link in links.values()})
    counters = Counters.of(keys, [day])
    found: dict[str, Wallet] = {}
    for start in range(0, len(people), _PEOPLE):
        found |= read_wallets(connection, municipality, counters, people[start : start + _PEOPLE])
    return found


def _holding(programme: Programme, reserved: int, wallet: Wallet, terminal_id: str, day: str) -> PackHolding:
    left = None
    if _limit(programme) is not None:
        part = wallet.uses.get(CountKey(programme.code, terminal_id, PART), 0)
        left = max(0, part - wallet.uses.get(CountKey(programme.code, kept_counter(terminal_id), day), 0))
    balance = max(0, wallet.available(programme, day)) if programme.offline.floor is not None else 0
    return PackHolding(programme.code, reserved, balance, left)


def _limit(programme: Programme) -> int | None:
    return None if programme.redeeming is None else programme.redeeming.per_day
