"""The ledger's secret: made once, readable to its owner alone, the same for every process."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.keys import Keys


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    """However many processes start at once, all of them have the same keys afterwards."""
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        publics = set(pool.map(lambda _: Keys.load(path).sealing.public, range(16)))
    assert len(publics) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["secret.key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_purpose_has_a_key_of_its_own() -> None:
    """One derived key tells nothing of another."""
    keys = Keys.derive(bytes(32))
    assert len({keys.cards, keys.nonces, keys.audit, keys.sealing.private.private_bytes_raw()}) == 4
    assert Keys.derive(bytes(32)).cards == keys.cards
    assert Keys.derive(b"\1" * 32).cards != keys.cards


def test_a_damaged_secret_is_not_replaced(tmp_path: Path) -> None:
    """A file of another length is an error: a new secret would make every card unknown."""
    path = tmp_path / "secret.key"
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="not a ledger's secret"):
        Keys.load(path)
    assert path.read_bytes() == b"short"
