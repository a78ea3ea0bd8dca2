"""The table of operation kinds holds exactly the union of operations."""

from __future__ import annotations

from typing import get_args

import pytest

from ledger.wire.kinds import KINDS, Names, kind_of
from ledger.wire.operations import MARKS, Link, Mark, OfResident, Operation, Priced, Unreadable


def test_there_is_one_row_for_each_member_of_the_union() -> None:
    """A model without a row, a row without a model, and a row under another name are each found."""
    models = {model.model_fields["kind"].annotation: model for model in get_args(Operation)}
    assert {get_args(literal): model for literal, model in models.items()} == {
        (name,): row.model for name, row in KINDS.items()
    }


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_that_names_a_card_says_so_in_its_fields(name: str) -> None:
    """By `OfResident`, under which its resident is opened; a registration alone brings the whole card."""
    row = KINDS[name]
    assert issubclass(row.model, OfResident | Link) is (row.names is Names.CARD)
    assert issubclass(row.model, Priced) is row.needs_wallet


@pytest.mark.parametrize("name", KINDS)
def test_what_undoes_a_kind_is_a_kind_that_names_a_target(name: str) -> None:
    """`undone_by` leads to kinds that undo, and those can themselves not be undone."""
    for undoing in KINDS[name].undone_by:
        assert KINDS[undoing].names is Names.TARGET
        assert not KINDS[undoing].undone_by


def test_marks_and_what_cannot_be_read_have_no_row() -> None:
    """Neither is an operation of a known kind."""
    assert all(kind_of(Mark(kind=kind)) is None for kind in MARKS)
    assert kind_of(Unreadable(kind="sale")) is None
