"""Brings the journal to the ledger: oldest first, again and again until there is a verdict, and never twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from ledger.wire.answers import Decision, UploadResult
from ledger.wire.client import LedgerBusy, LedgerClient, LedgerError, LedgerRefusal
from ledger.wire.entries import MAX_UPLOAD, SetAside, SignedEntry
from offline_queue.errors import JournalCorrupt, JournalForked, QueueError, VerdictConflict
from offline_queue.journal import Journal

FIRST_DELAY = 1.0
"""Seconds that the first repetition waits at most."""

LONGEST_DELAY = 60.0
"""Seconds that any repetition waits at most, so that a line that is back is noticed within a minute."""

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
"""Bytes of entries in one upload: half of what the ledger takes, so that hashes and signatures fit as well."""

FORKED = frozenset({"journal_gap", "journal_fork", "journal_rollback", "terminal_mismatch", "entry_damaged"})
"""Refusals that no other try can mend: what the ledger has of this journal is not what is here."""

TOO_MUCH = frozenset({"request_too_large", "request_malformed"})
"""Refusals of an upload that may lie in a single entry of it."""


class Line(StrEnum):
    """How the way to the ledger is."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    FORKED = "forked"


@dataclass(frozen=True, slots=True)
class SyncState:
    """What the status line says: the line, failures in a row, and the stable code of the last one."""

    line: Line = Line.UNKNOWN
    failures: int = 0
    error: str | None = None


class Syncer:
    """The one sender of a journal; `submit`, `sync` and `run` share it, and one upload is under way at a time."""

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
        self._awaited: dict[str, Decision | None] = {}
        self.state = SyncState()

    async def submit(self, operation_id: str, wait_seconds: float) -> Decision | None:
        """Push everything up to an operation through and return what was decided of it.

        Return None when nobody knows within `wait_seconds`: the operation stays in the outbox, `run` goes on with
        it, and asking again is safe. Raise JournalForked where only the office can help.
        """
        self._awaited[operation_id] = None
        try:
            async with asyncio.timeout(wait_seconds):
                return await self._push(operation_id)
        except JournalForked:
            raise
        except (TimeoutError, LedgerError, QueueError) as error:
            self._failed(error)
            self._wanted.set()
            return None
        finally:
            self._awaited.pop(operation_id, None)

    async def sync(self, on_upload: Callable[[], None] = lambda: None) -> int:
        """Upload all that is unsent and return how many operations were decided; raise LedgerError or QueueError.

        `on_upload` is told of each upload that went through.
        """
        decided = 0
        while (decisions := await self._upload()) is not None:
            decided += len(decisions)
            on_upload()
        return decided

    async def run(self) -> None:
        """Keep the outbox empty for as long as the program runs, or until only the office can help."""
        known = False
        while True:
            try:
                if not known:
                    await self._compare()
                    known = True
                await self.sync()
            except JournalForked:
                return
            except (LedgerError, QueueError) as error:
                self._failed(error)
                # A disk that is full must not end what brings the line back.
                with suppress(QueueError):
                    await asyncio.to_thread(self._journal.note_failure, reason(error))
                await self._pause(self._delay(error))
            else:
                await self._wanted.wait()
                self._wanted.clear()

    def wake(self) -> None:
        """Try now: something was written, or somebody asked."""
        self._wanted.set()

    async def _push(self, operation_id: str) -> Decision | None:
        sent = True
        while sent and self._awaited.get(operation_id) is None:
            sent = await self._upload() is not None
        # Not only this upload may have brought it: `run` is as good, while it is awaited.
        if (decision := self._awaited.get(operation_id)) is not None:
            return decision
        # It was sent before: its verdict is in the journal already.
        found = await asyncio.to_thread(self._journal.find, operation_id)
        return None if found is None or found.verdict is None else Decision(verdict=found.verdict)

    async def _compare(self) -> None:
        """See, before anything is sent, that the ledger's copy of this journal is this journal."""
        setup = await self._client.setup()
        try:
            await asyncio.to_thread(self._journal.confirm_head, setup.head_seq, setup.head_hash)
        except JournalForked as forked:
            self._become(SyncState(Line.FORKED, error=forked.code))
            raise

    async def _upload(self) -> list[Decision] | None:
        """Upload the oldest entries and return what was decided of them; None when nothing is unsent."""
        async with self._uploading:
            pending = await asyncio.to_thread(self._journal.pending, MAX_UPLOAD, MAX_UPLOAD_BYTES)
            if not pending.entries:
                return None
            try:
                result = await self._send(pending.entries, pending.set_aside)
                # Shielded: a resident who stopped waiting must not take back a verdict that has arrived.
                await asyncio.shield(asyncio.to_thread(self._journal.settle, result, frozenset(self._awaited)))
            except (JournalForked, VerdictConflict) as error:
                self._become(SyncState(Line.FORKED, error=error.code))
                raise JournalForked(str(error)) from error
            self._awaited |= {
                decision.verdict.operation_id: decision
                for decision in result.decisions
                if decision.verdict.operation_id in self._awaited
            }
            self._become(SyncState(Line.ONLINE))
            return result.decisions

    async def _send(self, entries: list[SignedEntry], set_aside: list[SetAside]) -> UploadResult:
        """Upload entries, or the first half of them, and so on, as long as the ledger cannot take so many.

        A single entry is always decided, whatever is in it: what is wrong with one holds up nothing but its own half.
        """
        while True:
            try:
                result = await self._client.upload(entries, set_aside=set_aside)
            except LedgerRefusal as refusal:
                if refusal.problem.code in FORKED:
                    raise JournalForked(refusal.problem.code) from refusal
                if refusal.problem.code not in TOO_MUCH or len(entries) == 1 or set_aside:
                    raise
                entries = entries[: len(entries) // 2]
            except ValueError as error:
                raise JournalCorrupt(str(error)) from error
            else:
                return result

    def _delay(self, error: Exception) -> float:
        delay = backoff(self.state.failures, self._jitter())
        return max(delay, error.retry_after) if isinstance(error, LedgerBusy) else delay

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        self._wanted.clear()

    def _failed(self, error: Exception) -> None:
        self._become(SyncState(Line.OFFLINE, self.state.failures + 1, reason(error)))

    def _become(self, state: SyncState) -> None:
        self.state = state
        self._on_change(state)


def reason(error: Exception) -> str:
    """Return the stable code of what kept an entry from its verdict."""
    match error:
        case QueueError():
            return error.code
        case LedgerRefusal():
            return error.problem.code
        case LedgerBusy():
            return "ledger_busy"
        case _:
            return "line_down"


def backoff(failures: int, jitter: float) -> float:
    """Return the seconds to wait after so many failures in a row: doubling, with full jitter in [0, 1)."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 16)) * jitter
