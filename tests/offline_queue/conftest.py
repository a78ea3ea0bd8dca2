"""A journal in a fresh directory, and what to write into it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.answers import Decision, Statement, UploadResult, Verdict
from ledger.wire.entries import FIRST_PREVIOUS_HASH
from ledger.wire.operations import Award, Leg, TapOnly
from ledger.wire.statements import body_hash, raw, sign_statement
from offline_queue.journal import Journal, Recorded

TERMINAL = "252034-0001-01"
START = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
DAY = date(2026, 11, 23)
LEDGER = Ed25519PrivateKey.generate()
"""The ledger's signing key, which every journal of these tests has pinned."""

PINNED = (raw(LEDGER.public_key()),)


def answer(
    decisions: Sequence[Decision] = (),
    head: tuple[int, str] = (0, FIRST_PREVIOUS_HASH),
    key: Ed25519PrivateKey = LEDGER,
) -> UploadResult:
    """Return an answer to an upload as a ledger signs it."""
    verdicts: dict[str, list[Verdict]] = {"verdicts": [each.verdict for each in decisions]} if decisions else {}
    statement = Statement(
        kazasu="answer/2",
        ledger="ledger",
        epoch=1,
        terminal_id=TERMINAL,
        request="0" * 22,
        at=START.isoformat(),
        head_seq=head[0],
        head_hash=head[1],
        body_sha256=body_hash({}),
        **verdicts,
    )
    signed = sign_statement(statement, key)
    return UploadResult(decisions=list(decisions), head_seq=head[0], head_hash=head[1], signed=signed)


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
        opened.append(Journal(tmp_path / "journal.db", TERMINAL, key, clock, PINNED))
        return opened[-1]

    yield open_it
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_journal: Callable[[], Journal]) -> Journal:
    """Return an empty journal."""
    return open_journal()
