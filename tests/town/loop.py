"""An event loop whose time is its own: it never waits, and work for threads is done where it is asked for."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import anyio.to_thread

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Advances its clock by what it would have waited; there are neither threads nor sockets to wait for."""

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Return the seconds that have passed in here."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds

    def run_in_executor(self, _executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # typeshed names more than is used
        """Do the work at once."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # whoever awaits it is told, whatever it is
            future.set_exception(error)
        return future


class _Selector(selectors.DefaultSelector):
    """Lets the loop's time pass instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._of = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        if timeout > 0:
            self._of.advance(timeout)
        return super().select(0)


async def _at_once(func: Callable[..., T], *args: Any, **_how: Any) -> T:
    return func(*args)


@contextmanager
def without_threads() -> Iterator[None]:
    """Let the server's work for threads, too, be done where it is asked for: else the order would be chance."""
    with patch.object(anyio.to_thread, "run_sync", _at_once):
        yield


def play(story: Coroutine[Any, Any, T]) -> T:
    """Return what a story returns, in a loop of its own."""
    with without_threads(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)
