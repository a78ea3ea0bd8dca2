"""Each error that people may meet is provoked by a test: one that has only a sentence was never seen to happen."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import config.errors
import ledger
import offline_queue
import reader
import terminal
from config.errors import KnownError
from ledger.api.problems import KINDS
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


def test_each_code_of_the_api_is_provoked() -> None:
    """By a request that gets it."""
    assert set(KINDS) - _said() == set()


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
