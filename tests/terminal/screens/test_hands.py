"""Scanners, slow people and hasty ones at the real screen: what they type is never taken for what they did not mean."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

import pytest
from textual import events
from textual.pilot import Pilot

from config.settings import ScreenSettings
from terminal.counter.effects import ListUndoable
from terminal.counter.events import Asked, CardRead, Decided, TriesLeft, UndoableListed
from terminal.counter.hand import SILENCE
from terminal.counter.states import (
    AwaitCard,
    Choosing,
    ConfirmingUndo,
    Done,
    Idle,
    PickingTask,
    State,
    TimedOut,
)
from terminal.counter.table import at
from terminal.screens.counter.screen import CounterScreen
from terminal.shell.help import HelpScreen
from terminal.shell.leave import LeaveScreen
from terminal.shell.runs import Timing
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap
from terminal.slips.operation import qr_text
from tests.terminal.counters import state_of
from tests.terminal.screens.measures import text_of
from tests.terminal.screens.scenes import (
    BILL,
    ITEM,
    PIN,
    SALE,
    STATES,
    SURROUNDINGS,
    WHO,
    Hand,
    ScriptedEngine,
    at_counter,
    counter_in,
)

pytestmark = pytest.mark.anyio

JAN = "4901234567894"

ONE_OF_EACH = {type(state).__name__: state for state in STATES.values()}
"""A sample of every state; what the keys mean in the others is tried without a screen."""


@asynccontextmanager
async def handled(
    state: State, seconds: float = 2.0
) -> AsyncIterator[tuple[CounterScreen, Pilot[None], ScriptedEngine, Hand]]:
    """Yield the counter in a state, with keys that come at intervals of so many seconds."""
    engine, hand = ScriptedEngine(), Hand(seconds)
    async with at_counter(ScreenSettings(motion=False), make_engine=lambda: engine, timing=hand.timing) as (
        screen,
        pilot,
    ):
        await engine.started()
        screen.show(counter_in(state))
        await pilot.pause()
        yield screen, pilot, engine, hand


def hint_of(screen: CounterScreen) -> str:
    """Return what is said about the last key."""
    return screen.query_one("#hint", Prose).text


# Scanners -------------------------------------------------------------------------------------------------------


async def test_a_goods_code_does_nothing_in_any_state() -> None:
    """Not one effect, not one digit, and it is said; the scanner's own Enter comes with it."""
    async with handled(Idle(), 0.005) as (screen, pilot, engine, hand):
        for name, state in ONE_OF_EACH.items():
            screen.show(counter_in(state))
            hand.rest()
            await pilot.press(*JAN, "enter")
            hand.rest()
            await pilot.pause()
            assert screen.counter == counter_in(state), name
            assert screen.app.screen is screen, name
            assert "読み取ったコード" in hint_of(screen), name
        assert (engine.effects, engine.held) == ([], [])


async def test_what_a_scanner_types_is_shown_and_taken_back() -> None:
    """Keys echo at once; as soon as they can be no hand's, what stood there before stands there again."""
    async with handled(Idle("7"), 0.005) as (screen, pilot, _, hand):
        await pilot.press("4", "9")
        assert "749 円" in text_of(screen)
        assert screen.counter.state == Idle("7")
        await pilot.press("0", "1")
        assert "749" not in text_of(screen)
        hand.rest()
        assert screen.counter.state == Idle("7")


async def test_four_scans_at_the_pin_try_no_card() -> None:
    """Whatever the card says meanwhile, no PIN is handed over, and its last try needs a hand's yes."""
    async with handled(replace(PIN, tries_left=None), 0.005) as (screen, pilot, engine, hand):
        for tries in (3, 2, 1, 1):
            await pilot.press(*JAN, "enter")
            engine.report(TriesLeft(screen.counter.task, tries))
            hand.rest()
            await pilot.pause()
        await pilot.press(*JAN, "enter")
        hand.rest()
        assert engine.effects == []


async def test_a_scan_after_a_result_begins_no_bill() -> None:
    """The next customer's goods do not wipe the last customer's amount due."""
    async with handled(STATES["done"], 0.005) as (screen, pilot, _, hand):
        await pilot.press(*JAN, "enter")
        hand.rest()
        assert screen.counter.state == STATES["done"]


@pytest.mark.parametrize("pasted", [False, True])
async def test_a_slips_code_opens_its_sale(pasted: bool) -> None:
    """Scanned or pasted, it leads to the question whether to undo it, which only a hand answers."""
    code = qr_text(ITEM.operation_id, "7f3a 91c2")
    async with handled(Idle(), 0.005) as (screen, pilot, engine, hand):
        if pasted:
            screen.post_message(events.Paste(code))
        else:
            await pilot.press(*code, "enter")
            hand.rest()
        await pilot.pause()
        assert engine.effects == [ListUndoable(screen.counter.task, ITEM.operation_id, "7f3a91c2")]
        engine.report(UndoableListed(screen.counter.task, (ITEM,)))
        await pilot.pause()
        assert screen.counter.state == ConfirmingUndo(ITEM)
        await pilot.press(*code, "enter")
        hand.rest()
        assert screen.counter.state == ConfirmingUndo(ITEM)


async def test_a_000_key_is_a_hands() -> None:
    """One key of a pad types three digits at once; they count as soon as it is quiet."""
    async with handled(Idle("12"), 0.005) as (screen, pilot, _, hand):
        await pilot.press("0", "0", "0")
        assert "12,000 円" in text_of(screen)
        hand.rest()
        assert screen.counter.state == Idle("12000")


async def test_an_enter_that_comes_too_fast_loses_no_digit() -> None:
    """The bill stays as it was typed, nobody's card is asked for, and it is said what to do."""
    async with handled(Idle("12"), 0.005) as (screen, pilot, _, hand):
        await pilot.press("0", "enter")
        hand.rest()
        await pilot.pause()
        assert screen.counter.state == Idle("120")
        assert "ゆっくり" in hint_of(screen)
        await pilot.press("enter")
        hand.rest()
        assert state_of(screen.counter) is AwaitCard


async def test_by_the_real_clock_a_hand_decides_after_a_tenth_of_a_second() -> None:
    """Nothing is decided before it is quiet, by the time at which keys came; then it is."""
    engine = ScriptedEngine()
    async with at_counter(ScreenSettings(motion=False), make_engine=lambda: engine, timing=Timing()) as (screen, pilot):
        await engine.started()
        screen.show(counter_in(Idle("1200")))
        pressed = monotonic()
        await pilot.press("enter")
        async with asyncio.timeout(10):
            while not isinstance(screen.counter.state, AwaitCard):
                await pilot.pause()
        assert monotonic() - pressed >= SILENCE


async def test_a_screen_that_stands_still_takes_no_scan_for_a_choice() -> None:
    """Keys are told apart by when they arrived, however late they are handled, and whichever timer is due first."""
    async with at_counter(ScreenSettings(motion=False), timing=Timing()) as (screen, pilot):
        screen.show(counter_in(STATES["choosing"]))
        await pilot.pause()
        screen._since -= 60.0
        loop, sent = asyncio.get_running_loop(), threading.Event()

        def scan() -> None:
            for digit in "1490123":
                key = events.Key(digit, digit)
                key.set_sender(screen.app)
                asyncio.run_coroutine_threadsafe(screen.app._post_message(key), loop)
                sent.set()
                time.sleep(SILENCE / 5)

        scanner = threading.Thread(target=scan)
        scanner.start()
        await asyncio.to_thread(sent.wait)
        await asyncio.sleep(0)
        time.sleep(3 * SILENCE)  # noqa: ASYNC251  # this is the stop that is tried
        async with asyncio.timeout(10):
            while not hint_of(screen):
                await pilot.pause()
        scanner.join()
        assert screen.counter.state == STATES["choosing"]


async def test_an_enter_that_is_held_down_chooses_nothing_that_comes_later() -> None:
    """It was pressed for what stood there before, and is let go of when the choice is there already."""
    async with handled(STATES["reading"], 0.03) as (screen, pilot, engine, hand):
        await pilot.press("enter", "enter")
        engine.report(CardRead(screen.counter.task, WHO))
        await pilot.pause()
        assert state_of(screen.counter) is Choosing
        await pilot.press(*["enter"] * 50)
        hand.rest()
        await pilot.pause()
        assert state_of(screen.counter) is Choosing
        assert engine.effects == []


# Slow people and hasty ones -------------------------------------------------------------------------------------


async def test_a_result_is_not_wiped_unread() -> None:
    """A second Enter within a second stays where it is and says why; a later one goes on."""
    async with handled(STATES["sending"], 0.3) as (screen, pilot, engine, _):
        engine.report(Decided(screen.counter.task, SALE))
        await pilot.pause()
        for key in ("enter", "f2"):
            screen._since = screen._shared.timing.now()
            await pilot.press(key)
            assert state_of(screen.counter) is Done
            assert "確かめてから" in hint_of(screen)
        for _ in range(3):
            await pilot.press("enter")
        assert screen.counter.state == Idle()


async def test_the_next_bill_leaves_a_result_with_no_digit_lost() -> None:
    """What was typed in the first second is the next bill's, whole."""
    async with handled(STATES["done"], 0.2) as (screen, pilot, _, _hand):
        await pilot.press(*"1200")
        assert screen.counter.state == Idle("1200")


async def test_a_key_that_was_pressed_before_the_choice_chooses_nothing() -> None:
    """The state changed between its arrival and its turn: it was meant for what stood there before."""
    async with handled(STATES["choosing"], 0.2) as (screen, pilot, engine, _):
        screen._since = screen._shared.timing.now() + 0.3
        await pilot.press("1")
        assert screen.counter.state == STATES["choosing"]
        assert engine.effects == []


async def test_late_digits_of_a_pin_choose_nothing_once_it_is_locked() -> None:
    """The card turns out to be locked while somebody types: the list that comes instead is no place for a PIN."""
    async with handled(replace(PIN, tries_left=None), 0.3) as (screen, pilot, engine, _):
        await pilot.press("1", "2")
        engine.report(TriesLeft(screen.counter.task, 0))
        await pilot.pause()
        await pilot.press("3", "1")
        assert state_of(screen.counter) is Choosing
        assert screen._pin._digits == b""
        assert engine.effects == []


async def test_a_time_out_is_said_and_takes_no_digits() -> None:
    """Neither a late PIN nor the next goods become a bill on either screen; the bill comes back when somebody says."""
    async with handled(TimedOut(BILL)) as (screen, pilot, _, _hand):
        assert "時間が過ぎました" in text_of(screen)
        await pilot.press(*"1234")
        assert screen.counter == counter_in(TimedOut(BILL))
        assert "Enter Esc F1 F9" in hint_of(screen)
        await pilot.press("escape")
        assert state_of(screen.counter) is Idle
        assert "1,200 円" in text_of(screen)


# Help and the way out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["idle", "choosing", "pin", "last-try", "unknown", "done"])
async def test_no_digit_in_the_help_ends_or_decides_anything(name: str) -> None:
    """Digits there stand for function keys alone; where a PIN is asked for, for nothing."""
    async with handled(STATES[name]) as (screen, pilot, engine, _):
        tasks = {key.cap[1:] for key in at(STATES[name]).keys if isinstance(key.means, Asked)}
        for digit in "0123456789":
            screen.show(counter_in(STATES[name]))
            await pilot.press("f1", digit)
            await pilot.pause()
            closed = screen.app.screen is screen
            assert closed == (digit in tasks or (digit == "9" and name != "pin")), digit
            if not closed:
                await pilot.press("escape")
                await pilot.pause()
        assert all(isinstance(effect, ListUndoable) for effect in engine.effects)


async def test_a_touch_in_the_help_chooses() -> None:
    """What is offered there can be touched, and closing it changes nothing."""
    async with handled(Idle()) as (screen, pilot, _engine, _):
        for cap, left in (("Esc", Idle), ("F5", PickingTask)):
            await pilot.press("f1")
            await pilot.pause()
            await pilot.click(next(key for key in screen.app.screen.query(KeyCap) if cap in key.render().plain))
            await pilot.pause()
            assert screen.is_current
            assert state_of(screen.counter) is left


async def test_what_is_pasted_where_no_amount_is_wanted_does_nothing() -> None:
    """It is no choice, and it is said which keys work."""
    async with handled(STATES["choosing"]) as (screen, pilot, engine, _):
        screen.post_message(events.Paste("1"))
        await pilot.pause()
        assert (screen.counter, engine.effects) == (counter_in(STATES["choosing"]), [])
        assert "1-4 Enter Esc" in hint_of(screen)


async def test_a_scan_in_the_help_chooses_nothing() -> None:
    """A code that is scanned while the help is open is no choice either."""
    async with handled(Idle(), 0.005) as (screen, pilot, engine, hand):
        await pilot.press("f1")
        hand.rest()
        await pilot.pause()
        assert isinstance(screen.app.screen, HelpScreen)
        await pilot.press(*"5432", "enter")
        hand.rest()
        await pilot.pause()
        assert isinstance(screen.app.screen, HelpScreen)
        assert engine.effects == []


@pytest.mark.parametrize(("answer", "left"), [("enter", True), ("escape", False)])
async def test_unsent_work_is_said_before_the_counter_is_left(answer: str, left: bool) -> None:
    """Ctrl+Q says how much is unsent and what becomes of it, and asks."""
    async with handled(Idle()) as (screen, pilot, engine, _):
        engine.report(replace(SURROUNDINGS, unsent=3))
        await pilot.pause()
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert isinstance(screen.app.screen, LeaveScreen)
        assert "3 件" in text_of(screen.app.screen)
        for key in ("1", "f1", "ctrl+q"):
            await pilot.press(key)
            assert isinstance(screen.app.screen, LeaveScreen)
        await pilot.press(answer)
        await pilot.pause()
        assert screen.app.is_running is not left


async def test_what_is_under_way_is_not_left_in_silence() -> None:
    """While an operation is being sent, leaving asks too; a touch answers as well."""
    async with handled(STATES["sending"]) as (screen, pilot, _engine, _):
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert isinstance(screen.app.screen, LeaveScreen)
        await pilot.click(next(cap for cap in screen.app.screen.query(KeyCap) if "Esc" in cap.render().plain))
        await pilot.pause()
        assert screen.app.is_running
        assert screen.is_current


async def test_trying_again_is_offered_first_only_where_it_can_help() -> None:
    """Enter says what it does; nobody is told to repeat what must end the same way."""
    async with handled(STATES["refused"]) as (screen, pilot, _, _hand):
        assert "次のお客様" in text_of(screen)
        screen.show(counter_in(STATES["refused-again"]))
        await pilot.pause()
        assert "もう一度" in text_of(screen)
