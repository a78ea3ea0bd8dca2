"""The owner's month over 100,000 operations, beside one pass of SQLite over the same entries."""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import hold, scratch
from benchmarks.journal import SALE, TERMINAL
from ledger.wire.canonical import canonical
from offline_queue.journal import Journal
from offline_queue.periods import period_sums
from offline_queue.reading import read_journal

OPERATIONS = 100_000
RUNS = 5
LIMIT = 3.0
"""The most that the month takes, as a part of a pass."""

SQL = """
    SELECT SUM(json_extract(CAST(entries.body AS TEXT), '$.content.bill')),
        SUM(json_extract(CAST(verdicts.body AS TEXT), '$.redeemed')),
        SUM(json_extract(CAST(verdicts.body AS TEXT), '$.awarded'))
    FROM entries JOIN verdicts ON verdicts.seq = entries.seq
    WHERE entries.business_date BETWEEN ? AND ?
"""
"""One pass: three sums out of every entry and verdict of the month."""

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def fill(path: Path, key: Ed25519PrivateKey, operations: int) -> None:
    """Write a journal of decided sales: over a month, by three clerks; the chain is nobody's concern here."""
    now = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    Journal(path, TERMINAL, key, lambda: now).close()
    dice = random.Random(11)  # noqa: S311  # for variety alone
    content = SALE.as_json()
    with closing(sqlite3.connect(path)) as file, file:
        for seq in range(1, operations + 1):
            day = f"2026-11-{dice.randint(1, 30):02}"
            bill = dice.randint(100, 9_999)
            entry = {
                "at": f"{day}T{dice.randint(8, 20):02}:05:00+09:00",
                "business_date": day,
                "content": {**content, "bill": bill},
                "operator": dice.choice(("1", "12", "34")),
                "seq": seq,
                "terminal_id": TERMINAL,
            }
            verdict = {"redeemed": 820, "awarded": 3, "amount_due": bill - 820, "status": "accepted"}
            file.execute(
                "INSERT INTO entries (seq, kind, business_date, body, hash, signature)"
                " VALUES (?, 'sale', ?, ?, '', '')",
                (seq, day, canonical(entry)),
            )
            file.execute(
                "INSERT INTO verdicts (position, seq, status, awaited, body, received_at)"
                " VALUES (?, ?, 'accepted', 1, ?, '')",
                (seq, seq, json.dumps(verdict).encode()),
            )


def main() -> None:
    """Time both by turns, and hold the ratio."""
    with scratch() as folder:
        path, key = Path(folder) / "journal.db", Ed25519PrivateKey.generate()
        fill(path, key, OPERATIONS)
        month, one_pass = [], []
        days = (FIRST.isoformat(), LAST.isoformat())
        with closing(read_journal(path, key.public_key())) as journal, closing(sqlite3.connect(path)) as file:
            for _ in range(RUNS):
                began = perf_counter()
                bill, redeemed, awarded = file.execute(SQL, days).fetchone()
                between = perf_counter()
                sums = period_sums(journal, FIRST, LAST)
                month.append(perf_counter() - between)
                one_pass.append(between - began)
        assert (sums.whole.bill, sums.whole.redeemed, sums.whole.awarded) == (bill, redeemed, awarded)
        ratio = statistics.median(month) / statistics.median(one_pass)
        print(f"one pass {statistics.median(one_pass):.3f} s, the month {statistics.median(month):.3f} s")
        print(f"ratio {ratio:.2f}, at most {LIMIT}")
        hold(f"the month at most {LIMIT} passes", ratio <= LIMIT)
