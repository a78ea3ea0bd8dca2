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
from cryptography.x509 import load_der_x509_certificate

from config.trust import PINNED, Anchors
from reader import errors, plans
from reader.connection import Connection, Meter
from reader.jpki import JPKI, JpkiSession, Profile
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS, P384
from reader.virtual.unsteady import Unsteady
from tests.reader.scripted import Scripted

NORMAL = DESIGNS["normal"]
DIGEST = bytes(range(32))
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ANCHORS = Anchors().with_certificates([TEST_CA.certificate])

Plan = Callable[[JpkiSession], object]


def _sign(session: JpkiSession) -> bytes:
    return plans.head_and_sign(session, bytearray(b"1234"), DIGEST)[1]


PLANS: dict[str, tuple[Plan, int]] = {
    "head": (plans.head, 2),
    "head and sign": (_sign, 5),
    "full": (plans.full, 2 + -(-len(NORMAL.certificate) // 256)),
}
"""Each plan and the exchanges that it takes."""

NO_SHORT_NAMES = {"00b08": ["6A86"] * 9, "00200098": ["6A86"] * 9, "802a0097": ["6A86"] * 9}
"""What a card answers that knows no short identifiers."""


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_takes_the_exchanges_that_were_promised(name: str) -> None:
    """2, 5, and 2 + ⌈length / 256⌉."""
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
    files = {"head": 1, "head and sign": 3, "full": 2}[name]
    assert meter.apdu_count == exchanges + files + 1


@pytest.mark.parametrize("refusing", ["00b08", "00200098", "802a0097"])
def test_a_single_refused_short_name_changes_nothing_but_the_count(refusing: str) -> None:
    """A card that refuses only one of the short forms still signs."""
    session = JpkiSession(Scripted({refusing: ["6A82"] * 9}, NORMAL.make()))
    assert len(_sign(session)) == 256


@pytest.mark.parametrize("name", PLANS)
def test_a_card_pulled_at_any_exchange_is_told_as_pulled(name: str) -> None:
    """However far the plan came, the error is the same, and nothing is made of half a reading."""
    plan, exchanges = PLANS[name]
    for pulled in range(exchanges):
        with pytest.raises(errors.CardPulled):
            plan(JpkiSession(Unsteady(NORMAL.make(), exchanges=pulled)))
    plan(JpkiSession(Unsteady(NORMAL.make(), exchanges=exchanges)))


@pytest.mark.parametrize("name", ["normal", "p384"])
def test_what_the_card_signs_its_certificate_verifies(name: str) -> None:
    """RSA signs a DigestInfo by PKCS#1 v1.5, the announced P-384 key the digest itself."""
    design = DESIGNS[name]
    session = JpkiSession(design.make(), P384 if name == "p384" else JPKI)
    signature = _sign(session)
    key = load_der_x509_certificate(session.read_certificate().der).public_key()
    if isinstance(key, RSAPublicKey):
        key.verify(signature, DIGEST, PKCS1v15(), Prehashed(SHA256()))
    else:
        assert isinstance(key, EllipticCurvePublicKey)
        key.verify(signature, DIGEST, ECDSA(Prehashed(SHA256())))


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
    _sign(session)
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
    ("file that ends early", {"00b001": ["6282"]}, plans.full, "certificate_unreadable"),
    ("file past its end", {"00b001": ["6B00"]}, plans.full, "card_refused"),
    ("certificate longer than a file", {"00b08a": ["308390000002019000"]}, plans.full, "certificate_unreadable"),
    ("blocked, said as 63C0", {"00200098": ["63C0"]}, _sign, "pin_blocked"),
    ("blocked, said as 6983", {"00200098": ["6983"]}, _sign, "pin_blocked"),
    ("blocked, said as 6984", {"00200098": ["6984"]}, _sign, "pin_blocked"),
    ("one try left", {"00200098": ["63C1"]}, _sign, "pin_last_try"),
    ("wrong PIN", {"0020009804": ["63C2"]}, _sign, "pin_wrong"),
    ("wrong PIN that blocks", {"0020009804": ["63C0"]}, _sign, "pin_blocked"),
    ("blocked meanwhile", {"0020009804": ["6983"]}, _sign, "pin_blocked"),
    ("PIN refused for no reason", {"0020009804": ["6A80"]}, _sign, "card_refused"),
    ("no word on the tries", {"00200098": ["6D00"], "00200080": ["6D00"]}, _sign, "card_refused"),
    ("signature refused", {"802a": ["6982"]}, _sign, "card_refused"),
    ("signature refused both ways", {"802a": ["6985", "6985"]}, _sign, "card_refused"),
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
        ("blocked", _sign, "pin_blocked"),
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
    pin = bytearray(b"1234")
    with suppress(errors.CardPulled):
        plans.head_and_sign(JpkiSession(Unsteady(NORMAL.make(), exchanges=pulled)), pin, DIGEST)
    assert pin == bytes(4)


def test_no_frame_of_a_failure_still_holds_the_pin() -> None:
    """A crash report that shows local variables shows no PIN, nor does the trace."""
    traces: list[object] = []
    pin = bytearray(b"7391")
    with pytest.raises(errors.PinWrong) as wrong:
        plans.head_and_sign(JpkiSession(Meter(NORMAL.make(), traces.append)), pin, DIGEST)
    frame = wrong.value.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals["__name__"].startswith("reader."):
            shown = re.sub("at 0x[0-9a-f]+", "", repr(frame.tb_frame.f_locals))  # an address may be any number
            assert "7391" not in shown
            assert b"7391".hex() not in shown
        frame = frame.tb_next
    assert b"7391".hex() not in repr(traces)


# The same card --------------------------------------------------------------------------------------------------


def test_a_choice_may_come_between_head_and_signature() -> None:
    """On the same connection the card is not read again: five exchanges in all."""
    meter = Meter(NORMAL.make())
    session = JpkiSession(meter)
    card = plans.head(session)
    assert session.tries_left() == 3
    assert len(plans.sign(session, card, bytearray(b"1234"), DIGEST)) == 256
    assert meter.apdu_count == 5


def test_a_card_that_was_lifted_is_known_again() -> None:
    """Another session reads the head anew and goes on."""
    card = NORMAL.make()
    head = plans.head(JpkiSession(card))
    card.power_off()
    meter = Meter(card)
    plans.sign(JpkiSession(meter), head, bytearray(b"1234"), DIGEST)
    assert meter.apdu_count == 5


def test_another_card_does_not_sign_for_the_first() -> None:
    """The PIN is not even tried on it."""
    head = plans.head(JpkiSession(NORMAL.make()))
    other = Scripted({}, DESIGNS["visitor"].make())
    with pytest.raises(errors.CardChanged):
        plans.sign(JpkiSession(other), head, bytearray(b"1234"), DIGEST)
    assert not any(sent.startswith("0020") for sent in other.sent)


# Trust ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("normal", None),
        ("p384", None),
        ("expired", "certificate_expired"),
        ("not-yet-valid", "certificate_not_yet_valid"),
        ("wrong-authority", "wrong_issuer"),
    ],
)
def test_a_whole_certificate_is_checked(name: str, code: str | None) -> None:
    """Each card that must not be trusted has its own reason."""
    session = JpkiSession(DESIGNS[name].make())
    _, certificate = plans.full(session)
    if code is None:
        assert plans.check(session, certificate, ANCHORS, NOW) is ANCHORS
        return
    with pytest.raises(errors.CertificateRefused) as refused:
        plans.check(session, certificate, ANCHORS, NOW)
    assert refused.value.code == code


def test_the_card_brings_its_own_authority_once_where_only_the_pin_is_known() -> None:
    """The authority's certificate is taken from the card when it is the pinned one, and asked for no more."""
    pinned = Anchors(pins=PINNED | {TEST_CA.certificate.fingerprint(SHA256())})
    session = JpkiSession(NORMAL.make())
    _, certificate = plans.full(session)
    learned = plans.check(session, certificate, pinned, NOW)
    assert learned.certificates == (TEST_CA.certificate,)
    meter = Meter(NORMAL.make())
    session = JpkiSession(meter)
    _, certificate = plans.full(session)
    before = meter.apdu_count
    assert plans.check(session, certificate, learned, NOW) is learned
    assert meter.apdu_count == before


@pytest.mark.parametrize("authority", [{"00b08b": ["6A82"], "00a4020c02000b": ["6A82"]}, {"00b08b": ["30039000"]}, {}])
def test_an_unknown_authority_stays_unknown(authority: dict[str, list[str]]) -> None:
    """A card that has no authority's certificate, a broken one or one of its own choice, is of a wrong issuer."""
    session = JpkiSession(Scripted(authority, DESIGNS["wrong-authority"].make()))
    _, certificate = plans.full(session)
    for anchors in (Anchors(), ANCHORS):
        with pytest.raises(errors.CertificateRefused) as refused:
            plans.check(session, certificate, anchors, NOW)
        assert refused.value.code == "wrong_issuer"


def test_digests_have_32_bytes() -> None:
    """Anything else is a defect of ours, and not sent."""
    with pytest.raises(ValueError, match="32"):
        JpkiSession(NORMAL.make()).sign(b"")
