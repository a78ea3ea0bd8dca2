"""The sign-on: nobody sells before a clerk has signed on, and another takes over in two keys and a code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from config.settings import ScreenSettings
from config.texts import LANGUAGES, Lang
from terminal.counter.events import Opened
from terminal.screens.clerk.screen import ClerkScreen
from terminal.screens.counter.screen import CounterScreen
from terminal.shell.code import CodeScreen
from terminal.shell.shared import Shared
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import KeyCap
from terminal.shop.books import SignOn
from terminal.shop.clerks import Clerk, Clerks
from tests.terminal.screens.measures import cut_off, faint, text_of
from tests.terminal.screens.scenes import TERMS, ScriptedEngine, at_counter

pytestmark = pytest.mark.anyio

CLERKS = Clerks(clerks=(Clerk.with_code("12", "2468"), Clerk.with_code("34", "1357")))


@asynccontextmanager
async def opened(lang: Lang = "en") -> AsyncIterator[tuple[CounterScreen, Pilot[None], ScriptedEngine, Shared]]:
    """Yield a counter whose terminal was just opened, in a shop with two clerks."""
    engine = ScriptedEngine()
    settings = ScreenSettings(language=lang, motion=False)
    async with at_counter(settings, make_engine=lambda: engine) as (screen, pilot):
        shared = screen._shared  # what the screens share has no other door
        shared.clerks = CLERKS
        engine.answers = {SignOn(clerk.number): clerk.number for clerk in CLERKS.clerks}
        screen.post_message(screen.Reported(Opened(TERMS)))
        while not isinstance(screen.app.screen, ClerkScreen):
            await pilot.pause()
        yield screen, pilot, engine, shared


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_nobody_sells_before_somebody_signed_on(lang: Lang) -> None:
    """Esc leads nowhere; a wrong code signs nobody on; the right one leads to the counter."""
    async with opened(lang) as (screen, pilot, _engine, shared):
        asking = screen.app.screen
        assert [*faint(asking), *cut_off(asking, Prose), *cut_off(asking, KeyCap)] == []
        await pilot.press("escape")
        assert screen.app.screen is asking
        await pilot.press("2")
        await pilot.pause()
        code = screen.app.screen
        assert isinstance(code, CodeScreen)
        await pilot.press(*"2468", "enter")
        await screen.app.workers.wait_for_complete()
        assert screen.app.screen is code
        assert not shared.signed_on
        await pilot.press(*"1357")
        assert "1357" not in text_of(code)
        await pilot.press("enter")
        await screen.app.workers.wait_for_complete()
        while not screen.is_current:
            await pilot.pause()
        assert shared.signed_on


async def test_another_clerk_takes_over() -> None:
    """F7 and the clerk's digit, then the code; Esc leaves everything as it was."""
    async with opened() as (screen, pilot, _engine, shared):
        shared.signed_on = True
        await pilot.press("escape")
        while not screen.is_current:
            await pilot.pause()
        await pilot.press("f7")
        while not isinstance(screen.app.screen, ClerkScreen):
            await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert isinstance(screen.app.screen, CodeScreen)
        assert "Clerk 34: enter your code" in text_of(screen.app.screen)
