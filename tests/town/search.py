"""Plays many towns at once, one process for each core, and finds the fewest steps that show what is wrong."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from tests.town.plan import Step, plan
from tests.town.put_back import FAULTS
from tests.town.simulation import Violation, run

RUN_DAYS = 10
"""Days of one town; then another one is founded."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run came to: counts of what happened, or what was wrong after which steps."""

    seed: int
    counts: dict[str, int]
    wrong: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}:", *self.wrong, "after:", *map(repr, self.steps)])


def played(seed: int, days: int, fault: str | None = None, tries: int = 0) -> Found:
    """Play one town; of what is wrong return, after so many further tries, few steps that show it.

    With a `fault` of `tests.town.put_back` that is put back meanwhile.
    """
    steps = plan(seed, days)
    with nullcontext() if fault is None else FAULTS[fault].patch():
        try:
            return Found(seed, run(steps).counts)
        except Violation as violation:
            shorter = shortened(violation, tries)
            return Found(seed, {}, tuple(shorter.what), tuple(shorter.steps))


def shortened(violation: Violation, tries: int) -> Violation:
    """Return a violation of the same kind after fewer steps: parts are left out as long as it comes."""
    shortest, size = violation, max(1, len(violation.steps) // 2)
    while tries > 0 and size:
        position = 0
        while position < len(shortest.steps) - 1 and tries > 0:
            fewer = [*shortest.steps[:position], *shortest.steps[position + size :]]
            tries -= 1
            try:
                run(fewer)
            except Violation as again:
                if again.kind == violation.kind:
                    shortest = again
                    continue
            position += size
        size //= 2
    return shortest


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool with a process for each core, everything loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        yield pool


SHOWN_WITHIN = 8
"""Towns of which one must show a fault that is put back."""


def shows(fault: str, run_days: int = 6) -> Found | None:
    """Play towns with a fault put back, until it shows; None where none of them shows it."""
    first = FAULTS[fault].seed
    for seed in range(first, first + SHOWN_WITHIN):
        if (found := played(seed, run_days, fault)).wrong:
            return found
    return None
