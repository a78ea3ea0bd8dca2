"""P at the counter: the slip of what is shown, from the journal; a second one is a copy, and a sale never waits."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from config.settings import PrinterSettings, ScreenSettings
from terminal.counter.states import Done, Idle
from terminal.shop.books import Named
from terminal.shop.printing import PrinterNoPaper, Printing, Sheet
from terminal.slips.rows import Row
from tests.terminal.screens.measures import text_of
from tests.terminal.screens.owner_scenes import FOUND
from tests.terminal.screens.scenes import STATES, SURROUNDINGS, ScriptedEngine, at_counter, counter_in

pytestmark = pytest.mark.anyio

SETTINGS = ScreenSettings(language="en", motion=False)


class Paper:
    """A printer that keeps what it prints; without paper it prints nothing."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.empty = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def send(self, sheet: Sheet) -> None:
        """Print."""
        self.may_go_on.wait()
        if self.empty:
            raise PrinterNoPaper("192.168.1.50")
        self.sheets.append(sheet)

    @property
    def copies(self) -> list[bool]:
        """Whether each is marked as a copy."""
        return [any(isinstance(row, Row) and row.label == "REPRINT" for row in sheet.rows) for sheet in self.sheets]


async def test_p_prints_what_is_shown_once_as_the_slip_and_then_as_a_copy() -> None:
    """What is printed was read from the journal under the operation's number; without a printer P means nothing."""
    done, engine, paper = STATES["done"], ScriptedEngine(), Paper()
    assert isinstance(done, Done)
    engine.answers = {Named(done.receipt.operation_id): FOUND[0]}
    async with at_counter(SETTINGS, make_engine=lambda: engine) as (screen, pilot):
        await engine.started()
        shared = screen._shared  # what the screens share has no other door
        screen.show(counter_in(done))
        await pilot.press("p")
        assert "P Print" not in text_of(screen)
        assert paper.sheets == []
        shared.printing = Printing(PrinterSettings(kind="network"), paper)
        shared.surroundings = replace(SURROUNDINGS, printer=True)
        screen.show(counter_in(done))
        await pilot.pause()
        assert "P Print" in text_of(screen)
        for copies in ([False], [False, True]):
            await pilot.press("p")
            await screen.workers.wait_for_complete()
            await pilot.pause()
            assert paper.copies == copies
            assert "The slip is printed." in text_of(screen)
        paper.empty = True
        await pilot.press("p")
        await screen.workers.wait_for_complete()
        await pilot.pause()
        assert "The printer has no paper" in text_of(screen)
        engine.answers = {}
        await pilot.press("p")
        await screen.workers.wait_for_complete()
        assert len(paper.sheets) == 2


async def test_a_sale_goes_on_while_the_printer_hangs() -> None:
    """The next bill can be typed at once; the slip comes when the printer is let go."""
    done, engine, paper = STATES["done"], ScriptedEngine(), Paper()
    assert isinstance(done, Done)
    engine.answers = {Named(done.receipt.operation_id): FOUND[0]}
    paper.may_go_on.clear()
    async with at_counter(SETTINGS, make_engine=lambda: engine) as (screen, pilot):
        await engine.started()
        shared = screen._shared
        shared.printing = Printing(PrinterSettings(kind="network", when="always"), paper)
        shared.surroundings = replace(SURROUNDINGS, printer=True)
        screen.show(counter_in(done))
        screen._entered()
        await pilot.pause()
        await pilot.press(*"1200")
        assert isinstance(screen.counter.state, Idle)
        assert paper.sheets == []
        paper.may_go_on.set()
        await screen.workers.wait_for_complete()
        assert paper.copies == [False]
