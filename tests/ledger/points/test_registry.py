"""Programmes, shops and terminals: versions never change, codes work once, numbers never come again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from ledger.points.registry import RegistryError
from ledger.points.schema import terminals
from ledger.wire.rules import Earning
from ledger.wire.setup import Shop
from tests.ledger.points.conftest import Store, street
from tests.ledger.points.scenes import SHOP


def test_a_version_never_changes(store: Store) -> None:
    """The same again is fine; the same version with other rules is refused."""
    store.registry.add_programmes([street()])
    other = street().model_copy(update={"earning": Earning(yen_per_point=1)})
    with pytest.raises(RegistryError):
        store.registry.add_programmes([other])
    assert street() in store.registry.programmes_at(SHOP)


def test_a_code_enrols_one_terminal(store: Store, now: datetime) -> None:
    """The same key may ask again, because the answer may have been lost; another key may not."""
    code = store.registry.new_enrolment_code(SHOP, now)
    key, thief = (Ed25519PrivateKey.generate().public_key() for _ in range(2))
    first = store.registry.redeem_enrolment_code(code, key, now)
    assert first is not None
    assert first.id == f"{SHOP}-01"
    assert store.registry.redeem_enrolment_code(code.lower(), key, now) == first
    assert store.registry.redeem_enrolment_code(code, thief, now) is None
    second = store.registry.redeem_enrolment_code(store.registry.new_enrolment_code(SHOP, now), thief, now)
    assert second is not None
    assert second.id == f"{SHOP}-02"


def test_a_code_that_is_old_or_unknown_enrols_nobody(store: Store, now: datetime) -> None:
    """A slip of paper that lay about is worth nothing after a week."""
    key = Ed25519PrivateKey.generate().public_key()
    code = store.registry.new_enrolment_code(SHOP, now)
    assert store.registry.redeem_enrolment_code(code, key, now + timedelta(days=8)) is None
    assert store.registry.redeem_enrolment_code("0000-0000-0000", key, now) is None
    with pytest.raises(RegistryError):
        store.registry.new_enrolment_code("252034-9999", now)


def test_a_head_only_moves_forward(store: Store, now: datetime) -> None:
    """A late, shorter upload does not take it back."""
    code = store.registry.new_enrolment_code(SHOP, now)
    terminal = store.registry.redeem_enrolment_code(code, Ed25519PrivateKey.generate().public_key(), now)
    assert terminal is not None
    store.registry.advance_head(terminal.id, 5, "5" * 64)
    store.registry.advance_head(terminal.id, 3, "3" * 64)
    found = store.registry.terminal(terminal.id)
    assert found is not None
    assert (found.head_seq, found.head_hash) == (5, "5" * 64)


def test_a_withdrawn_terminal_is_none_any_more(store: Store, now: datetime) -> None:
    """Its key opens nothing, its code enrols nobody again, and the next terminal has the next number."""
    key = Ed25519PrivateKey.generate().public_key()
    code = store.registry.new_enrolment_code(SHOP, now)
    assert store.registry.redeem_enrolment_code(code, key, now) is not None
    assert store.registry.terminals("252034") == [f"{SHOP}-01"]
    store.registry.withdraw(f"{SHOP}-01")
    assert store.registry.terminals("252034") == []
    assert store.registry.terminal(f"{SHOP}-01") is None
    assert store.registry.redeem_enrolment_code(code, key, now) is None
    following = store.registry.redeem_enrolment_code(store.registry.new_enrolment_code(SHOP, now), key, now)
    assert following is not None
    assert following.id == f"{SHOP}-02"
    with pytest.raises(RegistryError, match="terminal_unknown"):
        store.registry.withdraw(f"{SHOP}-09")


def test_numbers_of_terminals_end_at_99(store: Store, now: datetime) -> None:
    """None is given twice, so a shop that used them up needs another code."""
    key = Ed25519PrivateKey.generate().public_key()
    store.registry.redeem_enrolment_code(store.registry.new_enrolment_code(SHOP, now), key, now)
    with store.engine.begin() as connection:
        connection.execute(update(terminals).values(terminal=f"{SHOP}-99"))
    with pytest.raises(RegistryError, match="shop_full"):
        store.registry.redeem_enrolment_code(store.registry.new_enrolment_code(SHOP, now), key, now)


@pytest.mark.parametrize("code", ["252035-0001", "999999-0001"])
def test_a_shop_stands_in_a_municipality(store: Store, code: str) -> None:
    """A code with a wrong check digit, or of no municipality, is no shop's."""
    with pytest.raises(RegistryError, match="municipality_unknown"):
        store.registry.add_shop(Shop(code=code, name="x"))
    assert [each.code for each in store.registry.shops("252034")] == [SHOP]


def test_terminals_that_come_at_once_get_different_numbers(store: Store, now: datetime) -> None:
    """A large store enrols all of its lanes in one morning."""
    codes = [store.registry.new_enrolment_code(SHOP, now) for _ in range(12)]

    def enrol(code: str) -> str:
        terminal = store.registry.redeem_enrolment_code(code, Ed25519PrivateKey.generate().public_key(), now)
        assert terminal is not None
        return terminal.id

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(enrol, codes))
    assert sorted(found) == [f"{SHOP}-{number:02d}" for number in range(1, 13)]
