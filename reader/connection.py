"""Connections to a card: the protocol, and the layers that every application wants over a bare one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from reader.apdu import CLA, HOLDS_SECRET, INS, MAX_RESPONSE, SW, SW1, CommandApdu
from reader.errors import AnswerBroken

MAX_PARTS = 8
"""How many parts an answer may come in: cards give all that they hold in one or two."""

Apdu = bytes | bytearray
"""A command's bytes; a bytearray where they hold a PIN, so that they can be wiped."""


class Connection(Protocol):
    """One card from power-up to power-down."""

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        """Send a command; return the answer's data and status word. Raise LinkError."""
        ...


@dataclass(frozen=True, slots=True)
class ApduExchange:
    """One command (hex, without any PIN) and how it was answered; what was said names a resident and is not kept."""

    command: str
    answer_bytes: int
    sw: int


def redact(command: Apdu) -> str:
    """Return a command in hex, its data field left out where it holds a PIN."""
    if len(command) > 4 and command[1] in HOLDS_SECRET:
        return f"{bytes(command[:4]).hex()} [{len(command) - 5} bytes]"
    return bytes(command).hex()


class Meter:
    """A connection that counts what goes over the one beneath it, and tells `trace` of every exchange."""

    def __init__(self, connection: Connection, trace: Callable[[ApduExchange], None] | None = None) -> None:
        self._connection = connection
        self._trace = trace
        self.apdu_count = 0
        """Exchanges: commands sent."""
        self.bytes_sent = 0
        self.bytes_read = 0
        """Bytes of answers, with their status words."""

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        """Send a command and count it, answered or not."""
        self.apdu_count += 1
        self.bytes_sent += len(command)
        data, sw = self._connection.transmit(command)
        self.bytes_read += len(data) + 2
        if self._trace is not None:
            self._trace(ApduExchange(redact(command), len(data), sw))
        return data, sw


class IsoConnection:
    """A connection that finishes what a card leaves open: 61xx, 6Cxx (ISO/IEC 7816-4, 5.1.3), and 6F00 after power-up.

    Some cards answer 6F00 to the very first command after power-up and do it when asked again. What never ends is ended
    here: an answer has at most 256 bytes, in at most MAX_PARTS parts.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fresh = True

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        """Send a command; return the whole of the answer. What holds a PIN is sent once, whatever the card says.

        Raise LinkError; AnswerBroken for an answer that is longer than any, or never at its end.
        """
        if command[1] in HOLDS_SECRET:
            return self._connection.transmit(command)
        data, sw = self._connection.transmit(command)
        if self._fresh and sw == SW.NO_DIAGNOSIS:
            data, sw = self._connection.transmit(command)
        self._fresh = False
        if sw >> 8 == SW1.WRONG_LE and (asked := CommandApdu.decode(command)).le is not None:
            data, sw = self._connection.transmit(replace(asked, le=_length(sw)).encode())
        for _ in range(MAX_PARTS):
            if sw >> 8 != SW1.MORE_DATA:
                break
            more, sw = self._next_part(_length(sw))
            data += more
        if sw >> 8 == SW1.MORE_DATA:
            raise AnswerBroken("an answer without an end")
        if len(data) > MAX_RESPONSE:
            raise AnswerBroken(f"an answer of {len(data)} bytes")
        return data, sw

    def _next_part(self, length: int) -> tuple[bytes, int]:
        """Fetch what the card still holds, asking again with the length that it names where it names one."""
        part, sw = self._connection.transmit(_get_response(length))
        if sw >> 8 == SW1.WRONG_LE:
            part, sw = self._connection.transmit(_get_response(_length(sw)))
        if not part:
            raise AnswerBroken("a promise of more, and nothing came")
        return part, sw


def _get_response(length: int) -> bytes:
    return CommandApdu(CLA.INTERINDUSTRY, INS.GET_RESPONSE, 0, 0, le=length).encode()


def _length(sw: int) -> int:
    """Return the length that the second byte of 61xx or 6Cxx tells."""
    return sw & 0xFF or MAX_RESPONSE
