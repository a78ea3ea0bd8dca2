"""Carries out the counter's effects over card, ledger and journal, and returns what came of each as an event."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import assert_never

from config.faults import fault_of
from ledger.wire.answers import Decision, Inquiry, InquiryResult, ProgrammeBalance, Status
from ledger.wire.barring import award_barred
from ledger.wire.client import LedgerBusy, LedgerError, LedgerRefusal, LedgerUnreachable, NonceExpired
from ledger.wire.operations import Award, CardSigned, Release, Reserve, Return, Sale, Void
from ledger.wire.reasons import Reason
from ledger.wire.tokens import Registration
from offline_queue.counters import CounterRow
from offline_queue.errors import OperationIdTaken, QueueError
from offline_queue.journal import Recorded
from offline_queue.sync import Line
from reader.errors import CardChanged, ReaderError
from reader.jpki import wipe
from terminal.counter.effects import AskAgain, AskTries, Authorise, Commit, Effect, ListUndoable, ReadCard, Reopen, Wipe
from terminal.counter.events import (
    Authorised,
    CardFailed,
    CardRead,
    Decided,
    Event,
    NotRecorded,
    Opened,
    TriesLeft,
    Trouble,
    Unanswered,
    UndoableListed,
)
from terminal.counter.facts import (
    CounterOperation,
    Draft,
    Fault,
    Intent,
    LinkIntent,
    Receipt,
    Resident,
    Terms,
    is_decided_here,
)
from terminal.counter.pricing import reservable
from terminal.shop.books import CanBeUndone
from terminal.shop.offline import Bar, rooms
from terminal.shop.opening import Station
from terminal.shop.pocket import OfflineDecision
from terminal.shop.presence import Presence
from terminal.shop.sisters import ask_sister, is_sisters

REFRESH_EVERY = 200.0
"""Seconds after which a nonce is fetched ahead: one is good for five minutes."""

_TRIES = 5

_log = logging.getLogger(__name__)


class Desk:
    """Carries out effects over one station; `note_line` is told whenever the ledger answered, or did not."""

    def __init__(self, station: Station, note_line: Callable[[bool], None]) -> None:
        self._station = station
        self._note_line = note_line
        self._spent = 0.0
        self._present: Presence | None = None
        self._nonce = ""
        self._fetched = -REFRESH_EVERY
        self._decision: OfflineDecision | None = None

    async def carry_out(self, effect: Effect) -> Event | None:
        """Return the event that answers an effect, None where there is nothing to say."""
        match effect:
            case ReadCard(task, intent):
                return await self._read(task, intent)
            case AskTries(task):
                return await self._tries(task)
            case Authorise():
                return await self._authorise(effect)
            case Commit(task, draft):
                return await self._commit(task, draft)
            case AskAgain(task, receipt):
                return await self._ask_again(task, receipt)
            case ListUndoable(task, target, short_hash, number):
                if target is not None and is_sisters(self._station, target):
                    return await ask_sister(self._station, task, target, short_hash)
                return UndoableListed(task, await CanBeUndone(target, short_hash, number)(self._station))
            case Wipe(pin):
                wipe(pin)
                return None
            case Reopen():
                await self._look_again()
                return await self._trouble() or Opened(self._station.terms())
            case _:
                assert_never(effect)

    # Card and ledger --------------------------------------------------------------------------------------------

    async def _read(self, task: int, intent: Intent) -> Event:
        self._spent = 0.0
        self.forget()
        if trouble := await self._trouble():
            return trouble
        try:
            with self._timed():
                self._present = await asyncio.to_thread(self._tap, task, intent)
                return await self._inquire(self._present)
        except (ReaderError, LedgerRefusal) as error:
            self.forget()
            return CardFailed(task, fault_of(error))

    def _tap(self, task: int, intent: Intent) -> Presence:
        """Read the card as far as an intent needs it; blocks."""
        cards, nonce = self._station.cards, self._nonce or self._station.setup.nonce
        if not isinstance(intent, LinkIntent):
            pocket = self._station.pocket
            return Presence(task, cards.read(task, with_key=pocket is not None and pocket.pack is not None), nonce)
        whole = cards.read_whole(task)
        # The ledger may know of the authority no more than its fingerprint.
        der, authority = (
            base64.b64encode(each).decode() for each in (whole.certificate.der, cards.authority_of(whole))
        )
        asked = Registration(certificate=der, services=list(intent.services), authority=authority)
        return Presence(task, whole.tap, nonce, asked)

    def forget(self) -> None:
        """Overwrite what the last tap read: its task is over."""
        if self._present is not None:
            self._present.wipe()
            self._present = None
        self._decision = None

    async def keep_nonce_fresh(self) -> None:
        """Fetch a nonce ahead, now and again, so that no tap waits for one; without an answer the old one stays."""
        while True:
            await asyncio.sleep(REFRESH_EVERY)
            if perf_counter() - self._fetched < REFRESH_EVERY or self._station.syncer.resting:
                continue
            with suppress(LedgerError):
                self._keep_nonce(await self._station.client.inquire(Inquiry()))

    def _keep_nonce(self, told: InquiryResult) -> None:
        self._nonce, self._fetched = told.nonce, perf_counter()

    async def _look_again(self) -> None:
        """Set aside what is damaged, now that somebody has read so, and compare journal and ledger anew."""
        station, at = self._station, self._station.clock()
        # What still is wrong afterwards is told as trouble.
        with suppress(QueueError):
            await asyncio.to_thread(
                station.journal.set_damaged_aside,
                at=at,
                operator=station.clerk,
                business_date=station.business_date(at),
            )
        with suppress(QueueError):
            await station.syncer.look_again()

    async def _trouble(self) -> Trouble | None:
        """Return why nothing could be recorded now, before a resident is told anything."""
        state = self._station.syncer.state
        if state.line is Line.STOPPED and state.error is not None:
            return Trouble(Fault(state.error))
        try:
            with self._timed():
                await asyncio.to_thread(self._station.journal.check_room)
        except QueueError as error:
            return Trouble(fault_of(error))
        return None

    async def _inquire(self, present: Presence) -> CardRead:
        syncer = self._station.syncer
        # Nobody waits for a line that is known to be down, or is shown points that could not be used in time.
        if not (await syncer.is_there() and syncer.may_decide_within(self._station.settings.ledger.wait_seconds)):
            return self._unanswered(present)
        try:
            told = await self._ask_who(present)
        except (LedgerUnreachable, LedgerBusy, LedgerRefusal) as error:
            if isinstance(error, LedgerRefusal) and not error.is_clock:
                raise
            # What needs no ledger goes on: points are awarded and goods are sold while the clock is wrong.
            self._note_line(False)
            syncer.heard(error)
            return self._unanswered(present)
        self._note_line(True)
        syncer.heard(None)
        self._keep_nonce(told)
        present.nonce = told.nonce
        known = Resident(told.standing, tuple(told.balances), tuple(told.services))
        return CardRead(present.task, known, whole=present.is_whole)

    def _unanswered(self, present: Presence) -> CardRead:
        # The nonce that was fetched ahead may have served an operation already, and serves no second one.
        present.nonce = ""
        return CardRead(present.task, self._without_line(present), whole=present.is_whole)

    def _without_line(self, present: Presence) -> Resident:
        """Return what may be redeemed here all the same, or why not."""
        pocket, terms = self._station.pocket, self._station.terms()
        if pocket is None:
            return Resident()
        now = self._station.clock()
        left = rooms(pocket.case(present, terms, now, self._station.business_date(now).isoformat()))
        if isinstance(left, Bar):
            return Resident() if left is Bar.NOT_ALLOWED else Resident(barred=Fault(left))
        return Resident(
            balances=tuple(
                ProgrammeBalance(programme=code, points=room.points, redeemable=room.points)
                for code, room in left.items()
            )
        )

    async def _ask_who(self, present: Presence) -> InquiryResult:
        """Ask the ledger; where the nonce had ended, once more with the fresh one that the answer brings."""
        client, setup = self._station.client, self._station.setup
        try:
            return await client.inquire(present.inquiry(setup))
        except NonceExpired as expired:
            present.nonce = expired.nonce
            return await client.inquire(present.inquiry(setup))

    async def _tries(self, task: int) -> Event:
        try:
            return TriesLeft(task, await asyncio.to_thread(self._station.cards.tries_left, task))
        except ReaderError as error:
            return CardFailed(task, fault_of(error))

    async def _authorise(self, effect: Authorise) -> Event:
        """Fix id and time, and have the card sign the operation with them."""
        station, content, present = self._station, effect.draft.content, self._present_for(effect.task)
        if isinstance(content, Void | Return) or not isinstance(content.assurance, CardSigned):
            wipe(effect.pin)
            raise TypeError("nothing to be signed")
        if present is None:
            wipe(effect.pin)
            return CardFailed(effect.task, Fault(CardChanged.code))
        operation, now = station.journal.next_operation_id(), station.clock()
        day = station.business_date(now).isoformat()
        decision = None
        if isinstance(content, Sale) and content.offline is not None:
            found = await asyncio.to_thread(self._decide, present, content, operation, now, day)
            if isinstance(found, Bar):
                wipe(effect.pin)
                return CardFailed(effect.task, Fault(found))
            decision, content = found, found.content
        digest = present.digest(operation, now.isoformat(), day, content)
        try:
            with self._timed():
                signature = await asyncio.to_thread(
                    station.cards.sign, effect.task, effect.pin, digest, last_try=effect.last_try
                )
        except ReaderError as error:
            return CardFailed(effect.task, fault_of(error))
        finally:
            wipe(effect.pin)
        signed = base64.b64encode(signature).decode()
        if decision is not None and not decision.is_signed(digest, signed):
            return CardFailed(effect.task, Fault(Bar.UNSIGNED))
        present.keep_signature(operation, signed)
        self._decision = decision
        draft = replace(effect.draft, content=content, operation_id=operation, at=now.isoformat())
        return Authorised(effect.task, draft)

    def _decide(
        self, present: Presence, content: Sale, operation: str, now: datetime, day: str
    ) -> OfflineDecision | Bar:
        """Decide a sale here, as far as that can be done before its card has signed it; blocks."""
        pocket = self._station.pocket
        if pocket is None:
            return Bar.NO_PACK
        return pocket.decide(present, self._station.terms(), content, operation, now, day)

    def _present_for(self, task: int) -> Presence | None:
        """Return the card that a task was begun with, None where it was put out of mind since."""
        return self._present if self._present is not None and self._present.task == task else None

    # Journal and ledger -----------------------------------------------------------------------------------------

    async def _commit(self, task: int, draft: Draft) -> Event:
        """Write the operation, unless the rules exclude it; only then send it."""
        if (barred := _barred(draft.content, self._station.terms())) is not None:
            return NotRecorded(task, Fault(barred))
        try:
            with self._timed():
                recorded = await asyncio.to_thread(self.record, task, draft)
        except CardChanged as changed:
            return NotRecorded(task, fault_of(changed))
        except QueueError as error:
            return NotRecorded(task, fault_of(error))
        if self._present_for(task) is not None:
            self.forget()
        return await self._ask(task, _receipt(draft, recorded))

    def record(self, task: int, draft: Draft) -> Recorded:
        """Write an operation, who it is about sealed for the very entry that it becomes; blocks.

        Where another entry took the number meanwhile, it is sealed anew, unless the card signed it with that number.
        """
        for _ in range(_TRIES):
            operation = draft.operation_id or self._station.journal.next_operation_id()
            try:
                return self._append(draft, self._sealed(task, draft.content, operation), operation)
            except OperationIdTaken:
                if draft.operation_id is not None:
                    raise
        raise OperationIdTaken("others write faster than this operation can be sealed")

    def _append(self, draft: Draft, content: CounterOperation, operation: str) -> Recorded:
        station = self._station
        at = datetime.fromisoformat(draft.at) if draft.at is not None else station.clock()
        return station.journal.append(
            content,
            at=at,
            operator=station.clerk,
            business_date=station.business_date(at),
            expected_id=operation,
            reference=station.reference,
            counters=self._counters(content),
        )

    def _counters(self, content: CounterOperation) -> tuple[CounterRow, ...]:
        """Return the counters that are written with an operation: of one that was decided here, and is signed."""
        if not is_decided_here(content):
            return ()
        decision = self._decision
        if decision is None or not isinstance(content, Sale) or decision.content.offline != content.offline:
            raise CardChanged
        return decision.counters

    def _sealed(self, task: int, content: CounterOperation, operation: str) -> CounterOperation:
        if isinstance(content, Void | Return):
            return content
        present = self._present_for(task)
        if present is None:
            raise CardChanged
        if not is_decided_here(content):
            present.leave_pack()
        return present.put_into(self._station.setup, content, operation)

    async def _ask_again(self, task: int, receipt: Receipt) -> Event:
        """Ask for a verdict that did not come in time: who is told it now is still there, and pays what is due."""
        event = await self._ask(task, receipt)
        if isinstance(event, Decided):
            with suppress(QueueError):
                await asyncio.to_thread(self._station.journal.tell, receipt.operation_id)
        return event

    async def _ask(self, task: int, receipt: Receipt) -> Event:
        """Ask for the verdict on what is written; whatever goes wrong now, the operation stands in the journal."""
        station = self._station
        try:
            with self._timed():
                decision = await station.syncer.submit(receipt.operation_id, station.settings.ledger.wait_seconds)
        except QueueError:
            decision = None
        except Exception:  # noqa: BLE001  # a sale never hangs on a defect: its outcome is simply not known yet
            _log.exception("no verdict on %s", receipt.operation_id)
            decision = None
        if decision is None:
            return Unanswered(task, receipt)
        if isinstance(receipt.content, Reserve | Release):
            # Only with the pack that knows of it can it be used when the line is gone a moment later.
            await station.in_contact(renew=False)
        return Decided(task, self._decided(receipt, decision))

    def _decided(self, receipt: Receipt, decision: Decision) -> Receipt:
        return replace(
            receipt,
            verdict=decision.verdict,
            balances=tuple(decision.balances or ()),
            reservable=self._reservable(receipt, decision),
            elapsed_ms=round(self._spent * 1000),
        )

    def _reservable(self, receipt: Receipt, decision: Decision) -> int:
        """Return how many points whoever has just bought something could set aside for this shop."""
        if not isinstance(receipt.content, Sale) or decision.verdict.status is Status.REFUSED:
            return 0
        return reservable(decision.balances or (), self._station.terms())

    @contextmanager
    def _timed(self) -> Generator[None]:
        """Count what the machine takes, and not what people do."""
        started = perf_counter()
        try:
            yield
        finally:
            self._spent += perf_counter() - started


def _barred(content: CounterOperation, terms: Terms) -> str | None:
    """Return why the ledger would refuse an award, as far as the rules say so: then it is not written at all."""
    if not isinstance(content, Award):
        return None
    pin = isinstance(content.assurance, CardSigned)
    for leg in content.award:
        programme = terms.programmes.get(leg.programme)
        if programme is None:
            return Reason.PROGRAMME_UNKNOWN
        if (barred := award_barred(programme, content.reason, leg.points, terms.shop_code, pin=pin)) is not None:
            return barred
    return None


def _receipt(draft: Draft, recorded: Recorded) -> Receipt:
    return Receipt(recorded.operation_id, recorded.short_hash, recorded.entry.at, draft.content, draft.undoes)
