"""What the counter itself takes of a sale, from the tap to the verdict on its screen, ledger and all.

Beside it, in turns, a bare Textual application that writes as many durable rows before it shows a key.
The card's own time is taken off. Where the resident has points to use, the time that they think lies between two waits:
for the choice, and from the choice to the verdict.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Static

from benchmarks import hold, scratch
from config.home import Home
from config.settings import ScreenSettings, Settings
from config.texts import Texts
from reader.connection import Apdu, Connection
from reader.practice import PracticeSource
from reader.virtual.cards import PRACTICE_PIN
from terminal import cli
from terminal.screens.display.link import Broadcaster
from terminal.shell.app import KazasuApp
from terminal.shell.look import Look
from terminal.shell.runs import Timing
from terminal.shell.shared import Shared
from terminal.shop.engine import Surroundings
from terminal.shop.engine_thread import BackgroundEngine
from terminal.shop.opening import Opener
from terminal.shop.practice import PracticeReader, enrol_for_practice

ROUNDS = 100
"""Each is two sales."""
LIMIT = 6.0
"""The most that the median wait may be, as a multiple of the bare application's from a key to its frame."""

WRITES = 3
"""How often a sale is made durable: as an entry, at the ledger, and as a verdict."""

HAND_SECONDS = 0.03
"""What the quickest hand takes when it sees something; the screen is at rest by then."""

HOLDER = "unregistered"
"""Whose card is tapped: somebody who begins without a point."""
EARNING, USING = "1200", "10"
"""Bills: one that earns ten points where there are none to use, and one that takes them all."""

TEXTS = Texts("en")
ASKS_BILL, ASKS_CARD, ASKS_CHOICE, SHOWS_VERDICT = (
    TEXTS(key) for key in ("ask-bill", "ask-hold-card", "ask-use", "key-next")
)
"""What stands on the screen in one state alone."""

PATIENCE_SECONDS = 10.0
"""After which nothing more is hoped for."""


class Monitor(HeadlessDriver):
    """Takes the frames that a terminal would be sent."""

    frames: ClassVar[asyncio.Queue[str]]

    @property
    def is_headless(self) -> bool:
        """Say no: for a driver without a head nothing is drawn."""
        return False

    def write(self, data: str) -> None:
        """Take one frame, or what changed since the last."""
        self.frames.put_nowait(data)


class CounterMonitor(Monitor):
    """The counter's."""

    frames = asyncio.Queue[str]()


class BareMonitor(Monitor):
    """The bare application's."""

    frames = asyncio.Queue[str]()


class Bare(App[None]):
    """Shows the key that was pressed last, once it stands in a file as often as a sale does."""

    def __init__(self, path: Path) -> None:
        super().__init__(driver_class=BareMonitor)
        self._path = path

    def compose(self) -> ComposeResult:
        """Lay out the one text."""
        yield Static("painted")

    async def on_key(self, event: events.Key) -> None:
        """Write it down, and show it."""
        await asyncio.to_thread(self._write, event.key)
        self.screen.query_one(Static).update(event.key)

    def _write(self, key: str) -> None:
        connection = sqlite3.connect(self._path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS keys (key TEXT) STRICT")
        for _ in range(WRITES):
            with connection:
                connection.execute("INSERT INTO keys VALUES (?)", (key,))
        connection.close()


async def bare_frame(app: Bare, key: str) -> float:
    """Return the milliseconds from a key to the frame that shows it."""
    await asyncio.sleep(HAND_SECONDS)
    pressed = perf_counter()
    app.post_message(events.Key(key, key))
    return (await drawn(BareMonitor, key) - pressed) * 1000


async def drawn(monitor: type[Monitor], text: str) -> float:
    """Return the time at which a text is drawn that was not there before."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text not in await monitor.frames.get():
            pass
    return perf_counter()


class TimedCards(PracticeSource):
    """Practice cards whose own time is counted."""

    seconds = 0.0

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Power the card up, and down at the end."""
        with super().connect() as card:
            yield _TimedCard(card, self)


class _TimedCard:
    def __init__(self, card: Connection, cards: TimedCards) -> None:
        self._card = card
        self._cards = cards

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        started = perf_counter()
        answer = self._card.transmit(command)
        self._cards.seconds += perf_counter() - started
        return answer


def at_leisure() -> Timing:
    """Return keys that come minutes apart, and are taken at once: the silence that tells a hand is none of the work."""
    minutes = itertools.count(step=60)
    return Timing(lambda _event: next(minutes), lambda screen, _seconds, done: screen.call_later(done))


class PracticeCounter:
    """The counter of practice mode, as it runs on a terminal, with somebody who presses keys at once."""

    def __init__(self, home: Home) -> None:
        self._cards = TimedCards()
        self._reader = PracticeReader(self._cards)
        self._home = home
        self.app = KazasuApp(Look("en", "dark", "lines"), self._shared)
        self.app.driver_class = CounterMonitor

    def _shared(self) -> Shared:
        around = Surroundings("12", practice=True)
        settings = ScreenSettings(language="en", sound=False)
        return Shared(settings, around, self._engine, Broadcaster(self._home.display), timing=at_leisure())

    def _engine(self) -> BackgroundEngine:
        opener = Opener(self._home.practice, Settings(), self._reader, enrol_for_practice, all_day=True)
        around = Surroundings("12", practice=True)
        return BackgroundEngine(opener, self._reader, around, self._reader.hold, self._reader.names)

    async def shows(self, text: str) -> float:
        """Return the time at which a text is drawn that was not there before."""
        return await drawn(CounterMonitor, text)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))

    async def taps(self, bill: str, text: str) -> float:
        """Bill somebody, and return the milliseconds from their tap until a text is drawn."""
        self.press(*bill, "enter")
        await self.shows(ASKS_CARD)
        return await self.takes(lambda: self._reader.hold(HOLDER), text)

    async def takes(self, act: Callable[[], None], text: str) -> float:
        """Return the milliseconds from an act until a text is drawn, without the card's own."""
        await asyncio.sleep(HAND_SECONDS)
        card, acted = self._cards.seconds, perf_counter()
        act()
        drawn = await self.shows(text)
        return (drawn - acted - (self._cards.seconds - card)) * 1000

    async def next_customer(self) -> None:
        """Be ready for the next bill."""
        self.press("enter")
        await self.shows(ASKS_BILL)


async def sell(home: Home) -> list[tuple[float, ...]]:
    """Return for each two sales the waits: a bare frame, the first verdict, the choice, the second verdict."""
    bare = Bare(home.path / "bare.db")
    painting = asyncio.create_task(bare.run_async(size=(80, 24)))
    await drawn(BareMonitor, "painted")
    counter = PracticeCounter(home)
    running = asyncio.create_task(counter.app.run_async(size=(80, 24)))
    await counter.shows(ASKS_BILL)
    waits: list[tuple[float, ...]] = []
    for number in range(ROUNDS):
        frame = await bare_frame(bare, "xy"[number % 2])
        earned = await counter.taps(EARNING, SHOWS_VERDICT)
        await counter.next_customer()
        asked = await counter.taps(USING, ASKS_CHOICE)
        used = await counter.takes(lambda: counter.press("1"), SHOWS_VERDICT)
        await counter.next_customer()
        waits.append((frame, earned, asked, used))
    for app, task in ((counter.app, running), (bare, painting)):
        app.exit()
        await task
    return waits


def register(home: Home) -> None:
    """Make a practice home, and register the holder."""
    readable, writable = os.pipe()
    os.write(writable, PRACTICE_PIN)
    os.close(writable)
    link = ["op", "link", "--card", HOLDER, "--pin-fd", str(readable)]
    assert cli.main(["--home", str(home.path), "--lang", "en", *link]) == 0
    os.close(readable)


def main() -> None:
    """Print the table; fail when the limit is passed."""
    with scratch() as folder:
        home = Home(Path(folder))
        register(home)
        waits = asyncio.run(sell(home))
    heading = f"{2 * ROUNDS} sales (limit {LIMIT:g} ×)"
    print(f"| {heading:<26} | {'p50':>8} | {'p95':>8} | {'longest':>8} | {'ratio':>8} |")
    print(f"|{'-' * 28}|{'-' * 9}:|{'-' * 9}:|{'-' * 9}:|{'-' * 9}:|")
    names = ("bare: key, 3 rows, frame", "tap to verdict", "tap to choice", "choice to verdict")
    middles: list[float] = []
    for name, taken in zip(names, zip(*waits, strict=True), strict=True):
        cuts = statistics.quantiles(taken, n=20)
        middles.append(cuts[9])
        cells = f"{cuts[9]:>5.1f} ms | {cuts[18]:>5.1f} ms | {max(taken):>5.1f} ms | {cuts[9] / middles[0]:>6.1f} ×"
        print(f"| {name:<26} | {cells} |")
    hold(f"medians at most {LIMIT:g} times the bare application's", max(middles) <= LIMIT * middles[0])


if __name__ == "__main__":
    main()
