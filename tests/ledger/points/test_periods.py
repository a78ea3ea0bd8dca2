"""The months' keys: made once each, known by fingerprint, destroyed for good; one that is lost is not destroyed."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from ledger.points.periods import LASTING, Known, PeriodKeyMissing, PeriodKeys
from ledger.points.reports import count
from ledger.wire.answers import Status
from tests.ledger.points.conftest import Store
from tests.ledger.points.scenes import CITY, DAY, operation_id, sale, void

MONTH = f"{DAY:%Y-%m}"


def fresh(store: Store, folder: Path) -> PeriodKeys:
    """Return the keys of a directory as another process sees them."""
    return PeriodKeys(folder, store.engine)


def seal(keys: PeriodKeys, day: str = DAY.isoformat()) -> bytes:
    """Seal something."""
    return keys.supplied(lambda: keys.seal(day, "x", b"somebody"))


def opened(keys: PeriodKeys, sealed: bytes, day: str = DAY.isoformat()) -> bytes | None:
    """Open it again."""
    return keys.supplied(lambda: keys.open(day, "x", sealed))


def test_a_lost_key_stops_its_month_and_nothing_else(store: Store, tmp_path: Path) -> None:
    """Nothing is judged meanwhile, also in another process; when the key is back all goes on."""
    (first,) = store.decide(sale(1, 900, city=100))
    path = tmp_path / "periods" / f"{MONTH}.key"
    kept = path.rename(tmp_path / "kept")
    for request in (sale(1, 900, city=100), void(2, 1), sale(3, 400, city=50)):
        with pytest.raises(PeriodKeyMissing, match=MONTH):
            store.decide(request)
    with pytest.raises(PeriodKeyMissing, match=MONTH):
        store.points.verdict(operation_id(1))
    assert store.keys.missing() == [MONTH]
    assert not path.exists()
    other = fresh(store, tmp_path / "periods")
    with pytest.raises(PeriodKeyMissing):
        seal(other)
    assert opened(other, seal(other, "2026-10-01"), "2026-10-01") == b"somebody"
    kept.rename(path)
    verdicts = store.decide(sale(1, 900, city=100), void(2, 1), sale(3, 400, city=50))
    assert verdicts[0] == first
    assert {each.status for each in verdicts} == {Status.ACCEPTED}
    assert all(totals.agree for totals in count(store.engine, CITY))


def test_another_key_in_its_place_is_not_used(store: Store, tmp_path: Path) -> None:
    """Neither to open nor to seal."""
    sealed = seal(store.keys)
    (tmp_path / "periods" / f"{MONTH}.key").write_bytes(b"k" * 32)
    for keys in (store.keys, fresh(store, tmp_path / "periods")):
        with pytest.raises(PeriodKeyMissing):
            opened(keys, sealed)
        with pytest.raises(PeriodKeyMissing):
            seal(keys)
        assert keys.missing() == [MONTH]


def test_processes_that_meet_a_new_month_at_once_have_one_key(store: Store, tmp_path: Path) -> None:
    """The insert decides; what any of them sealed, all of them can open."""
    clients = [fresh(store, tmp_path / "periods") for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda number: seal(clients[number % 4], "2027-01-05"), range(16)))
    assert {opened(keys, each, "2027-01-05") for keys in clients for each in sealed} == {b"somebody"}


def test_of_two_directories_one_has_the_key(store: Store, tmp_path: Path) -> None:
    """A server with a directory of its own seals nothing under a key that nobody else has."""
    seal(store.keys)
    with pytest.raises(PeriodKeyMissing):
        seal(fresh(store, tmp_path / "second"))


def test_a_destroyed_month_stays_destroyed(store: Store, tmp_path: Path) -> None:
    """Also where a backup brings its file back; a later operation of that month gets a key of its own."""
    sealed = seal(store.keys)
    other = fresh(store, tmp_path / "periods")
    assert opened(other, sealed) == b"somebody"
    shutil.copytree(tmp_path / "periods", tmp_path / "backup")
    assert store.keys.shred("2026-12") == [MONTH]
    assert store.keys.shred("2026-12") == []
    assert opened(other, sealed) is None
    shutil.copy(tmp_path / "backup" / f"{MONTH}.key", tmp_path / "periods")
    for keys in (store.keys, other):
        assert opened(keys, sealed) is None
    other.sweep()
    assert [path.stem for path in (tmp_path / "periods").glob("*.key")] == [LASTING]
    assert store.keys.known()[MONTH] == Known(None, destroyed=True)
    late = seal(store.keys)
    for keys in (store.keys, other):
        assert (opened(keys, late), opened(keys, sealed)) == (b"somebody", None)
    assert store.keys.shred("2026-12") == [MONTH]
    assert (opened(other, late), opened(other, sealed)) == (None, None)


def test_a_destroyed_month_is_forgotten_and_a_lost_one_is_not(store: Store, tmp_path: Path) -> None:
    """Only of the first is a void refused for ever."""
    store.decide(sale(1, 900, city=100))
    store.keys.destroy(MONTH)
    (verdict,) = store.decide(void(2, 1))
    assert verdict.code == "target_forgotten"


def test_what_was_made_and_not_written_down_is_taken_up(store: Store, tmp_path: Path) -> None:
    """A crash between file and fingerprint leaves a key that nothing was sealed under."""
    path = tmp_path / "periods" / "2027-02.key"
    path.write_bytes(b"k" * 32)
    sealed = seal(store.keys, "2027-02-01")
    assert path.read_bytes() == b"k" * 32
    assert opened(store.keys, sealed, "2027-02-01") == b"somebody"


def test_old_months_are_adopted(store: Store, tmp_path: Path) -> None:
    """A file that is there is written down; what was lost before is waited for, and opens when it comes."""
    sealed = seal(store.keys)
    path = tmp_path / "periods" / f"{MONTH}.key"
    store.decide(sale(1, 900, city=100))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM period_keys")
    kept = path.rename(tmp_path / "kept")
    other = fresh(store, tmp_path / "periods")
    other.adopt(date(2026, 11, 25))
    with pytest.raises(PeriodKeyMissing):
        opened(other, sealed)
    with pytest.raises(PeriodKeyMissing):
        seal(other)
    kept.rename(path)
    assert opened(other, sealed) == b"somebody"
