"""Codes that people read out: what was meant counts, and not how it was written."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.wire.codes import ALPHABET, EnrolmentCode, as_meant, as_mykey, check_character, key_print, random_code
from ledger.wire.statements import raw


@pytest.mark.parametrize(
    ("text", "mykey"),
    [
        ("K7QM3V9TXW", "K7QM3V9TXW"),
        (" k7qm-3v9t-xw ", "K7QM3V9TXW"),
        ("OoIiLl2345", "0011112345"),
        ("K7QM3V9TX", None),
        ("K7QM3V9TXU", None),
        ("", None),
    ],
)
def test_a_mykey_id_is_read_as_it_was_meant(text: str, mykey: str | None) -> None:
    """Groups, small letters, an O for a zero; too few characters, or a U, are none."""
    assert as_mykey(text) == mykey


@given(st.integers(1, 16))
def test_a_code_means_itself(length: int) -> None:
    """What is given out is what is meant."""
    code = random_code(length)
    assert as_meant(code) == code
    assert set(code) <= set(ALPHABET)


CODE = EnrolmentCode("5WNQGW69536B", "R3T09VKEXN2C4D7H")


def test_an_enrolment_code_is_typed_in_groups_of_four_and_read_as_it_was_meant() -> None:
    """Small letters, no groups, an O for a zero."""
    assert str(CODE) == "5WNQ-GW69-536B-R3T0-9VKE-XN2C-4D7H-M"
    assert EnrolmentCode.read(str(CODE)) == CODE
    assert EnrolmentCode.read(f" {str(CODE).replace('-', ' ').lower().replace('0', 'o')} ") == CODE


@given(st.text(ALPHABET, min_size=28, max_size=28), st.integers(0, 28), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_noticed(code: str, at: int, instead: str) -> None:
    """Whichever it is, the check character among them."""
    whole = code + check_character(code)
    assert EnrolmentCode.read(whole) is not None
    mistyped = whole[:at] + instead + whole[at + 1 :]
    assert (EnrolmentCode.read(mistyped) is None) == (mistyped != whole)


def test_a_key_has_a_fingerprint_of_eighty_bits() -> None:
    """SHA-256 of the raw key, its first ten bytes, five bits a character."""
    key = raw(Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key())
    assert key == "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
    assert key_print(key) == "AS3NN9TMCD3MR0M5"
