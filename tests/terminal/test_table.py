"""The table of the counter: a row for every state, a sample of every state and event, and a page made from them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

import terminal
from config.texts import LANGUAGES, Lang, Texts
from terminal.counter import State, resident_view, step
from terminal.counter.effects import Effect
from terminal.counter.events import Event, Tick
from terminal.counter.left import AskingContext
from terminal.counter.paper import Bill, Paper, Quoted
from terminal.counter.pieces import Lines
from terminal.counter.resident import WELCOME, Scene
from terminal.counter.states import Choosing, EnteringPart, Field, Starting
from terminal.counter.table import at
from terminal.screens.counter.keys import keys_of
from terminal.shell.words import Words
from tests.terminal.happenings import everything
from tests.terminal.screens.scenes import CARDS, STATES, TERMS, counter_in
from tests.terminal.shown import RECORDS, block, recorded
from tests.terminal.states_page import edges, page

PAGE = Path(__file__).parents[2] / "docs" / "counter.md"


def test_every_state_has_its_sample() -> None:
    """What is tried with every state is tried with every state that there is."""
    assert {type(state) for state in STATES.values()} == set(get_args(State))


def test_every_event_has_its_sample() -> None:
    """What is tried with every event is tried with every event that there is."""
    assert {type(event) for event in everything(counter_in(Starting()))} == set(get_args(Event))


@pytest.mark.parametrize("name", STATES)
def test_a_state_is_read_in_its_own_row(name: str) -> None:
    """A row is for one kind of state."""
    assert at(STATES[name]).row.state is type(STATES[name])


def test_every_state_can_be_reached_and_left() -> None:
    """No state is without a way in or a way out."""
    found = edges()
    assert {after for _, after in found} | {Starting} == set(get_args(State))
    assert {before for before, _ in found} == set(get_args(State))


def test_every_event_and_every_effect_is_of_use() -> None:
    """An event that no state answers to, or an effect that none asks for, was forgotten somewhere."""
    answered, asked = set(), set()
    for state in STATES.values():
        for field in Field:
            before = replace(counter_in(state), field=field)
            for event in everything(before):
                after, effects = step(before, event)
                asked |= {type(effect) for effect in effects}
                if effects or after.state != state:
                    answered.add(type(event))
    assert answered == set(get_args(Event))
    assert asked == set(get_args(Effect))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("card_there", [False, True])
def test_every_state_says_something(lang: Lang, card_there: bool) -> None:
    """No left is blank, no slip without a content, no resident without a scene; and every text that it takes exists."""
    words = Words(Texts(lang), TERMS.programmes)
    for name, state in STATES.items():
        for practice, cards in ((False, ()), (True, CARDS)):
            assert list(at(state).left(AskingContext(words, card_there, practice, cards))), name
        assert isinstance(at(state).paper(TERMS), get_args(Paper))
        assert resident_view(counter_in(state)).scene in Scene
        assert all(words(key.text) for key in keys_of(state))
        assert (at(state).lines > 0) == any(isinstance(piece, Lines) for piece in at(state).left(AskingContext(words)))


@pytest.mark.parametrize(
    ("name", "card_there", "ready"),
    [
        ("idle", False, False),
        ("idle-typed", False, True),
        ("idle-notice", False, False),
        ("award", False, True),
        ("award-notice", False, False),
        ("part", False, True),
        ("part-notice", False, False),
        ("pin", False, False),
        ("pin-full", False, True),
        ("pin-reading", False, False),
        ("last-try", False, False),
        ("confirm-void", False, True),
        ("done", True, False),
        ("done", False, True),
        ("unknown", True, False),
    ],
)
def test_enter_has_the_accent_only_when_it_should_be_pressed_now(name: str, card_there: bool, ready: bool) -> None:
    """Before that, typing or taking the card has it; using the last try never has."""
    assert at(STATES[name]).ready(card_there) is ready


def test_a_part_that_is_not_possible_leaves_the_bill_on_the_slip() -> None:
    """The slip shows no sum that could not be."""
    choosing = STATES["choosing-second"]
    assert isinstance(choosing, Choosing)
    assert at(EnteringPart(choosing, "821")).paper(TERMS) == Bill(1200)
    assert isinstance(at(EnteringPart(choosing, "820")).paper(TERMS), Quoted)


def test_nothing_personal_stays_with_the_resident() -> None:
    """Three seconds after a result, ten seconds after the card is gone, the display invites again."""
    gone = {True: 10.0, False: 9.9}
    for name in ("choosing", "part"):
        for welcome, now in gone.items():
            counter = replace(counter_in(STATES[name]), now=now)
            assert (resident_view(counter) == WELCOME) is welcome
    for name in ("done", "queued", "refused", "balance"):
        for welcome, now in ((True, 3.0), (False, 2.9)):
            assert (resident_view(replace(counter_in(STATES[name]), now=now)) == WELCOME) is welcome
            fresh = replace(counter_in(STATES[name]), now=now + 5, changed_at=5.0)
            assert (resident_view(fresh) == WELCOME) is welcome
            assert resident_view(replace(counter_in(STATES[name]), now=now, field=Field.USED_CARD)) != WELCOME


def test_time_alone_writes_nothing() -> None:
    """However long nobody comes, no effect is asked for."""
    for state in STATES.values():
        for seconds in (1.0, 1000.0):
            assert step(counter_in(state), Tick(seconds))[1] == ()


def test_the_page_of_the_states_is_fresh() -> None:
    """Run `python -m tests.terminal.states_page docs/counter.md` after a change of the table."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("file", RECORDS)
@pytest.mark.parametrize("name", STATES)
def test_what_is_shown_and_what_becomes_of_it_is_as_recorded(name: str, file: str) -> None:
    """Run `python -m tests.terminal.shown` after a change, and read the difference: it is the behaviour."""
    (written,) = [each for each in recorded(file) if each.startswith(f"## {name}: ")]
    assert block(name, RECORDS[file][1]).splitlines() == written.splitlines()


@pytest.mark.parametrize("file", RECORDS)
def test_a_record_is_of_the_states_that_there_are(file: str) -> None:
    """And of no other."""
    head, *blocks = recorded(file)
    assert head == RECORDS[file][0].strip()
    assert [each.partition(":")[0].removeprefix("## ") for each in blocks] == list(STATES)


def _open_matches(file: Path) -> Iterator[str]:
    """Yield each match that neither is exhaustive for the type checker nor says why its last case takes the rest."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(node, ast.Match):
            continue
        last = node.cases[-1]
        takes_the_rest = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
        proved = ast.unparse(last.body[0]).startswith("assert_never(")
        if not (takes_the_rest and (proved or "#" in lines[last.pattern.lineno - 1])):
            yield f"{file.name}:{node.lineno}"


def test_every_match_is_exhaustive_or_says_why_not() -> None:
    """One more state, event, effect, intent or content is noticed wherever something is done about each."""
    folder = Path(terminal.__file__).parent
    assert [found for file in sorted(folder.rglob("*.py")) for found in _open_matches(file)] == []
