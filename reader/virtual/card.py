"""The virtual card: a state machine over short commands, no kinder than a real card (ISO/IEC 7816-4:2005)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from reader.apdu import (
    CLA,
    CURRENT,
    INS,
    MAX_RESPONSE,
    NO_ANSWER_DATA,
    SHORT_NAME,
    SW,
    CommandApdu,
    SelectP1,
)
from reader.connection import Apdu
from reader.jpki import JPKI
from reader.virtual.authority import CardKey

ATR = bytes.fromhex("3B888001004B51FFB381D1000F")
"""The answer to reset that contactless My Number cards give; cards of other kinds give it too."""

SHORT_MASK = 0x1F
"""The bits of a short identifier."""


@dataclass(slots=True)
class Pin:
    """A PIN and its retry counter. `verified` outlives a warm reset and ends with the power."""

    value: bytes = field(repr=False)
    tries: int
    left: int
    verified: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A transparent file, readable once its PIN was verified where it has one."""

    content: bytes
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class CardPrivateKey:
    """A private key, usable once its PIN was verified."""

    private: CardKey
    pin: Pin


_Kind = TypeVar("_Kind", File, Pin, CardPrivateKey)


class StatusRefusal(Exception):  # noqa: N818  # an answer, not a failure
    """The card answers with a status word other than 9000, and perhaps with data."""

    def __init__(self, sw: int, data: bytes = b"") -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw
        self.data = data


class VirtualCard:
    """A card with one application. It is a `Connection`, powered up from the beginning."""

    def __init__(self, contents: dict[int, File | Pin | CardPrivateKey], aid: bytes | None = JPKI.aid) -> None:
        self._contents = contents
        self._aid = aid
        self._selected = False
        self._current: int | None = None

    def reset(self) -> None:
        """Reset warmly: what was selected is forgotten, what was verified is not."""
        self._selected, self._current = False, None

    def power_off(self) -> None:
        """Take the power away: what was verified is forgotten too."""
        self.reset()
        for pin in self._contents.values():
            if isinstance(pin, Pin):
                pin.verified = False

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        """Answer a command."""
        try:
            apdu = CommandApdu.decode(command)
        except ValueError:
            return b"", SW.WRONG_LENGTH
        try:
            return self._answer(apdu), SW.OK
        except StatusRefusal as refusal:
            return refusal.data, refusal.sw

    def _answer(self, apdu: CommandApdu) -> bytes:
        match apdu.cla, apdu.ins:
            case CLA.INTERINDUSTRY, INS.SELECT:
                return self._select(apdu)
            case CLA.INTERINDUSTRY, INS.READ_BINARY:
                return self._read_binary(apdu)
            case CLA.INTERINDUSTRY, INS.VERIFY:
                return self._verify(apdu)
            case CLA.PROPRIETARY, INS.PERFORM_SECURITY_OPERATION:
                return self._sign(apdu)
            case CLA.INTERINDUSTRY | CLA.PROPRIETARY, _:
                raise StatusRefusal(SW.INS_NOT_SUPPORTED)
            case _:
                raise StatusRefusal(SW.CLA_NOT_SUPPORTED)

    def _select(self, apdu: CommandApdu) -> bytes:
        if apdu.p2 != NO_ANSWER_DATA:
            raise StatusRefusal(SW.WRONG_P1_P2)
        if apdu.p1 == SelectP1.BY_DF_NAME:
            if apdu.data != self._aid:
                raise StatusRefusal(SW.FILE_NOT_FOUND)
            self._selected, self._current = True, None
        elif apdu.p1 == SelectP1.EF_UNDER_CURRENT_DF:
            name = int.from_bytes(apdu.data)
            if not self._selected or len(apdu.data) != 2 or name not in self._contents:
                raise StatusRefusal(SW.FILE_NOT_FOUND)
            self._current = name
        else:
            raise StatusRefusal(SW.WRONG_P1_P2)
        return b""

    def _read_binary(self, apdu: CommandApdu) -> bytes:
        if apdu.le is None or apdu.data:
            raise StatusRefusal(SW.WRONG_LENGTH)
        named = bool(apdu.p1 & SHORT_NAME)
        file = self._find(File, apdu.p1 if named else CURRENT)
        offset = apdu.p2 if named else apdu.p1 << 8 | apdu.p2
        if file.pin is not None and not file.pin.verified:
            raise StatusRefusal(SW.SECURITY_STATUS_NOT_SATISFIED)
        if offset >= len(file.content):
            raise StatusRefusal(SW.OFFSET_OUTSIDE_EF)
        data = file.content[offset : offset + apdu.le]
        if len(data) < apdu.le < MAX_RESPONSE:
            raise StatusRefusal(SW.END_OF_FILE, data)
        return data

    def _verify(self, apdu: CommandApdu) -> bytes:
        if apdu.p1 or apdu.le is not None:
            raise StatusRefusal(SW.WRONG_P1_P2)
        pin = self._find(Pin, apdu.p2)
        if not apdu.data:
            raise StatusRefusal(SW.VERIFICATION_FAILED | pin.left)
        if not pin.left:
            raise StatusRefusal(SW.AUTHENTICATION_METHOD_BLOCKED)
        pin.verified = hmac.compare_digest(apdu.data, pin.value)
        pin.left = pin.tries if pin.verified else pin.left - 1
        if not pin.verified:
            raise StatusRefusal(SW.VERIFICATION_FAILED | pin.left)
        return b""

    def _sign(self, apdu: CommandApdu) -> bytes:
        if apdu.p1:
            raise StatusRefusal(SW.WRONG_P1_P2)
        key = self._find(CardPrivateKey, apdu.p2)
        if not apdu.data or apdu.le is None:
            raise StatusRefusal(SW.WRONG_LENGTH)
        if not key.pin.verified:
            raise StatusRefusal(SW.SECURITY_STATUS_NOT_SATISFIED)
        try:
            if isinstance(key.private, RSAPrivateKey):
                return key.private.sign(apdu.data, PKCS1v15(), NoDigestInfo())
            return key.private.sign(apdu.data, ECDSA(Prehashed(SHA256())))
        except ValueError:
            raise StatusRefusal(SW.WRONG_DATA) from None

    def _find(self, kind: type[_Kind], reference: int) -> _Kind:
        """Return what P1 or P2 names, which becomes the current file; refuse what is of another kind."""
        if not self._selected:
            raise StatusRefusal(SW.CONDITIONS_NOT_SATISFIED)
        if not reference & SHORT_NAME or reference & ~(SHORT_NAME | SHORT_MASK):
            raise StatusRefusal(SW.WRONG_P1_P2)
        if reference != CURRENT:
            short = reference & SHORT_MASK
            if not isinstance(self._contents.get(short), kind):
                raise StatusRefusal(SW.REFERENCED_DATA_NOT_FOUND)
            self._current = short
        found = None if self._current is None else self._contents[self._current]
        if not isinstance(found, kind):
            raise StatusRefusal(SW.COMMAND_NOT_ALLOWED_NO_EF)
        return found
