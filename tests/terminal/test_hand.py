"""Hands and scanners: what is typed, what is decided, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminal.counter import Counter, resident_view, step
from terminal.counter.effects import Authorise, Commit, Effect
from terminal.counter.events import Entered, Erased, Escaped, Event, Picked, PinTyped, Scanned, Typed
from terminal.counter.hand import SILENCE, SILENCE_AFTER_SCAN, Deciding, Press, Run
from terminal.counter.keys import Command, Digits, Go, Hold, Intention
from terminal.counter.row import Phase
from terminal.counter.states import Choosing, ConfirmingUndo, EnteringPart, EnteringPin, Field, Idle
from terminal.counter.table import at
from terminal.screens.counter.keys import meaning
from terminal.shell.keyboard import digit
from tests.terminal.screens.scenes import CARDS, STATES, counter_in

JAN = "4901234567894"

KEYS: dict[str, tuple[str, str | None]] = {
    **{number: (number, number) for number in "0123456789"},
    **{letter: (letter, letter) for letter in "KZkz"},
    ":": ("colon", ":"),
    "/": ("slash", "/"),
    "*": ("asterisk", "*"),
    "-": ("minus", "-"),
    "⏎": ("enter", "\r"),
    "⇥": ("tab", "\t"),
    "⌫": ("backspace", "\x7f"),
    "⎋": ("escape", "\x1b"),
    "↓": ("down", None),
    **{f"F{number}": (f"f{number}", None) for number in (1, 2, 3, 4, 5, 9)},
    "Q": ("ctrl+q", None),
}
"""Keys by a short name: what Textual calls them, and what they type."""


def run_of(counter: Counter, keys: list[str], gap: float = 0.01) -> Run:
    """Return the run that keys make at a counter, with what each means as the screen sees it."""
    run, boxes = Run(), counter.state.typed if isinstance(counter.state, EnteringPin) else 0
    for index, name in enumerate(keys):
        key, character = KEYS[name]
        shown = counter
        for event in run.echo:
            shown, _ = step(shown, event)
        means: Intention | None = None
        if isinstance(shown.state, EnteringPin) and (digit(character) or key == "backspace"):
            boxes = min(4, boxes + 1) if digit(character) else max(0, boxes - 1)
            means = PinTyped(boxes)
        elif not run.scanned:
            means = meaning(shown.state, key, character, CARDS)
        assert run.goes_on(index * gap)
        run = run.followed_by(Press(key, character, index * gap, means))
    return run


def after(counter: Counter, run: Run) -> tuple[Counter, list[Effect]]:
    """Return the counter once a run is over, and what it asked for."""
    asked: list[Effect] = []
    meant = (Scanned(run.text),) if run.scanned else run.meant
    for intention in meant:
        assert not isinstance(intention, Hold)
        if not isinstance(intention, Command | Go):
            counter, effects = step(counter, intention)
            asked += effects
    return counter, asked


BURSTS = st.lists(st.sampled_from(sorted(KEYS)), min_size=2, max_size=20).filter(lambda keys: len(set(keys)) > 1)
BEFORE = st.builds(
    lambda state, field: replace(counter_in(state), field=field),
    st.sampled_from(list(STATES.values())),
    st.sampled_from(Field),
)


@settings(max_examples=1500)
@given(BEFORE, BURSTS)
def test_no_burst_decides_anything(before: Counter, keys: list[str]) -> None:
    """From every state, whatever lies on the reader, no run of different keys leads to a card try or a commit."""
    run = run_of(before, keys)
    assert not any(isinstance(means, Deciding) for means in run.meant)
    _, asked = after(before, run)
    assert not any(isinstance(effect, Commit | Authorise) for effect in asked)


@settings(max_examples=300)
@given(BEFORE, st.text("0123456789", min_size=8, max_size=14).filter(lambda code: len(set(code)) > 1), st.booleans())
def test_a_goods_code_changes_nothing(before: Counter, code: str, ends: bool) -> None:
    """In no state it is a choice, a PIN, a yes or an amount; the card may be called for by nobody."""
    run = run_of(before, [*code, *(["⏎"] if ends else [])])
    assert run.scanned
    assert run.text == code
    assert run.echo == ()
    assert after(before, run) == (before, [])


@pytest.mark.parametrize("name", STATES)
def test_every_key_in_every_state_leaves_a_defined_counter(name: str) -> None:
    """A key alone tries no card, and leaves nothing that is written but for the question whether to undo it."""
    for field in Field:
        before = replace(counter_in(STATES[name]), field=field)
        for key in KEYS:
            run = run_of(before, [key])
            for intention in run.meant:
                if isinstance(intention, Hold | Command | Go):
                    continue
                counter, effects = step(before, intention)
                resident_view(counter)
                assert not any(isinstance(effect, Authorise) for effect in effects), key
                if any(isinstance(effect, Commit) for effect in effects):
                    assert isinstance(before.state, Choosing | EnteringPart | ConfirmingUndo), key
                if at(before.state).row.phase is Phase.WRITTEN:
                    assert isinstance(counter.state, type(before.state) | ConfirmingUndo), key
                if at(before.state).row.digits is not Digits.AMOUNT:
                    assert not isinstance(intention, Typed), key


@pytest.mark.parametrize(
    ("keys", "meant"),
    [
        (["1"], [Typed("1")]),
        (["0", "0", "0"], [Typed("0")] * 3),
        (["0"] * 9, [Typed("0")] * 9),
        (["⌫", "⌫"], [Erased()] * 2),
        (["⏎"], [Entered()]),
        (["⏎", "⏎", "⏎"], [Entered()]),
        (["⎋", "⎋"], [Escaped()]),
        (["1", "2"], [Typed("1"), Typed("2")]),
        (["1", "2", "0"], [Typed("1"), Typed("2"), Typed("0")]),
        (["5", "0", "0", "0"], [Typed("5"), *[Typed("0")] * 3]),
        (["0", "⏎"], [Typed("0")]),
        (["0", "0", "0", "⏎"], [Typed("0")] * 3),
        (["1", "2", "⏎"], [Typed("1"), Typed("2")]),
        (["1", "⎋"], [Typed("1"), Escaped()]),
        (["1", "2", "3", "⏎"], []),
        (["4", "9", "0", "1"], []),
        (["5", "0", "0", "0", "0", "0", "0", "0"], []),
        ([*JAN], []),
        ([*JAN, "⏎"], []),
        ([*"KZ", "1", ":", "2"], []),
    ],
)
def test_what_a_run_of_keys_means_at_a_bill(keys: list[str], meant: list[Event]) -> None:
    """A 000 key is a hand's, and so are two or three fast digits; an Enter among other keys is nobody's."""
    run = run_of(counter_in(Idle("7")), keys)
    assert list(run.meant) == meant
    assert run.held_back == ("⏎" in keys and len(set(keys)) > 1 and not run.scanned)


def test_a_number_that_is_held_down_chooses_once() -> None:
    """A key that bounces is no second choice."""
    assert run_of(counter_in(STATES["choosing"]), ["1", "1", "1"]).meant == (Picked(1),)


def test_a_run_ends_with_silence() -> None:
    """Measured from arrival to arrival; the Enter of a slow scanner still belongs to its code."""
    hand = Run().followed_by(Press("1", "1", 0.0, Typed("1")))
    assert hand.goes_on(SILENCE - 0.001)
    assert not hand.goes_on(SILENCE)
    scan = run_of(counter_in(Idle()), [*JAN])
    last = scan.presses[-1].at
    assert scan.goes_on(last + SILENCE_AFTER_SCAN - 0.001)
    assert not scan.goes_on(last + SILENCE_AFTER_SCAN + 0.001)
