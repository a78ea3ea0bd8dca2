"""Each error that people may meet is provoked by a test: one that has only a sentence was never seen to happen."""

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import config.errors
import ledger
import offline_queue
import reader
import terminal
from config.errors import KnownError
from ledger.points.events import EventKind

TESTS = Path(__file__).parent
ONLY_DRAWN = ("terminal/test_sentences.py", "test_provoked.py")
"""Tests that name codes to read their sentences."""


def _said() -> set[str]:
    """Return every word of the tests that provoke."""
    texts = (
        path.read_text(encoding="utf-8")
        for path in TESTS.rglob("*.py")
        if path.relative_to(TESTS).as_posix() not in ONLY_DRAWN
    )
    return {word for text in texts for word in re.findall(r"\w+", text)}


def _leaves(root: type[KnownError]) -> Iterator[type[KnownError]]:
    for each in root.__subclasses__():
        yield from _leaves(each)
        if not each.__subclasses__():
            yield each


def test_a_run_misses_what_never_happened(pytester_of: Callable[[str], tuple[int, str]]) -> None:
    """It passes otherwise, and fails for that."""
    ended, said = pytester_of("def test_nothing():\n    pass\n")
    assert ended == 1
    assert "Never provoked: code approval_own, " in said
    assert "reason voided_before_arrival" in said


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_that_saw_everything_passes(pytester_of: Callable[..., tuple[int, str]], processes: str) -> None:
    """Whichever of its processes saw it."""
    seen = "from tests import provoked\n\n\ndef test_all():\n    provoked.SEEN.update(provoked.WANTED)\n"
    ended, said = pytester_of(seen, "-n", processes)
    assert (ended, "Never provoked" in said) == (0, False)


@pytest.fixture
def pytester_of(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return what runs one file of tests by itself with `--provoked`: its exit code, and what it says."""

    def run(text: str, *more: str) -> tuple[int, str]:
        (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
        plain = ["-p", "no:cacheprovider", "-p", "tests.provoked", "-c", os.devnull, "--rootdir", str(tmp_path)]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *plain, "--provoked", *more, str(tmp_path)],
            cwd=TESTS.parent,
            check=False,
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stdout

    return run


def test_each_event_is_provoked() -> None:
    """By somebody who does what it says."""
    assert set(map(str, EventKind)) - _said() == set()


def test_each_known_error_is_provoked() -> None:
    """By its class or by its code."""
    for package in (config, ledger, offline_queue, reader, terminal):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith((".__main__", ".env")):
                importlib.import_module(module.name)
    said = _said()
    coded = [each for each in _leaves(KnownError) if "code" in vars(each)]
    unseen = {each.__name__ for each in coded if not {each.__name__, each.code} & said}
    assert unseen == set()
