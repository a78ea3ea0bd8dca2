"""The JPKI session and its plans: the exchanges they take, every way they fail, and the rules of the PIN."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from config.trust import PINNED, Anchors
from reader import errors, plans
from reader.connection import Connection, Meter
from reader.der import DerError
from reader.jpki import JpkiSession, Profile
from reader.public_key import KEY_READ_BYTES, KeyKind, KeyProof, key_proof
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS, PRACTICE
from reader.virtual.unsteady import Unsteady
from tests.reader.readings import DIGEST, head_and_sign
from tests.reader.scripted import Scripted

NORMAL = DESIGNS["normal"]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ANCHORS = Anchors().with_certificates([TEST_CA.certificate])

Plan = Callable[[JpkiSession], object]


KEY_AT = "00b000f6"
"""How the READ BINARY at the virtual card's public key begins."""

RSA_PREFIX = KeyKind.RSA_2048.value.prefix.hex().upper()

PLANS: dict[str, tuple[Plan, int]] = {
    "head": (plans.head, 2),
    "proven": (plans.proven, 3),
    "known": (plans.known, 3),
    "head and sign": (head_and_sign, 5),
    "full": (plans.full, 2 + -(-len(NORMAL.certificate) // 256)),
}
"""Each plan and the exchanges that it takes."""

NO_SHORT_NAMES = {"00b08": ["6A86"] * 9, "00200098": ["6A86"] * 9, "802a0097": ["6A86"] * 9}
"""What a card answers that knows no short identifiers."""


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_takes_the_exchanges_that_were_promised(name: str) -> None:
    """2, 3, 5, and 2 + ⌈length / 256⌉."""
    plan, exchanges = PLANS[name]
    meter = Meter(NORMAL.make())
    plan(JpkiSession(meter))
    assert meter.apdu_count == exchanges


@pytest.mark.parametrize("name", PLANS)
def test_a_card_without_short_names_is_read_all_the_same(name: str) -> None:
    """Each file costs a SELECT more, and the first refusal one exchange."""
    plan, exchanges = PLANS[name]
    meter = Meter(Scripted(NO_SHORT_NAMES, NORMAL.make()))
    plan(JpkiSession(meter))
    files = {"head": 1, "proven": 1, "known": 1, "head and sign": 3, "full": 2}[name]
    assert meter.apdu_count == exchanges + files + 1


@pytest.mark.parametrize("refusing", ["00b08", "00200098", "802a0097"])
def test_a_single_refused_short_name_changes_nothing_but_the_count(refusing: str) -> None:
    """A card that refuses only one of the short forms still signs."""
    session = JpkiSession(Scripted({refusing: ["6A82"] * 9}, NORMAL.make()))
    assert len(head_and_sign(session)) == 256


@pytest.mark.parametrize("name", PLANS)
def test_a_card_pulled_at_any_exchange_is_told_as_pulled(name: str) -> None:
    """However far the plan came, the error is the same, and nothing is made of half a reading."""
    plan, exchanges = PLANS[name]
    for pulled in range(exchanges):
        with pytest.raises(errors.CardPulled):
            plan(JpkiSession(Unsteady(NORMAL.make(), exchanges=pulled)))
    plan(JpkiSession(Unsteady(NORMAL.make(), exchanges=exchanges)))


@pytest.mark.parametrize("name", ["normal", "next-generation"])
def test_what_the_card_signs_its_certificate_verifies(name: str) -> None:
    """RSA signs a DigestInfo by PKCS#1 v1.5, the announced P-384 key the digest itself."""
    design = DESIGNS[name]
    session = JpkiSession(design.make())
    signature = plans.sign_with_card(session, plans.proven(session), bytearray(b"1234"), DIGEST)
    key = load_der_x509_certificate(session.read_certificate().der).public_key()
    if isinstance(key, RSAPublicKey):
        key.verify(signature, DIGEST, PKCS1v15(), Prehashed(SHA256()))
    else:
        assert isinstance(key, EllipticCurvePublicKey)
        key.verify(signature, DIGEST, ECDSA(Prehashed(SHA256())))


@pytest.mark.parametrize(("name", "missing"), [("normal", 38), ("next-generation", 0)])
def test_one_read_brings_all_of_a_key_but_what_a_record_can_hold(name: str, missing: int) -> None:
    """Of an RSA key 38 bytes are missing, of a point none; what was read is the certificate's own, to the byte."""
    design = DESIGNS[name]
    key = load_der_x509_certificate(design.certificate).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    read = plans.known(JpkiSession(design.make())).token.key
    assert read is not None
    assert read.info == info[: len(info) - missing]


def test_the_whole_certificate_follows_a_head_without_reading_it_twice() -> None:
    """What was fetched is kept, and filler in the file is not fetched."""
    meter = Meter(NORMAL.make())
    session = JpkiSession(meter)
    plans.head(session)
    assert session.read_certificate().der == NORMAL.certificate
    assert meter.bytes_read == 2 + len(NORMAL.certificate) + 2 * -(-len(NORMAL.certificate) // 256)


def test_reading_goes_on_after_something_else_was_selected() -> None:
    """A signature between head and certificate does not confuse the offsets."""
    session = JpkiSession(NORMAL.make())
    head_and_sign(session)
    assert session.read_certificate().der == NORMAL.certificate


def test_the_application_is_a_matter_of_the_profile() -> None:
    """A later generation may have another AID."""
    other = Profile(aid=bytes.fromhex("D392F000260100000002"))
    with pytest.raises(errors.NotMyNumberCard):
        plans.head(JpkiSession(NORMAL.make(), other))


SCRIPTS: list[tuple[str, dict[str, list[str]], Plan, str]] = [
    ("Suica or bank card", {"00a4": ["6A82"]}, plans.head, "not_my_number_card"),
    ("no such class", {"00a4": ["6E00"]}, plans.head, "not_my_number_card"),
    ("no such instruction", {"00a4": ["6D00"]}, plans.head, "not_my_number_card"),
    (
        "old 住基カード without the file",
        {"00b08a": ["6A82"], "00a4020c02000a": ["6A82"]},
        plans.head,
        "not_my_number_card",
    ),
    ("smartphone", {"00b08a": ["6982"]}, plans.head, "smartphone_needs_pin"),
    ("head that is none", {"00b08a": ["30039000"]}, plans.head, "certificate_unreadable"),
    ("no data at all", {"00b08a": ["9000"]}, plans.head, "answer_broken"),
    ("more than was asked for", {"00b08a": ["00" * 257 + "9000"]}, plans.head, "answer_broken"),
    ("no data in the middle", {"00b001": ["9000"]}, plans.full, "answer_broken"),
    ("a byte at a time", {"00b001": ["AA9000"] * 999, "00b002": ["AA9000"] * 999}, plans.full, "answer_broken"),
    ("61xx for ever", {"00b08a": ["AA6101"], "00c0": ["AA6101"] * 99}, plans.head, "answer_broken"),
    ("6Cxx for ever", {"00b0": ["6C10"] * 99}, plans.head, "card_refused"),
    ("no signature", {"802a": ["9000"]}, head_and_sign, "answer_broken"),
    ("half a signature", {"802a": ["00" * 128 + "9000"]}, head_and_sign, "answer_broken"),
    ("file that ends early", {"00b001": ["6282"]}, plans.full, "certificate_unreadable"),
    ("file past its end", {"00b001": ["6B00"]}, plans.full, "card_refused"),
    ("certificate longer than a file", {"00b08a": ["308390000002019000"]}, plans.full, "certificate_unreadable"),
    ("blocked, said as 63C0", {"00200098": ["63C0"]}, head_and_sign, "pin_blocked"),
    ("blocked, said as 6983", {"00200098": ["6983"]}, head_and_sign, "pin_blocked"),
    ("blocked, said as 6984", {"00200098": ["6984"]}, head_and_sign, "pin_blocked"),
    ("one try left", {"00200098": ["63C1"]}, head_and_sign, "pin_last_try"),
    ("wrong PIN", {"0020009804": ["63C2"]}, head_and_sign, "pin_wrong"),
    ("wrong PIN that blocks", {"0020009804": ["63C0"]}, head_and_sign, "pin_blocked"),
    ("blocked meanwhile", {"0020009804": ["6983"]}, head_and_sign, "pin_blocked"),
    ("PIN refused for no reason", {"0020009804": ["6A80"]}, head_and_sign, "card_refused"),
    ("no word on the tries", {"00200098": ["6D00"], "00200080": ["6D00"]}, head_and_sign, "card_refused"),
    ("signature refused", {"802a": ["6982"]}, head_and_sign, "card_refused"),
    ("signature refused both ways", {"802a": ["6985", "6985"]}, head_and_sign, "card_refused"),
]


@pytest.mark.parametrize(("card", "script", "plan", "code"), SCRIPTS)
def test_every_refusal_is_its_own_error(card: str, script: dict[str, list[str]], plan: Plan, code: str) -> None:
    """What a card says becomes an error with a stable code."""
    with pytest.raises(errors.ReaderError) as raised:
        plan(JpkiSession(Scripted(script, NORMAL.make())))
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("name", "plan", "code"),
    [
        ("other-card", plans.head, "not_my_number_card"),
        ("smartphone", plans.head, "smartphone_needs_pin"),
        ("smartphone", plans.full, "smartphone_needs_pin"),
        ("blocked", head_and_sign, "pin_blocked"),
    ],
)
def test_the_virtual_cards_fail_as_they_are_named(name: str, plan: Plan, code: str) -> None:
    """The designs for demonstrations show the errors that they are for."""
    with pytest.raises(errors.ReaderError) as raised:
        plan(JpkiSession(DESIGNS[name].make()))
    assert raised.value.code == code


# The PIN --------------------------------------------------------------------------------------------------------


def _session(card: Connection) -> JpkiSession:
    session = JpkiSession(card)
    session.select()
    return session


def test_wrong_pins_count_down_and_the_last_try_needs_a_yes() -> None:
    """Two wrong ones, then nothing is sent until somebody agrees, then it is blocked."""
    card = NORMAL.make()
    for left in (2, 1):
        with pytest.raises(errors.PinWrong) as wrong:
            _session(card).verify(bytearray(b"0000"))
        assert (wrong.value.tries, wrong.value.data) == (left, {"tries": left})
    meter = Meter(card)
    with pytest.raises(errors.PinLastTry):
        _session(meter).verify(bytearray(b"1234"))
    assert meter.apdu_count == 2
    assert _session(card).tries_left() == 1
    with pytest.raises(errors.PinBlocked):
        _session(card).verify(bytearray(b"0000"), allow_last_try=True)
    assert _session(card).tries_left() == 0


def test_a_right_pin_gives_all_tries_back() -> None:
    """Also when it was the last one, agreed to."""
    card = NORMAL.make()
    for _ in range(2):
        with pytest.raises(errors.PinWrong):
            _session(card).verify(bytearray(b"0000"))
    _session(card).verify(bytearray(b"1234"), allow_last_try=True)
    assert _session(card).tries_left() == 3


def test_a_card_that_was_verified_before_may_say_so_instead_of_the_tries() -> None:
    """9000 to the question means that the last PIN was right, and all tries are there."""
    assert _session(Scripted({"00200098": ["9000"]}, NORMAL.make())).tries_left() == 3


@pytest.mark.parametrize("pin", [b"", b"123", b"12345", b"12a4", "１２３４".encode()])
def test_what_is_no_pin_is_never_sent(pin: bytes) -> None:
    """A wrong length would cost a try."""
    meter = Meter(NORMAL.make())
    with pytest.raises(errors.PinMalformed):
        _session(meter).verify(bytearray(pin))
    assert meter.apdu_count == 1


def test_a_pin_is_never_sent_before_the_tries_were_asked() -> None:
    """Whatever was done before, each VERIFY is preceded by its question, and follows only one."""
    card = Scripted({}, NORMAL.make())
    session = _session(card)
    session.tries_left()
    for pin in (b"1234", b"1234"):
        session.verify(bytearray(pin))
    asked_and_sent = [len(sent) // 2 for sent in card.sent if sent.startswith("0020")]
    assert asked_and_sent == [4, 9, 4, 9]


def test_the_pin_finds_its_file_again_where_it_has_no_short_name() -> None:
    """Something else may have been read after the tries were asked."""
    session = _session(Scripted(NO_SHORT_NAMES, NORMAL.make()))
    session.tries_left()
    session.read_head()
    session.verify(bytearray(b"1234"))
    assert len(session.sign(DIGEST)) == 256


@pytest.mark.parametrize("pulled", range(6))
def test_the_pin_is_wiped_whatever_happens(pulled: int) -> None:
    """Signed or failed at any exchange, no digit is left."""
    pin, tap = bytearray(b"1234"), plans.head(JpkiSession(NORMAL.make()))
    with suppress(errors.CardPulled):
        plans.sign_with_card(JpkiSession(Unsteady(NORMAL.make(), exchanges=pulled)), tap, pin, DIGEST)
    assert pin == bytes(4)


def test_no_frame_of_a_failure_still_holds_the_pin() -> None:
    """A crash report that shows local variables shows no PIN, nor does the trace."""
    traces: list[object] = []
    pin = bytearray(b"7391")
    with pytest.raises(errors.PinWrong) as wrong:
        head_and_sign(JpkiSession(Meter(NORMAL.make(), traces.append)), pin)
    frame = wrong.value.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals["__name__"].startswith("reader."):
            shown = re.sub("at 0x[0-9a-f]+", "", repr(frame.tb_frame.f_locals))  # an address may be any number
            assert "7391" not in shown
            assert b"7391".hex() not in shown
        frame = frame.tb_next
    assert b"7391".hex() not in repr(traces)


# The proof ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PRACTICE, "normal", "next-generation"])
def test_a_proven_tap_gives_what_the_whole_certificate_says(name: str) -> None:
    """32 bytes of an RSA modulus or of a point's X, the same from one READ as from the whole certificate."""
    design = DESIGNS[name]
    tap = plans.proven(JpkiSession(design.make()))
    key = load_der_x509_certificate(design.certificate).public_key()
    if isinstance(key, RSAPublicKey):
        kind, secret = KeyKind.RSA_2048, key.public_numbers().n.to_bytes(256)[:32]
    else:
        assert isinstance(key, EllipticCurvePublicKey)
        kind, secret = KeyKind.P_384, key.public_numbers().x.to_bytes(48)[:32]
    assert tap.token.key == KeyProof(kind, secret)
    assert (tap.exchanges, tap.bytes_read) == (3, 2 + 258 + KEY_READ_BYTES + 2)
    assert plans.full(JpkiSession(design.make())).tap.token == tap.token


def test_a_tap_shows_neither_key_nor_resident() -> None:
    """What proves a reading and what names a person is not written down by accident."""
    tap = plans.proven(JpkiSession(NORMAL.make()))
    assert tap.token.key is not None
    shown = repr(tap).lower()
    for secret in (tap.token.key.secret, tap.token.head.issuer):
        assert secret.hex() not in shown
        assert repr(secret).lower() not in shown
    assert tap.token.serial_hex not in shown
    assert str(tap.token.head.serial) not in shown


@pytest.mark.parametrize(
    ("case", "answers", "code"),
    [
        ("nothing", [KEY_AT, ""], "answer_broken"),
        ("a key without its end", [KEY_AT, "3082"], "answer_broken"),
        ("more than was asked for", [KEY_AT, "00" * 200], "answer_broken"),
        ("another kind of key", [KEY_AT, "00" * 65], "certificate_unreadable"),
        ("a modulus that is shorter", [KEY_AT, RSA_PREFIX + "7F" * 32], "certificate_unreadable"),
        (
            "an RSA key of another length",
            [KEY_AT, RSA_PREFIX.replace("0101", "0081") + "FF" * 32],
            "certificate_unreadable",
        ),
    ],
)
def test_what_is_no_key_proves_nothing(case: str, answers: list[str], code: str) -> None:
    """The shape of what is read at the key is checked; a reader's glitch is told as one."""
    start, *parts = answers
    with pytest.raises(errors.ReaderError) as raised:
        plans.proven(JpkiSession(Scripted({start: [f"{part}9000" for part in parts]}, NORMAL.make())))
    assert raised.value.code == code


@pytest.mark.parametrize("kind", KeyKind)
def test_half_a_key_is_no_proof(kind: KeyKind) -> None:
    """Of a proof all 32 bytes are there, or it is none."""
    whole = kind.value.prefix + b"\xff" * 32
    assert key_proof(whole) == KeyProof(kind, b"\xff" * 32)
    with pytest.raises(DerError):
        key_proof(whole[:-1])


def test_a_sale_with_pin_takes_eleven_exchanges_over_its_power_ups_or_six() -> None:
    """Proof, tries and signature: 3 + 3 + 5 where the power goes in between, 3 + 1 + 2 where it stays."""
    counts: list[int] = []
    for powered in (False, True):
        card = NORMAL.make()
        meter = Meter(card)
        session = JpkiSession(meter)
        tap = plans.proven(session)
        for go_on in (plans.tries, lambda s, t: plans.sign_with_card(s, t, bytearray(b"1234"), DIGEST)):
            if not powered:
                card.power_off()
                session = JpkiSession(meter)
            go_on(session, tap)
        counts.append(meter.apdu_count)
    assert counts == [11, 6]


def test_a_card_without_short_names_is_asked_for_them_once_in_a_sale() -> None:
    """To find it out costs one refused command. The tap remembers, and later power-ups begin with SELECT."""
    card = Scripted(NO_SHORT_NAMES, NORMAL.make())
    tap = plans.proven(JpkiSession(card))
    assert (tap.exchanges, tap.token.short_names) == (5, False)
    sent = len(card.sent)
    session = JpkiSession(card)
    assert plans.tries(session, tap) == 3
    assert len(card.sent) - sent == 5
    assert len(plans.sign_with_card(session, tap, bytearray(b"1234"), DIGEST)) == 256
    assert card.sent[sent:]
    assert not any(said.startswith(("00b08", "00200098", "802a0097")) for said in card.sent[sent:])


def test_a_generation_that_is_known_to_take_no_short_names_is_not_asked() -> None:
    """Then a proven tap takes four exchanges: SELECT, SELECT, READ, READ."""
    card = Scripted(NO_SHORT_NAMES, NORMAL.make())
    assert plans.proven(JpkiSession(card, Profile(short_names=False))).exchanges == 4


def test_a_short_name_that_selects_nothing_is_followed_by_a_select() -> None:
    """A card may read by a short name and still want the file selected before it reads on."""
    card = Scripted({KEY_AT: ["6986"]}, NORMAL.make())
    assert plans.proven(JpkiSession(card)).token.key is not None
    assert len(card.sent) == 5


def test_a_signature_of_no_bytes_is_none() -> None:
    """Also of a key whose signatures have no fixed length."""
    session = JpkiSession(Scripted({"802a": ["9000"]}, DESIGNS["next-generation"].make()))
    tap = plans.proven(session)
    with pytest.raises(errors.AnswerBroken):
        plans.sign_with_card(session, tap, bytearray(b"1234"), DIGEST)


# The same card --------------------------------------------------------------------------------------------------


def test_a_choice_may_come_between_head_and_signature() -> None:
    """On the same connection the card is not read again: five exchanges in all."""
    meter = Meter(NORMAL.make())
    session = JpkiSession(meter)
    card = plans.head(session)
    assert session.tries_left() == 3
    assert len(plans.sign_with_card(session, card, bytearray(b"1234"), DIGEST)) == 256
    assert meter.apdu_count == 5


def test_a_card_that_was_lifted_is_known_again() -> None:
    """Another session reads the head anew and goes on."""
    card = NORMAL.make()
    head = plans.head(JpkiSession(card))
    card.power_off()
    meter = Meter(card)
    plans.sign_with_card(JpkiSession(meter), head, bytearray(b"1234"), DIGEST)
    assert meter.apdu_count == 5


def test_another_card_does_not_sign_for_the_first() -> None:
    """The PIN is not even tried on it."""
    head = plans.head(JpkiSession(NORMAL.make()))
    other = Scripted({}, DESIGNS["visitor"].make())
    with pytest.raises(errors.CardChanged):
        plans.sign_with_card(JpkiSession(other), head, bytearray(b"1234"), DIGEST)
    assert not any(sent.startswith("0020") for sent in other.sent)


# Trust ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("normal", None),
        ("next-generation", None),
        ("expired", "certificate_expired"),
        ("not-yet-valid", "certificate_not_yet_valid"),
        ("wrong-authority", "wrong_issuer"),
    ],
)
def test_a_whole_certificate_is_checked(name: str, code: str | None) -> None:
    """Each card that must not be trusted has its own reason."""
    session = JpkiSession(DESIGNS[name].make())
    certificate = plans.full(session).certificate
    if code is None:
        assert plans.check_certificate(session, certificate, ANCHORS, NOW) is ANCHORS
        return
    with pytest.raises(errors.CertificateRefused) as refused:
        plans.check_certificate(session, certificate, ANCHORS, NOW)
    assert refused.value.code == code


def test_the_card_brings_its_own_authority_once_where_only_the_pin_is_known() -> None:
    """The authority's certificate is taken from the card when it is the pinned one, and asked for no more."""
    pinned = Anchors(pins=PINNED | {TEST_CA.certificate.fingerprint(SHA256())})
    session = JpkiSession(NORMAL.make())
    certificate = plans.full(session).certificate
    learned = plans.check_certificate(session, certificate, pinned, NOW)
    assert learned.certificates == (TEST_CA.certificate,)
    meter = Meter(NORMAL.make())
    session = JpkiSession(meter)
    certificate = plans.full(session).certificate
    before = meter.apdu_count
    assert plans.check_certificate(session, certificate, learned, NOW) is learned
    assert meter.apdu_count == before


@pytest.mark.parametrize("authority", [{"00b08b": ["6A82"], "00a4020c02000b": ["6A82"]}, {"00b08b": ["30039000"]}, {}])
def test_an_unknown_authority_stays_unknown(authority: dict[str, list[str]]) -> None:
    """A card that has no authority's certificate, a broken one or one of its own choice, is of a wrong issuer."""
    session = JpkiSession(Scripted(authority, DESIGNS["wrong-authority"].make()))
    certificate = plans.full(session).certificate
    for anchors in (Anchors(), ANCHORS):
        with pytest.raises(errors.CertificateRefused) as refused:
            plans.check_certificate(session, certificate, anchors, NOW)
        assert refused.value.code == "wrong_issuer"


def test_digests_have_32_bytes() -> None:
    """Anything else is a defect of ours, and not sent."""
    with pytest.raises(ValueError, match="32"):
        JpkiSession(NORMAL.make()).sign(b"")
