"""Reads cards for the counter's tasks, and keeps which card a task began with; every call blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from config.trust import Anchors
from reader import plans
from reader.certificate import Certificate, Head
from reader.errors import CardChanged
from reader.jpki import JpkiSession
from reader.source import CardSource


class Cards:
    """The cards of one source, one conversation at a time.

    Each conversation powers the card up and down again, so that nothing is held while a person thinks or types.
    """

    def __init__(self, source: CardSource, anchors: Anchors, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._anchors = anchors
        self._clock = clock
        self._talking = threading.Lock()
        self._task = 0
        self._head: Head | None = None

    def read_head(self, task: int) -> Head:
        """Return who issued the card's certificate, its serial number and validity; the task is about this card now."""
        with self._session() as session:
            head = plans.head(session)
        head.check_validity(self._clock())
        self._remember(task, head)
        return head

    def read_whole(self, task: int) -> Certificate:
        """Return the whole certificate, checked against the anchors; the task is about this card now."""
        with self._session() as session:
            _, certificate = plans.full(session)
            self._anchors = plans.check(session, certificate, self._anchors, self._clock())
        self._remember(task, certificate.head)
        return certificate

    def tries_left(self, task: int) -> int:
        """Return how many tries of the PIN the task's card has left."""
        with self._session() as session:
            session.confirm(self._of(task))
            return session.tries_left()

    def sign(self, task: int, pin: bytearray, digest: bytes, *, last_try: bool) -> bytes:
        """Return the signature of the task's card over a SHA-256 digest; the PIN is wiped."""
        with self._session() as session:
            return plans.sign(session, self._of(task), pin, digest, allow_last_try=last_try)

    def _remember(self, task: int, head: Head) -> None:
        self._task, self._head = task, head

    def _of(self, task: int) -> Head:
        if self._head is None or task != self._task:
            raise CardChanged
        return self._head

    @contextmanager
    def _session(self) -> Iterator[JpkiSession]:
        with self._talking, self._source.connect() as connection:
            yield JpkiSession(connection)
