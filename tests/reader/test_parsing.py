"""The bytes of commands and certificates: what is right is read as it was meant, what is wrong is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from reader.apdu import INS, CommandApdu
from reader.certificate import certificate_length, parse_certificate, parse_head
from reader.der import DerError, element
from reader.errors import CertificateRefused
from reader.virtual.authority import load_card_key
from reader.virtual.cards import DESIGNS

NORMAL = DESIGNS["normal"].certificate
SECOND = timedelta(seconds=1)

BYTE = st.integers(0, 255)
COMMANDS = st.builds(CommandApdu, BYTE, BYTE, BYTE, BYTE, st.binary(max_size=255), st.none() | st.integers(1, 256))


@given(COMMANDS)
def test_a_command_is_decoded_as_it_was_encoded(command: CommandApdu) -> None:
    """All four cases of short commands survive the way over the wire."""
    assert CommandApdu.decode(command.encode()) == command


@given(st.binary(max_size=300))
def test_bytes_that_are_no_short_command_are_refused(sent: bytes) -> None:
    """Whatever comes is a short command that encodes to the same bytes, or a ValueError."""
    try:
        command = CommandApdu.decode(sent)
    except ValueError:
        return
    assert command.encode() == sent


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (CommandApdu(0x00, INS.VERIFY, 0x00, 0x80), "00200080"),
        (CommandApdu(0x00, INS.READ_BINARY, 0x8A, 0x00, le=256), "00B08A0000"),
        (CommandApdu(0x00, INS.SELECT, 0x02, 0x0C, b"\x00\x0a"), "00A4020C02000A"),
        (CommandApdu(0x80, INS.PERFORM_SECURITY_OPERATION, 0x00, 0x97, b"\x01", 256), "802A0097010100"),
    ],
)
def test_commands_have_the_bytes_that_cards_know(command: CommandApdu, sent: str) -> None:
    """The commands are those that public readers send."""
    assert command.encode() == bytes.fromhex(sent)


@pytest.mark.parametrize(("data", "le"), [(bytes(256), None), (b"", 0), (b"", 257)])
def test_what_fits_no_short_command_is_a_defect(data: bytes, le: int | None) -> None:
    """Extended lengths are never sent: many readers do not take them."""
    with pytest.raises(ValueError, match="short command"):
        CommandApdu(0, 0, 0, 0, data, le)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_head_says_what_the_whole_certificate_says(name: str) -> None:
    """The first 256 bytes give issuer, serial number and validity as a full parser finds them."""
    der = DESIGNS[name].certificate
    whole = x509.load_der_x509_certificate(der)
    head = parse_head(der[:256])
    assert head == parse_certificate(der).head
    assert head.issuer == whole.issuer.public_bytes()
    assert (head.serial, head.serial_hex) == (whole.serial_number, f"{whole.serial_number:x}")
    assert (head.not_before, head.not_after) == (whole.not_valid_before_utc, whole.not_valid_after_utc)
    assert head.issuer_text.startswith("C=JP, O=Kazasu TEST, OU=TEST ")


SERIALS = st.integers(1, 2**159 - 1)
MOMENTS = st.datetimes(datetime(1951, 1, 1), datetime(2300, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds
LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@given(serial=SERIALS, begin=MOMENTS, days=st.integers(0, 4000), unit=LETTERS)
def test_any_certificate_of_a_conforming_authority_is_read(serial: int, begin: datetime, days: int, unit: str) -> None:
    """Serial numbers of every length, UTCTime and GeneralizedTime, names in any script."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"), x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)]
    )
    begin = begin.replace(microsecond=0)
    key = load_card_key("p384")
    certificate = x509.CertificateBuilder(name, name, key.public_key(), serial, begin, begin + timedelta(days)).sign(
        key, SHA256()
    )
    head = parse_head(certificate.public_bytes(Encoding.DER)[:256])
    assert (head.serial, head.not_before, head.not_after) == (serial, begin, begin + timedelta(days))
    assert (head.issuer, head.issuer_text) == (name.public_bytes(), f"C=JP, OU={unit}")


@given(st.integers(0, 255), st.integers(0, 255))
@example(at=NORMAL.index(bytes.fromhex("a003020102")) + 6, value=0)  # a serial number without a byte
def test_a_damaged_head_is_refused_or_read(at: int, value: int) -> None:
    """One wrong byte never brings down the parser: it says something else or that it is not a certificate."""
    damaged = bytearray(NORMAL[:256])
    damaged[at] = value
    with suppress(CertificateRefused):
        parse_head(bytes(damaged))


@given(st.binary(max_size=300))
def test_noise_is_no_certificate(noise: bytes) -> None:
    """Bytes from anywhere are refused."""
    with pytest.raises(CertificateRefused):
        parse_head(noise)


@pytest.mark.parametrize("length", range(0, 200, 7))
def test_a_head_that_ends_too_early_is_refused(length: int) -> None:
    """A card that answers with less than the head gives no head."""
    with pytest.raises(CertificateRefused):
        parse_head(NORMAL[:length])


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("no length", "30"),
        ("indefinite length", "30800000"),
        ("length of four bytes", "308400000001FF"),
        ("length that could be shorter", "30810100"),
        ("length with a leading zero", "3082007F"),
        ("identifier of two octets", "1F8100"),
        ("half a length", "308201"),
    ],
)
def test_der_is_read_strictly(why: str, data: str) -> None:
    """What BER would let pass is refused."""
    with pytest.raises(DerError):
        element(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["3003020101", "30030401FF"])
def test_children_must_fit_their_parent(data: str) -> None:
    """An element that is longer than what holds it is refused; one that fits is found."""
    parent = element(bytes.fromhex(data))
    assert [child.encoded.hex() for child in parent.children()] == [data[4:].lower()]
    with pytest.raises(DerError):
        list(element(bytes.fromhex("3002020401")).children())


def test_the_length_of_a_certificate_is_its_own() -> None:
    """Filler in the file does not count, and a certificate with anything after it is not one."""
    assert certificate_length(NORMAL[:256]) == len(NORMAL)
    for other in (NORMAL + b"\0", NORMAL[:-1]):
        with pytest.raises(CertificateRefused):
            parse_certificate(other)


def test_validity_includes_both_ends() -> None:
    """The last second of the last day still counts."""
    head = parse_head(NORMAL)
    for moment in (head.not_before, head.not_after):
        head.check_validity(moment)
    for moment, code in (
        (head.not_before - SECOND, "certificate_not_yet_valid"),
        (head.not_after + SECOND, "certificate_expired"),
    ):
        with pytest.raises(CertificateRefused) as refused:
            head.check_validity(moment)
        assert refused.value.code == code
    assert refused.value.data == {"day": "2049-12-31"}


def test_neither_issuer_nor_serial_shows_in_a_repr() -> None:
    """What names a resident is not written down by accident."""
    shown = repr(parse_certificate(NORMAL))
    assert "0b000001" not in shown.lower()
    assert str(DESIGNS["normal"].serial) not in shown
