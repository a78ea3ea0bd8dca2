"""Command APDUs and the numbers of ISO/IEC 7816-4:2005 that the JPKI application uses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MAX_DATA = 255
"""The longest data field of a short command APDU (5.1, Lc in one byte)."""

MAX_RESPONSE = 256
"""The longest answer to a short command APDU (5.1, Le in one byte, 00 meaning 256); many readers take no other."""


class CLA(IntEnum):
    """Class bytes (5.1.1)."""

    INTERINDUSTRY = 0x00
    PROPRIETARY = 0x80
    """What JPKI signs under."""


class INS(IntEnum):
    """Instruction bytes (5.1.2, table 4; PERFORM_SECURITY_OPERATION: ISO/IEC 7816-8)."""

    VERIFY = 0x20
    CHANGE_REFERENCE_DATA = 0x24
    PERFORM_SECURITY_OPERATION = 0x2A
    RESET_RETRY_COUNTER = 0x2C
    SELECT = 0xA4
    READ_BINARY = 0xB0
    GET_RESPONSE = 0xC0


HOLDS_SECRET = frozenset({INS.VERIFY, INS.CHANGE_REFERENCE_DATA, INS.RESET_RETRY_COUNTER})
"""Instructions whose data field is a PIN, to be shown nowhere."""


class SelectP1(IntEnum):
    """What SELECT goes by (7.1.1, table 39)."""

    EF_UNDER_CURRENT_DF = 0x02
    BY_DF_NAME = 0x04


NO_ANSWER_DATA = 0x0C
"""P2 of SELECT: first or only occurrence, no control information wanted (7.1.1, table 40)."""


CURRENT = 0x80
"""P2 of VERIFY and of the signing command: what is selected (7.5.1, table 65)."""

SHORT_NAME = 0x80
"""Added to a short identifier of five bits, in P1 of READ BINARY (7.2.2) or in P2 of VERIFY (7.5.1, table 65)."""


class SW(IntEnum):
    """Status words (5.1.3, tables 5 and 6)."""

    OK = 0x9000
    END_OF_FILE = 0x6282
    VERIFICATION_FAILED = 0x63C0
    """The low four bits are the tries left."""

    WRONG_LENGTH = 0x6700
    SECURITY_STATUS_NOT_SATISFIED = 0x6982
    AUTHENTICATION_METHOD_BLOCKED = 0x6983
    REFERENCE_DATA_NOT_USABLE = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    COMMAND_NOT_ALLOWED_NO_EF = 0x6986
    WRONG_DATA = 0x6A80
    FILE_NOT_FOUND = 0x6A82
    WRONG_P1_P2 = 0x6A86
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    OFFSET_OUTSIDE_EF = 0x6B00
    INS_NOT_SUPPORTED = 0x6D00
    CLA_NOT_SUPPORTED = 0x6E00
    NO_DIAGNOSIS = 0x6F00


class SW1(IntEnum):
    """First bytes of status words whose second is a number (5.1.3, table 5)."""

    MORE_DATA = 0x61
    WRONG_LE = 0x6C


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """A short command (5.1, cases 1 to 4); `le` is the longest answer wanted, 1 to 256, None for none."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    def __post_init__(self) -> None:
        if len(self.data) > MAX_DATA:
            raise ValueError(f"{len(self.data)} bytes do not fit a short command")
        if self.le is not None and not 1 <= self.le <= MAX_RESPONSE:
            raise ValueError(f"a short command cannot ask for {self.le} bytes")

    def encode(self) -> bytes:
        """Return the bytes that a card is sent."""
        lc = bytes([len(self.data)]) if self.data else b""
        le = b"" if self.le is None else bytes([self.le % MAX_RESPONSE])
        return bytes([self.cla, self.ins, self.p1, self.p2]) + lc + self.data + le

    @classmethod
    def decode(cls, command: bytes | bytearray) -> CommandApdu:
        """Return the command that bytes are; raise ValueError where they are none, or an extended one."""
        if len(command) < 4:
            raise ValueError("a command has a header of four bytes")
        (cla, ins, p1, p2), body = command[:4], bytes(command[4:])
        if not body:
            return cls(cla, ins, p1, p2)
        if len(body) == 1:
            return cls(cla, ins, p1, p2, le=body[0] or MAX_RESPONSE)
        lc, data, rest = body[0], body[1 : 1 + body[0]], body[1 + body[0] :]
        if not lc or len(data) != lc or len(rest) > 1:
            raise ValueError("the length field is wrong, or the command an extended one")
        return cls(cla, ins, p1, p2, data, rest[0] or MAX_RESPONSE if rest else None)
