"""What happens in a town, drawn from a seed beforehand: a list of steps, so that any part of it can be played again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.town.line import Accident
from tests.town.setting import TERMINALS

OPERATIONS: Final = {
    "sale": 60,
    "award": 12,
    "convert": 5,
    "void": 11,
    "return": 5,
    "rush": 5,
    "look": 2,
}
"""What people do, and how often."""

FAULTS: Final = {
    "clock": 4,
    "zone": 4,
    "line_down": 3,
    "accident": 8,
    "server_down": 2,
    "server_restart": 2,
    "store_away": 4,
    "key_lost": 3,
    "forget": 4,
    "kill": 4,
    "restart": 2,
    "tidy": 3,
    "close": 2,
}
"""What goes wrong or happens out of turn, and how often."""

NIGHT: Final = 28 * 60 + 40
"""The minute of a day (from midnight) by which everything is to be right again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: on a day, at a minute, at a terminal, with numbers that say how."""

    day: int
    minute: int
    kind: str
    till: int = 0
    who: int = 0
    a: int = 0
    b: int = 0
    c: int = 0


def plan(seed: int, days: int) -> list[Step]:
    """Return what happens in so many days: at least thirty operations a day, and one fault."""
    random = Random(seed)  # noqa: S311  # the same at each run
    date, steps = 0, list[Step]()
    for _ in range(days):
        steps += sorted(_day(random, date), key=lambda step: step.minute)
        steps.append(Step(date, NIGHT, "evening"))
        steps.append(Step(date, NIGHT + 1, "night", a=random.randrange(100)))
        date += random.choice((1,) * 14 + (2, 3, 20, 45))
    return steps


def _day(random: Random, date: int) -> Iterator[Step]:
    apart = [till for till in range(len(TERMINALS)) if random.random() < 0.45]
    faults = [_where_it_tells(fault, apart) for fault in _faults(random, date)]
    spent = [sale for fault in faults for sale in _spent_around(random, fault)]
    yield from faults
    yield from spent
    for _ in range(30 - len(spent)):
        kind = _drawn(random, OPERATIONS)
        till = random.randrange(len(TERMINALS))
        yield _step(random, date, _hour(random, till), kind, till)
    for till in apart:
        # Here the line is only there in the evening.
        yield replace(_step(random, date, 6 * 60, "line_down", till), a=1)
    yield _step(random, date, 19 * 60 + 30, "damage", random.randrange(len(TERMINALS)))
    for till in range(len(TERMINALS)):
        if random.random() < 0.85:
            minute = random.randint(27 * 60, 28 * 60 + 20) if till == LATE else random.randint(20 * 60, 23 * 60)
            yield _step(random, date, minute, "close", till)


def _faults(random: Random, date: int) -> Iterator[Step]:
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        kind = _drawn(random, FAULTS)
        till = random.randrange(len(TERMINALS))
        yield _step(random, date, _hour(random, till), kind, till)


def _where_it_tells(fault: Step, apart: list[int]) -> Step:
    """Let the ledger forget what a terminal with a line was told, and nothing of the others."""
    there = [till for till in range(len(TERMINALS)) if till not in apart]
    if fault.kind not in {"forget", "tidy"} or not there:
        return fault
    till = there[fault.till % len(there)]
    return replace(fault, till=till, b=fault.b | 1, c=till)


def _spent_around(random: Random, fault: Step) -> Iterator[Step]:
    """Let one resident spend what they may on both sides of what makes a ledger forget, or throw counts away."""
    others = {"forget": 0, "tidy": 1}
    if fault.kind not in others:
        return
    sale = replace(fault, kind="sale", b=11, c=2)
    yield replace(sale, a=400 + random.randrange(1_600), minute=fault.minute - others[fault.kind])
    for till in range(len(TERMINALS)):
        if till != fault.till:
            minute = fault.minute + 1 + 60 * (1 - others[fault.kind]) + random.randrange(60)
            yield replace(sale, a=400 + random.randrange(1_600), minute=minute, till=till)


LATE: Final = next(number for number, shop in enumerate(TERMINALS) if shop.day_starts_at)
"""The terminal of the shop that closes after midnight."""


def _hour(random: Random, till: int) -> int:
    return random.randint(17 * 60, 28 * 60) if till == LATE else random.randint(8 * 60, 22 * 60)


def _step(random: Random, date: int, minute: int, kind: str, till: int) -> Step:
    numbers = [random.randrange(1 << 16) for _ in range(3)]
    return Step(date, minute, kind, till, random.randrange(6), *numbers)


def _drawn(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


ACCIDENTS: Final = tuple(Accident)
"""The accidents of a line, by number."""
