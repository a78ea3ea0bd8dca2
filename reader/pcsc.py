"""Cards over PC/SC: the only module that knows the PC/SC library, of which it uses the C functions alone.

The library's own monitors die for good when the service restarts. Here one thread with a context of its own watches,
and builds that context anew until the service is back.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from threading import Event, Lock, Thread
from typing import Any

from smartcard import scard

from reader import errors
from reader.connection import Apdu, Connection
from reader.fields import CardKind, Readers, Stay, View, changes, chosen, left_lying
from reader.jpki import JpkiSession
from reader.source import ReaderEvent, ReaderGone, ServiceDown
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

ASK_SECONDS = 1.0
"""How long a card may take to say what it is, while another may be wanted: real ones take a tenth of that."""

STOP_SECONDS = 2.0
"""How long the end waits for the watcher; it is a daemon, and may be left behind."""

PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1

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


def reader_names(wanted: str = "") -> list[str]:
    """Return the readers whose name contains `wanted`; raise SourceError where the service cannot be asked."""
    with _context() as context:
        return _list(context, wanted)


class PcscSource:
    """A `CardSource` over all readers whose name contains `wanted`; see `reader.fields` for which card is spoken to."""

    def __init__(self, wanted: str = "", answer_seconds: float = ANSWER_SECONDS) -> None:
        self._wanted = wanted
        self._answer_seconds = answer_seconds
        self._cards = _Cards(answer_seconds)
        self._watcher: _Watcher | None = None

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Begin to report, from a thread of its own."""
        self._watcher = _Watcher(self._wanted, self._cards, report)

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
        with self._cards.talking:
            try:
                states = thread.call(lambda: card.states(self._wanted))
                stay = chosen(self._cards.known(states, again=True))
                thread.call(lambda: card.connect(stay.reader))
                self._cards.subject = stay
                yield _PcscConnection(card, thread)
            finally:
                thread.finish(card.close)


class _Cards:
    """What is known of the cards on the readers, for the watcher and for whoever speaks to one.

    `subject` is the card that was reported or spoken to last. While `talking` is held no card is asked what it is: it
    would seem busy.
    """

    def __init__(self, answer_seconds: float) -> None:
        self.subject: Stay | None = None
        self.talking = Lock()
        self._answer_seconds = answer_seconds
        self._asked: dict[Stay, CardKind] = {}

    def known(self, states: Mapping[str, int], *, again: bool = False) -> dict[Stay, CardKind]:
        """Return the cards that the readers' states tell of; where there are several, ask each of them once.

        Who is about to speak to one asks those `again` that gave no answer. The watcher does not: to ask is itself a
        change of the reader's state, and would never end.
        """
        there = {
            Stay(reader, state >> 16): bool(state & scard.SCARD_STATE_MUTE)
            for reader, state in states.items()
            if state & scard.SCARD_STATE_PRESENT
        }
        asked = {stay: what for stay, what in self._asked.items() if stay in there}
        if again:
            asked = {stay: what for stay, what in asked.items() if what is not CardKind.UNKNOWN}
        if len(there) > 1:
            asked |= {stay: self._ask(stay.reader) for stay, mute in there.items() if not mute and stay not in asked}
        self._asked = asked
        return {stay: CardKind.MUTE if mute else asked.get(stay, CardKind.UNKNOWN) for stay, mute in there.items()}

    def forget(self) -> None:
        """Begin anew: a service that was restarted counts anew, and may mean another card by the same number."""
        self.subject, self._asked = None, {}

    def _ask(self, reader: str) -> CardKind:
        thread = Supervised(min(ASK_SECONDS, self._answer_seconds))
        card = _Card()
        try:
            thread.call(lambda: card.ask(reader))
            JpkiSession(_PcscConnection(card, thread)).select()
        except errors.NotMyNumberCard:
            return CardKind.OTHER
        except errors.ReaderError as error:
            _log.info("what lies on %s did not say what it is: %s", reader, error.code)
            return CardKind.MUTE if thread.hung else CardKind.UNKNOWN
        else:
            return CardKind.OURS
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
        self._at_end = scard.SCARD_UNPOWER_CARD

    def states(self, wanted: str) -> dict[str, int]:
        """Return the readers' states; raise NoReader where there is none."""
        context = self._opened()
        names = _list(context, wanted)
        if not names:
            raise errors.NoReader
        return _wait(context, dict.fromkeys(names, scard.SCARD_STATE_UNAWARE), 0)

    def connect(self, reader: str) -> None:
        """Power a card up for ourselves alone if possible."""
        self._handle, self._protocol = self._connect(reader)

    def ask(self, reader: str) -> None:
        """Reach a card that may be somebody else's: it is shared, and keeps its power."""
        self._at_end = scard.SCARD_LEAVE_CARD
        result = scard.SCardConnect(self._opened(), reader, scard.SCARD_SHARE_SHARED, PROTOCOLS)
        self._handle, self._protocol = _checked(result)

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
            scard.SCardDisconnect(self._handle, self._at_end)
        if self._context is not None:
            scard.SCardReleaseContext(self._context)

    def _opened(self) -> int:
        if self._context is None:
            (self._context,) = _checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
        return self._context

    def _connect(self, reader: str) -> tuple[int, int]:
        context = self._opened()
        result = scard.SCardConnect(context, reader, scard.SCARD_SHARE_EXCLUSIVE, PROTOCOLS)
        if _code(result) == scard.SCARD_E_SHARING_VIOLATION:
            result = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, PROTOCOLS)
        handle, protocol = _checked(result)
        return handle, protocol


class _Watcher:
    """A daemon thread that follows the readers' states."""

    def __init__(self, wanted: str, cards: _Cards, report: Callable[[ReaderEvent], None]) -> None:
        self._wanted = wanted
        self._cards = cards
        self._report = report
        self._view: View | None = None
        self._last: Readers | None = None
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
                self._show(ReaderGone() if isinstance(error, errors.NoReader) else ServiceDown())
            self._context = None
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _follow(self, context: int) -> None:
        states: dict[str, int] = {}
        while not self._stopping.is_set():
            names = _list(context, self._wanted)
            if not names:
                self._show(ReaderGone())
            known = {name: states.get(name, scard.SCARD_STATE_UNAWARE) for name in (*ALWAYS_WATCHED, *names)}
            if not known:
                self._stopping.wait(WATCH_MS / 1000)
                continue
            states = _wait(context, known, WATCH_MS)
            real = {name: state for name, state in states.items() if name != NEW_READER}
            self._show(self._look(real) if real else ReaderGone())

    def _look(self, states: Mapping[str, int]) -> Readers:
        several = sum(bool(state & scard.SCARD_STATE_PRESENT) for state in states.values()) > 1
        with self._cards.talking if several else nullcontext():
            return Readers(tuple(states), self._cards.known(states))

    def _show(self, view: View) -> None:
        before = self._view
        if isinstance(view, Readers):
            before = before if isinstance(before, Readers) else left_lying(self._last, view)
            self._last = view
        else:
            self._cards.forget()
        for news in changes(before, view, self._cards.subject):
            if isinstance(news, Stay):
                self._cards.subject = news
            elif not self._stopping.is_set():
                self._tell(news)
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
