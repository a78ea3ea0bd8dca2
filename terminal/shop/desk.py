"""Carries out the counter's effects over card, ledger and journal, and returns what came of each as an event."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import assert_never

from ledger.wire.answers import Decision, Inquiry
from ledger.wire.client import LedgerBusy, LedgerRefusal, LedgerUnreachable
from ledger.wire.consent import consent_digest
from ledger.wire.operations import Award, CardSigned, Sale, Void
from ledger.wire.sealing import Purpose, seal
from ledger.wire.tokens import CardReference, Registration
from offline_queue.errors import JournalForked, QueueError
from offline_queue.journal import Recorded
from offline_queue.sync import Line
from reader.errors import ReaderError
from reader.jpki import wipe
from reader.tap import JpkiCard, Tap, Token
from terminal.counter.effects import AskAgain, AskTries, Authorise, Commit, Effect, ListVoidable, ReadCard, Reopen, Wipe
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
    VoidableListed,
)
from terminal.counter.facts import Draft, Fault, Intent, LinkIntent, Receipt, Resident, Voidable
from terminal.fault import fault_of
from terminal.shop.books import undoable
from terminal.shop.opening import Station

_log = logging.getLogger(__name__)


class Desk:
    """Carries out effects over one station; `note_line` is told whenever the ledger answered, or did not."""

    def __init__(self, station: Station, note_line: Callable[[bool], None]) -> None:
        self._station = station
        self._note_line = note_line
        self._spent = 0.0

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
                return await self._ask(task, receipt)
            case ListVoidable(task, target, short_hash):
                return VoidableListed(task, await asyncio.to_thread(self._undoable, target, short_hash))
            case Wipe(pin):
                wipe(pin)
                return None
            case Reopen():
                return await self._trouble() or Opened(self._station.terms())
            case _:
                assert_never(effect)

    # Card and ledger --------------------------------------------------------------------------------------------

    async def _read(self, task: int, intent: Intent) -> Event:
        station = self._station
        self._spent = 0.0
        if trouble := await self._trouble():
            return trouble
        try:
            with self._timed():
                if isinstance(intent, LinkIntent):
                    whole = await asyncio.to_thread(station.cards.read_whole, task)
                    der = base64.b64encode(whole.certificate.der).decode()
                    asked = Registration(certificate=der, services=list(intent.services))
                    return await self._inquire(task, whole.tap, asked)
                return await self._inquire(task, await asyncio.to_thread(station.cards.read, task))
        except (ReaderError, LedgerRefusal) as error:
            return CardFailed(task, fault_of(error))

    async def _trouble(self) -> Trouble | None:
        """Return why nothing could be recorded now, before a resident is told anything."""
        if self._station.syncer.state.line is Line.FORKED:
            return Trouble(Fault(JournalForked.code))
        try:
            with self._timed():
                await asyncio.to_thread(self._station.journal.check_room)
        except QueueError as error:
            return Trouble(fault_of(error))
        return None

    async def _inquire(self, task: int, tap: Tap, whole: Registration | None = None) -> CardRead:
        setup = self._station.setup
        card = _reference(tap.token)
        resident = Resident(seal(card, Purpose.OPERATION, setup.terminal_id, setup.sealing_key))
        registration = None
        if whole is not None:
            registration = seal(whole, Purpose.REGISTRATION, setup.terminal_id, setup.sealing_key)
        asked = Inquiry(resident=seal(card, Purpose.INQUIRY, setup.terminal_id, setup.sealing_key))
        try:
            told = await self._station.client.inquire(asked)
        except (LedgerUnreachable, LedgerBusy):
            self._note_line(False)
            return CardRead(task, resident, registration)
        self._note_line(True)
        known = replace(
            resident,
            standing=told.standing,
            balances=tuple(told.balances),
            services=tuple(told.services),
            nonce=told.nonce,
        )
        return CardRead(task, known, registration)

    async def _tries(self, task: int) -> Event:
        try:
            return TriesLeft(task, await asyncio.to_thread(self._station.cards.tries_left, task))
        except ReaderError as error:
            return CardFailed(task, fault_of(error))

    async def _authorise(self, effect: Authorise) -> Event:
        """Fix id and time, and have the card sign the operation with them."""
        station, content = self._station, effect.draft.content
        if isinstance(content, Void) or not isinstance(content.assurance, CardSigned):
            wipe(effect.pin)
            raise TypeError("nothing to be signed")
        operation, at, nonce = station.journal.next_operation_id(), station.clock().isoformat(), content.assurance.nonce
        digest = consent_digest(operation, at, nonce, content.as_json())
        try:
            with self._timed():
                signature = await asyncio.to_thread(
                    station.cards.sign, effect.task, effect.pin, digest, last_try=effect.last_try
                )
        except ReaderError as error:
            return CardFailed(effect.task, fault_of(error))
        finally:
            wipe(effect.pin)
        signed = CardSigned(method="pin", nonce=nonce, signature=base64.b64encode(signature).decode())
        content = content.model_copy(update={"assurance": signed})
        return Authorised(effect.task, replace(effect.draft, content=content, operation_id=operation, at=at))

    # Journal and ledger -----------------------------------------------------------------------------------------

    async def _commit(self, task: int, draft: Draft) -> Event:
        """Write the operation; only then send it."""
        station = self._station
        at = datetime.fromisoformat(draft.at) if draft.at is not None else station.clock()
        try:
            with self._timed():
                recorded = await asyncio.to_thread(
                    station.journal.append,
                    draft.content,
                    at=at,
                    operator=station.settings.counter.clerk,
                    business_date=station.business_date(at),
                    expected_id=draft.operation_id,
                )
        except QueueError as error:
            return NotRecorded(task, fault_of(error))
        return await self._ask(task, _receipt(draft, recorded))

    async def _ask(self, task: int, receipt: Receipt) -> Event:
        """Ask for the verdict on what is written; whatever goes wrong now, the operation stands in the journal."""
        station = self._station
        try:
            with self._timed():
                decision = await station.syncer.submit(receipt.operation_id, station.settings.ledger.wait_seconds)
        except JournalForked:
            decision = None
        except Exception:  # noqa: BLE001  # a sale never hangs on a defect: its outcome is simply not known yet
            _log.exception("no verdict on %s", receipt.operation_id)
            decision = None
        self._note_line(decision is not None)
        if decision is None:
            return Unanswered(task, receipt)
        return Decided(task, self._decided(receipt, decision))

    def _decided(self, receipt: Receipt, decision: Decision) -> Receipt:
        return replace(
            receipt,
            verdict=decision.verdict,
            balances=tuple(decision.balances or ()),
            elapsed_ms=round(self._spent * 1000),
        )

    def _undoable(self, target: str | None, short_hash: str) -> tuple[Voidable, ...]:
        return self._voidable() if target is None else self._named(target, short_hash)

    def _voidable(self) -> tuple[Voidable, ...]:
        return tuple(
            Voidable(record.operation_id, record.entry.at, content)
            for record in undoable(self._station)
            if isinstance(content := record.entry.content, Sale | Award)
        )

    def _named(self, target: str, short_hash: str) -> tuple[Voidable, ...]:
        """Return one operation of this journal, whatever became of it: the ledger says why it cannot be undone."""
        record = self._station.journal.find(target)
        if record is not None and not record.hash.startswith(short_hash):
            return ()
        content = record.entry.content if record else None
        return (Voidable(target, record.entry.at, content),) if record and isinstance(content, Sale | Award) else ()

    @contextmanager
    def _timed(self) -> Generator[None]:
        """Count what the machine takes, and not what people do."""
        started = perf_counter()
        try:
            yield
        finally:
            self._spent += perf_counter() - started


def _reference(token: Token) -> CardReference:
    """Return what names a token to the ledger."""
    match token:
        case JpkiCard():
            return CardReference(issuer_sha256=token.issuer_sha256, serial=token.serial_hex)
        case _:
            assert_never(token)


def _receipt(draft: Draft, recorded: Recorded) -> Receipt:
    return Receipt(recorded.operation_id, recorded.short_hash, recorded.entry.at, draft.content, draft.undoes)
