"""Tells a hand from a barcode scanner: keys that come one fast upon another decide nothing.

A *run* is as many keys as come without 100 ms of silence between them, by the time of their arrival. What a key types
is shown at once; what it would decide waits until the run is over, and is done only if the run was that one key. Four
different keys in a run were no hand: they are one scanned text, and what they typed is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from terminal.counter.events import Entered, Erased, Event, Moved, Picked, PinTyped, Typed
from terminal.counter.keys import Hold, Intention

SILENCE = 0.1
"""Seconds without a key after which a run is over; scanners take a tenth of that from key to key."""

SILENCE_AFTER_SCAN = 0.5
"""Seconds without a key after which a scan is over: the Enter at its end may lag behind."""

SCANNED_KEYS = 4
"""Keys, each other than the one before, that make a run a scan: hands roll two, seldom three, as fast as that."""

SCANNED_CHARACTERS = 8
"""Characters that make a run a scan where most of them are alike; the shortest goods code (JAN-8) has as many."""

Echo = Typed | Erased | Moved | PinTyped
"""What is shown at once, and moves nothing but what is shown."""

Deciding = Entered | Picked | Hold
"""What leads on: forward, a choice, a yes, a practice card."""


@dataclass(frozen=True, slots=True)
class Press:
    """A key by Textual's name, what it types, when it arrived (seconds), and what it meant then.

    A key may be a digit of a PIN: no representation tells which.
    """

    key: str = field(repr=False)
    character: str | None = field(repr=False)
    at: float
    means: Intention | None


@dataclass(frozen=True, slots=True)
class Run:
    """Keys that came one fast upon another."""

    presses: tuple[Press, ...] = ()

    def goes_on(self, at: float) -> bool:
        """Return whether a key that arrives now belongs to this run."""
        return not self.presses or at - self.presses[-1].at < self.silence

    @property
    def silence(self) -> float:
        """Seconds without a key after which it is over."""
        return SILENCE_AFTER_SCAN if self.scanned else SILENCE

    def followed_by(self, press: Press) -> Run:
        """Return the run with one more key."""
        return Run((*self.presses, press))

    @property
    def mixed(self) -> bool:
        """Whether different keys are in it; one key repeated, as by a 000 key, is one press of a hand."""
        return len({press.key for press in self.presses}) > 1

    @property
    def scanned(self) -> bool:
        """Whether no hand types like that; keys that no scanner has do not count."""
        typed = [press.key for press in self.presses if press.key in _ENDS or _types(press)]
        changes = sum(1 for _ in groupby(typed))
        return changes >= SCANNED_KEYS or (changes > 1 and len(self.text) >= SCANNED_CHARACTERS)

    @property
    def text(self) -> str:
        """The characters that it typed."""
        return "".join(press.character or "" for press in self.presses if _types(press))

    @property
    def echo(self) -> tuple[Event, ...]:
        """What is shown at once."""
        return () if self.scanned else tuple(p.means for p in self.presses if isinstance(p.means, Echo))

    @property
    def meant(self) -> tuple[Intention, ...]:
        """What somebody meant, in order, now that the run is over; nothing that decides is among different keys."""
        if self.scanned:
            return ()
        return tuple(self._decided() if not self.mixed else self._undecided())

    @property
    def held_back(self) -> bool:
        """Whether something would have been decided, had it come alone."""
        return self.mixed and not self.scanned and any(isinstance(p.means, Deciding) for p in self.presses)

    def _decided(self) -> Iterator[Intention]:
        meanings = [press.means for press in self.presses if press.means is not None]
        for index, means in enumerate(meanings):
            # A key that is held down types again and again, and does anything else once.
            if index == 0 or isinstance(means, Echo):
                yield means

    def _undecided(self) -> Iterator[Intention]:
        for press in self.presses:
            if press.means is not None and not isinstance(press.means, Deciding):
                yield press.means


_ENDS = frozenset({"enter", "tab"})
"""Keys that scanners end a code with."""


def _types(press: Press) -> bool:
    return press.character is not None and press.character.isprintable() and len(press.character) == 1
