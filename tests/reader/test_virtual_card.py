"""The virtual card is no kinder than a real one: order, lengths, references and the retry counter are enforced."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.apdu import CommandApdu
from reader.virtual.authority import TEST_CA
from reader.virtual.card import VirtualCard
from reader.virtual.cards import DESIGNS, PRACTICE, practice_cards

SELECT = "00A4040C0AD392F000260100000001"
FILE, PIN_FILE, KEY = "00A4020C02000A", "00A4020C020018", "00A4020C020017"
VERIFY, WRONG = "002000980431323334", "002000980430303030"
FINGERPRINT = "dc345f260d0f66e7f2b5f84e500820bbc9d1fdfadbabff788f906c13759e5bf9"
"""SHA-256 of the certificate of two-towns, in every process and for ever."""

SIGN = "802A009720" + "00" * 32 + "00"


def _play(card: VirtualCard, *commands: str) -> list[str]:
    """Return the status words to commands, each in hex."""
    return [f"{card.transmit(bytes.fromhex(command))[1]:04X}" for command in commands]


@pytest.mark.parametrize(
    ("commands", "last"),
    [
        # before the application is selected
        (["00B08A0000"], "6985"),
        ([VERIFY], "6985"),
        ([SIGN], "6985"),
        ([FILE], "6A82"),
        # the application
        ([SELECT], "9000"),
        (["00A4040C05D392F00026"], "6A82"),
        (["00A404000AD392F000260100000001"], "6A86"),
        (["00A4000C023F00"], "6A86"),
        ([SELECT, "00A4020C02FFFF"], "6A82"),
        ([SELECT, "00A4020C010A"], "6A82"),
        # files
        ([SELECT, "00B0000000"], "6986"),
        ([SELECT, FILE, "00B0000000"], "9000"),
        ([SELECT, FILE, "00B0"], "6700"),
        ([SELECT, FILE, "00B00000"], "6700"),
        ([SELECT, FILE, "00B00000000100"], "6700"),
        ([SELECT, "00B08A0000", "00B0010000"], "9000"),
        ([SELECT, "00B0860021"], "6282"),
        ([SELECT, "00B0860000"], "9000"),
        ([SELECT, "00B08A0000", "00B07F0000"], "6B00"),
        ([SELECT, "00B0980000"], "6A88"),
        ([SELECT, "00B09F0000"], "6A88"),
        ([SELECT, "00B0CA0000"], "6A86"),
        ([SELECT, PIN_FILE, "00B0000000"], "6986"),
        ([SELECT, "00B0810000"], "6982"),
        # the PIN
        ([SELECT, "00200098"], "63C3"),
        ([SELECT, PIN_FILE, "00200080"], "63C3"),
        ([SELECT, "00200080"], "6986"),
        ([SELECT, "0020008A"], "6A88"),
        ([SELECT, "00200118"], "6A86"),
        ([SELECT, VERIFY], "9000"),
        ([SELECT, VERIFY, "00200098"], "63C3"),
        ([SELECT, WRONG], "63C2"),
        ([SELECT, WRONG, WRONG, WRONG], "63C0"),
        ([SELECT, WRONG, WRONG, WRONG, VERIFY], "6983"),
        ([SELECT, WRONG, WRONG, VERIFY, "00200098"], "63C3"),
        # the key
        ([SELECT, SIGN], "6982"),
        ([SELECT, VERIFY, SIGN], "9000"),
        ([SELECT, VERIFY, WRONG, SIGN], "6982"),
        ([SELECT, VERIFY, SELECT, SIGN], "9000"),
        ([SELECT, VERIFY, KEY, SIGN.replace("97", "80", 1)], "9000"),
        ([SELECT, VERIFY, FILE, SIGN.replace("97", "80", 1)], "6986"),
        ([SELECT, VERIFY, SIGN[:-2]], "6700"),
        ([SELECT, VERIFY, "802A0097FF" + "00" * 255 + "00"], "6A80"),
        ([SELECT, VERIFY, SIGN.replace("802A00", "802A01", 1)], "6A86"),
        # what it does not know
        ([SELECT, "00CA000000"], "6D00"),
        ([SELECT, "002A009700"], "6D00"),
        ([SELECT, "FFCA000000"], "6E00"),
        (["00A4040C000003D392F0"], "6700"),
    ],
)
def test_the_card_answers_as_the_standard_has_it(commands: list[str], last: str) -> None:
    """The last command of each sequence gets this status word."""
    assert _play(DESIGNS["normal"].make(), *commands)[-1] == last


@given(st.lists(st.sampled_from([SELECT, FILE, VERIFY, SIGN, "00B08A0000"]) | st.binary(max_size=20).map(bytes.hex)))
def test_nothing_brings_the_card_down(commands: list[str]) -> None:
    """Any bytes get at most 256 bytes and a status word."""
    card = DESIGNS["normal"].make()
    for command in commands:
        data, sw = card.transmit(bytes.fromhex(command))
        assert len(data) <= 256
        assert 0x6000 < sw <= 0x9000


def test_a_reset_forgets_what_was_selected_and_power_off_what_was_verified() -> None:
    """A warm reset leaves the PIN verified, as on real cards; the retry counter outlives everything."""
    card = DESIGNS["normal"].make()
    _play(card, SELECT, VERIFY)
    card.reset()
    assert _play(card, SIGN, SELECT, SIGN) == ["6985", "9000", "9000"]
    card.power_off()
    assert _play(card, SELECT, SIGN, WRONG) == ["9000", "6982", "63C2"]
    card.power_off()
    assert _play(card, SELECT, "00200098") == ["9000", "63C2"]


def test_an_answer_to_a_short_command_never_exceeds_256_bytes() -> None:
    """An ACR122U would not carry more."""
    card = DESIGNS["normal"].make()
    card.transmit(bytes.fromhex(SELECT))
    assert len(card.transmit(CommandApdu(0, 0xB0, 0x8A, 0, le=256).encode())[0]) == 256


def test_practice_cards_are_the_same_for_everybody_and_plainly_tests() -> None:
    """A ledger may know them beforehand: names, serial numbers and keys are fixed, and each says TEST."""
    cards = dict(practice_cards())
    assert list(cards) == ["two-towns", "visitor", "unregistered", "expired", "revoked", "blocked"]
    assert cards == dict(practice_cards())
    assert len(set(cards.values())) == len({PRACTICE[name].serial for name in cards}) == len(cards)
    assert hashlib.sha256(cards["two-towns"]).hexdigest() == FINGERPRINT
    assert all(b"TEST" in der for der in cards.values())
    assert "TEST" in TEST_CA.certificate.subject.rfc4514_string()
