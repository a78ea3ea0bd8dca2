"""The JPKI application of a My Number card: one session on one powered card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from reader.apdu import CLA, CURRENT, INS, MAX_RESPONSE, NO_ANSWER_DATA, SHORT_NAME, SW, CommandApdu, SelectP1
from reader.certificate import (
    Certificate,
    CertificateHead,
    certificate_length,
    head_in,
    key_offset_in,
    parse_certificate,
    unreadable,
)
from reader.connection import Connection, IsoConnection, Meter
from reader.der import Truncated
from reader.errors import (
    AnswerBroken,
    CardChanged,
    PinBlocked,
    PinLastTry,
    PinMalformed,
    refusal,
    tries_in,
)
from reader.pin import PIN_DIGITS, PIN_TRIES
from reader.public_key import KEY_READ_BYTES, KeyKind, KeyProof, key_proof
from reader.tap import JpkiCard, Tap

TOKEN_BYTES = 32
"""Length of the token information, padded with spaces."""

MAX_HEAD_PARTS = 4
"""In how many READs issuer, validity and the subject's length must have come: of real cards, in the first."""

MAX_CERTIFICATE = 4096
"""The longest certificate that is read: real ones have 1.4 to 1.7 kB."""

MIN_PART = 128
"""How much a READ BINARY brings at least on the average: with less, reading a file would hardly end."""

ALGORITHM_REFERENCE = 0x00
"""P1 of JPKI's signing command, whose P2 names the key."""

_ANSWERS = frozenset(
    {
        SW.OK,
        SW.END_OF_FILE,
        SW.SECURITY_STATUS_NOT_SATISFIED,
        SW.AUTHENTICATION_METHOD_BLOCKED,
        SW.REFERENCE_DATA_NOT_USABLE,
    }
)
"""Status words of a card that understood a short name, whatever it thinks of the rest; with them 63Cx."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a generation of the application keeps what we need: its AID, its files, and what its key signs."""

    aid: bytes = bytes.fromhex("D392F000260100000001")
    certificate: int = 0x000A
    ca_certificate: int = 0x000B
    key: int = 0x0017
    pin: int = 0x0018
    token: int = 0x0006
    signs: KeyKind = KeyKind.RSA_2048
    """The kind of key where no reading of it told."""
    short_names: bool = True
    """Whether short identifiers are worth a try: one command is lost on a card that takes none."""


JPKI = Profile()
"""The application of the cards issued since 2016."""


_Parsed = TypeVar("_Parsed")


class JpkiSession:
    """Speaks to the JPKI application over a connection; every method raises ReaderError.

    Files, PIN and key are named by short identifiers, which saves a SELECT each; a card that refuses one is asked in
    the longer way from then on.
    """

    def __init__(self, connection: Connection, profile: Profile = JPKI) -> None:
        self._meter = Meter(connection)
        self._connection = IsoConnection(self._meter)
        self._profile = profile
        self._short = profile.short_names
        self._current: int | None = None
        self._certificate = b""
        self._tries: int | None = None
        self._head: CertificateHead | None = None
        self._key: KeyProof | None = None

    @property
    def tap(self) -> Tap:
        """What was read so far, `read_head` at least, as the tap that it is, and what that cost."""
        token = JpkiCard(self.read_head(), self._key, self._short)
        return Tap(token, self._meter.apdu_count, self._meter.bytes_read)

    def select(self) -> None:
        """Select the application; raise NotMyNumberCard where it is not there."""
        self._select(SelectP1.BY_DF_NAME, self._profile.aid)

    def read_head(self) -> CertificateHead:
        """Read the first 256 bytes of the certificate and return who issued it, its serial number and validity."""
        if self._head is None:
            self._certificate = self._read(self._profile.certificate, 0, MAX_RESPONSE)
            self._head = self._parse(head_in)
        return self._head

    def read_key(self, length: int = KEY_READ_BYTES) -> KeyProof:
        """Read at the public key, to which the lengths in the head lead, and return what proves that it was read.

        One READ asks for `length` bytes; up to 256 cost no exchange more.
        """
        if self._key is None:
            self.read_head()
            offset = self._parse(key_offset_in)
            read = self._certificate[offset:]
            if len(read) < length:
                read = self._read(self._profile.certificate, offset, length)
            if len(read) < KEY_READ_BYTES:
                raise AnswerBroken(f"{len(read)} bytes of a key")
            self._key = _proof(read)
        return self._key

    def read_certificate(self) -> Certificate:
        """Read what is missing of the certificate, to its DER length: filler after it is not fetched."""
        self.read_head()
        self._certificate = self._read_structure(self._profile.certificate, self._certificate)
        certificate = parse_certificate(self._certificate)
        self.read_key()
        return certificate

    def read_ca_certificate(self) -> bytes:
        """Read the certificate of the authority that issued the card's, as DER that nobody has checked."""
        return self._read_structure(self._profile.ca_certificate)

    def read_token(self) -> str:
        """Read what kind of token this is, such as `JPKIAPICCTOKEN2`, a card."""
        text = self._read(self._profile.token, 0, TOKEN_BYTES).decode("ascii", "replace").rstrip(" \0")
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)

    def confirm(self, token: JpkiCard) -> None:
        """Make sure that this is the card that was tapped, reading its head if not read yet; raise CardChanged."""
        if self._head is None:
            self._short = self._short and token.short_names
            self.select()
        if self.read_head() != token.head:
            raise CardChanged
        self._key = self._key or token.key

    def tries_left(self) -> int:
        """Return how often the PIN may still be wrong, 0 when it is blocked; asking costs none."""
        _, sw = self._named(
            self._profile.pin, lambda name: CommandApdu(CLA.INTERINDUSTRY, INS.VERIFY, 0, name or CURRENT)
        )
        # A card on which the PIN was verified before may say just 9000, and a right PIN gives all tries back.
        self._tries = PIN_TRIES if sw == SW.OK else tries_in(sw)
        if self._tries is None:
            error = refusal(INS.VERIFY, sw)
            if not isinstance(error, PinBlocked):
                raise error
            self._tries = 0
        return self._tries

    def verify(self, pin: bytearray, *, allow_last_try: bool = False) -> None:
        """Have the card check the PIN, once, and wipe it; the tries left are asked first where they were not.

        Raise PinBlocked, PinLastTry (one is left and nobody allowed it), PinMalformed, all before anything was sent, or
        PinWrong.
        """
        try:
            if len(pin) != PIN_DIGITS or not pin.isdigit():
                raise PinMalformed
            tries = self.tries_left() if self._tries is None else self._tries
            if tries == 0:
                raise PinBlocked
            if tries == 1 and not allow_last_try:
                raise PinLastTry
            self._tries = None
            self._verify(pin)
        finally:
            wipe(pin)

    def sign(self, digest: bytes) -> bytes:
        """Have the card sign a SHA-256 digest with its authentication key; the PIN must have been verified."""
        if len(digest) != 32:
            raise ValueError("a SHA-256 digest has 32 bytes")
        key = (self._key.kind if self._key else self._profile.signs).value
        data = key.before_digest + digest
        ins = INS.PERFORM_SECURITY_OPERATION
        signature, sw = self._named(
            self._profile.key,
            lambda name: CommandApdu(CLA.PROPRIETARY, ins, ALGORITHM_REFERENCE, name or CURRENT, data, MAX_RESPONSE),
        )
        if sw != SW.OK:
            raise refusal(ins, sw)
        if len(signature) != (key.signature_bytes or len(signature)) or not signature:
            raise AnswerBroken(f"a signature of {len(signature)} bytes")
        return signature

    def _verify(self, pin: bytearray) -> None:
        # Not by `_named`, which would send the PIN a second time where the name is refused: the name was tried when the
        # tries left were asked.
        if not self._short and self._current != self._profile.pin:
            self._select_file(self._profile.pin)
        name = short_name(self._profile.pin) if self._short else CURRENT
        command = bytearray([CLA.INTERINDUSTRY, INS.VERIFY, 0, name, len(pin)]) + pin
        try:
            _, sw = self._connection.transmit(command)
        finally:
            wipe(command)
        if sw != SW.OK:
            raise refusal(INS.VERIFY, sw)

    def _parse(self, parse: Callable[[bytes], _Parsed]) -> _Parsed:
        """Return what the certificate says, reading on where its first bytes are too few."""
        for parts in count(1):
            try:
                return parse(self._certificate)
            except Truncated:
                pass
            except ValueError as error:
                raise unreadable(error) from None
            left = certificate_length(self._certificate) - len(self._certificate)
            if left <= 0 or parts == MAX_HEAD_PARTS:
                break
            self._certificate += self._read(self._profile.certificate, len(self._certificate), min(MAX_RESPONSE, left))
        raise unreadable("its head does not end")

    def _read(self, file: int, offset: int, length: int) -> bytes:
        """Read up to `length` bytes of a file, one at least."""
        if offset and self._current != file:
            self._select_file(file)

        def command(name: int | None) -> CommandApdu:
            high, low = (name, 0) if name else divmod(offset, 256)
            return CommandApdu(CLA.INTERINDUSTRY, INS.READ_BINARY, high, low, le=length)

        data, sw = self._transmit(command(None)) if offset else self._named(file, command)
        if sw == SW.COMMAND_NOT_ALLOWED_NO_EF and offset:  # a short name was understood, and selected nothing
            self._select_file(file)
            data, sw = self._transmit(command(None))
        if sw not in (SW.OK, SW.END_OF_FILE):
            raise refusal(INS.READ_BINARY, sw)
        if len(data) > length or (sw == SW.OK and not data):
            raise AnswerBroken(f"{len(data)} bytes, and {length} were asked for")
        if not data:
            raise unreadable("the file ends before its certificate")
        return data

    def _read_structure(self, file: int, beginning: bytes = b"") -> bytes:
        """Read a file that holds one DER structure, which may have begun to be read, to the end of the structure."""
        data = beginning or self._read(file, 0, MAX_RESPONSE)
        length = certificate_length(data)
        if length > MAX_CERTIFICATE:
            raise unreadable("longer than any certificate")
        parts = 0
        while len(data) < length:
            if parts > length // MIN_PART:
                raise AnswerBroken("a file that comes in too many parts")
            data += self._read(file, len(data), min(MAX_RESPONSE, length - len(data)))
            parts += 1
        return data[:length]

    def _named(self, file: int, command: Callable[[int | None], CommandApdu]) -> tuple[bytes, int]:
        """Send what `command` makes of a file's short name; if the card refuses that, select the file and name none."""
        if self._short:
            data, sw = self._transmit(command(short_name(file)))
            if sw in _ANSWERS or tries_in(sw) is not None:
                self._current = file
                return data, sw
            self._short, self._current = False, None
        if self._current != file:
            self._select_file(file)
        return self._transmit(command(None))

    def _select_file(self, file: int) -> None:
        self._select(SelectP1.EF_UNDER_CURRENT_DF, file.to_bytes(2))
        self._current = file

    def _select(self, by: SelectP1, name: bytes) -> None:
        _, sw = self._transmit(CommandApdu(CLA.INTERINDUSTRY, INS.SELECT, by, NO_ANSWER_DATA, name))
        if sw != SW.OK:
            raise refusal(INS.SELECT, sw)

    def _transmit(self, command: CommandApdu) -> tuple[bytes, int]:
        return self._connection.transmit(command.encode())


def short_name(file: int) -> int:
    """Return a file's short identifier as P1 of READ BINARY, P2 of VERIFY and of the signing command have it."""
    return SHORT_NAME | (file & 0x1F)


def _proof(read: bytes) -> KeyProof:
    try:
        return key_proof(read)
    except ValueError as error:
        raise unreadable(error) from None


def wipe(secret: bytearray) -> None:
    """Overwrite a secret."""
    secret[:] = bytes(len(secret))
