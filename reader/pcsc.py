"""Cards over PC/SC: the only module that knows the PC/SC library, of which it uses the C functions alone.

The library's own monitors die for good when the service restarts. Here one thread with a context of its own watches,
and builds that context anew until the service is back.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from smartcard import scard

from reader import errors
from reader.connection import Apdu, Connection
from reader.source import CardGone, CardPresent, NoReader, OtherCard, ReaderEvent, ReaderReady, ServiceDown
from reader.supervised import Supervised

NEW_READER = "\\\\?PnP?\\Notification"
"""The reader that stands for readers coming and going."""

ALWAYS_WATCHED = () if sys.platform == "darwin" else (NEW_READER,)
"""macOS does not know that one: there a new reader is seen when the next wait begins."""

WATCH_MS = 5000
"""How long one wait lasts: a reader that came just before it began would go unseen until it ends."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds before the context is built anew; they double each time."""

ANSWER_SECONDS = 5.0
"""How long a card may take for one command: signing takes real ones well under one."""

STOP_SECONDS = 2.0
"""How long the end waits for the watcher; it is a daemon, and may be left behind."""

NO_SERVICE = errors.NoReader if sys.platform == "win32" else errors.PcscServiceDown
"""Windows runs the service only while a reader is plugged in."""

MEANINGS: dict[int, type[errors.ReaderError]] = {
    scard.SCARD_E_NO_SERVICE: NO_SERVICE,
    scard.SCARD_E_SERVICE_STOPPED: NO_SERVICE,
    scard.SCARD_P_SHUTDOWN: errors.PcscServiceDown,
    scard.SCARD_F_COMM_ERROR: errors.PcscServiceDown,  # between library and service, not between reader and card
    scard.SCARD_E_INVALID_HANDLE: errors.PcscServiceDown,  # of a service that was restarted
    scard.SCARD_W_SECURITY_VIOLATION: errors.PcscForbidden,
    scard.SCARD_E_NO_ACCESS: errors.PcscForbidden,
    scard.SCARD_E_NO_READERS_AVAILABLE: errors.NoReader,
    scard.SCARD_E_UNKNOWN_READER: errors.NoReader,
    scard.SCARD_E_READER_UNAVAILABLE: errors.NoReader,
    scard.SCARD_E_NO_SMARTCARD: errors.NoCard,
    scard.SCARD_E_SHARING_VIOLATION: errors.ReaderBusy,
    scard.SCARD_W_REMOVED_CARD: errors.CardPulled,
    scard.SCARD_W_RESET_CARD: errors.CardPulled,
    scard.SCARD_E_NOT_TRANSACTED: errors.CardPulled,
    scard.SCARD_E_COMM_DATA_LOST: errors.CardPulled,
}
"""What the library's results mean to us; any other is a card or reader that does not answer as it should."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InField:
    """A card's stay in a reader's field; `insertion` counts them, where the service does."""

    reader: str
    insertion: int
    event: CardPresent | OtherCard


@dataclass(frozen=True, slots=True)
class Readers:
    """There are readers: `name` is the one with the card, else the first."""

    name: str
    card: InField | None


View = ServiceDown | NoReader | Readers
"""How things stand."""


def changes(before: View | None, after: View) -> Iterator[ReaderEvent]:
    """Yield what is to be reported when how things stand changes."""
    if before == after:
        return
    if not isinstance(after, Readers):
        yield after
        return
    name, card = (before.name, before.card) if isinstance(before, Readers) else (None, None)
    if card not in (None, after.card):
        yield CardGone()
    if name != after.name:
        yield ReaderReady(after.name)
    if after.card not in (None, card):
        yield after.card.event


def view_of(states: Mapping[str, int]) -> View:
    """Return how things stand, from each reader's state as the service tells it."""
    if not states:
        return NoReader()
    for name, state in states.items():
        if state & scard.SCARD_STATE_PRESENT:
            event = OtherCard() if state & scard.SCARD_STATE_MUTE else CardPresent()
            return Readers(name, InField(name, state >> 16, event))
    return Readers(next(iter(states)), None)


def reader_names(wanted: str = "") -> list[str]:
    """Return the readers whose name contains `wanted`; raise SourceError where the service cannot be asked."""
    with _context() as context:
        return _list(context, wanted)


class PcscSource:
    """A `CardSource` over whichever reader has a card, of those whose name contains `wanted`."""

    def __init__(self, wanted: str = "", answer_seconds: float = ANSWER_SECONDS) -> None:
        self._wanted = wanted
        self._answer_seconds = answer_seconds
        self._watcher: _Watcher | None = None

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Begin to report, from a thread of its own."""
        self._watcher = _Watcher(self._wanted, report)

    def stop(self) -> None:
        """Report nothing more."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Power the card up for ourselves alone if possible, and down at the end: it then forgets the PIN."""
        thread = Supervised(self._answer_seconds)
        card = _Card()
        try:
            thread.call(lambda: card.open(self._wanted))
            yield _PcscConnection(card, thread)
        finally:
            thread.finish(card.close)


class _PcscConnection:
    """The card's commands, made on the thread that may hang."""

    def __init__(self, card: _Card, thread: Supervised) -> None:
        self._card = card
        self._thread = thread

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        return self._thread.call(lambda: self._card.transmit(command))


class _Card:
    """A context and a card handle, as far as they were opened."""

    def __init__(self) -> None:
        self._context: int | None = None
        self._handle: int | None = None
        self._protocol = 0

    def open(self, wanted: str) -> None:
        (self._context,) = _checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
        names = _list(self._context, wanted)
        if not names:
            raise errors.NoReader
        view = view_of(_wait(self._context, dict.fromkeys(names, scard.SCARD_STATE_UNAWARE), 0))
        if not isinstance(view, Readers) or view.card is None:
            raise errors.NoCard
        self._handle, self._protocol = self._connect(view.name)

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        try:
            (answer,) = _checked(scard.SCardTransmit(self._handle, self._protocol, list(command)))
        except errors.NoCard:
            raise errors.CardPulled from None
        if len(answer) < 2:
            raise errors.CardPulled("an answer without a status word")
        return bytes(answer[:-2]), answer[-2] << 8 | answer[-1]

    def close(self) -> None:
        if self._handle is not None:
            scard.SCardDisconnect(self._handle, scard.SCARD_UNPOWER_CARD)
        if self._context is not None:
            scard.SCardReleaseContext(self._context)

    def _connect(self, reader: str) -> tuple[int, int]:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        result = scard.SCardConnect(self._context, reader, scard.SCARD_SHARE_EXCLUSIVE, protocols)
        if _code(result) == scard.SCARD_E_SHARING_VIOLATION:
            result = scard.SCardConnect(self._context, reader, scard.SCARD_SHARE_SHARED, protocols)
        handle, protocol = _checked(result)
        return handle, protocol


class _Watcher:
    """A daemon thread that follows the readers' states."""

    def __init__(self, wanted: str, report: Callable[[ReaderEvent], None]) -> None:
        self._wanted = wanted
        self._report = report
        self._view: View | None = None
        self._context: int | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="card reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for _ in range(int(STOP_SECONDS / 0.05)):
            # A wait that has not quite begun cannot be cancelled yet, so once may not be enough.
            if self._context is not None:
                scard.SCardCancel(self._context)
            self._thread.join(0.05)
            if not self._thread.is_alive():
                return

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                with _context() as self._context:
                    pause = FIRST_PAUSE
                    self._follow(self._context)
            except errors.ReaderError as error:
                _log.info("readers cannot be watched: %s", error)
                self._show(NoReader() if isinstance(error, errors.NoReader) else ServiceDown())
            self._context = None
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _follow(self, context: int) -> None:
        states: dict[str, int] = {}
        while not self._stopping.is_set():
            names = _list(context, self._wanted)
            if not names:
                self._show(NoReader())
            known = {name: states.get(name, scard.SCARD_STATE_UNAWARE) for name in (*ALWAYS_WATCHED, *names)}
            if not known:
                self._stopping.wait(WATCH_MS / 1000)
                continue
            states = _wait(context, known, WATCH_MS)
            self._show(view_of({name: state for name, state in states.items() if name != NEW_READER}))

    def _show(self, view: View) -> None:
        for event in changes(self._view, view):
            if not self._stopping.is_set():
                self._tell(event)
        self._view = view

    def _tell(self, event: ReaderEvent) -> None:
        try:
            self._report(event)
        except Exception:  # noqa: BLE001  # whoever listens must not be able to end the watch
            _log.exception("an event of the reader was not taken: %s", event)


@contextmanager
def _context() -> Iterator[int]:
    (context,) = _checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def _list(context: int, wanted: str) -> list[str]:
    result = scard.SCardListReaders(context, [])
    if _code(result) == scard.SCARD_E_NO_READERS_AVAILABLE:
        return []
    (names,) = _checked(result)
    return [name for name in names if wanted.casefold() in name.casefold()]


def _wait(context: int, states: Mapping[str, int], milliseconds: int) -> dict[str, int]:
    """Return the readers' states when one differs from what is known, or as they were when the time is over."""
    result = scard.SCardGetStatusChange(context, milliseconds, list(states.items()))
    if _code(result) in (scard.SCARD_E_TIMEOUT, scard.SCARD_E_CANCELLED):
        return dict(states)
    (found,) = _checked(result)
    return {name: state & ~scard.SCARD_STATE_CHANGED for name, state, _atr in found}


def _code(result: Sequence[Any]) -> int:
    # Results are signed on some platforms.
    return int(result[0]) & 0xFFFFFFFF


def _checked(result: Sequence[Any]) -> Sequence[Any]:
    """Return what a call gave beside its result; raise the ReaderError that the result means."""
    code = _code(result)
    if code != scard.SCARD_S_SUCCESS:
        raise MEANINGS.get(code, errors.CardNotAnswering)(f"PC/SC result {code:08X}")
    return result[1:]
