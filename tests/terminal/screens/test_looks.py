"""Every state of the counter is wholly on the screen, in both languages, both sizes and all themes, and can be read."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len

from config.settings import ScreenSettings
from terminal.counter.keys import Command
from terminal.counter.states import PickingUndo
from terminal.screens.counter.frame import Question
from terminal.screens.counter.screen import CounterScreen
from terminal.shell.help import HelpScreen
from terminal.shell.typesetting import wrapped
from terminal.shell.widgets.amount import AmountDisplay
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.slip import Slip
from terminal.shell.widgets.status_line import StatusLine
from terminal.shell.widgets.touch import KeyCap, Touchable
from terminal.slips.rows import Row
from tests.terminal.screens.gallery import drawings
from tests.terminal.screens.measures import ambiguous, cut_off, faint, painted, text_of
from tests.terminal.screens.pictures import Album, named, painting, picture
from tests.terminal.screens.scenes import ITEM, STATES, at_counter, counter_in

SMALL, LARGE = (80, 24), (120, 40)

LOOKS = [
    pytest.param(SMALL, ScreenSettings(language="ja", theme="dark", motion=False), id="80x24-ja"),
    pytest.param(SMALL, ScreenSettings(language="en", theme="light", borders="ascii", motion=False), id="80x24-en"),
    pytest.param(LARGE, ScreenSettings(language="ja", theme="light", motion=False), id="120x40-ja"),
    pytest.param(LARGE, ScreenSettings(language="en", theme="dark", borders="ascii", motion=False), id="120x40-en"),
]
"""Every size in every language, and with them every theme."""


def _flaws(screen: CounterScreen, *, ascii_borders: bool) -> Iterator[str]:
    """Yield what is wrong with a screen."""
    size = screen.size
    yield from (f"row of {strip.cell_length}" for strip in painted(screen) if strip.cell_length != size.width)
    yield from faint(screen)
    for kind in (Prose, AmountDisplay, Touchable):
        yield from cut_off(screen, kind)
    yield from (
        f"{cap!r} is too narrow" for cap in screen.query(KeyCap) if cell_len(cap.render().plain) > cap.size.width
    )
    yield from (
        f"{target!r} is {target.outer_size}"
        for target in screen.query(Touchable)
        if target.outer_size.width < 12 or target.outer_size.height < 3
    )
    if ascii_borders:
        yield from ambiguous(text_of(screen))
    slip = screen.query_one(Slip)
    if len(slip.render().plain.splitlines()) > slip.content_size.height:
        yield "the slip is too long"
    for text in (word for row in slip.rows if isinstance(row, Row) for word in (row.label, row.value)):
        if not all(line in slip.render().plain for line in wrapped(text, slip.content_size.width)):
            yield f"{text!r} is cut on the slip"
    status = screen.query_one(StatusLine)
    if status.place not in status.render().plain:
        yield "the status line is too long"


@pytest.mark.anyio
@pytest.mark.parametrize(("size", "settings"), LOOKS)
async def test_every_state_is_whole_and_legible(
    size: tuple[int, int], settings: ScreenSettings, compare: Album
) -> None:
    """Nothing is cut, too faint, too small to touch, or of uncertain width; all is as reviewed."""
    found, drawn = {}, {}
    async with at_counter(settings, size) as (screen, pilot):
        for name, state in STATES.items():
            screen.show(counter_in(state))
            await painting(screen, pilot)
            if flaws := list(_flaws(screen, ascii_borders=settings.borders == "ascii")):
                found[name] = flaws
            drawn[name] = picture(screen)
    assert found == {}
    compare(f"counter-{named(size, settings)}", drawn)


@pytest.mark.anyio
@pytest.mark.parametrize(("size", "settings"), LOOKS)
async def test_help_is_whole_and_legible(size: tuple[int, int], settings: ScreenSettings) -> None:
    """Help fits where it has the most to say, and leaves the status line in sight."""
    async with at_counter(settings, size) as (screen, pilot):
        screen.show(counter_in(STATES["idle"]))
        screen.perform(Command.HELP)
        await pilot.pause()
        shown = screen.app.screen
        assert isinstance(shown, HelpScreen)
        assert text_of(shown).splitlines()[0] == text_of(screen).splitlines()[0]
        assert list(faint(shown)) == []
        assert [flaw for kind in (Prose, KeyCap) for flaw in cut_off(shown, kind)] == []
        assert not (settings.borders == "ascii" and ambiguous(text_of(shown)))


@pytest.mark.anyio
async def test_a_picture_of_a_screen_says_what_the_screen_says() -> None:
    """The pictures of the documentation are well-formed, and leave no character out."""
    drawn = ET.fromstring((await drawings("ja", ["choosing"]))["choosing"])  # noqa: S314  # a drawing of our own
    async with at_counter(ScreenSettings(motion=False), SMALL) as (screen, pilot):
        screen.show(counter_in(STATES["choosing"]))
        await pilot.pause()
        said = "".join(text_of(screen).replace("│", "").split())
    assert "".join("".join(drawn.itertext()).split()) == said


@pytest.mark.anyio
async def test_nothing_but_the_cursor_scrolls() -> None:
    """A list that is longer than the screen keeps the chosen line in sight."""
    async with at_counter(ScreenSettings(motion=False), SMALL) as (screen, pilot):
        screen.show(counter_in(PickingUndo((ITEM,) * 12, cursor=12)))
        await pilot.pause()
        question = screen.query_one(Question)
        assert question.max_scroll_y > 0
        while question.scroll_y < question.max_scroll_y:  # it follows a refresh after what it follows
            await pilot.pause()
        assert ">" in text_of(screen)
