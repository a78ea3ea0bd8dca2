"""Puts a virtual card into vpcd, the virtual reader of the real PC/SC service.

A frame is a two-byte big-endian length and its bytes. Connecting is insertion, closing is removal.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from threading import Thread

from reader.connection import Connection
from reader.errors import CardPulled, VpcdUnreachable
from reader.virtual.card import ATR, VirtualCard

ADDRESS = ("127.0.0.1", 35963)
"""Where vpcd's first slot listens; the second is at the next port."""

_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Control(IntEnum):
    """Frames of one byte; only ATR is answered."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    ATR = 4


class InsertedCard:
    """A virtual card in vpcd's slot, from construction to `remove`; `serve` answers for it.

    `connection` answers the commands; it may be a layer over the card that counts, delays or breaks off.
    """

    def __init__(
        self, card: VirtualCard, connection: Connection | None = None, address: tuple[str, int] = ADDRESS
    ) -> None:
        self._card = card
        self._connection = connection or card
        try:
            self._socket = socket.create_connection(address, timeout=5)
        except OSError as error:
            raise VpcdUnreachable(f"{address[0]}:{address[1]}: {error.strerror}") from error
        self._socket.settimeout(None)

    def serve(self) -> None:
        """Answer until the card is removed, leaves by itself (`CardPulled`), or the service goes."""
        with self._socket, suppress(CardPulled, OSError):
            while (frame := self._receive()) is not None:
                if (answer := self._answer(frame)) is not None:
                    self._socket.sendall(len(answer).to_bytes(2) + answer)
        self._card.power_off()

    def remove(self) -> None:
        """Take the card out, from any thread."""
        with suppress(OSError):  # it may have left already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _answer(self, frame: bytes) -> bytes | None:
        if len(frame) > 1:
            data, sw = self._connection.transmit(frame)
            return data + sw.to_bytes(2)
        match frame[0]:
            case Control.ATR:
                return ATR
            case Control.POWER_OFF:
                self._card.power_off()
            case Control.POWER_ON | Control.RESET:
                self._card.reset()
        return None

    def _receive(self) -> bytes | None:
        """Return the next frame, None when there will be none."""
        header = self._exactly(2)
        return self._exactly(int.from_bytes(header)) if header else None

    def _exactly(self, count: int) -> bytes | None:
        received = b""
        while len(received) < count:
            part = self._socket.recv(count - len(received))
            if not part:
                return None
            if _QUICK_ACK is not None:
                # vpcd sends length and bytes apart, and waits for the first to be acknowledged: 40 ms a command.
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            received += part
        return received


@contextmanager
def inserted(
    card: VirtualCard, connection: Connection | None = None, address: tuple[str, int] = ADDRESS
) -> Iterator[InsertedCard]:
    """Keep a card in the slot, served by a thread of its own."""
    slot = InsertedCard(card, connection, address)
    server = Thread(target=slot.serve, name="virtual card", daemon=True)
    server.start()
    try:
        yield slot
    finally:
        slot.remove()
        server.join()
