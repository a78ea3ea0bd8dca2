"""The town: five hundred days of it in the suite, ten thousand by `./kazasu test --town-days 10000`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.town.plan import FAULTS, OPERATIONS, plan
from tests.town.put_back import FAULTS as PUT_BACK
from tests.town.search import RUN_DAYS, Found, played, processes, shows

TRIES = 12
"""Further runs that may be made to shorten the story of what is wrong."""

SEEN = (
    "accepted",
    "accepted_with_shortfall",
    "refused",
    "unknown",
    "late",
    "target_closed",
    "already_voided",
    "return_exceeds_bill",
    "void",
    "return",
    "convert",
    "award",
    "close",
    "forgotten",
)
"""What must come about in so many days: else the town is too quiet to show anything."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play so many towns as the days that are asked for need."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, 1 + -(-metafunc.config.getoption("--town-days") // RUN_DAYS)))


@pytest.fixture(scope="module")
def runs(pytestconfig: pytest.Config) -> Iterator[dict[int, Future[Found]]]:
    """Play all towns, on all cores."""
    days = pytestconfig.getoption("--town-days")
    with processes() as pool:
        yield {seed: pool.submit(played, seed, RUN_DAYS, tries=TRIES) for seed in range(1, 1 + -(-days // RUN_DAYS))}
        pool.shutdown(cancel_futures=True)


def test_days_of_a_town_contradict_nothing(runs: dict[int, Future[Found]], seed: int) -> None:
    """Whatever jumps, breaks, dies and is forgotten, what must stay true does."""
    found = runs[seed].result()
    assert not found.wrong, str(found)


def test_a_town_is_busy(runs: dict[int, Future[Found]]) -> None:
    """Everything came about that shows anything."""
    total: Counter[str] = Counter()
    for run in runs.values():
        total.update(run.result().counts)
    print(f"{len(runs) * RUN_DAYS} town-days: {dict(total)}")  # noqa: T201  # a figure for the note, with -s
    assert [each for each in SEEN if not total[each]] == []


@pytest.fixture(scope="module")
def shown() -> Iterator[dict[str, Future[Found | None]]]:
    """Play the town with each fault put back, on all cores."""
    with processes() as pool:
        yield {name: pool.submit(shows, name) for name in PUT_BACK}


@pytest.mark.parametrize("name", PUT_BACK)
def test_a_fault_that_is_put_back_shows(shown: dict[str, Future[Found | None]], name: str) -> None:
    """What came once is found again."""
    fault = PUT_BACK[name]
    assert shown[name].result() is not None, f"{fault.words} ({fault.number}) does not show"


def test_each_of_the_eleven_is_put_back() -> None:
    """None is missing."""
    assert {fault.number for fault in PUT_BACK.values()} == set(range(1, 12))


def test_a_town_has_thirty_operations_and_a_fault_a_day() -> None:
    """What is drawn is what was asked for."""
    for seed in range(20):
        kinds = Counter(step.kind for step in plan(seed, 1))
        assert sum(kinds[each] for each in OPERATIONS) >= 30
        assert sum(kinds[each] for each in FAULTS) >= 1


def test_a_seed_is_one_story() -> None:
    """The same seed gives the same to the last count, in another process with other hashes."""
    told = {
        subprocess.run(
            [sys.executable, "-m", "tests.town", "7", "2"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
