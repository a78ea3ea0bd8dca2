"""Nonces: valid for the terminal and the minutes that they were issued for."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from ledger.api.nonces import MAX_SKEW, VALIDITY, Nonces

TERMINAL = "252034-0001-01"
NOW = datetime(2026, 11, 23, 5, 5, 0, 123456, tzinfo=UTC)
NONCES = Nonces(b"n" * 32)


@pytest.mark.parametrize(
    ("after", "valid"),
    [
        (timedelta(0), True),
        (VALIDITY, True),
        (VALIDITY + timedelta(minutes=2), False),
        (timedelta(minutes=-2), False),
        (timedelta(days=1), False),
    ],
)
def test_a_nonce_is_valid_for_minutes(after: timedelta, valid: bool) -> None:  # a table
    """Not before it was issued, and not long after."""
    nonce, ends = NONCES.issue(TERMINAL, NOW)
    assert ends - NOW <= VALIDITY
    assert NONCES.is_valid(nonce, TERMINAL, NOW + after) is valid


@pytest.mark.parametrize("off", [timedelta(minutes=-4), timedelta(minutes=4)])
def test_a_clock_that_requests_are_taken_of_is_good_enough_for_a_consent(off: timedelta) -> None:
    """A terminal whose clock is minutes off writes nothing that looks late, or not consented to."""
    nonce, _ = NONCES.issue(TERMINAL, NOW)
    assert abs(off) < MAX_SKEW
    assert NONCES.is_valid(nonce, TERMINAL, NOW + off, skew=MAX_SKEW)


def test_a_nonce_is_one_terminals_and_one_ledgers() -> None:
    """Neither another terminal nor another ledger's secret makes it valid."""
    nonce, _ = NONCES.issue(TERMINAL, NOW)
    assert not NONCES.is_valid(nonce, "252034-0001-02", NOW)
    assert not Nonces(b"m" * 32).is_valid(nonce, TERMINAL, NOW)


@pytest.mark.parametrize("nonce", ["", "-", "x-y", "ff", "f" * 200 + "-00", "6923e0f0-ä", "-1-00"])
def test_rubbish_is_no_nonce(nonce: str) -> None:
    """Whatever the text is, the answer is no and not an exception."""
    assert not NONCES.is_valid(nonce, TERMINAL, NOW)


def test_its_end_cannot_be_moved() -> None:
    """A later end needs another seal."""
    nonce, ends = NONCES.issue(TERMINAL, NOW)
    later = f"{int(ends.timestamp()) + 3600:x}-{nonce.partition('-')[2]}"
    assert not NONCES.is_valid(later, TERMINAL, NOW + timedelta(minutes=30))


def test_two_of_one_second_are_two() -> None:
    """Each serves one operation, however fast they follow."""
    assert NONCES.issue(TERMINAL, NOW) != NONCES.issue(TERMINAL, NOW)


def test_a_nonce_of_the_first_release_is_still_one() -> None:
    """A sale that 0.1.0 wrote, and that comes today, was signed over such a one."""
    ends = int((NOW + VALIDITY).timestamp())
    seal = hmac.digest(NONCES.secret, f"nonce {TERMINAL} {ends}".encode(), hashlib.sha256).hex()[:32]
    assert NONCES.is_valid(f"{ends:x}-{seal}", TERMINAL, NOW)
    assert not NONCES.is_valid(f"{ends + 60:x}-{seal}", TERMINAL, NOW)
