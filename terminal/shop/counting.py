"""Seals what a reservation's points were redeemed for without a line: found and opened by the reservation alone.

The reservation's id is random, stands in the card's own record of the pack, and stays when the card is renewed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.errors import KnownError
from ledger.wire.canonical import canonical
from ledger.wire.entries import operation_id
from ledger.wire.operations import DecidedOffline, Sale
from offline_queue.counters import CounterRow, counters_hash
from offline_queue.reading import JournalReader
from terminal.shop.offline import Spend

FLOOR = b"floor"
"""Where the points under the floor of this terminal are counted, by day and programme; it is about nobody."""

PADDED = 256
"""Rows are as long as a multiple of this, so that their length tells next to nothing."""

_NONCE = 12


class CountersLost(KnownError):  # noqa: N818  # says what is the case
    """What was redeemed without a line is not what the journal vouches for: deleted, restored, or another machine's."""

    code = "counters_lost"


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a reservation's row is, and what opens it."""

    place: bytes
    key: bytes = field(repr=False)


def place_of(reservation: bytes, salt: bytes) -> RowPlace:
    """Return where a reservation's row is on this terminal."""
    derived = HKDF(SHA256(), 48, salt, b"kazasu/1 counters").derive(reservation)
    return RowPlace(derived[:16], derived[16:])


def last_decided(journal: JournalReader, seq: int) -> DecidedOffline | None:
    """Return what an entry says of how it was decided without a line; None where it cannot be read."""
    record = journal.find(operation_id(journal.terminal_id, seq))
    content = None if record is None else record.entry.content
    return content.offline if isinstance(content, Sale) else None


def checked_rows(journal: JournalReader, after: int = 0) -> tuple[CounterRow, ...]:
    """Return all rows; raise CountersLost where the last sale without a line vouches for others.

    Entries that follow `after` are looked through for it.
    """
    rows, last = journal.counters(), journal.last_offline_sale(after)
    vouched = last_decided(journal, last) if last else None
    if bool(last) != bool(rows) or (last and (vouched is None or vouched.counters != counters_hash(rows))):
        raise CountersLost
    return rows


def spends_in(rows: Iterable[CounterRow], place: RowPlace) -> tuple[Spend, ...]:
    """Return what a reservation was redeemed for; raise CountersLost where its row does not open."""
    sealed = next((row.sealed for row in rows if row.place == place.place), None)
    if sealed is None:
        return ()
    try:
        plain = AESGCM(place.key).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.place)
    except InvalidTag:
        raise CountersLost from None
    return tuple(Spend(**each) for each in json.loads(plain))


def row_of(place: RowPlace, spends: Sequence[Spend]) -> CounterRow:
    """Return a reservation's row, sealed anew."""
    plain = canonical([asdict(spend) for spend in spends])
    nonce = secrets.token_bytes(_NONCE)
    padded = plain.ljust(-(-len(plain) // PADDED) * PADDED)
    return CounterRow(place.place, spends[-1].seq, nonce + AESGCM(place.key).encrypt(nonce, padded, place.place))


def floor_in(rows: Iterable[CounterRow], day: str) -> dict[str, int]:
    """Return the points under the floor that this terminal let go on one day, by programme."""
    counted = next((row.sealed for row in rows if row.place == FLOOR), b"{}")
    return dict(json.loads(counted).get(day, {}))


@dataclass(frozen=True, slots=True)
class Counted:
    """All rows as they are after a sale, and the hash over them that its entry bears."""

    rows: tuple[CounterRow, ...]
    hash: str


def counted(
    rows: Iterable[CounterRow], place: RowPlace, spends: tuple[Spend, ...], day: str, *, forget_until: int
) -> Counted:
    """Return what a sale writes after which a reservation has these spends, the sale's own at the end.

    Rows of others that were written up to the entry `forget_until` are not needed any more.
    """
    seq = spends[-1].seq
    floors = floor_in(rows, day)
    for spend in spends:
        if spend.seq == seq and spend.floor:
            floors[spend.programme] = floors.get(spend.programme, 0) + spend.floor
    others = [row for row in rows if row.place not in (place.place, FLOOR) and row.seq > forget_until]
    new = (*others, row_of(place, spends), CounterRow(FLOOR, seq, canonical({day: floors})))
    return Counted(new, counters_hash(new))
