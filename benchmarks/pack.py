"""The pack of a terminal: its size, verifying and opening it beside merely hashing it, and what a delta costs."""

from __future__ import annotations

import base64
import hashlib
import secrets
import statistics
from collections.abc import Callable
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import hold
from ledger.wire.pack import (
    SLOT_BYTES,
    PackHeader,
    PackHolding,
    PackRecord,
    Slot,
    derive,
    read_pack,
    seal_slot,
    sign_pack,
    slots_hash,
)
from ledger.wire.statements import raw

RECORDS = 10_000
CHANGED = 50
"""Records that change in a day of a shop."""

TERMINAL = "252034-0001-01"

LIMIT_RECORD = 200
LIMIT_PACK = 2_000_000
LIMIT_DELTA = 250
LIMIT_READING = 10.0
"""The most that verifying a pack and opening a record take, as a multiple of hashing the pack."""


def main() -> None:
    """Print the table; fail when a limit is missed."""
    key = Ed25519PrivateKey.generate()
    pinned = [raw(key.public_key())]
    people = [secrets.token_bytes(32) for _ in range(RECORDS)]
    slots = [seal_slot(_header(1), person, 1, _record()) for person in people]
    whole = sign_pack(_header(1, slots), slots, key)
    held = read_pack(whole, TERMINAL, pinned)
    again = [seal_slot(_header(2), person, 2, _record()) for person in people[:CHANGED]]
    delta = sign_pack(_header(2, [*again, *slots[CHANGED:]], base=1), again, key)
    bare = _seconds(lambda: hashlib.sha256(whole).digest())
    reading = _seconds(lambda: read_pack(whole, TERMINAL, pinned).record(people[0]))
    applying = _seconds(lambda: read_pack(delta, TERMINAL, pinned, held).record(people[0]))
    deriving = _seconds(lambda: derive(people[0], bytes(32)))
    per_slot = (len(delta) - len(delta.partition(b"\n")[0])) / CHANGED
    rows = (
        ("bytes of a record", f"{SLOT_BYTES}", f"{LIMIT_RECORD}"),
        (f"bytes of a pack of {RECORDS:,}", f"{len(whole):,}", f"{LIMIT_PACK:,}"),
        ("bytes of a changed slot in a delta", f"{per_slot:.0f}", f"{LIMIT_DELTA}"),
        ("hashing the pack, ms", f"{bare * 1e3:.2f}", ""),
        ("verifying it and opening a record, ms", f"{reading * 1e3:.2f}", ""),
        ("... as a multiple of hashing it", f"{reading / bare:.2f}", f"{LIMIT_READING:.2f}"),
        (f"applying a delta of {CHANGED}, ms", f"{applying * 1e3:.2f}", ""),
        ("finding a record's place and key, µs", f"{deriving * 1e6:.0f}", ""),
    )
    print(f"| {'pack':<44} | {'measured':>9} | {'limit':>9} |")
    print(f"|{'-' * 46}|{'-' * 10}:|{'-' * 10}:|")
    for name, figure, limit in rows:
        print(f"| {name:<44} | {figure:>9} | {limit:>9} |")
    hold(f"a record of at most {LIMIT_RECORD} bytes", SLOT_BYTES <= LIMIT_RECORD)
    hold(f"a pack of at most {LIMIT_PACK} bytes", len(whole) <= LIMIT_PACK)
    hold(f"at most {LIMIT_DELTA} bytes a changed slot", per_slot <= LIMIT_DELTA)
    hold(f"at most {LIMIT_READING} times hashing it", reading <= LIMIT_READING * bare)


def _header(number: int, slots: list[Slot] | None = None, base: int | None = None) -> PackHeader:
    based = {} if base is None else {"base": base}
    return PackHeader(
        kazasu="pack/1",
        terminal_id=TERMINAL,
        number=number,
        head_seq=0,
        issued_at="2026-11-25T14:05:00+09:00",
        salt=base64.b64encode(bytes(32)).decode(),
        programmes=["252034"],
        slots=len(slots or ()),
        sha256=slots_hash(slots or ()),
        **based,
    )


def _record() -> PackRecord:
    held = (PackHolding("252034", 500, 1200, 800),)
    return PackRecord(secrets.token_bytes(16), secrets.token_bytes(32), bytes(38), "ja", held)


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(9):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
