"""The resident's display: what it shows, how it finds the counter, and that it leaves nothing personal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from config.settings import ScreenSettings
from terminal.counter import resident_view
from terminal.counter.facts import Fault
from terminal.counter.resident import WELCOME, ResidentView, Scene
from terminal.screens.display.app import DisplayApp
from terminal.screens.display.link import FORM, LOOPBACK, Broadcaster, Shown, follow
from terminal.shell.widgets.amount import AmountDisplay
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine
from tests.terminal.screens.measures import ambiguous, cut_off, faint, text_of
from tests.terminal.screens.pictures import Album, named, painting, picture
from tests.terminal.screens.scenes import STATES, counter_in

pytestmark = pytest.mark.anyio

VIEWS = [
    ResidentView(Scene.CLOSED),
    WELCOME,
    *dict.fromkeys(resident_view(counter_in(state)) for state in STATES.values()),
]
PAID = Shown(ResidentView(Scene.PAID, yen=380, points=6), "ja")


async def _at_once(_seconds: float) -> None:
    """Wait for nothing but for others to run."""
    await asyncio.sleep(0)


async def _silent() -> AsyncIterator[Shown | None]:
    yield None


LOOKS = [
    pytest.param((40, 15), ScreenSettings(language="ja", theme="light", motion=False), id="40x15-ja"),
    pytest.param((80, 24), ScreenSettings(language="en", theme="dark", borders="ascii", motion=False), id="80x24-en"),
    pytest.param((120, 40), ScreenSettings(language="ja", theme="dark", motion=False), id="120x40-ja"),
]


@pytest.mark.parametrize(("size", "settings"), LOOKS)
async def test_every_scene_is_whole_and_legible(
    size: tuple[int, int], settings: ScreenSettings, compare: Album
) -> None:
    """Also on a monitor whose terminal is set to very large type; all is as it was reviewed."""
    app = DisplayApp(_silent, settings)
    found, drawn = {}, {}
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        for number, view in enumerate(VIEWS):
            app.show(Shown(view, settings.language))
            await painting(app.screen, pilot)
            flaws = [
                *faint(app.screen),
                *(flaw for kind in (Prose, AmountDisplay, ChoiceLine) for flaw in cut_off(app.screen, kind)),
                *(ambiguous(text_of(app.screen)) if settings.borders == "ascii" else ()),
            ]
            if flaws:
                found[view] = flaws
            drawn[f"{number} {view.scene}"] = picture(app.screen)
    assert found == {}
    compare(f"display-{named(size, settings)}", drawn)


async def test_the_counter_tells_the_display(tmp_path: Path) -> None:
    """A subscriber gets what is shown now, then every change."""
    address = tmp_path / "display.json"
    counter = Broadcaster(address)
    await counter.start()
    counter.show(PAID)
    async with aclosing(follow(address, _at_once)) as told:
        assert await anext(told) == PAID
        counter.show(Shown(WELCOME, "en"))
        assert await anext(told) == Shown(WELCOME, "en")
        await counter.close()
        assert await anext(told) is None
    assert not address.exists()


async def test_the_display_comes_back_by_itself(tmp_path: Path) -> None:
    """It waits for a counter that is not there yet, and finds the next one after a restart."""
    address = tmp_path / "display.json"
    async with aclosing(follow(address, _at_once)) as told:
        assert await anext(told) is None
        for shown in (PAID, Shown(WELCOME, "en")):
            counter = Broadcaster(address)
            await counter.start()
            counter.show(shown)
            while (heard := await anext(told)) is None:
                pass
            assert heard == shown
            await counter.close()


@pytest.mark.parametrize("form", [{}, {"form": FORM + 1}])
async def test_a_counter_of_another_version_is_not_understood_by_halves(tmp_path: Path, form: dict[str, int]) -> None:
    """0.1.0 wrote no number; the display shows that there is no counter that it knows."""
    address = tmp_path / "display.json"
    counter = Broadcaster(address)
    await counter.start()
    counter.show(PAID)
    written = json.loads(address.read_text())
    assert written.pop("form") == FORM
    address.write_text(json.dumps(written | form))
    async with aclosing(follow(address, _at_once)) as told:
        assert await anext(told) is None
    await counter.close()


async def test_whoever_does_not_know_the_token_hears_nothing(tmp_path: Path) -> None:
    """Another program of this machine that finds the port is turned away; the file is its owner's alone."""
    address = tmp_path / "display.json"
    counter = Broadcaster(address)
    await counter.start()
    counter.show(PAID)
    assert address.stat().st_mode & 0o077 == 0
    for greeting in (b"\n", b"wrong\n", b"x" * 100_000, b"\xff\n"):
        reader, writer = await asyncio.open_connection(LOOPBACK, json.loads(address.read_text())["port"])
        writer.write(greeting)
        with suppress(ConnectionError):
            writer.write_eof()
            assert await reader.read() == b""
        writer.close()
    await counter.close()


async def test_every_view_travels_unchanged(tmp_path: Path) -> None:
    """What the counter says is what the display shows."""
    address = tmp_path / "display.json"
    counter = Broadcaster(address)
    await counter.start()
    views = [*VIEWS, ResidentView(Scene.REFUSED, fault=Fault("points_not_possible", (("points", 3),)))]
    counter.show(Shown(views[0], "ja"))
    async with aclosing(follow(address, _at_once)) as told:
        assert await anext(told) == Shown(views[0], "ja")
        for view in views[1:]:
            counter.show(Shown(view, "ja"))
            assert await anext(told) == Shown(view, "ja")
    await counter.close()


async def test_without_a_counter_it_says_so() -> None:
    """Nothing of the last resident is left when the counter goes away."""

    async def once() -> AsyncIterator[Shown | None]:
        yield PAID
        yield None

    app = DisplayApp(once, ScreenSettings(motion=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "ただいま準備中です" in text_of(app.screen)
        assert "380" not in text_of(app.screen)


def test_nothing_personal_is_left_ten_seconds_after_the_card_is_gone() -> None:
    """Every state that shows a resident's points is the invitation again by then, or shows no points."""
    for state in STATES.values():
        later = replace(counter_in(state), now=10.0)
        view = resident_view(later)
        assert view.balances == (), state
