"""Faults that came once, each put back by replacing one function: the town must show it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from ledger.points import sales
from ledger.points.closes import Closes
from ledger.points.dating import Placed
from ledger.points.operations import Ruling
from ledger.points.wallet import RefusedOperation
from offline_queue.errors import JournalForked
from offline_queue.sync import Syncer
from terminal.shop.opening import Station


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong once: which of the eleven, in words, how it is put back, and in how many town-days it shows."""

    number: int
    words: str
    patch: Callable[[], AbstractContextManager[object]]
    days: int = 30


async def _compare_as_fork(self: Syncer) -> None:
    setup = await self._client.setup()
    if setup.head_seq < self._journal.ledger_head():
        raise self._stop(JournalForked("the ledger lacks entries"))
    await _COMPARE(self)


_COMPARE = Syncer._compare


def _by_machine(self: Station, at: datetime) -> date:
    return (at - timedelta(hours=self.setup.shop.day_starts_at)).date()


def _as_stated(stated: str, *_bounds: object, **_more: object) -> Placed:
    return Placed(stated, stated)


def _not_closed(self: Closes, entry: Any) -> tuple[str | None, int]:
    return None, 0


def _closed_by_midnight(_request: object, placed: Placed, target: Any, _books: object) -> bool:
    return bool(target.day != placed.day)


def _whole_or_not(*asked: Any) -> Ruling:
    decided = sales.decide_sale(*asked)
    if decided.verdict.cuts:
        raise RefusedOperation(decided.verdict.cuts[0].reason)
    return decided


async def _believe(self: Syncer, pending: Any) -> Any:
    from offline_queue.sync import _Contradicted

    try:
        return await self._send(pending)
    except _Contradicted as contradicted:
        raise JournalForked(str(contradicted)) from contradicted


@asynccontextmanager
async def _no_end(_seconds: float) -> AsyncIterator[None]:
    yield


async def _always_there(_self: Syncer) -> bool:
    return True


FAULTS: Final = {
    "fork": Fault(
        1, "a ledger that forgot is taken for a fork", lambda: patch.object(Syncer, "_compare", _compare_as_fork)
    ),
    "zone": Fault(4, "the day is the machine's", lambda: patch.object(Station, "business_date", _by_machine)),
    "backdated": Fault(5, "any day is believed", lambda: patch("ledger.points.decide.place", _as_stated)),
    "unbound": Fault(6, "a close binds nobody", lambda: patch.object(Closes, "before", _not_closed)),
    "midnight": Fault(
        6,
        "what was sold yesterday counts as closed",
        lambda: patch("ledger.points.undo._is_closed", _closed_by_midnight),
    ),
    "all_or_nothing": Fault(
        7, "a finished sale is refused for its points", lambda: patch("ledger.points.decide.decide_sale", _whole_or_not)
    ),
    "no_witness": Fault(
        8,
        "what is missing at the end is not noticed",
        lambda: patch("offline_queue.reading.read_witness", lambda *_: None),
    ),
    "believed": Fault(
        9, "one false word ends a terminal", lambda: patch.object(Syncer, "_send_or_compare", _believe), 60
    ),
    "drip": Fault(
        10,
        "no deadline for a whole answer",
        lambda: patch("ledger.wire.client.asyncio", SimpleNamespace(timeout=_no_end)),
        60,
    ),
    "no_breaker": Fault(
        10,
        "each sale waits for a line that is known to be down",
        lambda: patch.object(Syncer, "is_there", _always_there),
    ),
    "stays_offline": Fault(
        11, "the line's return is not noticed", lambda: patch("offline_queue.sync.PROBE_EVERY", 60.0)
    ),
}
"""Each fault by a name."""

HELD_ELSEWHERE: Final = {
    2: ("tests/ledger/api/test_database_away.py",),
    3: ("tests/ledger/test_marks.py", "tests/ledger/points/test_periods.py"),
}
"""Faults that a town which is played in one process does not meet: a database that is down and is answered as a wrong
signature, and a key that is lost and replaced in silence. These tests meet them."""
