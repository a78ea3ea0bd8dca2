"""What the screens of one terminal share: language, engine, terms and what is around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, assert_never

from config.faults import Fault
from config.japan import JST
from config.settings import ScreenSettings, SlipSettings
from config.texts import Texts, following
from terminal.counter.facts import Terms
from terminal.counter.owner import OwnerRules
from terminal.shell.registry import Audience
from terminal.shell.runs import Timing
from terminal.shell.words import Words
from terminal.shop.clerks import Clerks
from terminal.shop.engine import Engine, Surroundings, Unanswerable

if TYPE_CHECKING:
    from terminal.screens.display.link import Broadcaster
    from terminal.shop.opening import Station
    from terminal.shop.printing import Printing

A = TypeVar("A")


@dataclass
class Shared:
    """What every screen is made with; the counter, which is always there, keeps it up to date.

    `make_engine` is called on a thread once the counter is painted, so that it may import what is heavy; `display`
    tells the resident's display, `play` plays a sound by its name.
    """

    settings: ScreenSettings
    surroundings: Surroundings
    make_engine: Callable[[], Engine]
    display: Broadcaster | None = None
    play: Callable[[str], None] = lambda _name: None
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(JST)
    timing: Timing = field(default_factory=Timing)
    """When keys came, and how their end is waited for."""
    owner: OwnerRules = field(default_factory=OwnerRules, repr=False)
    """The code that a screen of the owner's asks for, and when the counter does; none where it is empty."""
    clerks: Clerks = field(default_factory=Clerks)
    """Who may sign on; where there is nobody, no one is asked to."""
    signed_on: bool = False
    """Whether somebody signed on since the terminal was opened."""
    printing: Printing | None = None
    """The queue before the printer, None where nothing can be printed."""
    slip: SlipSettings = field(default_factory=SlipSettings)
    """What stands on the shop's slips beside the operation."""
    engine: Engine | None = None
    """None until it was made."""
    terms: Terms = field(default_factory=Terms)
    words: Words = field(init=False)
    """The texts in the language of the moment, with the names of this shop's programmes."""

    def __post_init__(self) -> None:
        """Begin in the language of the settings."""
        self.words = Words(Texts(self.settings.language))

    @property
    def prints_always(self) -> bool:
        """Whether every operation's slip is printed, without being asked for."""
        return self.printing is not None and self.printing.settings.when == "always"

    def asks_code(self, audience: Audience) -> bool:
        """Return whether nobody of an audience gets in without the owner's code."""
        match audience:
            case Audience.CLERK:
                return False
            case Audience.OWNER:
                return bool(self.owner.code)
            case _:
                assert_never(audience)

    def learn(self, terms: Terms) -> None:
        """Take the terms that hold from now on."""
        if terms is not self.terms:
            self.terms = terms
            self.words = Words(self.words.texts, terms.programmes)

    def turn_language(self) -> None:
        """Go on in the next language."""
        self.words = Words(Texts(following(self.words.texts.lang)), self.terms.programmes)

    async def ask(self, question: Callable[[Station], Awaitable[A]]) -> A:
        """Return the open terminal's answer; raise Unanswerable."""
        if self.engine is None:
            raise Unanswerable(Fault("terminal_not_open"))
        return await asyncio.wrap_future(self.engine.ask(question))
