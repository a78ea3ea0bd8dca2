"""Wire messages: what was sent is what is hashed, and content that cannot be read is kept, not thrown out."""

import copy
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.wire.canonical import canonical
from ledger.wire.consent import consent_digest
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Entry, entry_hash
from ledger.wire.operations import Mark, Sale, Unreadable, is_operation

SALE: dict[str, Any] = {
    "kind": "sale",
    "municipality": "252034",
    "resident": "AAAA",
    "bill": 1200,
    "redeem": [{"programme": "252034", "points": 820}],
    "amount_due": 380,
    "rules": {"252034": 1},
    "assurance": {"method": "pin", "nonce": "n", "signature": "AAAA"},
}
ENTRY: dict[str, Any] = {
    "terminal_id": "252034-0001-01",
    "seq": 42,
    "at": "2026-11-23T14:05:03+09:00",
    "operator": "12",
    "business_date": "2026-11-23",
    "content": SALE,
    "previous_hash": FIRST_PREVIOUS_HASH,
}


def _with(path: str, value: object) -> dict[str, Any]:
    """Return the sample entry with one field changed."""
    entry = copy.deepcopy(ENTRY)
    *parents, name = path.split(".")
    target: Any = entry
    for parent in parents:
        target = target[int(parent)] if isinstance(target, list) else target[parent]
    target[name] = value
    return entry


NAMES = st.text(st.characters(max_codepoint=127), max_size=8)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(NAMES, values, max_size=4),
)


@given(VALUES)
def test_the_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    """To the byte, for all that messages are made of."""
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """Nothing that others would hash otherwise is hashed."""
    with pytest.raises(ValueError, match=r"JSON compliant|surrogates"):
        canonical({"detail": value})


def test_an_entry_is_hashed_as_it_was_sent() -> None:
    """Reading and writing an entry again gives the same bytes, whatever its order and white space on the wire."""
    shuffled = json.loads(json.dumps(dict(reversed(ENTRY.items())), indent=2))
    entry = Entry.model_validate(shuffled)
    assert entry.as_json() == ENTRY
    assert entry.canonical() == canonical(ENTRY)
    assert entry_hash(entry.canonical()) == entry_hash(canonical(ENTRY))
    assert entry.operation_id == "252034-0001-01-000042"
    assert isinstance(entry.content, Sale)


@pytest.mark.parametrize("at", ["2026-11-23T05:05:03Z", "2026-11-23T14:05:03.120+09:00", "2026-11-23T05:05:03+00:00"])
def test_a_time_keeps_the_text_it_was_written_in(at: str) -> None:
    """Two spellings of one moment stay two texts: a parsed and printed time would change the hash."""
    assert Entry.model_validate(_with("at", at)).as_json()["at"] == at


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("at", "2026-11-23T14:05:03"),
        ("at", "yesterday"),
        ("business_date", "2026-02-30"),
        ("seq", 0),
        ("seq", "42"),
        ("terminal_id", "252034-0001"),
        ("operator", "山田"),
        ("previous_hash", "00"),
    ],
)
def test_an_entry_with_a_wrong_field_is_refused(path: str, value: object) -> None:
    """The envelope is strict: it is what the chain is made of."""
    with pytest.raises(ValidationError):
        Entry.model_validate(_with(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("content.kind", "teleport"),
        ("content.bill", 0),
        ("content.bill", -1),
        ("content.bill", 1200.0),
        ("content.bill", "1200"),
        ("content.bill", 10_000_000),
        ("content.redeem.0.points", 0),
        ("content.redeem.0.programme", "25203"),
        ("content.surprise", True),
    ],
)
def test_content_that_cannot_be_read_is_kept_for_a_refusal(path: str, value: object) -> None:
    """A bad operation gets a verdict instead of blocking what stands behind it, and its bytes stay what they were."""
    changed = _with(path, value)
    entry = Entry.model_validate(changed)
    assert isinstance(entry.content, Unreadable)
    assert is_operation(entry.content)
    assert entry.as_json() == changed


@pytest.mark.parametrize(("path", "value"), [("form", 3), ("tomorrow", 1)])
def test_an_entry_of_a_later_form_is_kept_for_a_refusal(path: str, value: object) -> None:
    """What a later program wrote is hashed as it was written, and none of it is guessed at."""
    changed = _with(path, value)
    entry = Entry.model_validate(changed)
    assert not entry.is_known_form
    assert isinstance(entry.asked, Unreadable)
    assert entry.as_json() == changed


def test_marks_ask_for_nothing() -> None:
    """Opening and closing are in the chain without being operations."""
    entry = Entry.model_validate(_with("content", {"kind": "closed", "detail": {"number": 1}}))
    assert isinstance(entry.content, Mark)
    assert not is_operation(entry.content)


@given(
    st.sampled_from(["kind", "municipality", "bill", "redeem", "amount_due", "rules"]),
    st.integers(1, 9_999_999) | st.text(max_size=8),
)
def test_the_card_signs_everything_that_is_asked_for(field: str, value: int | str) -> None:
    """Changing any field of the operation changes the digest."""
    changed = dict(SALE, **{field: value})
    same = changed == SALE
    first = consent_digest("252034-0001-01-000042", ENTRY["at"], "n", SALE)
    second = consent_digest("252034-0001-01-000042", ENTRY["at"], "n", changed)
    assert (first == second) is same


@pytest.mark.parametrize(
    ("operation", "at", "nonce"),
    [
        ("252034-0001-01-000043", "2026-11-23T14:05:03+09:00", "n"),
        ("252034-0002-01-000042", "2026-11-23T14:05:03+09:00", "n"),
        ("252034-0001-01-000042", "2026-11-23T14:05:04+09:00", "n"),
        ("252034-0001-01-000042", "2026-11-23T14:05:03+09:00", "m"),
    ],
)
def test_a_signature_serves_one_operation_alone(operation: str, at: str, nonce: str) -> None:
    """Another id, shop, time or nonce is another digest."""
    here = consent_digest("252034-0001-01-000042", "2026-11-23T14:05:03+09:00", "n", SALE)
    assert consent_digest(operation, at, nonce, SALE) != here


def test_who_signs_and_the_signature_itself_are_left_out() -> None:
    """The signature cannot cover itself, and who the resident is follows from the key that verifies it."""
    here = consent_digest("252034-0001-01-000042", ENTRY["at"], "n", SALE)
    for field in ("resident", "assurance"):
        assert consent_digest("252034-0001-01-000042", ENTRY["at"], "n", dict(SALE, **{field: "x"})) == here
