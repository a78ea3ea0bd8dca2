"""Keeps what really happened in a run of the tests: each code that the API answered with, each reason of a verdict.

`--provoked` makes the run fail where one was not seen. Naming a code in a test is not enough: only what a real ledger
answered, and what its store decided, is written down. Every process of the run keeps its own record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import wraps

import pytest

from ledger.api.problems import KINDS, ProblemError
from ledger.points.operations import Outcome, Request
from ledger.points.store import PointsStore
from ledger.wire.reasons import Reason

SEEN: set[str] = set()
"""What was provoked so far, as `code NAME` and `reason NAME`."""

WANTED = {f"code {code}" for code in KINDS} | {f"reason {reason}" for reason in Reason}
"""All that there is."""

_HANDED_ON = "provoked"


def watch() -> None:
    """Begin to write down what the API answers and what is decided."""
    respond, apply = ProblemError.response, PointsStore.apply

    @wraps(respond)
    def responding(self: ProblemError, accept_language: str | None) -> object:
        SEEN.add(f"code {self.code}")
        return respond(self, accept_language)

    @wraps(apply)
    def applying(self: PointsStore, requests: Sequence[Request]) -> list[Outcome]:
        outcomes = apply(self, requests)
        SEEN.update(f"reason {reason}" for outcome in outcomes for reason in _reasons(outcome))
        return outcomes

    ProblemError.response = responding  # type: ignore[assignment, method-assign]  # it is watched
    PointsStore.apply = applying  # type: ignore[method-assign]  # it is watched


def _reasons(outcome: Outcome) -> Iterator[str]:
    if outcome.verdict.code is not None:
        yield outcome.verdict.code
    yield from (cut.reason for cut in outcome.verdict.cuts)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--provoked`."""
    parser.addoption("--provoked", action="store_true", help="fail where a code or a reason never really happened")


def pytest_configure(config: pytest.Config) -> None:
    """Watch where it is asked for; the processes of a run are asked as the run is."""
    if config.getoption("--provoked"):
        watch()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Take over what a process of the run saw."""
    SEEN.update(getattr(node, "workeroutput", {}).get(_HANDED_ON, ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand on what was seen, or fail where something was not."""
    if not session.config.getoption("--provoked"):
        return
    handed_on = getattr(session.config, "workeroutput", None)
    if handed_on is not None:
        handed_on[_HANDED_ON] = sorted(SEEN)
    elif exitstatus == pytest.ExitCode.OK and WANTED - SEEN:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was never provoked."""
    if config.getoption("--provoked") and (missing := sorted(WANTED - SEEN)):
        terminalreporter.write_line(f"Never provoked: {', '.join(missing)}", red=True)
