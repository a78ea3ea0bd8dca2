"""A disk that is full at any step: what was not recorded was not told, and what was recorded is decided later."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from offline_queue.journal import Journal
from tests.faults.conftest import OpenShop
from tests.faults.shop import SALE

BYTES = 4096
"""No file may grow beyond this: the system refuses to write, as it does on a disk without room."""


@contextmanager
def full() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def when_full(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that finds the disk full."""

    def called(*args: Any, **kwargs: Any) -> Any:
        with full():
            return method(*args, **kwargs)

    return called


@pytest.mark.parametrize(
    ("step", "exit_code", "error", "times"),
    [("check_room", 11, "disk_full", 0), ("append", 11, "disk_full", 0), ("settle", 12, "outcome_unknown", 1)],
)
def test_a_disk_that_is_full(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, step: str, exit_code: int, error: str, times: int
) -> None:
    """Before the card is read, at the append, and when the verdict should be kept; with room again all is as it was."""
    shop, undisturbed = open_shop(), open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(Journal, step, when_full(getattr(Journal, step)))
        said = shop(*SALE)
    assert (said["exit"], said["error"]) == (exit_code, error)
    assert (said["operation_id"] is None) == (times == 0)
    if times:
        undisturbed(*SALE)
    assert shop.books() == undisturbed.books()
