"""A backup restores a ledger on either engine, and brings nothing back that was destroyed."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import create_engine, inspect, select, text

from config.trust import Anchors
from ledger.api.state import Ledger
from ledger.backup.content import MONTHS
from ledger.backup.errors import BackupError
from ledger.backup.making import back_up
from ledger.backup.restoring import opened, restore
from ledger.backup.sealed import Passphrase
from ledger.backup.second import after_shredding
from ledger.backup.stores import tables_of
from ledger.database import reading
from ledger.embedded import assemble
from ledger.identity.schema import card
from ledger.place import LedgerNewer, Place
from ledger.points.operations import Request
from ledger.points.reports import count
from ledger.points.schema import lots, operations
from ledger.wire.answers import Status
from ledger.wire.setup import Shop
from ledger.wire.tokens import CardReference
from tests.ledger.points.conftest import city, street
from tests.ledger.points.scenes import CITY, DAY, SHOP, elsewhere, noon, operation_id, sale, void

KEY = X25519PrivateKey.generate()
NOW = datetime(2026, 11, 23, 5, 5, tzinfo=UTC)
OLD = "2026-06-10"


@dataclass
class World:
    """A ledger with a resident, and a second place to restore it to."""

    place: Place
    other: Place
    folder: Path
    mykey: str = ""

    @contextmanager
    def ledger(self, place: Place | None = None) -> Iterator[Ledger]:
        """Yield the ledger of a place."""
        made = assemble(place or self.place, Anchors(), lambda: NOW)
        try:
            yield made
        finally:
            made.close()

    def fill(self) -> None:
        """Register a resident, who buys something long ago."""
        with self.ledger() as ledger:
            ledger.registry.add_programmes([city().model_copy(update={"effective_from": date(2026, 1, 1)}), street()])
            ledger.registry.add_shop(Shop(code=SHOP, name="見本商店"))
            self.mykey = ledger.identity.register(reference(1), b"key", [], DAY)
            ledger.points.deposit(self.mykey, city(), date(2028, 3, 31), 820)
            self.buy(ledger, 1, OLD)

    def buy(self, ledger: Ledger, seq: int, day: str = DAY.isoformat()) -> None:
        """Let the resident redeem 100 points on a day."""
        asked = elsewhere(sale(seq, 900, city=100), mykey=self.mykey, business_date=day)
        (outcome,) = ledger.points.apply([replace(asked, arrived=noon(date.fromisoformat(day)))])
        assert outcome.verdict.status is Status.ACCEPTED, outcome

    def back_up(self, name: str, *, keys_only: bool = False) -> Path:
        """Make a backup in the folder, and return it."""
        path = self.folder / name
        with self.ledger() as ledger:
            made = back_up(ledger, self.place, path, KEY.public_key(), keys_only=keys_only)
        assert made == self.folder / MONTHS
        return path

    def restore(self, path: Path, months: Path | None = None, place: Place | None = None) -> list[str]:
        """Restore a backup to the second place."""
        place = place or self.other
        with opened(path, months or self.folder / MONTHS, KEY, beside=place.directory) as found:
            return restore(found, place, NOW)

    def void(self, ledger: Ledger, seq: int, target: int, day: str) -> str | None:
        """Ask for a sale to be voided, and return why it is not."""
        asked: Request = elsewhere(void(seq, target), business_date=day)
        (outcome,) = ledger.points.apply([replace(asked, arrived=noon(date.fromisoformat(day)))])
        return outcome.verdict.code


def reference(serial: int) -> CardReference:
    """Return a card."""
    return CardReference(issuer_sha256="ab" * 32, serial=f"{serial:x}")


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> World:
    """Return a filled ledger whose stores are two databases."""
    (tmp_path / "backups").mkdir()
    first, second = (empty_place(request, tmp_path / name, engine) for name in ("first", "second"))
    made = World(first, second, tmp_path / "backups")
    made.fill()
    return made


_numbers = itertools.count()


def empty_place(request: pytest.FixtureRequest, directory: Path, engine: str) -> Place:
    """Return a place where nothing is yet."""
    if engine == "sqlite":
        return Place(directory)
    return Place(directory, empty_database(request), empty_database(request))


def empty_database(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of the tests' server."""
    server: str = request.getfixturevalue("postgres_server")
    database = f"restore_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {database}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{database}?")


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Return an engine's name."""
    return str(getattr(request, "param", "sqlite"))


on_either = pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
"""Marks a test that is tried on both engines."""


@on_either
def test_a_restored_ledger_is_the_ledger_as_it_was(world: World) -> None:
    """The same key, people, points and verdicts, in a new epoch; what came after the backup is not there."""
    with world.ledger() as ledger:
        world.buy(ledger, 2)
        was = ledger.points.verdict(operation_id(2))
    backup = world.back_up("monday")
    with world.ledger() as ledger:
        world.buy(ledger, 3)
        public = ledger.sealing_key.public
    assert world.restore(backup) == []
    with world.ledger(world.other) as ledger:
        assert ledger.sealing_key.public == public
        assert ledger.epoch == int(NOW.timestamp())
        assert ledger.identity.look_up([reference(1)])[reference(1)].mykey == world.mykey
        assert ledger.points.verdict(operation_id(2)) == was
        assert ledger.points.verdict(operation_id(3)) is None
        assert [each.points for each in ledger.points.balances(world.mykey, SHOP, DAY)] == [620, 14]
        assert all(totals.agree for totals in count(ledger.books, CITY))
        assert world.void(ledger, 4, 2, DAY.isoformat()) is None
    assert not [path for path in world.other.directory.iterdir() if path.name.startswith(".")]


@on_either
def test_no_backup_brings_a_destroyed_month_back(world: World) -> None:
    """What was shredded after the backup is shredded again, whatever that backup holds; later months come back."""
    backup = world.back_up("monday")
    with world.ledger() as ledger:
        assert ledger.periods.shred("2026-08") == ["2026-06"]
        world.buy(ledger, 2)
    world.back_up("tuesday")
    assert world.restore(backup) == ["2026-06"]
    with world.ledger(world.other) as ledger:
        assert ledger.periods.known()["2026-06"].destroyed
        assert ledger.periods.missing() == []
        assert world.void(ledger, 9, 1, OLD) == "target_forgotten"
        assert world.void(ledger, 10, 2, DAY.isoformat()) is None
    there = {path.stem for path in world.other.periods.iterdir()}
    assert "2026-11" in there
    assert not [period for period in there if period.startswith("2026-06")]


def test_what_is_shredded_is_destroyed_in_the_second_file_too(world: World) -> None:
    """Sealed to a public key it is written anew: a restore before the next backup brings nothing back."""
    backup = world.back_up("monday")
    with world.ledger() as ledger:
        ledger.periods.shred("2026-08")
        assert after_shredding(ledger, world.place) is None
    assert world.restore(backup) == ["2026-06"]
    with world.ledger(world.other) as ledger:
        assert world.void(ledger, 9, 1, OLD) == "target_forgotten"


def test_what_a_passphrase_sealed_is_destroyed_whole(world: World) -> None:
    """Nobody can write it anew without the passphrase; where it was moved meanwhile, that is said."""
    words = Passphrase("four or five words")
    with world.ledger() as ledger:
        months = back_up(ledger, world.place, world.folder / "monday", words)
        ledger.periods.shred("2026-08")
        assert after_shredding(ledger, world.place) == months
        assert not months.exists()
        assert after_shredding(ledger, world.place) == months


def test_there_is_one_second_file(world: World, tmp_path: Path) -> None:
    """A backup to another directory takes the last one's away."""
    world.back_up("monday")
    (tmp_path / "link").hardlink_to(world.folder / MONTHS)
    (tmp_path / "usb").mkdir()
    with world.ledger() as ledger:
        back_up(ledger, world.place, tmp_path / "usb" / "tuesday", KEY.public_key())
    assert not (world.folder / MONTHS).exists()
    assert set((tmp_path / "link").read_bytes()) == {0}
    assert (tmp_path / "usb" / MONTHS).exists()


def test_a_month_that_got_a_second_key_keeps_that_one(world: World) -> None:
    """Late work of a shredded month is under a key of its own, which the last backup has."""
    backup = world.back_up("monday")
    with world.ledger() as ledger:
        ledger.periods.shred("2026-08")
        world.buy(ledger, 2, OLD)
    tuesday = world.back_up("tuesday")
    assert world.restore(backup) == ["2026-06"]
    with world.ledger(world.other) as ledger:
        world.buy(ledger, 2, OLD)
        assert world.void(ledger, 3, 2, OLD) is None
        assert world.void(ledger, 4, 1, OLD) == "target_forgotten"
    world.other.secret.unlink()
    with pytest.raises(BackupError, match="ledger_filled"):
        world.restore(tuesday)


@on_either
def test_every_table_is_in_the_copy(world: World) -> None:
    """Whoever adds one to a store need not think of it."""
    with world.ledger() as ledger:
        for store, engine in zip(("identity", "points"), ledger.stores, strict=True):
            copied = {*tables_of("points" if store == "points" else "identity"), f"{store}_version"}
            assert set(inspect(engine).get_table_names()) == copied


def test_the_key_that_signed_last_signs_on(world: World) -> None:
    """Also where the backup is from before it was moved on: the second file says so."""
    backup = world.back_up("monday")
    with world.ledger() as ledger:
        ledger.signing.advance()
    world.back_up("tuesday")
    world.restore(backup)
    with world.ledger(world.other) as ledger, world.ledger() as first:
        assert ledger.signing.number == 2
        assert ledger.signing.public == first.signing.public


def test_old_months_keys_do_not_do(world: World, tmp_path: Path) -> None:
    """A copy of the second file from before a shredding, or of another ledger, restores nothing."""
    world.back_up("monday")
    kept = Path(shutil.copy(world.folder / MONTHS, tmp_path / "kept"))
    with world.ledger() as ledger:
        ledger.periods.shred("2026-08")
    with assembled(world.place, datetime(2026, 11, 24, tzinfo=UTC)) as ledger:
        tuesday = world.folder / "tuesday"
        back_up(ledger, world.place, tuesday, KEY.public_key())
    with pytest.raises(BackupError, match="backup_months_old"):
        world.restore(tuesday, kept)
    stranger = World(Place(tmp_path / "third"), world.other, tmp_path / "elsewhere")
    stranger.folder.mkdir()
    stranger.fill()
    stranger.back_up("monday")
    with pytest.raises(BackupError, match="backup_months_other"):
        world.restore(tuesday, stranger.folder / MONTHS)
    assert not world.other.secret.exists()


@contextmanager
def assembled(place: Place, now: datetime) -> Iterator[Ledger]:
    """Yield a ledger at a time."""
    made = assemble(place, Anchors(), lambda: now)
    yield made
    made.close()


@on_either
def test_nothing_is_written_over(world: World, tmp_path: Path) -> None:
    """Neither a ledger that has something in it, nor a backup, nor another ledger's key."""
    backup = world.back_up("monday")
    with pytest.raises(BackupError, match="ledger_filled"):
        world.restore(backup, place=world.place)
    with pytest.raises(BackupError, match="backup_there"):
        world.back_up("monday")
    with world.ledger(world.other):
        pass
    with pytest.raises(BackupError, match="ledger_filled"):
        world.restore(backup)
    for path in world.other.directory.glob("ledger.key*"):
        path.unlink()
    world.restore(backup)
    with world.ledger(world.other) as ledger:
        assert ledger.points.verdict(operation_id(1)) is not None


def test_a_directory_of_keys_that_was_not_lost_stays(world: World) -> None:
    """Where the databases alone were lost, key and months' keys are there already; what was shredded goes."""
    backup = world.back_up("monday")
    directory = world.other.directory
    directory.mkdir(exist_ok=True)
    shutil.copy(world.place.secret, directory)
    shutil.copytree(world.place.periods, world.other.periods)
    with world.ledger() as ledger:
        ledger.periods.shred("2026-08")
    world.back_up("tuesday")
    assert world.restore(backup) == ["2026-06"]
    with world.ledger(world.other) as ledger:
        assert ledger.epoch > 1
    assert not (world.other.periods / "2026-06.key").exists()


def test_a_missing_month_key_stops_the_backup(world: World) -> None:
    """It would replace the file in which that key still may be."""
    world.back_up("monday")
    before = (world.folder / MONTHS).read_bytes()
    (world.place.periods / "2026-06.key").unlink()
    with pytest.raises(BackupError, match="period_keys_lost"):
        world.back_up("tuesday")
    assert (world.folder / MONTHS).read_bytes() == before
    assert not (world.folder / "tuesday").exists()


def test_what_was_replaced_is_overwritten(world: World, tmp_path: Path) -> None:
    """A name that still leads to the old second file finds nothing there."""
    world.back_up("monday")
    (tmp_path / "link").hardlink_to(world.folder / MONTHS)
    world.back_up("tuesday")
    assert set((tmp_path / "link").read_bytes()) == {0}


@on_either
def test_keys_alone_go_to_databases_that_came_back_otherwise(world: World, engine: str) -> None:
    """By PostgreSQL's own tools, or as copied files: a new epoch, and shredded months are shredded again."""
    whole = world.back_up("whole")
    world.restore(whole)
    for path in [*world.other.periods.iterdir(), world.other.secret]:
        path.unlink()
    with world.ledger() as ledger:
        ledger.periods.shred("2026-08")
    keys = world.back_up("keys", keys_only=True)
    assert world.restore(keys) == ["2026-06"]
    with world.ledger(world.other) as ledger:
        assert ledger.epoch == int(NOW.timestamp()) + 1
        world.buy(ledger, 2)
    empty = Place(world.folder / "empty")
    with pytest.raises(BackupError, match="backup_other_ledger"):
        world.restore(keys, place=empty)
    assert not empty.secret.exists()


@pytest.mark.parametrize("part", ["backup", "months"])
def test_a_damaged_backup_restores_nothing(world: World, part: str) -> None:
    """It is read to its end before anything is done."""
    backup = world.back_up("monday")
    spoilt = backup if part == "backup" else world.folder / MONTHS
    content = spoilt.read_bytes()
    for damaged in (content[:-1], content[: len(content) // 2], content[:-20] + bytes(20)):
        spoilt.write_bytes(damaged)
        with pytest.raises(BackupError) as raised:
            world.restore(backup)
        assert raised.value.code in {"backup_damaged", "backup_locked"}
    assert list(world.other.directory.iterdir()) == []


def test_a_backup_of_a_newer_program_is_not_restored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is touched."""
    monkeypatch.setattr("ledger.backup.making.newest", lambda _store: "v9999")
    backup = world.back_up("monday")
    with pytest.raises(LedgerNewer):
        world.restore(backup)


def test_a_backup_of_another_kind_is_said(world: World, request: pytest.FixtureRequest) -> None:
    """SQLite's file is not PostgreSQL's."""
    backup = world.back_up("monday")
    with pytest.raises(BackupError, match="backup_kind"):
        world.restore(backup, place=empty_place(request, world.other.directory, "postgresql"))


def test_both_stores_in_one_database(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """On PostgreSQL they may share one: each goes its own way into the backup and back."""
    (tmp_path / "backups").mkdir()
    one, two = empty_database(request), empty_database(request)
    world = World(Place(tmp_path / "first", one, one), Place(tmp_path / "second", two, two), tmp_path / "backups")
    world.fill()
    world.restore(world.back_up("monday"))
    with world.ledger(world.other) as ledger:
        assert ledger.points.verdict(operation_id(1)) is not None
        assert ledger.identity.look_up([reference(1)])[reference(1)].mykey == world.mykey


@on_either
def test_both_stores_are_of_one_moment(world: World) -> None:
    """While people register and leave, nobody in a backup has points without a card, and the books agree."""
    stop = threading.Event()
    failed: list[BaseException] = []
    with world.ledger() as ledger:
        threads = [threading.Thread(target=_come_and_go, args=(ledger, number, stop, failed)) for number in range(3)]
        for thread in threads:
            thread.start()
        paths = []
        try:
            for number in range(4):
                paths.append(world.folder / f"backup-{number}")
                back_up(ledger, world.place, paths[-1], KEY.public_key())
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert not failed
    world.restore(paths[-1])
    with world.ledger(world.other) as ledger:
        with reading(ledger.stores[0]) as connection:
            cards = set(connection.scalars(select(card.c.mykey)))
        with reading(ledger.books) as connection:
            holders = set(connection.scalars(select(lots.c.mykey).where(lots.c.points > 0)))
            assert connection.scalars(select(operations.c.operation)).all()
        assert holders <= cards
        assert len(cards) > 1
        assert all(totals.agree for totals in count(ledger.books, CITY))


def _come_and_go(ledger: Ledger, number: int, stop: threading.Event, failed: list[BaseException]) -> None:
    try:
        serial = 1000 * (number + 1)
        while not stop.is_set():
            serial += 1
            mykey = ledger.identity.register(reference(serial), b"key", [], DAY)
            ledger.points.deposit(mykey, city(), date(2028, 3, 31), 10)
            if serial % 2:
                ledger.points.erase(mykey, DAY)
                ledger.identity.leave(mykey)
    except BaseException as error:
        failed.append(error)
        raise
