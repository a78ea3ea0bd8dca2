"""Cards that are damaged, lie, or answer anything: always an error of the reader's, after a bounded conversation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from config.trust import Anchors
from reader import plans
from reader.apdu import MAX_RESPONSE
from reader.certificate import key_offset_in
from reader.connection import MAX_PARTS, Apdu, Connection, Meter
from reader.errors import CardChanged, ReaderError, japanese_day
from reader.jpki import MAX_CERTIFICATE, MAX_HEAD_PARTS, MIN_PART, JpkiSession
from reader.public_key import KeyKind
from reader.virtual.authority import TEST_CA, CardKey, load_card_key
from reader.virtual.cards import DESIGNS, CardDesign
from tests.reader.readings import head_and_sign

NORMAL, NEXT = DESIGNS["normal"], DESIGNS["next-generation"]
ANCHORS = Anchors().with_certificates([TEST_CA.certificate])
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SPKI = key_offset_in(NORMAL.certificate)

PER_COMMAND = 3 + 2 * MAX_PARTS
"""The most exchanges for one command: lost after power-up, of another length, and in parts that are too."""

READS = MAX_HEAD_PARTS + MAX_CERTIFICATE // MIN_PART + 4
"""The most commands that read a file or select one: a head in parts, a certificate in parts, and what names them."""

BOUND = 2 * READS * PER_COMMAND


class Holding(CardDesign):
    """A card that holds given bytes for a certificate."""

    held: bytes

    @property
    def certificate(self) -> bytes:
        """The bytes."""
        return self.held


def _holding(content: bytes, *, like: CardDesign = NORMAL) -> Connection:
    design = Holding(like.serial, like.key_name)
    object.__setattr__(design, "held", content)
    return design.make()


def _full(session: JpkiSession) -> None:
    plans.check_certificate(session, plans.full(session).certificate, ANCHORS, NOW)


def _shown(session: JpkiSession) -> None:
    """Read a tap, and say of it what `kazasu card` says."""
    tap = plans.proven(session)
    head = tap.token.head
    _ = head.issuer_text, head.issuer_sha256, head.serial_hex
    _ = japanese_day(head.not_before), japanese_day(head.not_after)
    head.check_validity(NOW)


PLANS: dict[str, Callable[[JpkiSession], object]] = {
    "head": plans.head,
    "proven": _shown,
    "full": _full,
    "sign": head_and_sign,
}


def _play(plan: Callable[[JpkiSession], object], card: Connection) -> int:
    """Return the exchanges of a reading, which may end in any error of the reader's and in no other."""
    meter = Meter(card)
    try:
        plan(JpkiSession(meter))
    except ReaderError as error:
        _ = error.code, error.data
    return meter.apdu_count


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("like", [NORMAL, NEXT], ids=["RSA", "P-384"])
@given(at=st.integers(0, SPKI + 64), value=st.integers(0, 255))
def test_a_damaged_byte_brings_nothing_down(name: str, like: CardDesign, at: int, value: int) -> None:
    """One wrong byte before or in the key is read as another or told, in no more exchanges than a certificate takes."""
    damaged = bytearray(like.certificate)
    damaged[at] = value
    assert _play(PLANS[name], _holding(bytes(damaged), like=like)) <= 6 + MAX_CERTIFICATE // MAX_RESPONSE


@pytest.mark.parametrize("name", PLANS)
@given(data=st.data())
def test_damaged_bytes_bring_nothing_down(name: str, data: st.DataObject) -> None:
    """Nor do several, or a file that ends anywhere, or one with noise after it."""
    damaged = bytearray(NORMAL.certificate)
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = damaged[: data.draw(st.integers(1, len(damaged)))] + data.draw(st.binary(max_size=64))
    assert _play(PLANS[name], _holding(bytes(cut))) <= 6 + MAX_CERTIFICATE // MAX_RESPONSE


STATUS = st.sampled_from(
    [0x9000] * 4 + [0x6282, 0x6100, 0x6101, 0x61FF, 0x6C00, 0x6C10, 0x6F00, 0x63C2, 0x6982, 0x6B00]
)
ANSWERS = st.tuples(st.binary(max_size=300) | st.just(NORMAL.certificate[:256]), STATUS | st.integers(0, 0xFFFF))


class Whimsical:
    """A connection that goes on for ever with the answers that it is given."""

    def __init__(self, answers: list[tuple[bytes, int]]) -> None:
        self._answers = answers
        self._next = 0

    def transmit(self, _command: Apdu) -> tuple[bytes, int]:
        """Answer with whatever is next."""
        self._next += 1
        return self._answers[self._next % len(self._answers)]


@pytest.mark.parametrize("name", PLANS)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=12))
def test_whatever_a_card_answers_a_reading_ends(name: str, answers: list[tuple[bytes, int]]) -> None:
    """No answer makes another exception than the reader's, or an endless conversation."""
    assert _play(PLANS[name], Whimsical(answers)) <= BOUND


def _length(content: bytes, at: int, value: int) -> bytes:
    """Return bytes with another length in the two octets at a place."""
    return content[:at] + value.to_bytes(2) + content[at + 2 :]


CERTIFICATE = NORMAL.certificate
ISSUER = CERTIFICATE.index(TEST_CA.certificate.subject.public_bytes())


SUBJECT = SPKI - len(x509.load_der_x509_certificate(CERTIFICATE).subject.public_bytes())

ENDS_WITHIN_A_FIELD = (
    bytes.fromhex("3081FD3081FA" + "A003020102" + "020107" + "3000")
    + bytes.fromhex("3081EC3181E93081E6060355040A0C81DE")
    + b"u" * 222
    + b"\x30"
)
"""256 bytes in all, of which the last is the tag of a field that has no length."""


@pytest.mark.parametrize(
    ("lie", "content", "codes"),
    [
        ("the whole is endless", _length(CERTIFICATE, 2, 0xFFFF), {"head": None, "full": "certificate_unreadable"}),
        ("the whole ends within its head", _length(CERTIFICATE, 2, 0x0100), {"head": "certificate_unreadable"}),
        ("its body is longer than the whole", _length(CERTIFICATE, 6, 0x7FFF), {"head": "certificate_unreadable"}),
        (
            "the issuer ends elsewhere",
            CERTIFICATE[: ISSUER + 2] + bytes([CERTIFICATE[ISSUER + 2] + 7]) + CERTIFICATE[ISSUER + 3 :],
            {"head": "certificate_unreadable"},
        ),
        (
            "the subject is no name",
            CERTIFICATE[:SUBJECT] + b"\x31" + CERTIFICATE[SUBJECT + 1 :],
            {"head": None, "proven": "certificate_unreadable"},
        ),
        ("the whole ends within a field", ENDS_WITHIN_A_FIELD, {"head": "certificate_unreadable"}),
        ("the file ends in the head", CERTIFICATE[:100], {"head": "card_refused"}),
        (
            "the file ends before the key",
            CERTIFICATE[: SPKI + 8],
            {"proven": "certificate_unreadable", "full": "card_refused"},
        ),
        ("the file ends in the middle", CERTIFICATE[:700], {"proven": None, "full": "card_refused"}),
    ],
)
def test_lengths_that_lie_are_found_out(lie: str, content: bytes, codes: dict[str, str | None]) -> None:
    """Each lie is told where a reading comes to it, and not before."""
    for name, code in codes.items():
        said: str | None = None
        try:
            PLANS[name](JpkiSession(_holding(content)))
        except ReaderError as error:
            said = error.code
        assert said == code


def _issued(key: CardKey, issuer: str, subject: str) -> bytes:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, issuer)]
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(names[1], names[0], key.public_key(), 7, begin, end)
    for number in range(12):
        oid = x509.ObjectIdentifier(f"2.25.{number + 1}")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, bytes(40)), critical=False)
    return builder.sign(load_card_key("ca"), SHA256()).public_bytes(Encoding.DER)


TEXT = st.text("abcdefgh", min_size=1, max_size=64)


@given(issuer=TEXT, subject=TEXT, unit=st.sampled_from(["normal", "p384"]))
def test_the_key_is_found_wherever_it_is(issuer: str, subject: str, unit: str) -> None:
    """Names of any length move the key: within the first 256 bytes, across them, or beyond."""
    key = load_card_key(unit)
    meter = Meter(_holding(_issued(key, issuer, subject), like=NORMAL))
    proof = plans.proven(JpkiSession(meter)).token.key
    assert proof is not None
    assert proof.kind is (KeyKind.P_384 if unit == "p384" else KeyKind.RSA_2048)
    assert meter.apdu_count <= 3


@pytest.mark.parametrize(("units", "exchanges"), [(2, 3), (3, 4), (6, 5), (10, 6)])
def test_a_head_that_is_longer_is_read_on(units: int, exchanges: int) -> None:
    """A name that fills the first 256 bytes costs a READ more for each 256 that it takes."""
    issuer = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 64) for _ in range(units)])
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(issuer, issuer, load_card_key("normal").public_key(), 7, begin, end)
    der = builder.sign(load_card_key("ca"), SHA256()).public_bytes(Encoding.DER)
    meter = Meter(_holding(der))
    assert plans.proven(JpkiSession(meter)).token.head.issuer == issuer.public_bytes()
    assert meter.apdu_count == exchanges


def test_a_head_without_end_is_no_head() -> None:
    """Who issued a certificate is said within its first kilobyte."""
    content = CERTIFICATE[:ISSUER] + bytes.fromhex("30820480") + bytes(0x480) + CERTIFICATE[ISSUER:]
    content = _length(_length(content, 2, len(content) - 4), 6, len(content) - 8)
    meter = Meter(_holding(content))
    with pytest.raises(ReaderError) as raised:
        plans.head(JpkiSession(meter))
    assert (raised.value.code, meter.apdu_count) == ("certificate_unreadable", 1 + MAX_HEAD_PARTS)


def test_the_serial_of_another_authority_is_another_card() -> None:
    """Who issued a certificate counts as much as its number: no PIN is sent to a card of the same number."""
    tap = plans.head(JpkiSession(NORMAL.make()))
    meter = Meter(_holding(CERTIFICATE.replace(b"Kazasu TEST", b"Kazasu BEST")))
    with pytest.raises(CardChanged):
        plans.sign_with_card(JpkiSession(meter), tap, bytearray(b"1234"), bytes(32))
    assert meter.apdu_count == 2


def test_a_certificate_without_an_end_has_a_last_day() -> None:
    """The last second that a certificate can name lies in no year that Japan's clock could show."""
    assert japanese_day(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)) == "9999-12-31"


def test_what_kind_of_token_it_is_holds_no_control_character() -> None:
    """The card writes that text, and a terminal would obey it."""
    card = NORMAL.make()
    with suppress(ReaderError):
        assert plans.full(JpkiSession(card)).model == NORMAL.kind
    escape = CardDesign(NORMAL.serial, kind="\x1b[2JTOKEN").make()
    assert plans.full(JpkiSession(escape)).model == "\N{REPLACEMENT CHARACTER}[2JTOKEN"
