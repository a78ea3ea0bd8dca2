"""Municipality codes and the number that must never be typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import municipalities
from config.my_number import check_digit, looks_like_my_number


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("252034", "長浜市"),
        ("131164", "豊島区"),
        ("141003", "横浜市"),
        ("142158", "海老名市"),
        ("272132", "泉佐野市"),
        ("452041", "日南市"),
        ("452025", "都城市"),
        ("203211", "軽井沢町"),
        ("141305", "川崎市"),
        ("022012", "青森市"),
        ("250007", "滋賀県"),
    ],
)
def test_codes_of_the_minutes_are_known(code: str, name: str) -> None:
    """The towns of the minutes have the codes that the domain page gives."""
    assert municipalities.is_known(code)
    assert municipalities.name(code) == name


@pytest.mark.parametrize("code", ["252035", "25203", "2520344", "25203４", "abcdef", ""])
def test_wrong_codes_are_nobodys(code: str) -> None:
    """A mistyped digit, a length, and full-width digits are not a code."""
    assert not municipalities.is_known(code)


def test_a_code_with_a_right_check_digit_may_still_be_nobodys() -> None:
    """999997 ends in the check digit of JIS X 0402, and no town has it: the list decides."""
    assert not municipalities.is_known("999997")


@pytest.mark.parametrize(
    ("eleven", "digit"),
    [
        ("12345678901", 8),
        ("98765432109", 3),
        ("90000000000", 1),
        ("00000100002", 0),
        ("20000000000", 0),
        ("00000000000", 0),
        ("00000100001", 2),
        *((f"{10**place:011}", 11 - weight) for place, weight in enumerate((2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6))),
    ],
)
def test_the_check_digit_is_that_of_the_ordinance(eleven: str, digit: int) -> None:
    """Weights 2 to 7 from the right, and again 2 to 6; a remainder of 0 or 1 gives 0 (reckoned by hand)."""
    assert check_digit(eleven) == digit


@given(st.text("0123456789", min_size=11, max_size=11))
def test_every_individual_number_is_recognised(eleven: str) -> None:
    """Twelve digits with the right check digit are refused, in one run, in groups, or full-width."""
    number = eleven + str(check_digit(eleven))
    grouped = f"{number[:4]} {number[4:8]}-{number[8:]}"
    full_width = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert looks_like_my_number(number)
    assert looks_like_my_number(f"no. {grouped}.")
    assert looks_like_my_number(full_width)


@given(st.text("0123456789", min_size=11, max_size=11), st.integers(1, 9))
def test_a_wrong_check_digit_is_another_number(eleven: str, off: int) -> None:
    """Other twelve-digit numbers, such as a library card's, pass."""
    assert not looks_like_my_number(eleven + str((check_digit(eleven) + off) % 10))


@pytest.mark.parametrize("text", ["", "1200", "1234567890123", "252034-0001-01-000042"])
def test_what_people_type_otherwise_passes(text: str) -> None:
    """Bills, longer numbers and operation ids are not Individual Numbers."""
    assert not looks_like_my_number(text)
