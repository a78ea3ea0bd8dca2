"""Faults that came once, each put back by replacing one function: the town must show it."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import DBAPIError

from ledger.api.losses import LossProof
from ledger.keys import make_secret
from ledger.points import sales
from ledger.points.closes import Closes
from ledger.points.dating import Placed
from ledger.points.operations import Ruling
from ledger.points.periods import PeriodKeys, _Found
from ledger.points.registry import Registry, Terminal
from ledger.points.wallet import RefusedOperation
from offline_queue.errors import JournalForked
from offline_queue.sync import Syncer
from terminal.shop.opening import Station


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong once: which of the eleven, in words, and how it is put back.

    The town of `seed` shows it; where that tells another story by now, one of the towns after it.
    """

    number: int
    words: str
    patch: Callable[[], AbstractContextManager[object]]
    seed: int = 1


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


def _proves_nothing(*_told: object) -> LossProof:
    return LossProof(0, {})


def _no_day_late(_programmes: Iterable[object]) -> timedelta:
    return timedelta(days=-1)


def _nobody_where_nothing_answers(self: Registry, terminal_id: str) -> Terminal | None:
    try:
        return _TERMINAL(self, terminal_id)
    except DBAPIError:
        return None


_TERMINAL = Registry.terminal


def _made_in_silence(self: PeriodKeys, period: str, **_purpose: object) -> None:
    path = self._path(period)
    if not path.exists():
        make_secret(path)
    secret = path.read_bytes()
    finding = hmac.digest(secret, b"kazasu/2 finding", "sha256")
    self._found[period] = _Found(AESGCM(secret), finding, renewed=True, stamp=self._stamp(period))


FAULTS: Final = {
    "no_proof": Fault(
        1,
        "the ledger's own signature proves nothing",
        lambda: patch("ledger.api.terminals.loss_proof", _proves_nothing),
        4,
    ),
    "nobody": Fault(
        2,
        "a database that is away is a wrong signature",
        lambda: patch.multiple(Registry, terminal=_nobody_where_nothing_answers, is_withdrawn=lambda *_: False),
        12,
    ),
    "new_key": Fault(
        3,
        "a key that is lost is replaced in silence",
        lambda: patch.object(PeriodKeys, "_look_up", _made_in_silence),
        6,
    ),
    "calendar": Fault(
        4, "counters end with the calendar's day", lambda: patch("ledger.points.upkeep.late_bound", _no_day_late)
    ),
    "fork": Fault(
        1, "a ledger that forgot is taken for a fork", lambda: patch.object(Syncer, "_compare", _compare_as_fork), 2
    ),
    "zone": Fault(4, "the day is the machine's", lambda: patch.object(Station, "business_date", _by_machine), 6),
    "backdated": Fault(5, "any day is believed", lambda: patch("ledger.points.decide.place", _as_stated), 7),
    "unbound": Fault(6, "a close binds nobody", lambda: patch.object(Closes, "before", _not_closed)),
    "midnight": Fault(
        6,
        "what was sold yesterday counts as closed",
        lambda: patch("ledger.points.undo._is_closed", _closed_by_midnight),
        2,
    ),
    "all_or_nothing": Fault(
        7, "a finished sale is refused for its points", lambda: patch("ledger.points.decide.decide_sale", _whole_or_not)
    ),
    "no_witness": Fault(
        8,
        "what is missing at the end is not noticed",
        lambda: patch("offline_queue.reading.read_witness", lambda *_: None),
        2,
    ),
    "believed": Fault(
        9, "one false word ends a terminal", lambda: patch.object(Syncer, "_send_or_compare", _believe), 2
    ),
    "drip": Fault(
        10,
        "no deadline for a whole answer",
        lambda: patch("ledger.wire.client.asyncio", SimpleNamespace(timeout=_no_end)),
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
