"""The pieces of the screens: wrapping, figures, keys, the PIN, sounds, and the look of the first frame."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import terminal.shell.sound
from config.settings import ScreenSettings
from terminal.counter.events import Moved, Picked
from terminal.counter.keys import EVERYWHERE, QUIT, Hold
from terminal.counter.row import Sound
from terminal.screens.counter.keys import keys_of, meaning
from terminal.screens.counter.pin import PinPad
from terminal.shell.app import KazasuApp
from terminal.shell.look import Look, look_of
from terminal.shell.shared import Shared
from terminal.shell.themes import theme_name
from terminal.shell.typesetting import wrapped
from terminal.shell.widgets.glyphs import HEIGHT, NARROW, WIDE, doubled, draw, largest
from terminal.shell.words import clock, figure, moment, number_at_shop, points, signed_points, yen
from tests.terminal.screens.scenes import CARDS, STATES

WRAPPED = [
    pytest.param("もう一度お試しください。", 17, ["もう一度", "お試しください。"], id="a phrase stays whole"),
    pytest.param("番号（4桁）を入力", 12, ["番号", "（4桁）を", "入力"], id="brackets stay with what they hold"),
    pytest.param("Try again. If it goes on", 12, ["Try again.", "If it goes", "on"], id="words"),
    pytest.param("一二三四五", 4, ["一二", "三四", "五"], id="cut where nothing else helps"),
    pytest.param("一\n二", 10, ["一", "二"], id="its own lines"),
    pytest.param("", 10, [""], id="nothing"),
]


@pytest.mark.parametrize(("text", "width", "lines"), WRAPPED)
def test_text_is_wrapped_as_it_is_read(text: str, width: int, lines: list[str]) -> None:
    """Lines end between phrases, and closing marks never begin one."""
    assert wrapped(text, width) == lines


@given(st.text("あのがお一二漢字カー、。（）「」abc 12.", max_size=60), st.integers(2, 50))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    """Whatever the text, every mark is still there in its order, and no line is too wide."""
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)


FIGURES = [
    pytest.param(figure(1234567), "1,234,567", id="thousands"),
    pytest.param(yen(0), "0 円", id="zero"),
    pytest.param(points(-820), "−820 P", id="a minus, no hyphen"),
    pytest.param(signed_points(-820), "−820 P", id="taken"),
    pytest.param(signed_points(0), "0 P", id="nothing taken"),
    pytest.param(signed_points(3), "+3 P", id="given"),
    pytest.param(number_at_shop("252034-0001-01-004211"), "01-004211", id="number"),
    pytest.param(clock("2026-11-23T09:05:59+09:00"), "09:05", id="clock"),
    pytest.param(moment("2026-11-23T09:05:59+09:00"), "2026-11-23 09:05", id="moment"),
]


@pytest.mark.parametrize(("shown", "expected"), FIGURES)
def test_figures_are_written_as_people_read_them(shown: str, expected: str) -> None:
    """Thousands are separated, units are there, a minus is one."""
    assert shown == expected


def test_large_figures_are_as_large_as_the_room() -> None:
    """From twice the wide font to the narrow one, and never higher or wider than the room where one fits."""
    for width, height, rows in ((90, 12, 10), (46, 12, 5), (46, 5, 5), (30, 5, 5)):
        drawn = largest("1,200", "円", width, height)
        assert len(drawn) == rows
        assert {len(row) for row in drawn} == {len(drawn[0])}
    assert len(largest("9,999,999", "円", 46, 5)[0]) <= 46


@pytest.mark.parametrize("font", [WIDE, NARROW], ids=["wide", "narrow"])
def test_figures_can_be_told_apart(font: dict[str, tuple[str, ...]]) -> None:
    """No two glyphs are alike, all are of one height, and doubling doubles."""
    assert len(set(font.values())) == len(font)
    for mark, glyph in font.items():
        assert len(glyph) == HEIGHT, mark
        assert {len(row) for row in glyph} == {len(glyph[0])}
    assert len(doubled(draw("0", font))) == 2 * HEIGHT


def test_a_key_means_one_thing_in_a_state() -> None:
    """No state has two meanings for a key, and the keys for everywhere work everywhere."""
    for name, state in STATES.items():
        keys = keys_of(state)
        assert len({key.press for key in keys}) == len(keys), name
        for key in (*EVERYWHERE, QUIT):
            assert meaning(state, key.press, None, ()) == key.means, name


MEANT = [
    pytest.param("choosing", "down", None, Moved(1), id="down"),
    pytest.param("choosing", "2", "2", Picked(2), id="a line"),
    pytest.param("choosing", "fullwidth_digit_two", "２", Picked(2), id="a line, by an input method"),
    pytest.param("choosing", "9", "9", None, id="no such line"),
    pytest.param("await", "1", "1", Hold(CARDS[0]), id="a practice card"),
    pytest.param("await", "7", "7", None, id="no such card"),
    pytest.param("idle", "tab", "\t", None, id="nothing printable"),
]


@pytest.mark.parametrize(("state", "press", "character", "expected"), MEANT)
def test_what_keys_mean(state: str, press: str, character: str | None, expected: object) -> None:
    """Numbers choose lines and practice cards, and nothing that is not there."""
    assert meaning(STATES[state], press, character, CARDS) == expected


def test_the_pin_pad_leaves_nothing_behind() -> None:
    """It takes four digits, hands them over once, and overwrites what it still has."""
    pad = PinPad()
    for typed in "12345":
        pad.add(typed)
    assert pad.full
    handed = pad.hand_over()
    assert (handed, len(pad)) == (bytearray(b"1234"), 0)
    pad.erase()
    pad.add("9")
    kept = pad._digits
    pad.wipe()
    assert kept == b""


def test_every_sound_is_there_and_short() -> None:
    """A sound that a state may ask for is a WAV file of less than a second."""
    for name in Sound:
        with wave.open(str(Path(terminal.shell.sound.__file__).with_name("sounds") / f"{name}.wav")) as sound:
            assert sound.getnframes() / sound.getframerate() < 1


LOOKS = [
    pytest.param("", Look("ja", "dark", "lines"), id="no file"),
    pytest.param(
        '[screen]\nlanguage = "en"\ntheme = "light"\nborders = "ascii"', Look("en", "light", "ascii"), id="all"
    ),
    pytest.param('[screen]\ntheme = "pink"\nlanguage = 3', Look("ja", "dark", "lines"), id="wrong values"),
    pytest.param("screen = 1", Look("ja", "dark", "lines"), id="no table"),
    pytest.param("[screen", Look("ja", "dark", "lines"), id="no TOML"),
]


@pytest.mark.parametrize(("text", "look"), LOOKS)
def test_the_first_frame_looks_as_the_settings_say(tmp_path: Path, text: str, look: Look) -> None:
    """A mistake in the file changes nothing here: it is reported when the settings are read in full."""
    settings = tmp_path / "settings.toml"
    if text:
        settings.write_text(text, encoding="utf-8")
    assert look_of(settings) == look
    assert look_of(settings, "en").lang == "en"


def test_the_look_has_the_defaults_of_the_settings() -> None:
    """Both ways of reading agree where nothing is set."""
    defaults = ScreenSettings()
    assert look_of(Path("nowhere")) == Look(defaults.language, defaults.theme, defaults.borders)
    assert look_of(Path("nowhere")).theme == theme_name(defaults.theme, defaults.borders)


@pytest.mark.anyio
async def test_what_cannot_be_loaded_ends_the_application_and_is_told() -> None:
    """A mistake in the settings is told on the command line, once the screen is gone."""

    def load() -> Shared:
        raise ValueError("a mistake")

    application = KazasuApp(Look("ja", "dark", "lines"), load)
    async with application.run_test() as pilot:
        while application.failure is None:
            await pilot.pause()
    assert str(application.failure) == "a mistake"
