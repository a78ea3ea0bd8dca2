"""Reads cards for the counter's tasks, and keeps which card a task began with; every call blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from config.trust import Anchors
from reader import plans
from reader.errors import CardChanged
from reader.jpki import JpkiSession
from reader.plans import WholeReading
from reader.source import CardSource
from reader.tap import Tap


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
        self._tap: Tap | None = None

    def read(self, task: int, *, with_key: bool = False) -> Tap:
        """Return the proven tap of the card that lies there; the task is about this card now.

        `with_key` reads as much of its public key as the same exchange brings.
        """
        with self._session() as session:
            tap = plans.known(session) if with_key else plans.proven(session)
        tap.token.check_validity(self._clock())
        self._remember(task, tap)
        return tap

    def read_whole(self, task: int) -> WholeReading:
        """Return the whole certificate, checked against the anchors; the task is about this card now."""
        with self._session() as session:
            reading = plans.full(session)
            self._anchors = plans.check_certificate(session, reading.certificate, self._anchors, self._clock())
        self._remember(task, reading.tap)
        return reading

    def authority_of(self, reading: WholeReading) -> bytes:
        """Return the certificate (DER) of the authority that issued a card which was read and checked."""
        return self._anchors.authority_of(reading.certificate.der)

    def tries_left(self, task: int) -> int:
        """Return how many tries of the PIN the task's card has left."""
        with self._session() as session:
            return plans.tries(session, self._of(task))

    def sign(self, task: int, pin: bytearray, digest: bytes, *, last_try: bool) -> bytes:
        """Return the signature of the task's card over a SHA-256 digest; the PIN is wiped."""
        with self._session() as session:
            return plans.sign_with_card(session, self._of(task), pin, digest, allow_last_try=last_try)

    def _remember(self, task: int, tap: Tap) -> None:
        """Keep what tells the card from others; the key's bytes are the task's alone, which overwrites them."""
        key = None if tap.token.key is None else tap.token.key.without_secret
        self._task, self._tap = task, replace(tap, token=replace(tap.token, key=key))

    def _of(self, task: int) -> Tap:
        if self._tap is None or task != self._task:
            raise CardChanged
        return self._tap

    @contextmanager
    def _session(self) -> Iterator[JpkiSession]:
        with self._talking, self._source.connect() as connection:
            yield JpkiSession(connection)
