"""What keys, fingers and the engine do to the screens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from config.settings import ScreenSettings
from ledger.wire.values import MAX_YEN
from terminal.counter.effects import AskTries, Authorise, ReadCard
from terminal.counter.events import CardArrived, CardLeft, CardRead, Decided, Opened, TriesLeft, Unanswered
from terminal.counter.facts import Fault
from terminal.counter.states import (
    AwaitCard,
    Choosing,
    Consenting,
    Done,
    EnteringPart,
    EnteringPin,
    Field,
    Idle,
    PickingTask,
    ShowingBalance,
    State,
    Unfit,
)
from terminal.screens.counter.screen import CounterScreen
from terminal.shell.help import HelpScreen
from terminal.shell.widgets.pin_boxes import PinBoxes
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine, KeyCap
from terminal.shop.engine import Engine
from tests.terminal.counters import state_of
from tests.terminal.screens.measures import text_of
from tests.terminal.screens.scenes import (
    CARDS,
    PIN,
    SALE,
    STATES,
    SURROUNDINGS,
    TERMS,
    WHO,
    ScriptedEngine,
    at_counter,
    counter_in,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(state: State | None = None) -> AsyncIterator[tuple[CounterScreen, Pilot[None], ScriptedEngine]]:
    """Yield the counter's screen with its engine, in a state of the counter."""
    engine = ScriptedEngine()
    async with at_counter(ScreenSettings(motion=False), make_engine=lambda: engine) as (screen, pilot):
        await engine.started()
        if state is not None:
            screen.show(counter_in(state))
            await pilot.pause()
        yield screen, pilot, engine


async def test_a_sale_with_part_of_the_points() -> None:
    """Bill, tap, choice, part, PIN, done: what the engine is asked on the way, and what is shown at the end."""
    async with running() as (screen, pilot, engine):
        engine.report(Opened(TERMS))
        await pilot.pause()
        await pilot.press(*"1200", "enter", "1")
        assert engine.held == [CARDS[0]]
        engine.report(CardArrived())
        await pilot.pause()
        (read,) = engine.effects
        assert isinstance(read, ReadCard)
        engine.report(CardRead(read.task, WHO))
        await pilot.pause()
        assert state_of(screen.counter) is Choosing
        await pilot.press("2", *"600", "enter")
        assert state_of(screen.counter) is EnteringPin
        assert engine.effects[-1:] == [AskTries(screen.counter.task)]
        engine.report(TriesLeft(screen.counter.task, 3))
        await pilot.pause()
        await pilot.press(*"1234", "enter")
        authorise = engine.effects[-1]
        assert isinstance(authorise, Authorise)
        assert authorise.pin == b"1234"


async def test_a_result_takes_the_practice_card_away() -> None:
    """After a result nobody has to lift a card that is not there; the amount due stands in figures on the slip."""
    async with running(STATES["sending"]) as (screen, pilot, engine):
        screen.show(replace(screen.counter, field=Field.CARD))
        engine.report(Decided(screen.counter.task, SALE))
        await pilot.pause()
        assert state_of(screen.counter) is Done
        assert engine.held == [None]
        engine.report(CardLeft())
        await pilot.pause()
        assert "380 円" in text_of(screen)
        await pilot.press("enter")
        assert state_of(screen.counter) is Idle


TYPED = [
    pytest.param("１２００", Idle("1200"), id="full-width"),
    pytest.param("0", Idle("0"), id="zero"),
    pytest.param("12a", Idle("12", Fault("amount_not_digits")), id="a letter"),
    pytest.param("-", Idle("", Fault("amount_negative")), id="negative"),
    pytest.param("99999999", Idle("9999999", Fault("amount_too_large", (("most", MAX_YEN),))), id="huge"),
]


@pytest.mark.parametrize(("typed", "state"), TYPED)
async def test_bills_that_people_type(typed: str, state: Idle) -> None:
    """Full-width digits are digits; what cannot be a bill is not taken, and the screen says why."""
    async with running(Idle()) as (screen, pilot, _):
        await pilot.press(*typed)
        assert screen.counter.state == state


async def test_escape_clears_what_was_typed() -> None:
    """A bill that was mistyped is gone with one key, and the function keys stand there again."""
    async with running(Idle()) as (screen, pilot, _):
        await pilot.press(*"129", "escape")
        assert screen.counter.state == Idle()
        await pilot.press("f2")
        assert state_of(screen.counter) is AwaitCard


async def test_an_unknown_card_can_be_registered_at_once() -> None:
    """Where a first registration is what to do next, its key works there."""
    async with running(STATES["refused"]) as (screen, pilot, _):
        await pilot.press("f5")
        assert state_of(screen.counter) is Consenting


async def test_an_individual_number_is_refused() -> None:
    """Twelve digits with a right check digit are not taken, however they come."""
    async with running(Idle()) as (screen, pilot, _):
        screen.post_message(events.Paste("123456789018"))
        await pilot.pause()
        assert screen.counter.state == Idle("", Fault("my_number_refused"))
        assert "この番号は入力できません" in text_of(screen)


WRONG = [
    pytest.param("idle", "f6", "0-9 Enter F2 F3 F4 F5 F8 F7 F1 F9", id="idle"),
    pytest.param("choosing", "9", "1-4 Enter Esc F1 F9", id="choosing"),
    pytest.param("sending", "enter", "F1 F9", id="sending"),
    pytest.param("await", "x", "1-6 Esc F1 F9", id="await"),
    pytest.param("pin", "x", "0-9 Enter Esc F1 F9", id="pin"),
]


@pytest.mark.parametrize(("state", "key", "told"), WRONG)
async def test_a_wrong_key_does_nothing_and_says_which_work(state: str, key: str, told: str) -> None:
    """The counter stays where it is; the next right key takes the hint away."""
    async with running(STATES[state]) as (screen, pilot, _):
        before = screen.counter
        await pilot.press(key)
        await pilot.pause()
        assert screen.counter == before
        hint = screen.query_one("#hint", Prose)
        assert hint.text.endswith(f" {told}")
        await pilot.press("f9")
        assert hint.text == ""


async def test_the_pin_is_never_shown_and_is_wiped() -> None:
    """Boxes fill one by one; leaving the screen overwrites what was typed."""
    async with running(PIN) as (screen, pilot, _):
        await pilot.press("9", "8", "7")
        digits = screen._pin._digits
        assert digits == b"987"
        await pilot.pause()
        assert [str(box.content) for box in screen.query_one(PinBoxes).query(Static)] == ["＊", "＊", "＊", "_"]
        await pilot.press("backspace", "enter")
        assert screen.counter.state == replace(PIN, typed=2)
        await pilot.press("escape")
        assert digits == b""


async def test_enter_waits_until_the_card_has_said_its_tries() -> None:
    """A PIN that is typed faster than the card answers is kept, not lost."""
    async with running(replace(PIN, tries_left=None)) as (screen, pilot, engine):
        await pilot.press(*"1234", "enter")
        assert engine.effects == []
        engine.report(TriesLeft(screen.counter.task, 3))
        await pilot.pause()
        await pilot.press("enter")
        assert isinstance(engine.effects[-1], Authorise)


async def test_touch_does_what_keys_do() -> None:
    """Keys, choices and the large button can be pressed on the screen."""
    async with running(Idle("1200")) as (screen, pilot, _):
        await pilot.click(".forward")
        assert state_of(screen.counter) is AwaitCard
        screen.show(counter_in(STATES["choosing"]))
        await pilot.pause()
        await pilot.click(screen.query(ChoiceLine)[1])
        assert state_of(screen.counter) is EnteringPart
        await pilot.pause()
        await pilot.click(next(cap for cap in screen.query(KeyCap) if "Esc" in cap.render().plain))
        assert state_of(screen.counter) is Choosing


async def test_touching_the_button_hands_the_pin_over() -> None:
    """The button of the PIN screen is as good as Enter."""
    async with running(PIN) as (_, pilot, engine):
        await pilot.press(*"1234")
        await pilot.pause()
        await pilot.click(".forward")
        assert isinstance(engine.effects[-1], Authorise)


async def test_a_numeric_pad_is_enough() -> None:
    """`*` opens the help, in which every function has a number; `/` goes back."""
    async with running(Idle()) as (screen, pilot, _):
        await pilot.press("asterisk")
        await pilot.pause()
        assert isinstance(screen.app.screen, HelpScreen)
        await pilot.press("5")
        await pilot.pause()
        assert state_of(screen.counter) is PickingTask
        await pilot.press("slash")
        assert state_of(screen.counter) is Idle


async def test_language_turns_with_a_key() -> None:
    """F9 turns everything to English and back, in any state."""
    async with running(STATES["choosing"]) as (screen, pilot, _):
        assert "全て使う" in text_of(screen)
        await pilot.press("f9")
        await pilot.pause()
        assert "Use all" in text_of(screen)
        await pilot.press("f9")
        await pilot.pause()
        assert "全て使う" in text_of(screen)


async def test_card_data_is_never_markup() -> None:
    """Names with brackets are shown as they are."""
    async with running() as (screen, pilot, engine):
        engine.report(Opened(replace(TERMS, shop_name="[/b] 商店")))
        engine.report(replace(SURROUNDINGS, clerk="[1]"))
        await pilot.pause()
        assert "[/b] 商店" in text_of(screen)
        assert "係員 [1]" in text_of(screen)


async def test_an_engine_that_cannot_be_made_leaves_the_screen_up() -> None:
    """Whatever fails while the engine is loaded, the counter says that it is out of service."""
    failed = threading.Event()

    def broken() -> Engine:
        failed.set()
        raise RuntimeError("a defect")

    async with at_counter(ScreenSettings(motion=False), make_engine=broken) as (screen, pilot):
        assert await asyncio.to_thread(failed.wait, 10)
        while not isinstance(screen.counter.state, Unfit):
            await pilot.pause()
        await pilot.pause()
        assert "処理できませんでした" in text_of(screen)


async def test_the_engine_is_stopped_at_the_end() -> None:
    """Ctrl+Q ends the application, and the engine finishes what it has to."""
    async with running(ShowingBalance(WHO)) as (_, pilot, engine):
        await pilot.press("ctrl+q")
    assert engine.stopped


@pytest.mark.parametrize(("sound", "expected"), [(True, ["trouble"]), (False, [])])
async def test_results_have_their_sounds(sound: bool, expected: list[str]) -> None:
    """A state that should be noticed is heard, unless the shop wants silence."""
    heard: list[str] = []
    engine = ScriptedEngine()
    settings = ScreenSettings(sound=sound)
    async with at_counter(settings, make_engine=lambda: engine, play=heard.append) as (screen, pilot):
        await engine.started()
        screen.show(counter_in(STATES["sending"]))
        engine.report(Unanswered(screen.counter.task, SALE))
        await pilot.pause()
        assert heard == expected
