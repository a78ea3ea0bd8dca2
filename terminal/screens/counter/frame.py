"""The frame of the clerk's screen: status on top, question and slip between, keys at the bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.reactive import reactive

from terminal.counter.left import AskingContext
from terminal.counter.states import Counter, Field, State
from terminal.screens.counter.keys import on_key_line
from terminal.screens.counter.question import question
from terminal.screens.counter.slip import slip
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.slip import Slip
from terminal.shell.widgets.status_line import StatusLine
from terminal.shell.widgets.touch import KeyLine
from terminal.shell.words import Words
from terminal.shop.engine import Surroundings


@dataclass(frozen=True, slots=True)
class FrameView:
    """All that the frame shows, but the clock."""

    counter: Counter
    surroundings: Surroundings
    words: Words
    motion: bool = True


class Question(VerticalScroll, can_focus=False):
    """The left: composed anew whenever what is asked changes."""

    asked: reactive[tuple[State, AskingContext] | None] = reactive(None, recompose=True)
    motion = True

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        if self.asked is not None:
            yield from question(*self.asked, motion=self.motion)
            self.call_after_refresh(self._follow_cursor)

    def _follow_cursor(self) -> None:
        for chosen in self.query(".chosen"):
            chosen.scroll_visible(animate=False)


class CounterFrame(Vertical):
    """Shows one scene at a time, and decides nothing."""

    def __init__(self, scene: FrameView) -> None:
        super().__init__()
        self._scene = scene

    def compose(self) -> ComposeResult:
        """Lay the four parts out."""
        yield StatusLine()
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Question()
                yield Prose("", id="hint")
            yield Slip()
        yield KeyLine()

    def on_mount(self) -> None:
        """Show the first scene."""
        self.show(self._scene)

    def show(self, scene: FrameView) -> None:
        """Show what the counter is at."""
        state, words, around = scene.counter.state, scene.words, scene.surroundings
        if state != self._scene.counter.state:
            self.hint("")
        self._scene = scene
        card_there = scene.counter.field is not Field.EMPTY
        left = self.query_one(Question)
        left.motion = scene.motion
        left.asked = (state, AskingContext(words, card_there, around.practice, around.practice_cards))
        self.query_one(Slip).rows = slip(scene.counter, words)
        self.query_one(KeyLine).keys = tuple(
            (key, words(key.text)) for key in on_key_line(state, printer=around.printer)
        )
        line = self.query_one(StatusLine)
        line.place = "  ".join(_place(scene))
        line.practice = _warning(scene)
        line.things = "  ".join(_things(scene))

    def show_time(self, now: datetime) -> None:
        """Show the hour and minute."""
        self.query_one(StatusLine).time = now.strftime("%H:%M")

    def hint(self, text: str) -> None:
        """Say something about the last key, until the scene changes."""
        self.query_one("#hint", Prose).text = text


def _place(scene: FrameView) -> Iterator[str]:
    terms, words = scene.counter.terms, scene.words
    if terms.shop_name:
        yield terms.shop_name
        yield words("status-terminal", number=terms.terminal_id[-2:])
    yield words("status-clerk", clerk=scene.surroundings.clerk)


def _warning(scene: FrameView) -> str:
    """Return what must be seen all the time: that nothing is real, or that somebody may stand in between."""
    around, words = scene.surroundings, scene.words
    if around.practice:
        return words("status-practice")
    return words("status-plain-http") if around.plain_http else ""


def _things(scene: FrameView) -> Iterator[str]:
    around, words = scene.surroundings, scene.words
    match scene.counter.field:
        case Field.CARD | Field.USED_CARD:
            yield words("status-card")
        case Field.OTHER_CARD:
            yield words("status-other-card")
        case Field.EMPTY:
            yield words(f"status-reader-{around.reader.replace('_', '-')}")
        case _:
            assert_never(scene.counter.field)
    yield words(around.line_text)
    if around.online is False and around.pack_hours is not None:
        yield words("status-pack-age", hours=around.pack_hours)
    yield words("status-unsent", count=around.unsent)
