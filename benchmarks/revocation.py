"""Looking a card up in the ID table: a revocation list of a million entries beside one of ten thousand."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from ledger.database import open_engine
from ledger.identity.revocation import RevocationList
from ledger.identity.store import Identity
from ledger.messages import CardReference, Standing
from ledger.migrations import upgrade

LOOKS = 2_000
ISSUER = bytes(32)


def main() -> None:
    """Take lists of both sizes in, look cards up, and print the table."""
    print(f"{'entries':>10}{'taken in s':>12}{'look p50 ms':>13}{'p95 ms':>8}")
    for entries in (10_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            print("{:10,}{:12.1f}{:13.3f}{:8.3f}".format(entries, *_measure(Path(folder), entries)))


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
