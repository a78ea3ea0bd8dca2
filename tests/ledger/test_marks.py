"""Keys are tied to the data: a ledger starts with neither alone, and makes a key only where nothing is yet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, insert, text

from config.texts import LANGUAGES, Texts
from config.trust import Anchors
from ledger import marks
from ledger.embedded import assemble
from ledger.identity import schema as identity
from ledger.keys import make_secret
from ledger.place import KeysApart, Place
from ledger.points import schema as points
from ledger.points.periods import PeriodKeyMissing
from ledger.wire.setup import Shop
from tests import commands
from tests.ledger.points.conftest import city

OPEN = """
import sys
from pathlib import Path
from config.trust import Anchors
from ledger.embedded import assemble
from ledger.identity import schema as identity
from ledger.place import KeysApart, Place
try:
    ledger = assemble(Place(Path(sys.argv[1]), sys.argv[2], sys.argv[3]), Anchors())
except KeysApart as apart:
    print(apart.code)
else:
    print(ledger.sealing_key.public, ledger.mark.ledger)
"""
"""A process that opens a ledger, and says which it is or why it does not."""


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Place:
    """Return a place of a ledger, whose two stores are two databases on SQLite and one on PostgreSQL."""
    if database_url.startswith("sqlite"):
        return Place(tmp_path / "ledger")
    return Place(tmp_path / "ledger", database_url, database_url)


def fill(place: Place) -> str:
    """Make a ledger that has something in it, and return its public key."""
    ledger = assemble(place, Anchors())
    ledger.registry.add_programmes([city()])
    ledger.registry.add_shop(Shop(code="252034-0001", name="見本商店"))
    ledger.close()
    return ledger.sealing_key.public


def refusal(place: Place) -> str:
    """Return the code with which a ledger refuses to start; nothing was made or changed."""
    before = sorted(path.name for path in place.directory.glob("*.key*"))
    with pytest.raises(KeysApart) as raised:
        assemble(place, Anchors())
    assert sorted(path.name for path in place.directory.glob("*.key*")) == before
    return raised.value.code


def elsewhere(place: Place, tmp_path: Path) -> Place:
    """Return the same stores with another, empty directory, as a second server has it that was set up wrongly."""
    directory = tmp_path / "second"
    directory.mkdir()
    return Place(directory, place.url("identity"), place.url("points"))


def lose_key(place: Place) -> None:
    """Delete the ledger's key."""
    place.secret.unlink()


def change_key(place: Place) -> None:
    """Put another ledger's key in the place of the key."""
    place.secret.unlink()
    make_secret(place.secret)


def damage_key(place: Place) -> None:
    """Cut the key short."""
    place.secret.write_bytes(b"short")


CASES: dict[str, tuple[Callable[[Place], None], str]] = {
    "the key is lost": (lose_key, "ledger_key_missing"),
    "another key is there": (change_key, "ledger_key_wrong"),
    "the key is damaged": (damage_key, "ledger_key_damaged"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_filled_store_wants_its_own_key(place: Place, case: str) -> None:
    """Else the start stops, whatever is done; with the right key it goes on as if nothing had been."""
    spoil, code = CASES[case]
    public = fill(place)
    kept = place.secret.read_bytes()
    spoil(place)
    for _ in range(2):
        assert refusal(place) == code
    place.secret.write_bytes(kept)
    ledger = assemble(place, Anchors())
    assert (ledger.sealing_key.public, ledger.epoch) == (public, 1)
    ledger.close()


def test_an_empty_directory_beside_filled_stores_stops_the_start(place: Place, tmp_path: Path) -> None:
    """A second server makes no key of its own; not even before the first has filled anything."""
    assemble(place, Anchors()).close()
    assert refusal(elsewhere(place, tmp_path)) == "ledger_key_missing"
    fill(place)
    shutil.rmtree(tmp_path / "second")
    assert refusal(elsewhere(place, tmp_path)) == "ledger_key_missing"


@pytest.mark.parametrize("lost", ["identity", "points", "both"])
def test_a_key_beside_an_empty_store_stops_the_start(tmp_path: Path, lost: str) -> None:
    """Whether one database is lost or both: nobody's points are taken for gone."""
    place = Place(tmp_path)
    fill(place)
    for store in ("identity", "points"):
        if lost in (store, "both"):
            for path in tmp_path.glob(f"{store}.db*"):
                path.unlink()
    for _ in range(2):
        assert refusal(place) == "ledger_store_missing"


def test_stores_of_two_ledgers_are_not_joined(tmp_path: Path) -> None:
    """Nor those of two moments of one ledger: they bear two epochs."""
    place = Place(tmp_path / "one")
    fill(place)
    ledger = assemble(place, Anchors())
    marks.set_epoch(ledger.stores[0], "identity", 2)
    ledger.close()
    assert refusal(place) == "ledger_stores_differ"
    other = Place(tmp_path / "two")
    fill(other)
    assert refusal(Place(other.directory, place.url("identity"))) == "ledger_key_wrong"


def test_servers_that_start_at_once_have_one_key(place: Place) -> None:
    """On one directory all become one ledger; on two, one does, and the other says that its key is missing."""
    directories = [place.directory, place.directory.with_name("second")]
    urls = (f"sqlite:///{place.directory}/identity.db", f"sqlite:///{place.directory}/points.db")
    urls = (place.identity_url or urls[0], place.points_url or urls[1])
    place.directory.mkdir()
    command = [sys.executable, "-c", OPEN]
    started = [
        subprocess.Popen([*command, str(each), *urls], stdout=subprocess.PIPE, text=True) for each in directories * 2
    ]
    said = [process.communicate()[0].strip() for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(said)) == 2
    assert len({each for each in said if " " in each}) == 1
    assert sum(path.exists() for path in (each / "ledger.key" for each in directories)) == 1
    assert not any(path.exists() for path in (each / "ledger.key.new" for each in directories))


@pytest.mark.parametrize(("whose", "step"), [(marks, "set_mark"), (Path, "rename")], ids=["marks", "name"])
def test_a_start_that_was_cut_short_is_taken_up_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, whose: object, step: str
) -> None:
    """Wherever it broke off, the next start ends with one key and both marks."""

    def breaks(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(whose, step, breaks)
    with pytest.raises(KeyboardInterrupt):
        assemble(place, Anchors())
    monkeypatch.undo()
    assert not place.secret.exists()
    ledger = assemble(place, Anchors())
    assert ledger.epoch == 1
    assert place.secret.exists()
    ledger.close()


def test_a_ledger_from_before_there_were_marks_is_taken_over(place: Place) -> None:
    """With the key that it has, and the months' keys that are there; a lost one stays lost, an old one is destroyed."""
    public = fill(place)
    ledger = assemble(place, Anchors())
    today = ledger.today()
    this_month, old = f"{today:%Y-%m}", "2020-01"
    ledger.periods.supplied(lambda: ledger.periods.seal(f"{this_month}-01", "x", b"x"))
    row = {"municipality": "252034", "kind": "sale", "status": "accepted", "sealed": b"x"}
    rows = [{**row, "operation": month, "business_date": f"{month}-01"} for month in (old, f"{today.year + 1}-01")]
    with ledger.books.begin() as connection:
        connection.execute(insert(points.operations), rows)
        connection.execute(delete(points.mark))
        connection.execute(delete(points.period_keys))
    with ledger.stores[0].begin() as connection:
        connection.execute(delete(identity.mark))
    ledger.close()
    ledger = assemble(place, Anchors())
    assert ledger.sealing_key.public == public
    assert ledger.periods.known()[old].destroyed
    assert ledger.periods.missing() == [f"{today.year + 1}-01"]
    with pytest.raises(PeriodKeyMissing):
        ledger.periods.supplied(lambda: ledger.periods.seal(f"{today.year + 1}-01-05", "x", b"x"))
    ledger.close()


def test_an_untouched_ledger_from_before_is_taken_over_too(place: Place) -> None:
    """Release 0.1.0 made a key and empty tables at its first start, whatever was done then."""
    assemble(place, Anchors()).close()
    unmark(place)
    ledger = assemble(place, Anchors())
    assert ledger.epoch == 1
    ledger.close()


def unmark(place: Place) -> None:
    """Take the marks away, as if the stores were from before there were any."""
    for url, table in ((place.url("identity"), identity.mark), (place.url("points"), points.mark)):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(delete(table))
        engine.dispose()


def test_a_damaged_draft_is_said(tmp_path: Path) -> None:
    """It is not taken for a key."""
    (tmp_path / "ledger.key.new").write_bytes(b"")
    assert refusal(Place(tmp_path)) == "ledger_key_damaged"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_refusal_says_what_to_do(lang: str) -> None:
    """In both languages, with the arguments that it carries."""
    for code, told in {
        "ledger_key_missing": {"path": "/x/ledger.key"},
        "ledger_key_wrong": {"path": "/x/ledger.key"},
        "ledger_key_damaged": {"path": "/x/ledger.key"},
        "ledger_store_missing": {"store": "points"},
        "ledger_stores_differ": {},
        "period_key_missing": {},
    }.items():
        assert Texts("ja" if lang == "ja" else "en").refusal(code, **told).todo


def test_the_command_line_says_which_key_is_missing(tmp_path: Path) -> None:
    """And where it belongs; nothing is made."""
    fill(Place(tmp_path))
    lose_key(Place(tmp_path))
    code, said = commands.ledger("--directory", str(tmp_path), "serve", "--port", "8199")
    assert code == 1
    assert "(ledger_key_missing)" in said
    assert str(tmp_path / "ledger.key") in said
    assert not (tmp_path / "ledger.key").exists()


def test_a_database_that_was_emptied_by_hand_is_noticed(postgres_url: str, tmp_path: Path) -> None:
    """Its tables are gone, and the start would have made them anew."""
    place = Place(tmp_path, points_url=postgres_url)
    fill(place)
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    assert refusal(place) == "ledger_store_missing"
