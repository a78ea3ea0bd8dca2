"""Brings the journal to the ledger: oldest first, again and again until there is a verdict, and never twice.

Three classes of trouble are told apart. The line: it is probed, and nobody at the counter waits for it while it is
known to be down. The ledger's inside: it says when to come again. This terminal's own record: that stops the sending,
until somebody looks again. Where the line is only there at the day's end, nobody asks for it before.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.wire.answers import Decision, UploadResult
from ledger.wire.client import LedgerBehind, LedgerBusy, LedgerClient, LedgerError, LedgerRefusal, LedgerUnreachable
from ledger.wire.entries import MAX_UPLOAD, SetAside, SignedEntry
from offline_queue.day_end import DayEnd
from offline_queue.errors import JournalCorrupt, JournalForked, QueueError, VerdictConflict
from offline_queue.journal import Journal
from offline_queue.reading import Pending

PROBE_EVERY = 2.0
"""Seconds from one look at the line to the next, so that a line that is back is noticed within three."""

FIRST_DELAY = 0.25
"""Seconds that the first repetition waits at most."""

LONGEST_DELAY = PROBE_EVERY
"""Seconds that any repetition waits at most, unless the ledger asks for more."""

REST_AT_MOST = 30.0
"""Seconds after which a terminal that rests looks at the clock again: somebody may have set it."""

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
"""Bytes of entries in one upload: half of what the ledger takes, so that hashes and signatures fit as well."""

CONTRADICTED = frozenset({"journal_gap", "journal_fork", "journal_rollback", "terminal_mismatch", "entry_damaged"})
"""Refusals that say that the ledger has another journal. They are not signed, and compared before they count."""

TOO_MUCH = frozenset({"request_too_large", "request_malformed"})
"""Refusals of an upload that may lie in a single entry of it."""

STOPPING = (JournalForked, JournalCorrupt, VerdictConflict)
"""What no other try can mend."""


class Line(StrEnum):
    """How the way to the ledger is, and what else keeps entries from it."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    """The line is down: probed until it is back."""
    BUSY = "busy"
    """The ledger is there, and its inside is not."""
    BEHIND = "behind"
    """The ledger forgot entries that it had signed for: they are being sent again."""
    RESTING = "resting"
    """The line is not asked for before the next set hour or the close."""
    HELD = "held"
    """Something of this terminal's own, its disk, its clock, its key, keeps entries from the ledger: tried again."""
    STOPPED = "stopped"
    """This terminal's record and the ledger's contradict each other, or it is damaged: for a person to look at."""


@dataclass(frozen=True, slots=True)
class SyncState:
    """What the status line says: the line, failures in a row, and the stable code of the last one."""

    line: Line = Line.UNKNOWN
    failures: int = 0
    error: str | None = None


async def _nothing_more() -> None:
    """Ask the ledger for nothing else."""


class Syncer:
    """The one sender of a journal; `submit`, `sync` and `run` share it, and one upload is under way at a time.

    `in_contact` is awaited when all is sent and the line is there: what else the ledger has to say can be fetched then.
    """

    def __init__(
        self,
        journal: Journal,
        client: LedgerClient,
        on_change: Callable[[SyncState], None] = lambda _state: None,
        jitter: Callable[[], float] = random.random,
        day_end: DayEnd | None = None,
        in_contact: Callable[[], Awaitable[None]] = _nothing_more,
    ) -> None:
        self._journal = journal
        self._client = client
        self._on_change = on_change
        self._jitter = jitter
        self._uploading = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._awaited: dict[str, Decision | None] = {}
        self._watching = False
        self._compared = False
        self._cut = False
        self._from: int | None = None
        self._not_before = 0.0
        self._seconds_each = 0.0
        self._most = MAX_UPLOAD
        self._stopped: QueueError | None = None
        self._day_end = day_end
        self._in_contact = in_contact
        self._resting = False
        self._due: datetime | None = None
        self.state = SyncState()
        if day_end is not None:
            self._rest(day_end)

    async def submit(self, operation_id: str, wait_seconds: float) -> Decision | None:
        """Push everything up to an operation through and return what was decided of it.

        Return None when nobody knows within `wait_seconds`, and at once where the line is known to be down or more is
        unsent than can go in that time: `run` goes on with it, and asking again is safe. Raise QueueError where no
        other try can help.
        """
        if self._stopped is not None:
            raise self._stopped
        if not await self.is_there():
            self._wanted.set()
            return None
        self._awaited[operation_id] = None
        try:
            async with asyncio.timeout(wait_seconds):
                return await self._push(operation_id, asyncio.get_running_loop().time() + wait_seconds)
        except STOPPING:
            raise
        except TimeoutError as error:
            if self._cut:  # and not only behind the uploads of others
                self._failed(error)
        except (LedgerError, QueueError) as error:
            self._failed(error)
        finally:
            self._awaited.pop(operation_id, None)
        self._wanted.set()
        return None

    async def sync(self, on_upload: Callable[[], None] = lambda: None) -> int:
        """Upload all that is unsent and return how many operations were decided; raise LedgerError or QueueError.

        `on_upload` is told of each upload that went through.
        """
        decided = 0
        # Where it fails, the line is asked for again and again until all is sent.
        self._resting = False
        if not self._compared:
            await self._compare()
        while (decisions := await self._upload()) is not None:
            decided += len(decisions)
            on_upload()
        await self._in_contact()
        if self._day_end is not None:
            self._rest(self._day_end)
        return decided

    async def run(self) -> None:
        """Send what is unsent and watch the line, for as long as the program runs."""
        self._watching = True
        try:
            while True:
                await self._pause(await self._turn())
        finally:
            self._watching = False

    def wake(self) -> None:
        """Try now: something was written, or somebody asked."""
        self._wanted.set()

    async def is_there(self) -> bool:
        """Return whether the ledger can be asked now: at once, where the line is watched."""
        if self._resting:
            return False
        if self.state.line is Line.BUSY:
            return asyncio.get_running_loop().time() >= self._not_before
        if self.state.line is not Line.OFFLINE:
            return True
        return not self._watching and await self._client.probe()

    def may_decide_within(self, wait_seconds: float) -> bool:
        """Return whether what is unsent leaves room for another operation to be decided in so many seconds.

        Before the first upload nobody knows how long one takes: then nobody is made to wait for a second one.
        """
        unsent = self._journal.unsent_count()
        return self._seconds_each * unsent < wait_seconds and (self._seconds_each > 0 or unsent < MAX_UPLOAD)

    @property
    def resting(self) -> bool:
        """Whether the line is not asked for now."""
        return self._resting

    def heard(self, error: LedgerError | None) -> None:
        """Take what came of another question to the ledger: an answer, or why there was none."""
        if error is not None:
            self._failed(error)
            self._wanted.set()
        elif not self._resting and self.state.line in {Line.UNKNOWN, Line.OFFLINE, Line.BUSY}:
            self._become(SyncState(Line.ONLINE))
            self._wanted.set()

    async def look_again(self) -> None:
        """Compare journal and ledger anew, after something stopped the sending; raise QueueError if it still does."""
        if self._stopped is not None:
            self._stopped, self._compared = None, False
            self._become(SyncState())
            with suppress(LedgerError):
                await self._compare()
        self._wanted.set()

    # Watching ---------------------------------------------------------------------------------------------------

    async def _turn(self) -> float | None:
        """Do what is to be done now, and return the seconds until the next time; None until somebody asks."""
        if self._stopped is not None:
            return None
        if self._resting and (left := self._rest_left()) is not None:
            return left
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if self.state.line is Line.BUSY and begun < self._not_before:
            return self._not_before - begun
        try:
            if self.state.line in {Line.OFFLINE, Line.ONLINE} and not await self._client.probe():
                if self.state.line is Line.ONLINE:
                    self._failed(LedgerUnreachable("no answer to a probe"))
                return max(0.0, begun + PROBE_EVERY - loop.time())
            await self.sync()
            self._settle_down()
        except STOPPING:
            return None
        except (LedgerError, QueueError) as error:
            self._failed(error)
            # A disk that is full must not end what brings the line back.
            with suppress(QueueError):
                await asyncio.to_thread(self._journal.note_failure, reason(error))
            return self._delay(error)
        return PROBE_EVERY

    def _settle_down(self) -> None:
        if self.state.line not in {Line.ONLINE, Line.RESTING}:
            self._become(SyncState(Line.ONLINE))

    def _rest(self, day_end: DayEnd) -> None:
        self._resting, self._due = True, day_end.next_time()
        self._become(SyncState(Line.RESTING))

    def _rest_left(self) -> float | None:
        """Return for how many seconds to rest before looking again; None where it is time to send."""
        if self._day_end is None or self._due is None:
            return REST_AT_MOST
        left = (self._due - self._day_end.clock()).total_seconds()
        if left <= 0:
            self._resting = False
            return None
        return min(left, REST_AT_MOST)

    # Sending ----------------------------------------------------------------------------------------------------

    async def _push(self, operation_id: str, deadline: float) -> Decision | None:
        seq = int(operation_id.rpartition("-")[2])
        sent = True
        while sent and self._awaited.get(operation_id) is None:
            before = await asyncio.to_thread(self._journal.ledger_head)
            left = deadline - asyncio.get_running_loop().time()
            unmeasured = self._watching and not self._seconds_each
            if seq - before > self._most and (unmeasured or (seq - before) * self._seconds_each > left):
                break  # it cannot be decided in time: nobody is made to wait for that, or to find it out
            sent = await self._upload() is not None
        # Not only this upload may have brought it: `run` is as good, while it is awaited.
        if (decision := self._awaited.get(operation_id)) is not None:
            return decision
        # It was sent before: its verdict is in the journal already.
        found = await asyncio.to_thread(self._journal.find, operation_id)
        if found is None or found.verdict is None:
            self._wanted.set()
            return None
        return Decision(verdict=found.verdict)

    async def _compare(self) -> None:
        """See that the ledger's copy of this journal is this journal, and where it stands in it."""
        setup = await self._client.setup()
        try:
            await asyncio.to_thread(self._journal.confirm_head, setup.head_seq, setup.head_hash)
            known = await asyncio.to_thread(self._journal.ledger_head)
        except STOPPING as error:
            raise self._stop(error) from None
        if setup.head_seq < known:
            self._from = setup.head_seq
            self._become(SyncState(Line.BEHIND, error=LedgerBehind.code))
        self._compared = True

    async def _upload(self) -> list[Decision] | None:
        """Upload the oldest entries and return what was decided of them; None when nothing is unsent."""
        async with self._uploading:
            try:
                pending = await self._pending()
                if not pending.entries:
                    return None
                begun = asyncio.get_running_loop().time()
                self._cut = True
                result, upto = await self._send_or_compare(pending)
                self._cut = False
                self._most = min(MAX_UPLOAD, 2 * self._most)
                # Shielded: a resident who stopped waiting must not take back a verdict that has arrived.
                await asyncio.shield(self._settle(result, upto))
            except STOPPING as error:
                raise self._stop(error) from error
            except LedgerUnreachable:
                # Over a slow line, or on a slow machine, so many may never be answered for in time.
                self._most = max(1, self._most // 2)
                raise
            decided = max(1, len(result.decisions))
            self._seconds_each = (asyncio.get_running_loop().time() - begun) / decided
            self._awaited |= {
                decision.verdict.operation_id: decision
                for decision in result.decisions
                if decision.verdict.operation_id in self._awaited
            }
            behind = await asyncio.to_thread(self._journal.is_behind)
            self._become(SyncState(Line.BEHIND, error=LedgerBehind.code) if behind else SyncState(Line.ONLINE))
            return result.decisions

    async def _pending(self) -> Pending:
        """Return the oldest entries; where one was set aside, as many as the ledger then expects."""
        pending = await asyncio.to_thread(self._journal.pending, self._most, MAX_UPLOAD_BYTES, self._from)
        if pending.set_aside and self._most < MAX_UPLOAD:
            return await asyncio.to_thread(self._journal.pending, MAX_UPLOAD, MAX_UPLOAD_BYTES, self._from)
        return pending

    async def _settle(self, result: UploadResult, upto: int) -> None:
        awaited, after_loss = frozenset(self._awaited), self._from is not None
        await asyncio.to_thread(self._journal.settle, result, awaited, upto=upto, after_loss=after_loss)
        self._from = None

    async def _send_or_compare(self, pending: Pending) -> tuple[UploadResult, int]:
        """Upload entries; where the ledger says that its journal is another one, compare before that counts."""
        try:
            return await self._send(pending)
        except LedgerBehind as behind:
            head = getattr(behind.problem, "head_seq", None)
            if not isinstance(head, int):
                raise
        except _Contradicted:
            pass
        await self._compare()
        again = await self._pending()
        try:
            return await self._send(again if again.entries else pending)
        except _Contradicted as contradicted:
            raise JournalForked(str(contradicted)) from contradicted

    async def _send(self, pending: Pending) -> tuple[UploadResult, int]:
        """Upload entries, and return the answer and the number of the last one.

        The first half of them is tried, and so on, as long as the ledger cannot take so many. A single entry is always
        decided, whatever is in it: what is wrong with one holds up nothing but its own half. Where the ledger may have
        lost entries, what it signed for them goes with them.
        """
        entries: list[SignedEntry] = pending.entries
        set_aside: list[SetAside] = pending.set_aside
        while True:
            first, last = entries[0].entry.seq, entries[-1].entry.seq
            answers = await asyncio.to_thread(self._journal.statements, first, last)
            try:
                return await self._client.upload(entries, set_aside=set_aside, answers=answers), last
            except LedgerRefusal as refusal:
                if refusal.problem.code in CONTRADICTED:
                    raise _Contradicted(refusal.problem.code) from refusal
                if refusal.problem.code not in TOO_MUCH or len(entries) == 1:
                    raise
                entries = entries[: len(entries) // 2]
                set_aside = [each for each in set_aside if each.seq < entries[-1].entry.seq]
            except ValueError as error:
                raise JournalCorrupt(str(error)) from error

    # What is told -----------------------------------------------------------------------------------------------

    def _stop(self, error: QueueError) -> QueueError:
        """Stop the sending for a reason that no other try can mend; a ledger that changed its mind is such a one."""
        self._stopped = JournalForked(str(error)) if isinstance(error, VerdictConflict) else error
        self._become(SyncState(Line.STOPPED, error=self._stopped.code))
        return self._stopped

    def _delay(self, error: Exception) -> float:
        delay = backoff(self.state.failures, self._jitter())
        return max(delay, error.retry_after) if isinstance(error, LedgerBusy) else delay

    async def _pause(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        self._wanted.clear()

    def _failed(self, error: Exception) -> None:
        self._compared = False
        if isinstance(error, LedgerBusy):
            self._not_before = asyncio.get_running_loop().time() + error.retry_after
        self._become(SyncState(_line_of(error), self.state.failures + 1, reason(error)))

    def _become(self, state: SyncState) -> None:
        self.state = state
        self._on_change(state)


class _Contradicted(Exception):  # noqa: N818  # says what is the case
    """The ledger says that it has another journal; nobody compared yet."""


def _line_of(error: Exception) -> Line:
    match error:
        case LedgerBehind():
            return Line.BEHIND
        case LedgerBusy():
            return Line.BUSY
        case QueueError() | LedgerRefusal():
            return Line.HELD
        case _:
            return Line.OFFLINE


def reason(error: Exception) -> str:
    """Return the stable code of what kept an entry from its verdict."""
    match error:
        case QueueError() | LedgerError():
            return error.code
        case _:
            return "line_down"


def backoff(failures: int, jitter: float) -> float:
    """Return the seconds to wait after so many failures in a row: doubling, with full jitter in [0, 1)."""
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 16)) * jitter
