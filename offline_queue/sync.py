"""Brings the journal to the ledger: oldest first, again and again until there is a verdict, and never twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.client import LedgerBusy, LedgerClient, LedgerRefusal, LedgerUnreachable
from ledger.messages import MAX_UPLOAD, Decision
from offline_queue.errors import JournalForked, VerdictConflict
from offline_queue.journal import Journal

FIRST_DELAY = 1.0
"""Seconds that the first repetition waits at most."""

LONGEST_DELAY = 300.0
"""Seconds that any repetition waits at most, so that a line that is back is noticed within minutes."""

FORKED = frozenset({"journal_fork", "journal_gap", "journal_rollback", "bad_signature"})
"""Problems that another try cannot mend: the ledger's copy of this journal is not ours."""


class Line(StrEnum):
    """How the way to the ledger is."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    FORKED = "forked"


@dataclass(frozen=True, slots=True)
class SyncState:
    """What the status line says: the line, failures in a row, and why the last try failed."""

    line: Line = Line.UNKNOWN
    failures: int = 0
    error: str | None = None


class Syncer:
    """The one sender of a journal; `submit` and `run` share it, and one upload is under way at a time."""

    def __init__(
        self,
        journal: Journal,
        client: LedgerClient,
        on_change: Callable[[SyncState], None] = lambda _state: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._journal = journal
        self._client = client
        self._on_change = on_change
        self._jitter = jitter
        self._uploading = asyncio.Lock()
        self._wanted = asyncio.Event()
        self.state = SyncState()

    async def submit(self, operation_id: str, wait_seconds: float) -> Decision | None:
        """Push everything up to an operation through and return what was decided of it.

        Return None when nobody knows within `wait_seconds`: the operation stays in the outbox, `run` goes on with
        it, and asking again is safe. Raise JournalForked where only the office can help.
        """
        try:
            async with asyncio.timeout(wait_seconds):
                return await self._push(operation_id)
        except (TimeoutError, LedgerUnreachable, LedgerBusy, LedgerRefusal) as error:
            self._failed(error)
            self._wanted.set()
            return None

    async def sync(self) -> int:
        """Upload all that is unsent and return how many operations were decided; raise LedgerError or JournalForked."""
        decided = 0
        while decisions := await self._upload():
            decided += len(decisions)
        return decided

    async def run(self) -> None:
        """Keep the outbox empty for as long as the program runs."""
        while True:
            try:
                await self.sync()
            except (LedgerUnreachable, LedgerBusy, LedgerRefusal) as error:
                self._failed(error)
                delay = backoff(self.state.failures, self._jitter())
                await self._pause(max(delay, error.retry_after) if isinstance(error, LedgerBusy) else delay)
            except JournalForked:
                return
            else:
                await self._wanted.wait()
                self._wanted.clear()

    def wake(self) -> None:
        """Try now: something was written, or somebody asked."""
        self._wanted.set()

    async def _push(self, operation_id: str) -> Decision | None:
        while True:
            decisions = await self._upload()
            for decision in decisions:
                if decision.verdict.operation_id == operation_id:
                    return decision
            if decisions:
                continue
            # Sent by `run` meanwhile: the verdict is in the journal already.
            found = await asyncio.to_thread(self._journal.find, operation_id)
            return None if found is None or found.verdict is None else Decision(verdict=found.verdict)

    async def _upload(self) -> list[Decision]:
        """Upload the oldest entries; return their decisions, none when nothing is unsent."""
        async with self._uploading:
            while True:
                entries = await asyncio.to_thread(self._journal.pending, MAX_UPLOAD, 4 * 1024 * 1024)
                if not entries:
                    return []
                try:
                    result = await self._client.upload(entries)
                    # Shielded: a resident who stopped waiting must not take back a verdict that has arrived.
                    await asyncio.shield(asyncio.to_thread(self._journal.settle, result))
                except LedgerRefusal as refusal:
                    if refusal.problem.code in FORKED:
                        raise self._forked(refusal.problem.code) from refusal
                    raise
                except VerdictConflict as conflict:
                    raise self._forked(conflict.code) from conflict
                self._become(SyncState(Line.ONLINE))
                if result.decisions:
                    return result.decisions

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return
        self._wanted.clear()

    def _failed(self, error: Exception) -> None:
        self._become(replace(self.state, line=Line.OFFLINE, failures=self.state.failures + 1, error=str(error)))

    def _forked(self, reason: str) -> JournalForked:
        self._become(SyncState(Line.FORKED, error=reason))
        return JournalForked(reason)

    def _become(self, state: SyncState) -> None:
        self.state = state
        self._on_change(state)


def backoff(failures: int, jitter: float) -> float:
    """Return the seconds to wait after so many failures in a row: doubling, with full jitter in [0, 1)."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 16)) * jitter
