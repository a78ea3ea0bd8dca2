"""The engine behind the screens: a thread with a loop of its own, on which effects are carried out."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, assert_never

from config import settings as settings_file
from config.faults import KNOWN, fault_of
from config.home import Home
from ledger.wire.client import LedgerBusy, LedgerRefusal, LedgerUnreachable
from offline_queue.errors import JournalForked, QueueError
from offline_queue.sync import Line, SyncState
from reader.jpki import wipe
from reader.pcsc import PcscSource
from reader.practice import PracticeSource
from reader.source import (
    CardGone,
    CardPresent,
    CardSource,
    OtherCard,
    ReaderEvent,
    ReaderGone,
    ReaderReady,
    ServiceDown,
)
from terminal.counter.effects import AskAgain, AskTries, Authorise, Commit, Effect, ListUndoable, ReadCard, Reopen, Wipe
from terminal.counter.events import (
    CardArrived,
    CardFailed,
    CardLeft,
    Event,
    NotRecorded,
    Opened,
    OtherCardArrived,
    Trouble,
    Unanswered,
)
from terminal.counter.facts import Fault
from terminal.shop.closing import keep_closing
from terminal.shop.desk import Desk
from terminal.shop.engine import EngineReport, ReaderState, Surroundings, Unanswerable
from terminal.shop.opening import Opener, Station
from terminal.shop.practice import PracticeReader, enrol_for_practice

RENEW_EVERY = 3600.0
"""Seconds after which the ledger is asked again what holds here: rules, and with them the day's terms."""

NOT_OPEN = Fault("terminal_not_open")
"""Why nothing can be answered before the terminal is open, or once it is closed."""

A = TypeVar("A")

_log = logging.getLogger(__name__)

Opening = Callable[[Callable[[SyncState], None]], AbstractAsyncContextManager[Station]]
"""Opens a station, which tells how its line is, and closes it."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question of a screen, and where its answer goes."""

    question: Callable[[Station], Awaitable[Any]]
    answer: Future[Any]

    async def put(self, station: Station) -> None:
        """Answer it over the open terminal."""
        try:
            found = await self.question(station)
        except KNOWN as error:
            self.decline(fault_of(error))
        except asyncio.CancelledError:
            self.decline(NOT_OPEN)
            raise
        except Exception:  # noqa: BLE001  # the outermost edge: the screen must hear that nothing came of it
            _log.exception("a screen's question failed")
            self.decline(Fault("unexpected"))
        else:
            self.answer.set_result(found)

    def decline(self, fault: Fault) -> None:
        """Say why there is no answer."""
        self.answer.set_exception(Unanswerable(fault))


class BackgroundEngine:
    """Carries the counter's effects out on a thread of its own; see `terminal.shop.engine.Engine`.

    `hold` lays one of `practice_cards` on the reader, or takes it away.
    """

    def __init__(
        self,
        opening: Opening,
        source: CardSource,
        surroundings: Surroundings,
        hold: Callable[[str | None], None] = lambda _card: None,
        practice_cards: tuple[str, ...] = (),
        *,
        all_day: bool = False,
    ) -> None:
        self.hold = hold
        self.practice_cards = practice_cards
        self._opening = opening
        self._all_day = all_day
        self._source = source
        self._surroundings = surroundings
        self._wanted: asyncio.Queue[Effect | _Asked | None] = asyncio.Queue()
        self._unanswered: Unanswered | None = None
        self._station: Station | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._report: Callable[[EngineReport], None] = lambda _report: None

    def start(self, report: Callable[[EngineReport], None]) -> None:
        """Open everything in the background, and report."""
        self._report = report
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def carry_out(self, effect: Effect) -> None:
        """Begin one effect; its answer is reported."""
        self._loop.call_soon_threadsafe(self._wanted.put_nowait, effect)

    def ask(self, question: Callable[[Station], Awaitable[A]]) -> Future[A]:
        """Return the answer to come of the open terminal; see `terminal.shop.engine.Engine`."""
        asked = _Asked(question, Future())
        # Nobody can cancel what has begun: the day is closed, or it is not.
        asked.answer.set_running_or_notify_cancel()
        try:
            self._loop.call_soon_threadsafe(self._wanted.put_nowait, asked)
        except RuntimeError:  # the loop is closed
            asked.decline(NOT_OPEN)
        return asked.answer

    def stop(self) -> None:
        """Finish what is under way, and close everything."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._wanted.put_nowait, None)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())
            self._decline_all()

    async def _serve(self) -> None:
        self._report(self._surroundings)
        while True:
            try:
                async with self._opening(self._on_line) as station:
                    await self._work(station)
                    return
            except KNOWN as error:
                self._report(Trouble(fault_of(error)))
            except Exception:  # noqa: BLE001  # the outermost edge: whoever waits must hear of it
                _log.exception("the terminal could not be opened, or broke down")
                self._report(Trouble(Fault("unexpected")))
            if not await self._asked_to_reopen():
                return

    def _decline_all(self) -> None:
        while not self._wanted.empty():
            if isinstance(asked := self._wanted.get_nowait(), _Asked):
                asked.decline(NOT_OPEN)

    async def _asked_to_reopen(self) -> bool:
        while (wanted := await self._wanted.get()) is not None:
            match wanted:
                case Reopen():
                    return True
                case Wipe(pin):
                    wipe(pin)
                case _Asked():
                    wanted.decline(NOT_OPEN)
                case _:  # an effect of a counter that was open, and has ended since
                    pass
        return False

    async def _work(self, station: Station) -> None:
        """Carry out what is wanted until there is no more; what is under way then is finished."""
        self._station = station
        desk = Desk(station, self._on_answer)
        self._count_unsent(station)
        self._source.start(self._hear_reader)
        # What is loaded by now stays: the collector need not walk it again and again while a resident waits.
        gc.freeze()
        try:
            async with asyncio.TaskGroup() as tasks:
                lasting = [
                    tasks.create_task(self._keep_sending(station)),
                    tasks.create_task(self._keep_current(station)),
                    tasks.create_task(desk.keep_nonce_fresh()),
                ]
                if self._all_day:
                    lasting.append(tasks.create_task(self._keep_closing(station)))
                self._report(Opened(station.terms()))
                while (wanted := await self._wanted.get()) is not None:
                    if isinstance(wanted, _Asked):
                        tasks.create_task(self._answer(station, wanted))
                    else:
                        tasks.create_task(self._carry_out(desk, station, wanted))
                for task in lasting:
                    task.cancel()
        finally:
            desk.forget()
            self._station = None
            self._source.stop()

    async def _carry_out(self, desk: Desk, station: Station, effect: Effect) -> None:
        try:
            event = await desk.carry_out(effect)
        except Exception as error:  # noqa: BLE001  # the outermost edge: the counter must hear that nothing came of it
            if not isinstance(error, KNOWN):
                _log.exception("%s failed", type(effect).__name__)
            event = _failed(effect, fault_of(error))
        self._unanswered = event if isinstance(event, Unanswered) else None
        self._count_unsent(station)
        if event is not None:
            self._report(event)

    async def _answer(self, station: Station, asked: _Asked) -> None:
        await asked.put(station)
        self._tell(clerk=station.clerk)
        self._count_unsent(station)

    async def _keep_sending(self, station: Station) -> None:
        try:
            await station.syncer.run()
        except QueueError as error:
            self._report(Trouble(fault_of(error)))

    async def _keep_closing(self, station: Station) -> None:
        try:
            await keep_closing(station)
        except QueueError as error:
            self._report(Trouble(fault_of(error)))

    async def _keep_current(self, station: Station) -> None:
        """Ask the ledger now and again what holds here; without an answer, what it said last goes on."""
        while True:
            if station.syncer.resting:  # what holds is fetched when all is sent
                await asyncio.sleep(RENEW_EVERY)
                continue
            try:
                station.renew(await station.client.setup())
            except (LedgerUnreachable, LedgerBusy):
                self._on_answer(False)
            except LedgerRefusal as refusal:
                _log.warning("the ledger gave no setup: %s", refusal.problem.code)
                if refusal.is_clock:
                    station.syncer.heard(refusal)
            else:
                self._on_answer(True)
            self._report(Opened(station.terms()))
            await asyncio.sleep(RENEW_EVERY)

    # What is told -----------------------------------------------------------------------------------------------

    def _hear_reader(self, event: ReaderEvent) -> None:
        """Take an event from the reader's own thread."""
        self._loop.call_soon_threadsafe(self._on_reader, event)

    def _on_reader(self, event: ReaderEvent) -> None:
        match event:
            case ReaderReady():
                self._tell(reader=ReaderState.READY, practice_cards=self.practice_cards)
            case ReaderGone():
                self._without_reader(ReaderState.NO_READER)
            case ServiceDown():
                self._without_reader(ReaderState.SERVICE_DOWN)
            case CardPresent():
                self._report(CardArrived())
            case OtherCard():
                self._report(OtherCardArrived())
            case CardGone():
                self._report(CardLeft())
            case _:
                assert_never(event)

    def _without_reader(self, state: ReaderState) -> None:
        """Lend practice cards in practice mode; elsewhere, what lay on the reader is gone with it."""
        if self.practice_cards:
            self._tell(reader=ReaderState.PRACTICE, practice_cards=self.practice_cards)
        else:
            self._tell(reader=state)
            self._report(CardLeft())

    def _on_line(self, state: SyncState) -> None:
        match state.line:
            case Line.ONLINE:
                self._on_answer(True)
            case Line.OFFLINE | Line.BUSY | Line.BEHIND | Line.HELD:
                self._on_answer(False, state.error)
            case Line.RESTING:
                self._on_answer(False, "line_resting")
            case Line.STOPPED:
                self._report(Trouble(Fault(state.error or JournalForked.code)))
            case Line.UNKNOWN:
                pass
            case _:
                assert_never(state.line)

    def _on_answer(self, online: bool, trouble: str | None = None) -> None:
        """Tell how the line is; when it is back, ask at once for what somebody still waits for."""
        self._tell(online=online, trouble=trouble)
        if self._station is not None:
            self._count_unsent(self._station)
        if online and self._unanswered is not None:
            asked, self._unanswered = self._unanswered, None
            self._wanted.put_nowait(AskAgain(asked.task, asked.receipt))

    def _count_unsent(self, station: Station) -> None:
        pocket = station.pocket
        age = None if pocket is None else pocket.age(station.clock())
        hours = None if age is None else max(0, int(age.total_seconds() // 3600))
        self._tell(unsent=station.journal.unsent_count(), pack_hours=hours)

    def _tell(self, **changes: Any) -> None:
        after = replace(self._surroundings, **changes)
        if after != self._surroundings:
            self._surroundings = after
            self._report(after)


def _failed(effect: Effect, fault: Fault) -> Event | None:
    """Return what the counter is told of an effect that broke: whoever waits for its answer must not wait for ever."""
    match effect:
        case ReadCard(task) | AskTries(task) | Authorise(task):
            return CardFailed(task, fault)
        case Commit(task):
            return NotRecorded(task, fault)
        case AskAgain(task, receipt):
            return Unanswered(task, receipt)
        case ListUndoable() | Reopen():
            return Trouble(fault)
        case Wipe():
            return None
        case _:
            assert_never(effect)


def make_engine(
    home: Home,
    ledger: str | None = None,
    *,
    card: str | None = None,
    all_day: bool = False,
    reference: str | None = None,
    clerk: str | None = None,
) -> BackgroundEngine:
    """Return the engine of a home; raise SettingsError.

    Where nothing is enrolled, it practises. `card` names a practice card that will be held: then no other reader is
    looked for. `all_day` is a counter that stays open, and not one operation; that may have a caller's own `reference`.
    `clerk` is who is there already; without one, whom the settings name.
    """
    settings = settings_file.load_settings(home.settings)
    clerk, printer = clerk or settings.counter.clerk, settings.printer.kind != "none"
    if home.enrolment.exists():
        source = PcscSource(settings.reader.name)
        return BackgroundEngine(
            Opener(home, settings, source, ledger=ledger, all_day=all_day, reference=reference, clerk=clerk),
            source,
            Surroundings(clerk, plain_http=settings.ledger.plain_http, printer=printer),
            all_day=all_day,
        )
    reader = PracticeReader(PracticeSource(), None if card else PcscSource(settings.reader.name))
    return BackgroundEngine(
        Opener(home.practice, settings, reader, enrol_for_practice, all_day=all_day, reference=reference, clerk=clerk),
        reader,
        Surroundings(clerk, practice=True, printer=printer),
        reader.hold,
        reader.names,
        all_day=all_day,
    )
