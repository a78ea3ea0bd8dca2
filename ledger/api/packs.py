"""Makes the pack of a terminal, and ends what is set aside at one that the office withdraws."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ledger.api.desk import Officer
from ledger.api.gate import Caller
from ledger.api.state import Ledger
from ledger.identity.store import Holder
from ledger.points.holdings import HeldHere
from ledger.points.packs import PackAsked
from ledger.wire.answers import Standing
from ledger.wire.days import business_day
from ledger.wire.pack import READ_BYTES, REST_BYTES, PackRecord
from ledger.wire.proof import key_bytes_of


def pack_for(ledger: Ledger, caller: Caller, have: int | None) -> bytes:
    """Return the next pack of the terminal that asks.

    A slot is there for every reservation whose holder's card may be used now; why another is not, the pack never says.
    """
    terminal = caller.terminal
    today = business_day(caller.arrived, terminal.shop.day_starts_at)
    held = ledger.points.held_at(terminal.id, today)
    holders = ledger.identity.holders({each.mykey for each in held})
    records: dict[bytes, PackRecord] = {}
    known: dict[str, tuple[HeldHere, bytes]] = {}
    for each in held:
        if (made := _record(each, holders)) is not None:
            secret, record, key = made
            records[secret] = record
            known[each.handle] = (each, key)
    # Before the pack goes out: what a terminal decides by it counts under these keys.
    ledger.points.learn(terminal.id, {handle: (each.municipalities, key) for handle, (each, key) in known.items()})
    codes = {holding.programme for record in records.values() for holding in record.holdings}
    asked = PackAsked(terminal.id, terminal.head_seq, have, caller.arrived)
    return ledger.packs.make(asked, records, codes, ledger.signing.present)


def withdraw(ledger: Ledger, terminal_id: str, officer: Officer) -> dict[str, int]:
    """Take nothing more from a terminal, and give back to residents what they have set aside there.

    What it has redeemed of that and not sent is the shop's; the audit lists how much that can be at the most.
    """
    ledger.registry.withdraw(terminal_id)
    ended = ledger.points.end_reservations(terminal_id, ledger.today())
    if ended:
        said = {code: str(points) for code, points in sorted(ended.items())}
        ledger.audit.note(officer, "reservations_ended", {"terminal": terminal_id, **said}, ledger.clock())
    return ended


def _record(held: HeldHere, holders: Mapping[str, Holder]) -> tuple[bytes, PackRecord, bytes] | None:
    holder = holders.get(held.mykey)
    if holder is None or holder.standing is not Standing.ACTIVE or holder.public_key is None:
        return None
    key = holder.public_key
    if (secret := key_bytes_of(key)) is None:
        return None
    rest = key[READ_BYTES:]
    record = PackRecord(
        bytes.fromhex(held.handle),
        hashlib.sha256(key).digest(),
        rest if len(rest) <= REST_BYTES else b"",
        "ja",
        held.holdings,
    )
    return secret, record, key
