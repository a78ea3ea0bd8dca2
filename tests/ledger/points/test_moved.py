"""What an operation keeps, sealed, of what it moved: read in the form in which it was written, for ever."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.points.operations import MOVED_FORM, Movements
from ledger.points.wallet import CountKey, Lot

MOVED = Movements(
    "CHSRVWGKA9",
    1200,
    taken=((Lot("252034", "free", "2027-03-31"), 300), (Lot("252034", "free", "2028-03-31"), 520)),
    given=((Lot("252034-MIHON", "free", "9999-12-31"), 3),),
    repaid=(("252034-MIHON", 1),),
    uses=((CountKey("252034", "redeemed", "2026-10-30"), 820), (CountKey("252034", "redeemed", "2026-10"), 820)),
    rules={"252034": 1, "252034-MIHON": 2},
    amounts=(820, 4, 380),
)

FIELDS = (
    '"CHSRVWGKA9",1200,'
    '[[["252034","free","2027-03-31"],300],[["252034","free","2028-03-31"],520]],'
    '[[["252034-MIHON","free","9999-12-31"],3]],'
    '[["252034-MIHON",1]],'
    '[[["252034","redeemed","2026-10-30"],820],[["252034","redeemed","2026-10"],820]],'
    '{"252034":1,"252034-MIHON":2},'
    "[820,4,380]"
)


@pytest.mark.parametrize(("beginning", "end"), [("[", "]"), ("[2,", ",[]]")], ids=["form 1", "form 2"])
def test_every_form_is_read(beginning: str, end: str) -> None:
    """0.1.0 gave no number; the bytes are those that lie in ledgers."""
    assert Movements.from_json(f"{beginning}{FIELDS}{end}".encode().ljust(512)) == MOVED


def test_todays_form_is_written() -> None:
    """With its number, and padded so that lengths tell nothing."""
    assert MOVED.to_json() == f"[{MOVED_FORM},{FIELDS},[]]".encode().ljust(768)


def test_a_later_form_is_not_guessed_at() -> None:
    """An older program says that it cannot read it, and undoes nothing by halves."""
    with pytest.raises(ValueError, match=f"form {MOVED_FORM + 1}"):
        Movements.from_json(json.dumps([MOVED_FORM + 1, "CHSRVWGKA9"]).encode())


_LOTS = st.lists(st.tuples(st.builds(Lot, st.text(), st.text(), st.text()), st.integers()), max_size=3).map(tuple)
_USES = st.lists(st.tuples(st.builds(CountKey, st.text(), st.text(), st.text()), st.integers()), max_size=3).map(tuple)


@given(
    st.builds(
        Movements,
        st.text(),
        bill=st.integers(),
        taken=_LOTS,
        given=_LOTS,
        repaid=st.lists(st.tuples(st.text(), st.integers()), max_size=3).map(tuple),
        uses=_USES,
        rules=st.dictionaries(st.text(), st.integers()),
        amounts=st.tuples(st.integers(), st.integers(), st.none() | st.integers()),
    )
)
def test_what_is_written_is_read(moved: Movements) -> None:
    """Whatever it is, and always in lengths of 256 bytes."""
    assert Movements.from_json(moved.to_json()) == moved
    assert len(moved.to_json()) % 256 == 0
