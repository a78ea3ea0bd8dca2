"""A journal in a fresh directory, and what to write into it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.operations import Award, Leg, TapOnly
from offline_queue.journal import Journal, Recorded

TERMINAL = "252034-0001-01"
START = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
DAY = date(2026, 11, 23)


def award(points: int = 3) -> Award:
    """Return points for a visit: an operation that needs nothing of the resident but the tap."""
    return Award(
        kind="award",
        municipality="252034",
        resident="AAAA",
        award=[Leg(programme="252034", points=points)],
        reason="visit",
        rules={"252034": 1},
        assurance=TapOnly(method="tap"),
    )


def append(journal: Journal, points: int = 3) -> Recorded:
    """Append one award."""
    return journal.append(award(points), at=START, operator="12", business_date=DAY)


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    """Return the terminal's key."""
    return Ed25519PrivateKey.generate()


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """Return a clock that moves by a second each time it is looked at."""
    now = START

    def look() -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    return look


@pytest.fixture
def open_journal(
    tmp_path: Path, key: Ed25519PrivateKey, clock: Callable[[], datetime]
) -> Iterator[Callable[[], Journal]]:
    """Return a function that opens the journal of the test's directory; all are closed at the end."""
    opened: list[Journal] = []

    def open_it() -> Journal:
        opened.append(Journal(tmp_path / "journal.db", TERMINAL, key, clock))
        return opened[-1]

    yield open_it
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_journal: Callable[[], Journal]) -> Journal:
    """Return an empty journal."""
    return open_journal()
