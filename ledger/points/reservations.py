"""Points set aside at a terminal (取り置き): found by a handle that names nobody, and taken from before any others.

A wallet says, sealed, how much is set aside where, and which part of each day's limit went with it. The terminal's rows
say a handle and points. What joins the two, and the card keys that the terminal was given, lies under the lasting key
as long as the reservation does: so a sale that was decided without a line is decided by it, whoever has left since.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from ledger.points.bulk import drop, put
from ledger.points.periods import LASTING, PeriodKeys
from ledger.points.schema import reservation_links, reserved
from ledger.points.wallet import NEVER, CountKey, Lot, Wallet
from ledger.wire.rules import DaysAfterUse, Programme

HELD: Final = "reserved"
"""The period under which a wallet counts, by terminal, what is set aside there."""

PART: Final = "part"
"""The period under which a wallet counts, by terminal, its part of a day's limit."""

BORNE: Final = "lent"
"""Stands for the charge of points that a floor limit guaranteed and nobody had: they come from no lot."""

MOST_KEYS: Final = 3
"""Card keys that are kept of one reservation: that of a renewed card beside those that its terminal may still hold."""

_PADDED: Final = 1024

Taken = tuple[tuple[Lot, int], ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one resident has set aside at one terminal."""

    handle: str
    lots: Mapping[Lot, int] = field(default_factory=dict)

    def take(self, programme: str, points: int) -> Taken:
        """Return what to take for so many points, or as many as there are: those that lapse first come first.

        What lapsed since the terminal's pack was made is still there: the terminal could not know.
        """
        taken: list[tuple[Lot, int]] = []
        for lot in sorted((each for each in self.lots if each.programme == programme), key=_order):
            if part := min(points, self.lots[lot]):
                points -= part
                taken.append((lot, part))
        return tuple(taken)

    def after(self, changes: Iterable[tuple[Lot, int]]) -> Reservation:
        """Return the reservation with points added, or (negative) taken out."""
        lots = dict(self.lots)
        for lot, points in changes:
            lots[lot] = lots.get(lot, 0) + points
        return Reservation(self.handle, {lot: points for lot, points in lots.items() if points})

    def live(self, day: str) -> dict[str, int]:
        """Return by programme what has not lapsed on a day."""
        found: dict[str, int] = {}
        for lot, points in self.lots.items():
            if lot.expires_on >= day:
                found[lot.programme] = found.get(lot.programme, 0) + points
        return found


NOTHING_KEPT: Final = Reservation("")
"""Stands for no reservation."""


@dataclass(frozen=True, slots=True)
class ReservationLink:
    """Whose a reservation is, and the public keys (DER) of the cards that its terminal was given."""

    mykey: str = field(repr=False)
    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def with_key(self, key: bytes) -> ReservationLink:
        """Return the link with one more key."""
        return self if key in self.keys else ReservationLink(self.mykey, (*self.keys, key)[-MOST_KEYS:])


def handle_of(keys: PeriodKeys, terminal_id: str, mykey: str) -> str:
    """Return the handle of a resident's reservation at a terminal; nobody computes it without the ledger's key."""
    return keys.finder(LASTING, f"reservation {terminal_id} {mykey}".encode())


def dated(lot: Lot, programme: Programme, day: str) -> Lot:
    """Return a lot as it is set aside: what lapses by days after the last use gets a last day, as this is a use."""
    if lot.expires_on != NEVER or not isinstance(programme.expiry, DaysAfterUse):
        return lot
    return lot._replace(expires_on=(date.fromisoformat(day) + timedelta(days=programme.expiry.days)).isoformat())


def home(lot: Lot, programme: Programme | None) -> Lot:
    """Return the lot of a wallet that points which were set aside go back into."""
    by_use = programme is not None and isinstance(programme.expiry, DaysAfterUse)
    return lot._replace(expires_on=NEVER) if by_use else lot


def kept_counter(terminal_id: str) -> str:
    """Return the counter of a day's limit that was used up out of a terminal's part."""
    return f"kept {terminal_id}"


def parts_left(wallet: Wallet, programme: str, day: str) -> int:
    """Return what terminals may still redeem on a day out of their parts of a programme's limit."""
    left = 0
    for use, part in wallet.uses.items():
        if use.programme == programme and use.period == PART:
            used = wallet.uses.get(CountKey(programme, kept_counter(use.counter), day), 0)
            left += max(0, part - used)
    return left


def set_aside(wallet: Wallet, programme: str) -> int:
    """Return how much of a programme a resident has set aside in all."""
    return sum(points for use, points in wallet.uses.items() if use.programme == programme and use.period == HELD)


def read_reservations(
    connection: Connection,
    municipality: str,
    terminal_id: str,
    handles: Iterable[str] | None = None,
    *,
    locked: bool = True,
) -> dict[str, Reservation]:
    """Lock (unless told otherwise) and return reservations at a terminal: those of some handles, or all."""
    of_terminal = (reserved.c.municipality == municipality, reserved.c.terminal == terminal_id)
    query = select(reserved).where(*of_terminal)
    if handles is not None:
        wanted = sorted(handles)
        if not wanted:
            return {}
        query = query.where(reserved.c.handle.in_(wanted))
    found: dict[str, dict[Lot, int]] = {}
    query = query.order_by(reserved.c.handle, reserved.c.programme)
    for row in connection.execute(query.with_for_update() if locked else query).mappings():
        lot = Lot(row["programme"], row["charge"], row["expires_on"])
        found.setdefault(row["handle"], {})[lot] = row["points"]
    return {handle: Reservation(handle, lots) for handle, lots in found.items()}


def write_reservations(
    connection: Connection,
    municipality: str,
    terminal_id: str,
    before: Mapping[str, Reservation],
    after: Mapping[str, Reservation],
) -> None:
    """Write what changed, and delete what came to nothing."""
    there: list[tuple[Any, ...]] = []
    gone: list[tuple[Any, ...]] = []
    for handle in sorted(after):
        old = before[handle].lots if handle in before else {}
        new = after[handle].lots
        there += [(terminal_id, handle, *lot, points) for lot, points in new.items() if old.get(lot) != points]
        gone += [(terminal_id, handle, *lot) for lot in old if lot not in new]
    put(connection, reserved, municipality, there)
    drop(connection, reserved, municipality, gone)


def read_links(
    connection: Connection, keys: PeriodKeys, municipality: str, terminal_id: str, handles: Iterable[str] | None = None
) -> dict[str, ReservationLink]:
    """Return whose reservations at a terminal are."""
    query = select(reservation_links.c.handle, reservation_links.c.sealed).where(
        reservation_links.c.municipality == municipality, reservation_links.c.terminal == terminal_id
    )
    if handles is not None:
        query = query.where(reservation_links.c.handle.in_(sorted(handles)))
    found: dict[str, ReservationLink] = {}
    for handle, sealed in connection.execute(query).all():
        if (plain := keys.open_in(LASTING, handle, sealed)) is not None:
            mykey, *known = json.loads(plain)
            found[handle] = ReservationLink(mykey, tuple(map(base64.b64decode, known)))
    return found


def write_links(
    connection: Connection, keys: PeriodKeys, municipality: str, terminal_id: str, links: Mapping[str, ReservationLink]
) -> None:
    """Write whose reservations are."""
    rows = []
    for handle, link in sorted(links.items()):
        plain = json.dumps([link.mykey, *(base64.b64encode(key).decode() for key in link.keys)]).encode()
        plain = plain.ljust(-(-len(plain) // _PADDED) * _PADDED)
        rows.append((terminal_id, handle, keys.seal_in(LASTING, handle, plain)))
    put(connection, reservation_links, municipality, rows)


def drop_links(connection: Connection, municipality: str, terminal_id: str, handles: Iterable[str]) -> None:
    """Forget whose reservations were, of which nothing is left."""
    drop(connection, reservation_links, municipality, [(terminal_id, handle) for handle in sorted(handles)])


def _order(lot: Lot) -> tuple[str, str]:
    return lot.expires_on, lot.charge
