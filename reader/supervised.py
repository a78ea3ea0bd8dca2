"""A thread for calls that may never return, so that neither their caller nor the program's end waits for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from reader.errors import CardNotAnswering

_T = TypeVar("_T")


class Supervised:
    """Makes one call after the other, each in at most `timeout` seconds as far as its caller is concerned.

    There is no way to interrupt a call to a reader that hangs. It is left alone with its thread; whatever was to come
    after it fails at once.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._hung = False
        Thread(target=self._run, name="card", daemon=True).start()

    @property
    def hung(self) -> bool:
        """Whether a call took too long."""
        return self._hung

    def call(self, function: Callable[[], _T]) -> _T:
        """Return or raise what a function does; raise CardNotAnswering when it takes too long."""
        if self._hung:
            raise CardNotAnswering
        future: Future[_T] = Future()
        self._calls.put(lambda: _fulfil(future, function))
        try:
            return future.result(self._timeout)
        except TimeoutError:
            self._hung = True
            raise CardNotAnswering from None

    def finish(self, function: Callable[[], None]) -> None:
        """Make one last call, even after one that hung, should that ever return; wait for it as long as for others."""
        last: Future[None] = Future()
        self._calls.put(lambda: _fulfil(last, function))
        self._calls.put(None)
        if not self._hung:
            wait([last], self._timeout)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _fulfil(future: Future[_T], function: Callable[[], _T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
        future.set_exception(error)
