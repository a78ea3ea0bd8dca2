"""The ledger's secret: made once, readable to its owner alone, and never replaced."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.keys import Keys, make_secret
from ledger.place import KeysApart


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    """However many processes make it at once, one file stays, which its owner alone can read."""
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: make_secret(path), range(16)))
    first = path.read_bytes()
    make_secret(path)
    assert path.read_bytes() == first
    assert [each.name for each in tmp_path.iterdir()] == ["secret.key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_purpose_has_a_key_of_its_own() -> None:
    """One derived key tells nothing of another, nor does the fingerprint."""
    keys = Keys.derive(bytes(32))
    private = keys.sealing.private.private_bytes_raw()
    assert len({keys.cards, keys.nonces, keys.audit, private, keys.signing, bytes.fromhex(keys.print)}) == 6
    assert Keys.derive(bytes(32)).cards == keys.cards
    assert Keys.derive(b"\1" * 32).cards != keys.cards
    assert Keys.derive(b"\1" * 32).print != keys.print


def test_a_damaged_secret_is_not_replaced(tmp_path: Path) -> None:
    """A file of another length is an error: a new secret would make every card unknown."""
    path = tmp_path / "secret.key"
    assert Keys.load(path) is None
    path.write_bytes(b"short")
    with pytest.raises(KeysApart) as raised:
        Keys.load(path)
    assert raised.value.code == "ledger_key_damaged"
    assert path.read_bytes() == b"short"
