"""How closes bind along one upload: what they cover, and the floor of the days after them."""

from __future__ import annotations

import pytest

from ledger.points.closes import OPEN, Closes
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry
from ledger.wire.operations import Close, Void
from tests.ledger.points.scenes import CITY, TERMINAL

TODAY = "2026-11-23"
SISTER = "252034-0001-02"


def closes() -> Closes:
    """Return the closes of a terminal that was never closed, beside a sister that is closed up to entry 7."""
    return Closes(TERMINAL, OPEN, {SISTER: 7}.get, TODAY)  # type: ignore[arg-type]  # every terminal asked for is there


def entry(seq: int, content: Close | Void, day: str = TODAY) -> Entry:
    """Return an entry of the terminal's journal."""
    return Entry(
        terminal_id=TERMINAL,
        seq=seq,
        at=f"{TODAY}T12:00:00+09:00",
        operator="1",
        business_date=day,
        content=content,
        previous_hash=FIRST_PREVIOUS_HASH,
    )


def close(last_seq: int) -> Close:
    """Return a close that covers entries up to one."""
    return Close(
        kind="close", municipality=CITY, number=1, first_seq=1, last_seq=last_seq, verdicts=0, day={}, perpetual={}
    )


def void(target: str) -> Void:
    """Return the voiding of an operation."""
    return Void(kind="void", municipality=CITY, target=target)


def test_a_close_binds_what_comes_after_it_in_the_same_upload() -> None:
    """A void before it finds nothing closed; one after it finds what the close covers, and its day as the floor."""
    following = closes()
    assert following.before(entry(4, void(f"{TERMINAL}-000003"))) == (None, 0)
    assert following.before(entry(5, close(4))) == (None, 0)
    assert following.before(entry(6, void(f"{TERMINAL}-000003"))) == (TODAY, 4)


@pytest.mark.parametrize(("stated", "floor"), [("2026-11-26", TODAY), ("2026-11-20", "2026-11-20")])
def test_a_clock_that_is_ahead_makes_no_later_floor(stated: str, floor: str) -> None:
    """What is sold after a close that states a day to come is not late for that."""
    following = closes()
    following.before(entry(5, close(4), stated))
    assert following.before(entry(6, void(f"{TERMINAL}-000005")))[0] == floor


def test_no_close_covers_what_follows_it() -> None:
    """Whatever it says."""
    following = closes()
    following.before(entry(5, close(99)))
    assert following.before(entry(7, void(f"{TERMINAL}-000006"))) == (TODAY, 4)


def test_a_sisters_operation_is_as_closed_as_the_sister() -> None:
    """Its own closes count, and not this terminal's."""
    following = closes()
    following.before(entry(5, close(4)))
    assert following.before(entry(6, void(f"{SISTER}-000003")))[1] == 7
