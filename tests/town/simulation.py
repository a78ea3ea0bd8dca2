"""Plays a plan, step by step, and holds what comes of it to the oracle after each."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.operations import Award, Convert, Sale
from offline_queue.close import interim
from offline_queue.sync import Line as LineState
from tests.town.clocks import BEGINNING, MachineClock, TownClock, zone
from tests.town.damage import unnoticed
from tests.town.hall import Hall
from tests.town.line import Accident, Line
from tests.town.loop import play
from tests.town.oracle import Oracle
from tests.town.plan import ACCIDENTS, OPERATIONS, Step, plan
from tests.town.remembered import RememberedSigner, remembered_checks
from tests.town.setting import TERMINALS, TOWNS
from tests.town.till import Killed, Till

PATIENCE: Final = 130
"""Seconds after which everything unsent must have reached the ledger once the line is there."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108  # each run has a directory of its own in it
"""Where a commit takes no time."""


LIES: Final = {Accident.FALSE_GAP, Accident.FALSE_FORK}
"""Accidents that say what no ledger said."""


class Violation(AssertionError):  # noqa: N818  # says what is the case
    """Something is not as it must be; carries the steps up to it."""

    def __init__(self, what: Sequence[str], steps: Sequence[Step]) -> None:
        super().__init__(
            "\n".join([*what, f"after {len(steps)} steps, the last of them {steps[-1] if steps else None}"])
        )
        self.what = list(what)
        self.steps = list(steps)

    @property
    def kind(self) -> str:
        """The words of what was wrong, without numbers and names."""
        return "".join(each for each in self.what[0] if not each.isdigit())


@dataclass(slots=True)
class Town:
    """The hall, the tills, and what is known of them."""

    directory: Path
    clock: TownClock = field(default_factory=TownClock)
    tills: list[Till] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    """What was seen, to tell whether two runs are the same."""
    hall: Hall = field(init=False)
    oracle: Oracle = field(init=False)
    apart: list[int] = field(default_factory=list)
    """Tills that what broke the ledger cuts off, so that others come first."""
    due: int = -1
    """How many steps from now the hall fails over to the copy that it keeps; negative where it does not."""

    missing: int = -1
    """How many steps from now what the hall misses is there again; negative where it misses nothing."""

    async def found(self) -> None:
        """Found the town: enrol every terminal."""
        self.hall, self.oracle = Hall(self.directory / "ledger", self.clock), Oracle(self.clock)
        for number, shop in enumerate(TERMINALS):
            random = Random(number)  # noqa: S311  # the same at each run
            line = Line(self.hall, random, self.oracle.answered)
            key = RememberedSigner(Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32))
            clock = MachineClock(self.clock)
            till = Till(number, shop, self.directory / f"till{number}", line, clock, self.oracle, random, key)
            await till.enrol(self.hall.ledger.new_enrolment_code(shop.code))
            self.tills.append(till)

    async def leave(self) -> None:
        """Close everything."""
        for till in self.tills:
            with suppress(Exception):
                await till.shut()
        self.hall.stop()

    async def step(self, step: Step) -> None:
        """Let one thing happen."""
        self.clock.skip_to(BEGINNING.replace(hour=0) + timedelta(days=step.day, minutes=step.minute))
        for till in self.tills:
            self._fetch_ahead(till, step)
        with suppress(Killed):
            await DOINGS[step.kind](self, step)
        await asyncio.sleep(self.tills[step.till].random.uniform(0, 0.5 if step.c % 8 else 3))
        if self.due >= 0:
            self.due -= 1
            if self.due < 0:
                self.fail_over()
        if self.missing >= 0:
            self.missing -= 1
            if self.missing < 0:
                self.bring_back()
        for till in self.tills:
            till.listen()
        if self.hall.app is not None and not self.hall.is_store_away:
            for town in sorted(self.oracle.touched if step.kind in OPERATIONS else set(TOWNS)):
                self.oracle.agree(town, self.hall.books(town))
            self.oracle.touched.clear()
        counts = sorted(self.oracle.counts.items())
        self.marks.append(f"{step} {self.clock()} {counts} {sorted(self.oracle.sums.items())}")

    def bring_back(self) -> None:
        """Bring back what the hall misses: its databases, or the keys of its periods."""
        self.missing = -1
        self.hall.bring_keys()
        if self.hall.app is not None:
            self.hall.restart()

    def fail_over(self) -> None:
        """Lose what the ledger did since the copy was made."""
        if not self.hall.set_back():
            return
        for number in self.apart:
            self.tills[number].line.down = True
        known = self.hall.decided()
        self.oracle.forgot([id_ for id_ in self.oracle.said if id_ not in known])

    def _fetch_ahead(self, till: Till, step: Step) -> None:
        """Let a till have fetched a nonce within the last minutes, as it does by itself; at times it has an old one."""
        if self.hall.app is not None and not till.line.down and step.c % 8:
            till.nonce, _ = self.hall.ledger.nonces.issue(till.setup.terminal_id, self.clock())

    # People -------------------------------------------------------------------------------------------------------

    async def sale(self, step: Step) -> None:
        """Let somebody buy something."""
        await self.tills[step.till].sale(step.who, step.a % 3_000 + 1, max(0, step.b % 12 - 5), step.c)

    async def rush(self, step: Step) -> None:
        """Let one card pay at two terminals in the same second."""
        others = (step.till + 1 + step.c % (len(self.tills) - 1)) % len(self.tills)
        both = await asyncio.gather(
            self.tills[step.till].sale(step.who, step.a % 3_000 + 1, 6, step.c),
            self.tills[others].sale(step.who, step.b % 3_000 + 1, 6, step.c),
            return_exceptions=True,  # where one is killed, the other goes on to its end
        )
        for failed in both:
            if isinstance(failed, BaseException):
                raise failed

    async def award(self, step: Step) -> None:
        """Give somebody points."""
        await self.tills[step.till].award(step.who, step.a)

    async def convert(self, step: Step) -> None:
        """Let somebody exchange points."""
        await self.tills[step.till].convert(step.who, step.a % 30 + 1)

    async def void(self, step: Step) -> None:
        """Undo something recent, of this terminal or of a sister."""
        if (target := self._recent(step, (Sale, Award, Convert), back=12)) is not None:
            await self.tills[step.till].void(target, self.oracle.asked[target].content.municipality)

    async def take_back(self, step: Step) -> None:
        """Take goods back, perhaps weeks later."""
        if (target := self._recent(step, (Sale,), back=200)) is not None:
            content = self.oracle.asked[target].content
            bill = content.bill if step.b % 2 else step.b % content.bill + 1
            await self.tills[step.till].take_back(target, content.municipality, bill)

    def _recent(self, step: Step, kinds: tuple[type, ...], back: int) -> str | None:
        shop = TERMINALS[step.till].code
        of_shop = [
            id_
            for id_, each in self.oracle.asked.items()
            if TERMINALS[each.terminal].code == shop and isinstance(each.content, kinds)
        ][-back:]
        return of_shop[step.a % len(of_shop)] if of_shop else None

    async def look(self, step: Step) -> None:
        """Look at the day so far."""
        interim(self.tills[step.till].journal)

    async def close(self, step: Step) -> None:
        """Close a terminal's day, sometimes twice."""
        await self.tills[step.till].close(even_if_empty=bool(step.a % 4 == 0))

    # What goes wrong ----------------------------------------------------------------------------------------------

    async def set_clock(self, step: Step) -> None:
        """Let a terminal's clock jump."""
        off = (
            timedelta(days=3),
            timedelta(days=-3),
            timedelta(hours=9),
            timedelta(hours=-9),
            timedelta(minutes=-4),
            timedelta(minutes=4),
            timedelta(days=-40),
        )
        self.tills[step.till].clock.off = off[step.a % len(off)]

    async def set_zone(self, step: Step) -> None:
        """Set a terminal's machine to another zone."""
        self.tills[step.till].clock.zone = zone((-8, -5, 12, -11)[step.a % 4])

    async def line_down(self, step: Step) -> None:
        """Cut a line, or all of them."""
        for till in self.tills:
            if till.number == step.till or step.a % 5 == 0:
                till.line.down, till.line.silent = True, bool(step.b % 2)

    async def accident(self, step: Step) -> None:
        """Let something happen to one of the next requests, or to two."""
        what, to_come = ACCIDENTS[step.a % len(ACCIDENTS)], self.tills[step.till].line.accidents
        if what in LIES and LIES & set(to_come):
            return  # one that comes again right after the comparison stops a terminal
        later = [None] * (step.b % 4)
        to_come.extend([*later, *([what] * (1 + step.c % 2))])

    async def server_down(self, _step: Step) -> None:
        """Stop the server until the evening, or until somebody starts it again."""
        self.hall.stop()

    async def server_restart(self, _step: Step) -> None:
        """Start the server again."""
        self.hall.restart()

    async def store_away(self, step: Step) -> None:
        """Take the databases away from a server that goes on; some steps later they are there again."""
        if self.hall.app is not None and self.missing < 0:
            self.hall.take_store_away()
            self.missing = 1 + step.a % 8

    async def key_lost(self, step: Step) -> None:
        """Lose the keys of all periods; some steps later they are there again."""
        if self.missing < 0:
            self.hall.lose_keys()
            self.missing = 1 + step.a % 8

    async def forget(self, step: Step) -> None:
        """From now on the standby lacks what comes; some steps later it takes over."""
        if self.hall.app is not None and self.due < 0:
            self.hall.keep()
            self.due = 1 + step.a % 8
            self.apart = [step.till, step.c % len(self.tills)] if step.b % 4 else []

    async def kill(self, step: Step) -> None:
        """Kill a terminal: at once, or in the middle of its next operation."""
        till = self.tills[step.till]
        if step.a % 3 == 0:
            await till.kill()
        else:
            till.dies_after = step.b % 300 / 1000

    async def restart(self, step: Step) -> None:
        """Start a terminal again."""
        await self.tills[step.till].restart()

    async def tidy(self, _step: Step) -> None:
        """Tidy up in the middle of the day."""
        if self.hall.has_all:
            self.hall.tidy()

    async def damage(self, step: Step) -> None:
        """Change a copy of a journal: whoever verifies it must see that."""
        if (what := unnoticed(self.tills[step.till], step.a)) is not None:
            self.oracle.say(f"{what} is not noticed")

    # The day's end ------------------------------------------------------------------------------------------------

    async def evening(self, step: Step) -> None:
        """Set everything right again: what is unsent must reach the ledger, whatever happened."""
        if self.due >= 0:
            self.due = -1
            self.fail_over()
        if self.missing >= 0:
            self.bring_back()
        if self.hall.app is None:
            self.hall.start()
        for till in self.tills:
            till.line.down, till.dies_after = False, None
            till.line.accidents.clear()
            till.clock.set_right()
        await asyncio.sleep(3.2)
        for till in self.tills:
            if till.station.syncer.state.line is LineState.OFFLINE:
                self.oracle.say(f"terminal {till.number} takes the line for down, three seconds after it is back")
        await self._all_sent()
        for till in self.tills:
            till.listen()
            if (till.number + step.day) % 8 == 0:
                till.journal.verify()
        for id_ in list(self.oracle.said)[-3:]:
            self._ask_again(id_)

    def _ask_again(self, id_: str) -> None:
        """Hold what the ledger has of an operation to what it said."""
        found = self.hall.verdict(id_)
        if found is None:
            self.oracle.say(f"the ledger does not know {id_} any more")
        else:
            self.oracle.hear(found)

    async def _all_sent(self) -> None:
        for _ in range(PATIENCE):
            if all(till.is_done for till in self.tills):
                return
            await asyncio.sleep(1)
        for till in self.tills:
            if not till.is_done:
                state, unsent = till.station.syncer.state, till.journal.unsent_count()
                self.oracle.say(f"terminal {till.number} has {unsent} unsent after {PATIENCE} s: {state}")

    async def night(self, step: Step) -> None:
        """Tidy up, and destroy the keys of what is over."""
        if step.a < 80:
            self.hall.tidy()
        if step.a < 30:
            self.oracle.shredded |= set(self.hall.shred())


DOINGS: Final[dict[str, Callable[[Town, Step], Awaitable[None]]]] = {
    "sale": Town.sale,
    "rush": Town.rush,
    "award": Town.award,
    "convert": Town.convert,
    "void": Town.void,
    "return": Town.take_back,
    "look": Town.look,
    "close": Town.close,
    "clock": Town.set_clock,
    "zone": Town.set_zone,
    "line_down": Town.line_down,
    "accident": Town.accident,
    "server_down": Town.server_down,
    "server_restart": Town.server_restart,
    "store_away": Town.store_away,
    "key_lost": Town.key_lost,
    "forget": Town.forget,
    "kill": Town.kill,
    "restart": Town.restart,
    "tidy": Town.tidy,
    "damage": Town.damage,
    "evening": Town.evening,
    "night": Town.night,
}
"""What each kind of step does."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a run came to: a digest of all that was seen, and counts of what happened."""

    digest: str
    counts: dict[str, int]


def run(steps: Sequence[Step]) -> Played:
    """Play steps in a new town; raise Violation at the first thing that must not be."""
    directory = Path(tempfile.mkdtemp(prefix="kazasu-town-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        with remembered_checks():
            return play(_run(steps, directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _run(steps: Sequence[Step], directory: Path) -> Played:
    town = Town(directory)
    await town.found()
    try:
        for number, step in enumerate(steps):
            try:
                await town.step(step)
            except Exception as error:
                raise Violation(
                    [f"{type(error).__name__}: {error}", *town.oracle.wrong], steps[: number + 1]
                ) from error
            if town.oracle.wrong:
                raise Violation(town.oracle.wrong, steps[: number + 1])
        for till in town.tills:
            await till.close(even_if_empty=True)
            till.listen()
            till.journal.verify()
        town.oracle.everything_counted()
        if town.oracle.wrong:
            raise Violation(town.oracle.wrong, steps)
    finally:
        await town.leave()
    return Played(hashlib.sha256("\n".join(town.marks).encode()).hexdigest(), dict(town.oracle.counts))


def seeded(seed: int, days: int) -> Played:
    """Play so many days from a seed."""
    return run(plan(seed, days))
