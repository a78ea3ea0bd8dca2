"""Every state of the counter as a customer of a sample shop would see it, and an engine that does what it is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any, TypeVar

from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from config.settings import ScreenSettings
from ledger.wire.answers import Cut, ProgrammeBalance, Standing, Status
from ledger.wire.operations import Award, Convert, Leg, Sale, TapOnly
from ledger.wire.rules import AwardReason, Name, Rate, in_force
from ledger.wire.tokens import ServiceId
from terminal.counter import Counter, pricing
from terminal.counter.effects import Effect
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    ConvertIntent,
    Draft,
    Exchange,
    Fault,
    LinkIntent,
    Receipt,
    ReleaseIntent,
    ReserveIntent,
    Resident,
    SaleIntent,
    Terms,
    Undoable,
    UnlinkIntent,
)
from terminal.counter.owner import OwnerRules
from terminal.counter.scanned import SlipCode
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    ConfirmingUndo,
    Consenting,
    Done,
    EnteringAward,
    EnteringConvert,
    EnteringPart,
    EnteringPin,
    EnteringReserve,
    EnteringReturn,
    Field,
    FindingUndo,
    Idle,
    PickingExchange,
    PickingReason,
    PickingTask,
    PickingUndo,
    PickingUnlink,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    State,
    TimedOut,
    Unfit,
    Unknown,
)
from terminal.screens.counter.screen import CounterScreen
from terminal.shell.app import KazasuApp
from terminal.shell.look import Look
from terminal.shell.runs import Timing
from terminal.shell.shared import Shared
from terminal.shop.engine import Engine, EngineReport, ReaderState, Surroundings, Unanswerable
from terminal.shop.opening import Station
from tests.terminal.counters import MUNICIPALITY, OTHER, SHOP, STREET, TERMINAL, programme, receipt
from tests.terminal.desks import cut

CARDS = ("two-towns", "visitor", "unregistered", "expired", "revoked", "blocked")
"""The practice cards of the product."""

A = TypeVar("A")

NOW = datetime.fromisoformat("2026-11-23T14:05:00+09:00")

_NAMES = {
    MUNICIPALITY: Name(ja="長浜市ポイント", en="Nagahama points"),
    STREET: Name(ja="黒壁ポイント", en="Kurokabe points"),
    OTHER: Name(ja="豊島区ポイント", en="Toshima points"),
}

TERMS = Terms(
    terminal_id=TERMINAL,
    shop_code=SHOP,
    shop_name="見本商店",
    programmes=in_force(
        [
            programme(MUNICIPALITY, order=1).model_copy(update={"name": _NAMES[MUNICIPALITY]}),
            programme(STREET, order=2).model_copy(update={"name": _NAMES[STREET]}),
            programme(OTHER, order=3, also_in=(MUNICIPALITY,)).model_copy(update={"name": _NAMES[OTHER]}),
        ],
        date(2026, 11, 23),
    ),
)


def _held(code: str, points: int, expiring: int = 0) -> ProgrammeBalance:
    return ProgrammeBalance(
        programme=code,
        points=points,
        redeemable=points,
        tap_redeemable=min(points, 500),
        expires_on="2027-03-31" if expiring else None,
        expiring=expiring,
    )


WHO = Resident(Standing.ACTIVE, (_held(MUNICIPALITY, 600, 300), _held(STREET, 220), _held(OTHER, 150)))
VISITOR = Resident(Standing.ACTIVE, (_held(OTHER, 150),))
UNASKED = Resident(None)
BILL = SaleIntent(1200)
CHOOSING = Choosing(BILL, WHO, pricing.choices_for(1200, WHO, TERMS))
BY_TAP = pricing.choices_for(1200, WHO, TERMS, tap_only=True)
DRAFT = pricing.sale(CHOOSING.choices[0], TERMS)
LINK = pricing.link(TERMS)
PIN = EnteringPin(DRAFT, WHO, BILL, CHOOSING, tries_left=3)
AWARD = Draft(
    Award(
        kind="award",
        municipality=MUNICIPALITY,
        resident="c2VhbGVk",
        award=[Leg(programme=MUNICIPALITY, points=100)],
        reason="volunteering",
        rules={MUNICIPALITY: 1},
        assurance=TapOnly(method="tap"),
    )
)


def _receipt(draft: Draft, status: Status | None = Status.ACCEPTED) -> Receipt:
    return replace(
        receipt(draft, status),
        operation_id=f"{TERMINAL}-004211",
        balances=(_held(MUNICIPALITY, 3), _held(OTHER, 150)) if status else (),
        elapsed_ms=412,
    )


def _decided(missing: int = 0, lost: int = 0) -> Receipt:
    """Return the sale of which so many points were not taken, or not given."""
    whole = _receipt(DRAFT)
    assert whole.verdict is not None
    assert isinstance(DRAFT.content, Sale)
    verdict = cut(whole.verdict, DRAFT.content, missing)
    if lost:
        earned = DRAFT.content.award[0]
        limit = "award_limit_exceeded"
        less = Cut(leg="award", programme=MUNICIPALITY, asked=earned.points, granted=earned.points - lost, reason=limit)
        verdict = verdict.model_copy(update={"awarded": verdict.awarded - lost, "cuts": [*verdict.cuts, less]})
    return replace(whole, verdict=verdict)


SALE = _receipt(DRAFT)
SHORT = _decided(320)
LESS = _decided(lost=1)
assert isinstance(DRAFT.content, Sale)
assert isinstance(AWARD.content, Award)
ITEM = Undoable(SALE.operation_id, SALE.at, DRAFT.content)
ITEMS = (ITEM, Undoable(f"{TERMINAL}-004210", SALE.at, AWARD.content))
CLOSED = replace(ITEM, verdict=SALE.verdict, closed=True)
EXCHANGES = (
    Exchange(MUNICIPALITY, Rate(to=STREET, take=100, give=110, since=date(2026, 4, 1))),
    Exchange(STREET, Rate(to=MUNICIPALITY, take=10, give=9, since=date(2026, 4, 1))),
)
CONVERT = pricing.convert(ConvertIntent(EXCHANGES[0], 100), WHO, TERMS)
assert isinstance(CONVERT.content, Convert)
RESERVED = pricing.reserve(ReserveIntent(700), WHO, TERMS)
POCKET = Resident(None, (_held(MUNICIPALITY, 400).model_copy(update={"tap_redeemable": 0}),))
BARRED = Resident(None, barred=Fault("not_reserved_here"))
OFFLINE = pricing.sale(pricing.choices_for(1200, POCKET, TERMS)[0], TERMS, online=False)
LINKED = replace(WHO, services=(ServiceId(service="library", number="0042"),))
REASONS = PickingReason(
    MUNICIPALITY,
    (
        ("volunteering", AwardReason(name=Name(ja="ボランティア活動", en="Volunteering"), up_to=500)),
        ("first_aid_training", AwardReason(name=Name(ja="救命講習", en="First-aid training"), points=300)),
        ("birth", AwardReason(name=Name(ja="出生のお祝い", en="Birth"), points=10_000)),
        ("health_event", AwardReason(name=Name(ja="健康づくり行事", en="Health event"), up_to=500)),
        ("library_use", AwardReason(name=Name(ja="図書館の利用", en="Library use"), up_to=50)),
        ("visit", AwardReason(name=Name(ja="来館・来店", en="Visit"), points=50)),
    ),
)
NOT_DIGITS = Fault("amount_not_digits")

STATES: dict[str, State] = {
    "starting": Starting(),
    "unfit": Unfit(Fault("unexpected")),
    "idle": Idle(),
    "idle-typed": Idle("1200"),
    "idle-most": Idle("9999999"),
    "idle-notice": Idle("12", NOT_DIGITS),
    "reason": REASONS,
    "award": EnteringAward(REASONS, "100"),
    "award-notice": EnteringAward(REASONS, notice=Fault("amount_missing")),
    "consenting": Consenting(),
    "await": AwaitCard(BILL),
    "await-notice": AwaitCard(BILL, Fault("card_left_behind")),
    "await-award": AwaitCard(AwardIntent(MUNICIPALITY, 100, "volunteering")),
    "await-balance": AwaitCard(BalanceIntent()),
    "reading": Reading(BILL),
    "reading-award": Reading(AwardIntent(MUNICIPALITY, 100, "volunteering")),
    "reading-balance": Reading(BalanceIntent()),
    "reading-link": Reading(LinkIntent()),
    "choosing": CHOOSING,
    "choosing-locked": Choosing(BILL, WHO, BY_TAP, tap_only=True, notice=Fault("pin_blocked")),
    "choosing-offline": Choosing(
        BILL, UNASKED, (pricing.choice_of_none(1200, UNASKED, TERMS),), notice=Fault("line_needed")
    ),
    "choosing-second": replace(CHOOSING, cursor=1),
    "part": EnteringPart(replace(CHOOSING, cursor=1), "600"),
    "part-notice": EnteringPart(replace(CHOOSING, cursor=1), "", Fault("amount_too_large", (("most", 820),))),
    "pin": replace(PIN, typed=2),
    "pin-reading": replace(PIN, tries_left=None),
    "pin-full": replace(PIN, typed=4, tries_left=2),
    "pin-wrong": replace(PIN, tries_left=2, notice=Fault("pin_wrong", (("tries", 2),))),
    "last-try": ConfirmingLastTry(PIN),
    "again": AwaitCardAgain(PIN),
    "authorising": Authorising(PIN),
    "sending": Sending(DRAFT),
    "sending-award": Sending(AWARD),
    "done": Done(SALE),
    "done-award": Done(_receipt(AWARD)),
    "done-link": Done(_receipt(LINK)),
    "done-void": Done(_receipt(pricing.void(ITEM))),
    "done-void-award": Done(_receipt(pricing.void(ITEMS[1]))),
    "shortfall": Done(SHORT),
    "award-cut": Done(LESS),
    "queued": Queued(_receipt(DRAFT, None)),
    "refused": Refused(Fault("card_unregistered"), BILL),
    "refused-written": Refused(Fault("amounts_wrong"), BILL, _receipt(DRAFT, Status.REFUSED)),
    "refused-bare": Refused(Fault("disk_full")),
    "refused-link": Refused(Fault("line_needed"), LinkIntent()),
    "queued-void": Queued(_receipt(pricing.void(ITEM), None)),
    "timed-out": TimedOut(BILL),
    "timed-out-link": TimedOut(LinkIntent()),
    "timed-out-award": TimedOut(AwardIntent(MUNICIPALITY, 100, "volunteering")),
    "refused-again": Refused(Fault("ledger_failed"), BILL),
    "unknown": Unknown(_receipt(DRAFT, None)),
    "unknown-asking": Unknown(_receipt(DRAFT, None), asking=True),
    "balance": ShowingBalance(replace(WHO, services=(ServiceId(service="library", number="0042"),))),
    "choosing-visitor": Choosing(BILL, VISITOR, pricing.choices_for(1200, VISITOR, TERMS)),
    "balance-none": ShowingBalance(Resident(Standing.ACTIVE)),
    "void-reading": PickingUndo(),
    "void-slip": PickingUndo(slip=SlipCode(ITEM.operation_id, "7f3a91c2")),
    "void-none": PickingUndo(()),
    "void": PickingUndo(ITEMS),
    "find": FindingUndo("1405"),
    "find-missing": FindingUndo("77", Fault("undo_missing", (("number", 77),))),
    "return": EnteringReturn(CLOSED),
    "return-part": EnteringReturn(CLOSED, "300"),
    "return-notice": EnteringReturn(CLOSED, "12", Fault("amount_too_large", (("most", 1200),))),
    "confirm-return": ConfirmingUndo(CLOSED, bill=300),
    "done-return": Done(_receipt(pricing.take_back(CLOSED, 300))),
    "queued-return": Queued(_receipt(pricing.take_back(CLOSED, 300), None)),
    "confirm-void-decided": ConfirmingUndo(replace(CLOSED, closed=False)),
    "confirm-void-convert": ConfirmingUndo(Undoable(ITEM.operation_id, ITEM.at, CONVERT.content)),
    "task": PickingTask(),
    "exchange": PickingExchange(EXCHANGES),
    "convert": EnteringConvert(PickingExchange(EXCHANGES), "100"),
    "convert-one": EnteringConvert(PickingExchange(EXCHANGES[:1])),
    "convert-notice": EnteringConvert(PickingExchange(EXCHANGES), "7", Fault("rate_multiple", (("take", 100),))),
    "reserve": EnteringReserve("500"),
    "reserve-most": EnteringReserve("", Fault("amount_missing"), 820, same=True),
    "await-reserve": AwaitCard(ReserveIntent(500)),
    "await-release": AwaitCard(ReleaseIntent()),
    "done-reserve": Done(_receipt(RESERVED)),
    "done-release": Done(_receipt(pricing.release(TERMS))),
    "done-reservable": Done(replace(SALE, reservable=320)),
    "choosing-reserved": Choosing(BILL, POCKET, pricing.choices_for(1200, POCKET, TERMS)),
    "choosing-not-reserved": Choosing(
        BILL, BARRED, (pricing.choice_of_none(1200, BARRED, TERMS),), notice=Fault("not_reserved_here")
    ),
    "pin-reserved": replace(PIN, draft=OFFLINE, resident=POCKET),
    "queued-reserved": Queued(_receipt(OFFLINE, None)),
    "balance-reserved": ShowingBalance(
        Resident(Standing.ACTIVE, (_held(MUNICIPALITY, 600).model_copy(update={"reserved": 200}),))
    ),
    "await-convert": AwaitCard(ConvertIntent(EXCHANGES[0], 100)),
    "done-convert": Done(_receipt(CONVERT)),
    "unlink": PickingUnlink(LINKED, 1),
    "unlink-all": PickingUnlink(WHO),
    "reading-unlink": Reading(UnlinkIntent(chosen=True)),
    "await-unlink": AwaitCard(UnlinkIntent(chosen=True)),
    "done-unlink": Done(_receipt(pricing.unlink("library", TERMS))),
    "done-leave": Done(_receipt(pricing.unlink(None, TERMS))),
    "reading-reserve": Reading(ReserveIntent(500)),
    "reading-too-much": Reading(ReserveIntent(900)),
    "reading-convert": Reading(ConvertIntent(EXCHANGES[0], 100)),
    "authorising-typed": Authorising(replace(PIN, typed=4)),
    "again-notice": AwaitCardAgain(PIN, Fault("card_changed")),
    "reading-release": Reading(ReleaseIntent()),
    "reading-unlink-one": Reading(UnlinkIntent("library")),
    "part-empty": EnteringPart(replace(CHOOSING, cursor=1)),
    "reserve-empty": EnteringReserve(),
    "reserve-same": EnteringReserve("500", most=820, same=True),
    "authorising-reserved": Authorising(replace(PIN, draft=OFFLINE)),
    "sending-reserved": Sending(OFFLINE),
    "find-empty": FindingUndo(),
    "void-closed": PickingUndo((CLOSED, Undoable(f"{TERMINAL}-004209", SALE.at, CONVERT.content)), 1),
    "confirm-void": ConfirmingUndo(ITEM),
    "confirm-void-award": ConfirmingUndo(ITEMS[1]),
    "confirm-void-unknown": ConfirmingUndo(ITEM, Unknown(_receipt(DRAFT, None))),
}
"""Every state, some in several guises."""

SURROUNDINGS = Surroundings(
    clerk="12", practice=True, reader=ReaderState.PRACTICE, online=True, unsent=0, practice_cards=CARDS
)


class ScriptedEngine:
    """Records what it is asked, and reports what the test has it report."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.held: list[str | None] = []
        self.stopped = False
        self.asked: list[object] = []
        self.answers: dict[object, object] = {}
        """What each question is answered with; a fault, or nothing at all, makes it fail."""
        self.report: Callable[[EngineReport], None] = lambda _report: None
        self._started = threading.Event()

    def start(self, report: Callable[[EngineReport], None]) -> None:
        """Keep the way to report."""
        self.report = report
        self._started.set()

    async def started(self) -> None:
        """Wait until the application has started the engine."""
        assert await asyncio.to_thread(self._started.wait, 10)

    def carry_out(self, effect: Effect) -> None:
        """Record an effect."""
        self.effects.append(effect)

    def ask(self, question: Callable[[Station], Awaitable[A]]) -> Future[A]:
        """Record a question, and answer it as the test has it."""
        self.asked.append(question)
        answer: Future[A] = Future()
        found: Any = self.answers.get(question, Fault("terminal_not_open"))
        if isinstance(found, Fault):
            answer.set_exception(Unanswerable(found))
        else:
            answer.set_result(found)
        return answer

    def hold(self, card: str | None) -> None:
        """Record a practice card that was held or taken away."""
        self.held.append(card)

    def stop(self) -> None:
        """Record the end."""
        self.stopped = True


class Hand:
    """Presses keys at intervals of `seconds`: a slow hand by default, a barcode scanner with less than a tenth."""

    def __init__(self, seconds: float = 2.0) -> None:
        self.seconds = seconds
        self._now = 0.0
        self._waiting: list[Callable[[], None]] = []

    @property
    def timing(self) -> Timing:
        """When its keys arrive, and how their end is waited for: not at all."""
        return Timing(self._arrived, self._wait)

    def rest(self) -> None:
        """Let go of the keys for long."""
        self._now += 10.0
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done()

    def _arrived(self, _event: Message) -> float:
        self._now += self.seconds
        return self._now

    def _wait(self, screen: Screen[Any], silence: float, done: Callable[[], None]) -> None:
        if self.seconds >= silence:
            screen.call_later(done)
        else:
            self._waiting.append(done)


def counter_in(state: State) -> Counter:
    """Return a counter of the sample shop in a state."""
    return Counter(state, TERMS, Field.EMPTY)


@asynccontextmanager
async def at_counter(
    settings: ScreenSettings,
    size: tuple[int, int] = (80, 24),
    *,
    play: Callable[[str], None] = lambda _name: None,
    make_engine: Callable[[], Engine] = ScriptedEngine,
    owner_code: str = "",
    timing: Timing | None = None,
) -> AsyncIterator[tuple[CounterScreen, Pilot[None]]]:
    """Yield the counter's screen on a scripted engine, with its clocks stopped and a slow hand on its keys."""
    shared = Shared(settings, SURROUNDINGS, make_engine, play=play, monotonic=lambda: 0.0, now=lambda: NOW)
    shared.owner = OwnerRules(owner_code, award_above=100)
    shared.timing = timing or Hand().timing
    app = KazasuApp(Look(settings.language, settings.theme, settings.borders), lambda: shared)
    async with app.run_test(size=size) as pilot:
        while not isinstance(app.screen, CounterScreen):
            await pilot.pause()
        yield app.screen, pilot
