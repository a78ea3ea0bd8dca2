"""Gathers the keys of a screen into runs, by the time at which each arrived, and says when a run is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.message import Message
from textual.screen import Screen

from terminal.counter.hand import Press, Run
from terminal.counter.keys import Intention

Meaning = Callable[[str, str | None], Intention | None]
"""What a key means on a screen, by Textual's name of it and the character that it types."""


def _arrived(event: Message) -> float:
    """Return when an event came from the terminal, on the clock that stamps events, however late it is handled."""
    return event.time


def _wait(screen: Screen[Any], seconds: float, done: Callable[[], None]) -> None:
    """Call `done` after so many seconds, and after every key that arrived in them.

    A key goes through the application's queue into the screen's; so does this call, behind it.
    """
    screen.set_timer(seconds, lambda: screen.app.call_later(screen.call_later, done))


@dataclass(frozen=True, slots=True)
class Timing:
    """When keys arrive, and how their end is waited for; a test has hands as slow or fast as it wants."""

    arrived: Callable[[Message], float] = _arrived
    wait: Callable[[Screen[Any], float, Callable[[], None]], object] = _wait

    def now(self) -> float:
        """Return the time on the clock that stamps events."""
        return self.arrived(Message())


class Keyboard:
    """The keys of one screen."""

    def __init__(
        self,
        screen: Screen[Any],
        meaning: Meaning,
        *,
        echo: Callable[[], None] = lambda: None,
        over: Callable[[Run], None],
        timing: Timing,
    ) -> None:
        """Ask `meaning` what each key means, call `echo` whenever a run grew, and `over` with it once it is over."""
        self.run = Run()
        self._screen = screen
        self._meaning = meaning
        self._echo = echo
        self._over = over
        self._timing = timing

    def press(self, event: events.Key) -> None:
        """Take a key."""
        at = self._timing.arrived(event)
        if not self.run.goes_on(at):
            self.finish()
        means = None if self.run.scanned else self._meaning(event.key, event.character)
        self.run = run = self.run.followed_by(Press(event.key, event.character, at, means))
        self._echo()
        self._timing.wait(self._screen, run.silence, lambda: self._finish_if(run))

    def finish(self) -> None:
        """End the run now."""
        run, self.run = self.run, Run()
        if run.presses:
            self._over(run)

    def _finish_if(self, run: Run) -> None:
        if self.run is run:
            self.finish()
