"""Codes that people read out: what was meant counts, and not how it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.wire.codes import ALPHABET, as_meant, as_mykey, random_code


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
