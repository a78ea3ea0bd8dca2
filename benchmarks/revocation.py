"""Looking a card up in the ID table: a revocation list of a million entries beside one of ten thousand."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import hold
from ledger.database import open_engine
from ledger.identity.revocation import RevocationList
from ledger.identity.store import Identity
from ledger.migrations import upgrade
from ledger.wire.answers import Standing
from ledger.wire.tokens import CardReference

SIZES = (10_000, 1_000_000)
LOOKS = 2_000

LIMIT = 1.3
"""The most that a look-up in the long list may take of one in the short list."""

ISSUER = bytes(32)


def main() -> None:
    """Take lists of both sizes in, look cards up, and print the table; fail when the limit is missed."""
    print(
        f"| {'entries':>9} | {'taken in s':>10} | {'look p50 ms':>11} | {'p95 ms':>6} | {'ratio':>5} | {'limit':>5} |"
    )
    print(f"|{'-' * 10}:|{'-' * 11}:|{'-' * 12}:|{'-' * 7}:|{'-' * 6}:|{'-' * 6}:|")
    middles: list[float] = []
    for entries in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            taken_in, p50, p95 = _measure(Path(folder), entries)
        middles.append(p50)
        ratio, limit = (f"{p50 / middles[0]:.2f}", str(LIMIT)) if entries == SIZES[-1] else ("", "")
        print(
            f"| {entries:>9,} | {taken_in:>10.1f} | {p50:>11.3f} | {p95:>6.3f} | {ratio:>5} | {limit:>5} |", flush=True
        )
    hold(f"ratio at most {LIMIT}", middles[-1] <= LIMIT * middles[0])


def _measure(folder: Path, entries: int) -> tuple[float, float, float]:
    engine = open_engine(f"sqlite:///{folder / 'identity.db'}")
    upgrade(engine, "identity")
    identity = Identity(engine, b"s" * 32)
    started = time.perf_counter()
    identity.replace_revocations(RevocationList(ISSUER, ISSUER, 0, range(1, entries + 1)))
    taken_in = time.perf_counter() - started
    elapsed: list[float] = []
    for serial in range(1, entries + 1, entries // LOOKS):
        card = CardReference(issuer_sha256=ISSUER.hex(), serial=f"{serial:x}")
        started = time.perf_counter()
        found = identity.look_up([card])[card]
        elapsed.append((time.perf_counter() - started) * 1000)
        assert found.standing is Standing.REVOKED
    engine.dispose()
    cuts = statistics.quantiles(elapsed, n=20)
    return taken_in, cuts[9], cuts[18]


if __name__ == "__main__":
    main()
