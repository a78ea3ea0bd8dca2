"""The fields of a certificate's head, byte by byte: which lengths, serial numbers, times and names are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reader import errors, plans
from reader.apdu import MAX_RESPONSE
from reader.certificate import parse_head
from reader.connection import Meter
from reader.der import DerError, Element, Tag, Truncated, element, expect
from reader.errors import CertificateRefused
from reader.jpki import MAX_CERTIFICATE, MIN_PART, JpkiSession
from reader.virtual.cards import DESIGNS
from tests.reader.readings import DIGEST
from tests.reader.scripted import Scripted

NORMAL = DESIGNS["normal"]


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return an element in DER."""
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


COUNTRY = tlv(Tag.SET, tlv(Tag.SEQUENCE, tlv(Tag.OBJECT_IDENTIFIER, b"\x55\x04\x06"), tlv(Tag.PRINTABLE_STRING, b"JP")))
BEGINS, ENDS = tlv(Tag.UTC_TIME, b"260401000000Z"), tlv(Tag.UTC_TIME, b"360331235959Z")


def head(
    *,
    version: bytes = b"\xa0\x03\x02\x01\x02",
    serial: bytes = b"\x01",
    issuer: bytes = COUNTRY,
    begins: bytes = BEGINS,
    ends: bytes = ENDS,
) -> bytes:
    """Return a certificate as far as its head goes."""
    fields = (version, tlv(Tag.INTEGER, serial), tlv(Tag.SEQUENCE), tlv(Tag.SEQUENCE, issuer))
    return tlv(Tag.SEQUENCE, tlv(Tag.SEQUENCE, *fields, tlv(Tag.SEQUENCE, begins, ends), tlv(Tag.SEQUENCE)))


@pytest.mark.parametrize(
    ("data", "start", "end"),
    [
        ("3000", 2, 2),
        ("307f", 2, 129),
        ("308180", 3, 131),
        ("3081ff", 3, 258),
        ("30820100", 4, 260),
        ("3083010000", 5, 65541),
    ],
)
def test_a_length_is_read_in_its_shortest_form(data: str, start: int, end: int) -> None:
    """Contents need not be there yet."""
    found = element(bytes.fromhex(data))
    assert (found.tag, found.at, found.start, found.end) == (0x30, 0, start, end)
    assert element(b"\xff" + bytes.fromhex(data), 1).end == end + 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", Truncated),
        ("30", Truncated),
        ("3081", Truncated),
        ("308201", Truncated),
        ("3080", DerError),
        ("308401000000", DerError),
        ("30817f", DerError),
        ("308200ff", DerError),
        ("3083000100", DerError),
        ("1f00", DerError),
        ("bf00", DerError),
    ],
)
def test_other_forms_are_refused(data: str, error: type[DerError]) -> None:
    """Where more bytes may help, that is said."""
    with pytest.raises(DerError) as refused:
        element(bytes.fromhex(data))
    assert type(refused.value) is error


def test_an_identifier_is_asked_for() -> None:
    """The error names those that would have been right."""
    null = element(b"\x05\x00")
    for elements in ([null], list[Element]()):
        with pytest.raises(DerError, match=r"expected SEQUENCE or SET$"):
            expect(iter(elements), Tag.SEQUENCE, Tag.SET)


@pytest.mark.parametrize(
    ("contents", "serial"),
    [
        ("01", 1),
        ("7f", 127),
        ("0080", 128),
        ("00ff", 255),
        ("0100", 256),
        ("7f" + "ff" * 19, 2**159 - 1),
        ("", None),
        ("00", None),
        ("80", None),
        ("ff", None),
        ("0001", None),
        ("007f", None),
        ("00" + "ff" * 20, None),
    ],
)
def test_a_serial_number_is_a_positive_integer_of_at_most_twenty_bytes(contents: str, serial: int | None) -> None:
    """In as few bytes as it needs (RFC 5280, 4.1.2.2)."""
    data = head(serial=bytes.fromhex(contents))
    if serial is not None:
        assert parse_head(data).serial == serial
        return
    with pytest.raises(CertificateRefused):
        parse_head(data)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (tlv(Tag.UTC_TIME, b"491231235959Z"), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (tlv(Tag.UTC_TIME, b"500101000000Z"), datetime(1950, 1, 1, tzinfo=UTC)),
        (tlv(Tag.UTC_TIME, b"991231235959Z"), datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (tlv(Tag.GENERALIZED_TIME, b"20500101000000Z"), datetime(2050, 1, 1, tzinfo=UTC)),
        (tlv(Tag.UTC_TIME, b"4912312359Z"), None),
        (tlv(Tag.UTC_TIME, b"20500101000000Z"), None),
        (tlv(Tag.GENERALIZED_TIME, b"500101000000Z"), None),
        (tlv(Tag.GENERALIZED_TIME, b"2050010100000 Z"), None),
        (tlv(Tag.GENERALIZED_TIME, b"2050 101000000Z"), None),
        (tlv(Tag.GENERALIZED_TIME, b"205001010000000"), None),
        (tlv(Tag.GENERALIZED_TIME, b"20501301000000Z"), None),
        (tlv(Tag.PRINTABLE_STRING, b"20500101000000Z"), None),
    ],
)
def test_a_time_is_to_the_second_in_utc(moment: bytes, said: datetime | None) -> None:
    """In one of the two forms of RFC 5280, 4.1.2.5."""
    if said is not None:
        assert parse_head(head(begins=moment)).not_before == said
        assert parse_head(head(ends=moment)).not_after == said
        return
    for data in (head(begins=moment), head(ends=moment)):
        with pytest.raises(CertificateRefused):
            parse_head(data)


@pytest.mark.parametrize("version", ["a003020101", "a003020103", "a0020002"])
def test_only_a_certificate_of_version_3_is_read(version: str) -> None:
    """An older one has no key usage that could be checked."""
    with pytest.raises(CertificateRefused):
        parse_head(head(version=bytes.fromhex(version)))


def named(tag: int, value: bytes, kind: bytes = b"\x55\x04\x03") -> bytes:
    """Return a relative name of one attribute."""
    return tlv(Tag.SET, tlv(Tag.SEQUENCE, tlv(Tag.OBJECT_IDENTIFIER, kind), tlv(tag, value)))


@pytest.mark.parametrize(
    ("issuer", "text"),
    [
        (named(Tag.PRINTABLE_STRING, b"JPKI"), "CN=JPKI"),
        (named(Tag.UTF8_STRING, "町".encode()), "CN=町"),
        (named(Tag.IA5_STRING, b"a@b"), "CN=a@b"),
        (COUNTRY + named(Tag.PRINTABLE_STRING, b"x", b"\x55\x04\x0b"), "C=JP, OU=x"),
        (named(Tag.PRINTABLE_STRING, b"x", b"\x55\x04\x05"), "550405=x"),
        (named(Tag.UTF8_STRING, b"a\x1b[2Jb"), "CN=a\N{REPLACEMENT CHARACTER}[2Jb"),
        (named(0x1E, b"\0a"), None),
        (named(Tag.UTF8_STRING, b"\xff"), None),
    ],
)
def test_an_issuer_is_read_as_text(issuer: bytes, text: str | None) -> None:
    """A type without a short name stands in hex; what cannot be shown is no name."""
    if text is not None:
        assert parse_head(head(issuer=issuer)).issuer_text == text
        return
    with pytest.raises(CertificateRefused):
        parse_head(head(issuer=issuer))


# How it is read -------------------------------------------------------------------------------------------------


class Answers(Scripted):
    """A card of which one file holds given bytes."""

    def __init__(self, content: bytes, most: int = MAX_RESPONSE) -> None:
        super().__init__({"00a4": ["9000"] * 9})
        self._content = content
        self._most = most

    def transmit(self, command: bytes | bytearray) -> tuple[bytes, int]:
        """Answer a READ BINARY with as much as it gives at once."""
        if command[1] != 0xB0:
            return super().transmit(command)
        self.sent.append(bytes(command).hex())
        offset = 0 if command[2] & 0x80 else command[2] * 256 + command[3]
        wanted = command[4] or 256
        return self._content[offset : offset + min(wanted, self._most)], 0x9000


@pytest.mark.parametrize(("length", "read"), [(MAX_CERTIFICATE, True), (MAX_CERTIFICATE + 1, False)])
def test_a_file_is_read_up_to_the_longest_certificate(length: int, *, read: bool) -> None:
    """And not begun to be read beyond it."""
    content = tlv(Tag.SEQUENCE, bytes(length - 4))
    card = Answers(content)
    session = JpkiSession(card)
    if read:
        assert session.read_ca_certificate() == content
        return
    with pytest.raises(CertificateRefused):
        session.read_ca_certificate()
    assert len(card.sent) == 1


def test_a_file_that_comes_in_few_parts_is_read() -> None:
    """As many as the least part would need."""
    content = tlv(Tag.SEQUENCE, bytes(1_000))
    assert JpkiSession(Answers(content, most=MIN_PART)).read_ca_certificate() == content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"JPKIAPICCTOKEN2     ", "JPKIAPICCTOKEN2"),
        (b"JPKIAPICCTOKEN2 \0\0 \0", "JPKIAPICCTOKEN2"),
        (b" X TOKEN ", " X TOKEN"),
        (b"TOKEN\xff\x07", "TOKEN\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_kind_of_token_is_a_text(content: bytes, text: str) -> None:
    """Filled up with blanks or zeros; whatever else it holds shows that it does."""
    assert JpkiSession(Answers(content)).read_token() == text


def test_the_key_that_was_read_stays_with_a_session_that_confirms() -> None:
    """So that no key is read twice, and the signature has the form of that key's."""
    for name in ("normal", "next-generation"):
        design = DESIGNS[name]
        tap = plans.proven(JpkiSession(design.make()))
        card = Meter(design.make())
        session = JpkiSession(card)
        session.confirm(tap.token)
        spent = card.apdu_count
        assert session.read_key() == tap.token.key
        assert card.apdu_count == spent
        session.verify(bytearray(b"1234"))
        assert session.sign(DIGEST)
        own = JpkiSession(design.make())
        read = plans.proven(own)
        own.confirm(plans.head(JpkiSession(design.make())).token)
        assert own.tap.token.key == read.token.key


def test_the_last_try_is_used_only_where_somebody_agreed() -> None:
    """The plan hands that on."""
    card = NORMAL.make()
    tap = plans.head(JpkiSession(card))
    for _ in range(2):
        with pytest.raises(errors.PinWrong):
            plans.sign_with_card(JpkiSession(card), tap, bytearray(b"0000"), DIGEST)
    with pytest.raises(errors.PinLastTry):
        plans.sign_with_card(JpkiSession(card), tap, bytearray(b"1234"), DIGEST)
    assert plans.sign_with_card(JpkiSession(card), tap, bytearray(b"1234"), DIGEST, allow_last_try=True)
