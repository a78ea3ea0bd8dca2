"""The real PC/SC service with its virtual reader, started for the tests that need it and stopped after them."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import IO

import pytest
from smartcard import scard

from reader.connection import Connection
from reader.errors import PcscServiceDown
from reader.pcsc import reader_names
from reader.virtual.card import VirtualCard
from reader.virtual.vpcd import InsertedCard, inserted

CONFIGURATION = Path("/etc/reader.conf.d/vpcd")
"""How Debian's package vsmartcard-vpcd tells the service of its reader."""

LOCK = Path(tempfile.gettempdir()) / "kazasu-pcscd.lock"
"""Held while tests use the service: there is only one on a machine, and more than one test run."""

TURN = 300.0
"""Seconds to wait for another test run to be done with the service."""

PATIENCE = 15.0
"""Seconds in which the service must be up, and a card seen."""


class PcscService:
    """A running service; one that ran already is used as it is, and is not ours to stop."""

    def __init__(self, configuration: Path) -> None:
        self._configuration = configuration
        self._process: subprocess.Popen[bytes] | None = None
        if not _answers():
            self.start()

    @property
    def ours(self) -> bool:
        """Whether it was started here."""
        return self._process is not None

    def start(self, *, readers: bool = True) -> None:
        """Start it, with the virtual reader or with none, and return when it answers."""
        self._configuration.write_bytes(CONFIGURATION.read_bytes() if readers else b"")
        command = ["pcscd", "--foreground", "--critical", "--config", str(self._configuration)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(lambda: _answers() and bool(reader_names()) == readers)

    def stop(self) -> None:
        """Stop it where it is ours, at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def inserted(self, card: VirtualCard, connection: Connection | None = None) -> Iterator[InsertedCard]:
        """Keep a card in the reader; begin when the service has seen it come, and end when it has seen it go."""
        before = _comings_and_goings()
        with inserted(card, connection) as slot:
            until(lambda: _comings_and_goings() == before + 1)
            yield slot
        until(lambda: _comings_and_goings() == before + 2)


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Return when something that another process does has come about; fail after a while."""
    deadline = monotonic() + patience
    while not condition():
        if monotonic() > deadline:
            pytest.fail("the PC/SC service, or another test run that has it, did not do what it was to do")
        Event().wait(0.02)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answers() -> bool:
    try:
        reader_names()
    except PcscServiceDown:
        return False
    return True


def _comings_and_goings() -> int:
    """Return how often a card came to or left the first reader, as the service counts (in the state's upper half).

    Its idea of whether a card is present does not do: it forgets a card that vanished in the middle some time before
    it looks again, and a card that comes in between goes unseen.
    """
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    first = (reader_names()[0], scard.SCARD_STATE_UNAWARE)
    _, ((_, state, _),) = scard.SCardGetStatusChange(context, 0, [first])
    scard.SCardReleaseContext(context)
    return int(state) >> 16


def missing() -> str | None:
    """Return what this machine lacks for the service, None when it lacks nothing."""
    if shutil.which("pcscd") is None or not CONFIGURATION.exists():
        return "needs pcscd and vsmartcard-vpcd, which `./kazasu test` installs on Debian"
    return None


@contextmanager
def running() -> Iterator[PcscService]:
    """Run the service, or wait for another test run to be done with it."""
    with LOCK.open("w") as lock, tempfile.TemporaryDirectory() as directory:
        until(lambda: _locked(lock), TURN)
        service = PcscService(Path(directory) / "reader.conf")
        try:
            yield service
        finally:
            service.stop()


@pytest.fixture(scope="module")
def pcsc() -> Iterator[PcscService]:
    """Run the PC/SC service with a virtual reader for the tests of a module."""
    if (lacking := missing()) is not None:
        pytest.skip(lacking)
    with running() as service:
        yield service
