"""The owner's screen: opened from the counter, whole and legible, and closing the day only when that is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from rich.cells import cell_len

from config.settings import ScreenSettings
from config.texts import LANGUAGES, Lang, Texts
from ledger.wire.operations import Operation
from terminal.counter.facts import Fault
from terminal.counter.hand import Press, Run
from terminal.counter.scanned import SlipCode
from terminal.counter.states import Idle
from terminal.screens.counter.screen import CounterScreen
from terminal.screens.owner.bars import Hours, drawn
from terminal.screens.owner.screen import OwnerScreen
from terminal.screens.owner.state import (
    Closed,
    Closing,
    Comparing,
    Confirming,
    Failed,
    Looking,
    OwnerState,
    Picking,
    Searching,
    Showing,
)
from terminal.shell.code import TRIES, CodeScreen
from terminal.shell.help import HelpScreen
from terminal.shell.registry import SCREENS
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.slip import Slip
from terminal.shell.widgets.touch import KeyCap, Touchable
from terminal.shop import books
from terminal.shop.books import FoundOperation, OfSlip, Search
from terminal.shop.periods import Compare, Period
from terminal.slips.operation import qr_text
from terminal.slips.rows import Row
from tests.terminal.screens.measures import ambiguous, cut_off, faint, text_of
from tests.terminal.screens.owner_scenes import BUSY, CLOSED, COMPARED, DAYS, FOUND, settled
from tests.terminal.screens.owner_scenes import at_owner as opened
from tests.terminal.screens.pictures import Album, named, painting, picture
from tests.terminal.screens.scenes import STATES, at_counter, counter_in

pytestmark = pytest.mark.anyio

LOOKS = [
    pytest.param((80, 24), ScreenSettings(language="ja", theme="dark", motion=False), id="small-ja"),
    pytest.param((80, 24), ScreenSettings(language="en", theme="light", motion=False), id="small-en"),
    pytest.param((120, 40), ScreenSettings(language="ja", theme="light", motion=False), id="large-ja"),
    pytest.param((80, 24), ScreenSettings(language="ja", borders="ascii", motion=False), id="ascii"),
]
ALL_STATES: tuple[OwnerState, ...] = (
    Looking(),
    Looking(x=True),
    Searching(),
    Searching("123456789", missed=True),
    Picking(FOUND),
    *(Showing(each) for each in FOUND),
    Comparing(Period.WEEK),
    *(Comparing(period, found) for period, found in COMPARED.items()),
    Confirming(),
    Confirming(empty=True),
    Closing(),
    Closed(CLOSED),
    Failed(Fault("terminal_not_open")),
)


def test_every_state_is_looked_at() -> None:
    """A state that is added is looked at, too."""
    assert {type(state) for state in ALL_STATES} == set(get_args(OwnerState))


def at(screen: OwnerScreen) -> OwnerState:
    """Return what the screen is at."""
    return screen.state


def flaws(screen: OwnerScreen, *, ascii_borders: bool) -> Iterator[str]:
    """Yield what cannot be read or touched."""
    yield from faint(screen)
    for kind in (Prose, Touchable):
        yield from cut_off(screen, kind)
    yield from (f"{cap!r} is narrow" for cap in screen.query(KeyCap) if cell_len(cap.render().plain) > cap.size.width)
    if ascii_borders:
        yield from ambiguous(text_of(screen))
    slip = screen.query_one(Slip)
    if len(slip.rows) > slip.content_size.height:
        yield "the slip is too long"
    for text in (text for row in slip.rows if isinstance(row, Row) for text in (row.label, row.value)):
        if text not in slip.render().plain:
            yield f"{text!r} is cut on the slip"


@pytest.mark.parametrize(("size", "settings"), LOOKS)
async def test_every_day_is_whole_and_legible(size: tuple[int, int], settings: ScreenSettings, compare: Album) -> None:
    """Nothing is cut, too faint, or drawn with uncertain widths, the largest figures neither; all is as reviewed."""
    found, drawn = {}, {}
    async with opened(BUSY, settings, size) as (screen, pilot, engine):
        for number, ((name, day), state) in enumerate(product(DAYS.items(), ALL_STATES)):
            engine.answers[books.overview] = day  # it is asked for again now and then
            screen.show(state, day)
            await painting(screen, pilot)
            if name == "busy" or isinstance(state, Looking):
                drawn[f"{number} {name} {type(state).__name__}"] = picture(screen)
            if wrong := list(flaws(screen, ascii_borders=settings.borders == "ascii")):
                found[name, repr(state)] = wrong
    assert found == {}
    compare(f"owner-{named(size, settings)}", drawn)


async def test_the_owner_sees_how_today_was_and_whether_anything_is_wrong() -> None:
    """Four figures, the hours, the last operations, and each thing that needs a hand with its next step."""
    async with opened(BUSY) as (screen, _, _):
        text = text_of(screen)
    for told in ("128,460 円", "−8,200 P", "+1,094 P", "2 件", "最大 45,600 円", "13:40 004215", "処理未了 1 件"):
        assert told in text


async def test_a_period_is_looked_at_with_the_one_before_it() -> None:
    """4 shows the week; a digit another period, Esc the day again; what comes after somebody went away is not shown."""
    async with opened(BUSY) as (screen, pilot, engine):
        engine.answers |= {Compare(period): found for period, found in COMPARED.items()}
        await pilot.press("4")
        await settled(screen, pilot)
        assert at(screen) == Comparing(Period.WEEK, COMPARED[Period.WEEK])
        assert "23 24 25" in " ".join(text_of(screen).split())
        await pilot.press("4")
        await settled(screen, pilot)
        assert "By clerk" in text_of(screen) or "係員別" in text_of(screen)
        assert at(screen) == Comparing(Period.MONTH, COMPARED[Period.MONTH])
        await pilot.press("2")
        await settled(screen, pilot)
        assert isinstance(at(screen), Failed)


async def test_the_screen_is_left_as_it_was_opened() -> None:
    """F8 from the counter and Esc back; a bill that is being typed is not left by a slip of the finger."""
    async with opened(BUSY) as (screen, pilot, _):
        await pilot.press("escape")
        await pilot.pause()
        counter = screen.app.screen
        assert isinstance(counter, CounterScreen)
        await pilot.press("1", "2", "f8")
        assert counter.is_current
        assert counter.counter.state == Idle("12")
        assert "Esc" in text_of(counter)


@pytest.mark.parametrize("name", ["choosing", "pin", "sending", "unknown", "confirm-void"])
async def test_no_other_screen_opens_while_somebody_is_served(name: str) -> None:
    """The resident's choice, PIN and outcome stay where they are."""
    async with at_counter(ScreenSettings(motion=False)) as (screen, pilot):
        screen.show(counter_in(STATES[name]))
        await pilot.press("f8")
        assert screen.app.screen is screen


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_code_keeps_the_owners_screen_the_owners(lang: Lang) -> None:
    """Where the settings have one, it is asked for, never shown, and not to be guessed."""
    settings = ScreenSettings(language=lang, motion=False)
    async with at_counter(settings, owner_code="24680") as (screen, pilot):
        screen.show(counter_in(Idle()))
        for _ in range(TRIES):
            await pilot.press("f8", "f8")
            asking = screen.app.screen
            assert isinstance(asking, CodeScreen)
            assert [*faint(asking), *cut_off(asking, Prose), *cut_off(asking, KeyCap)] == []
            await pilot.press(*"2468")
            assert "＊＊＊＊" in text_of(asking)
            assert "2468" not in text_of(asking)
            await pilot.press("escape")
            assert screen.is_current
        await pilot.press("f8", *["enter"] * TRIES)
        assert screen.is_current
        await pilot.press("f8", *"1111", "enter", *"24689", "backspace", "0", "enter")
        while not isinstance(screen.app.screen, OwnerScreen):
            await pilot.pause()


async def test_the_language_is_the_same_on_all_screens() -> None:
    """Turned at the owner's screen, it is turned at the counter."""
    async with opened(BUSY) as (screen, pilot, _):
        await pilot.press("f9")
        assert "What needs a hand" in text_of(screen)
        await pilot.press("escape")
        await pilot.pause()
        assert "Enter the bill" in text_of(screen.app.screen)


async def test_the_day_is_closed_once_and_only_when_that_is_meant() -> None:
    """Two keys, a question between them; Esc takes it back, and a second Enter closes no second day."""
    async with opened(BUSY) as (screen, pilot, engine):
        await pilot.press("2")
        assert at(screen) == Confirming()
        await pilot.press("escape")
        assert (at(screen), books.close in engine.asked) == (Looking(), False)
        await pilot.press("2", "enter", "enter")
        await settled(screen, pilot)
        assert engine.asked.count(books.close) == 1


async def test_an_empty_day_is_asked_about_once_more() -> None:
    """Nothing was sold since the last close: only a second yes records a Z report without a sale."""
    async with opened(BUSY) as (screen, pilot, engine):
        engine.answers |= {books.close: Fault("nothing_to_close"), books.close_anyway: CLOSED}
        await pilot.press("2", "enter")
        await settled(screen, pilot)
        assert at(screen) == Confirming(empty=True)
        assert books.close_anyway not in engine.asked
        await pilot.press("enter")
        await settled(screen, pilot)
        assert at(screen) == Closed(CLOSED)


async def test_a_closed_day_shows_its_number_and_hash() -> None:
    """The Z report is the slip at the right."""
    async with opened(BUSY, presses=("2", "enter")) as (screen, _, _):
        assert screen.state == Closed(CLOSED)
        assert all(told in text_of(screen) for told in ("第 42 回", "01-004218", "7f3a 91c2"))


async def test_nobody_leaves_while_the_day_is_being_closed() -> None:
    """What has begun is waited for."""
    async with opened(BUSY) as (screen, pilot, _):
        screen.state = Closing()
        await pilot.press("escape", "enter", "1", "2")
        assert screen.state == Closing()
        assert "使えるキー" in text_of(screen)


async def test_a_terminal_that_does_not_answer_says_what_to_do() -> None:
    """The fault's three sentences; Enter asks again."""
    async with opened(BUSY) as (screen, pilot, engine):
        engine.answers[books.close] = Fault("disk_full")
        await pilot.press("2", "enter")
        await settled(screen, pilot)
        assert at(screen) == Failed(Fault("disk_full"))
        assert "ディスクがいっぱいです" in text_of(screen)
        await pilot.press("enter")
        await settled(screen, pilot)
        assert at(screen) == Looking()


async def test_figures_are_asked_for_again() -> None:
    """What comes meanwhile is shown without a key."""
    async with opened(BUSY) as (screen, pilot, engine):
        day = replace(BUSY.report.day, bill=999_000)
        engine.answers[books.overview] = replace(BUSY, report=replace(BUSY.report, day=day))
        screen.look()
        await settled(screen, pilot)
        assert "999,000 円" in text_of(screen)


SEARCHES = [
    pytest.param((), Searching("4211", missed=True), id="none"),
    pytest.param(FOUND[2:3], Showing(FOUND[2]), id="one"),
    pytest.param(FOUND, Picking(FOUND), id="several"),
]


@pytest.mark.parametrize(("answer", "state"), SEARCHES)
async def test_an_operation_is_found_by_its_digits(answer: tuple[FoundOperation, ...], state: OwnerState) -> None:
    """One is shown at once, several are listed, and of none it is said."""
    async with opened(BUSY) as (screen, pilot, engine):
        engine.answers[Search(4211)] = answer
        await pilot.press("3", "enter", *"42118", "backspace", "enter")
        await settled(screen, pilot)
        assert screen.state == state


async def test_the_slip_of_what_was_found_is_the_slip_of_the_sale() -> None:
    """A line is picked by its number, and Esc leads back step by step."""
    async with opened(BUSY) as (screen, pilot, _):
        screen.show(Picking(FOUND), BUSY)
        await pilot.press("9", "4")
        await settled(screen, pilot)
        assert at(screen) == Showing(FOUND[3])
        assert all(told in text_of(screen) for told in ("01-004214", "12,400 円", "7f3a 91c2"))
        await pilot.press("escape")
        assert at(screen) == Searching()
        await pilot.press("escape")
        assert at(screen) == Looking()


async def test_a_scanned_slip_is_shown() -> None:
    """Its code leads to the operation and to no other; while the close is asked for, it leads nowhere."""
    code = qr_text("252034-0001-01-004211", "7f3a 91c2")
    run = Run(tuple(Press(mark, mark, 0.0, None) for mark in code))
    answers: list[tuple[tuple[FoundOperation, ...], OwnerState]] = [
        (FOUND[2:3], Showing(FOUND[2])),
        ((), Searching("4211", missed=True)),
    ]
    async with opened(BUSY) as (screen, pilot, engine):
        for answer, state in answers:
            screen.show(Looking(), BUSY)
            engine.answers[OfSlip(SlipCode("252034-0001-01-004211", "7f3a91c2"))] = answer
            screen._do_run(run)
            await settled(screen, pilot)
            assert screen.state == state
        screen.show(Confirming(), BUSY)
        screen._do_run(run)
        await settled(screen, pilot)
        assert screen.state == Confirming()


async def test_no_number_of_a_person_can_be_typed() -> None:
    """Nine digits are enough for any operation, and too few for a 個人番号."""
    async with opened(BUSY, presses=("3", *"123456789012")) as (screen, _, _):
        assert screen.state == Searching("123456789")


async def test_help_names_the_keys_of_this_screen() -> None:
    """A key that is chosen in the help does what it does."""
    async with opened(BUSY) as (screen, pilot, _):
        await pilot.press("f1")
        assert isinstance(screen.app.screen, HelpScreen)
        assert "中間計を見るだけです" in text_of(screen.app.screen)
        await pilot.press("2")
        await pilot.pause()
        assert screen.state == Confirming()


async def test_a_wrong_key_says_which_would_work() -> None:
    """Nothing happens, and nobody is left guessing."""
    async with opened(BUSY) as (screen, pilot, _):
        await pilot.press("q")
        assert (screen.state, "使えるキー: 1 2 3 4 Esc" in text_of(screen)) == (Looking(), True)


def test_every_row_of_the_registry_is_complete() -> None:
    """No two screens have one key or name, and each is named in every language."""
    assert len({row.press for row in SCREENS}) == len({row.name for row in SCREENS}) == len(SCREENS)
    for texts, row in product(map(Texts, LANGUAGES), SCREENS):
        assert texts.has(row.key_text)
        assert texts.has(row.title)


def test_every_kind_of_operation_can_stand_in_the_list() -> None:
    """A kind that is added gets its word here, too."""
    kinds = {kind.model_fields["kind"].annotation for kind in get_args(Operation)}
    named = {name for annotation in kinds for name in get_args(annotation)} - {"sale", "award"}
    assert [(lang, name) for lang in LANGUAGES for name in named if not Texts(lang).has(f"owner-kind-{name}")] == []


# Bars -----------------------------------------------------------------------------------------------------------


def hours(today: dict[int, int], yesterday: dict[int, int] | None = None, first: int = 0) -> Hours:
    """Return hours with sales in some of them."""
    ours, theirs = ([day.get(hour, 0) for hour in range(24)] for day in (today, yesterday or {}))
    return Hours([str((first + hour) % 24) for hour in range(24)], ours, theirs, "T", "Y", "4")


def test_bars_are_as_high_as_what_they_stand_for() -> None:
    """To half a row, and whatever was sold shows; yesterday stands beside."""
    assert drawn(hours({9: 400, 10: 200, 11: 1}, {9: 100}), 30, 6) == [
        "█ T  : Y                     4",
        "█",
        "█",
        "█  █",
        "█: █  ▄",
        "9  10 11 12 13 14 15 16 17 18",
    ]


BARS = [
    pytest.param(hours({}), 40, "9   10  11  12  13  14  15  16  17  18", id="an empty day begins at nine"),
    pytest.param(hours({20: 1}, first=5), 40, "19  20  21  22  23  0   1   2   3   4", id="a late day"),
    pytest.param(hours(dict.fromkeys(range(24), 1)), 24, "0  3  6  9  12 15 18 21", id="every hour"),
]


@pytest.mark.parametrize(("day", "width", "names"), BARS)
def test_hours_have_their_names(day: Hours, width: int, names: str) -> None:
    """Where each has not room enough for its own, some do."""
    assert drawn(day, width, 6)[-1] == names


@pytest.mark.parametrize("width", range(12, 120, 7))
def test_bars_never_leave_their_room(width: int) -> None:
    """However many hours there are."""
    for day in (hours({h: h for h in range(24)}), hours({3: 1}, {20: 5}), hours({})):
        rows = drawn(day, width, 8)
        assert len(rows) == 8
        assert all(cell_len(row) <= width for row in rows[1:])
