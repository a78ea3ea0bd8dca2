"""Both stores and every file of the server but the period keys: together they still do not say who bought where."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from config.trust import Anchors
from ledger.api.desk import Officer
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.setup import Shop
from ledger.wire.tokens import CardReference, ServiceId
from tests.ledger.points.conftest import city, street
from tests.ledger.points.scenes import DAY, SHOP, elsewhere, sale

CARD = CardReference(issuer_sha256="ab" * 32, serial="1f2e3d4c")
LIBRARY = ServiceId(service="library", number="NAGAHAMA-0042")


def lines(folder: Path) -> dict[str, list[str]]:
    """Return the dump of every database of a directory, by file."""
    found = {}
    for path in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            found[path.stem] = [line for line in connection.iterdump() if line.startswith("INSERT")]
    return found


def test_both_stores_together_do_not_say_who_bought_where(tmp_path: Path) -> None:
    """A line that names a person, by MyKey ID or by number, has no shop, no operation and no day of one."""
    place = Place(tmp_path / "ledger")
    ledger = assemble(place, Anchors())
    ledger.registry.add_programmes([city(), street()])
    ledger.registry.add_shop(Shop(code=SHOP, name="見本商店"))
    mykey = ledger.identity.register(CARD, b"key", [LIBRARY], date(2026, 9, 1))
    ledger.points.deposit(mykey, city(), date(2028, 3, 31), 820)
    asked = elsewhere(sale(1, 1_100, city=123), mykey=mykey)
    ledger.points.apply([asked])
    ledger.audit.note(Officer("252034", "窓口"), "stop", {}, ledger.clock(), mykey)
    for engine in ledger.stores:
        engine.dispose()
    dumped = lines(place.directory)
    of_persons = [line for store in dumped.values() for line in store if mykey in line or LIBRARY.number in line]
    tables = {line.split('"')[1] for line in of_persons}
    assert tables == {"card", "service_number", "wallets", "lots"}
    for line in of_persons:
        assert SHOP not in line
        assert DAY.isoformat() not in line
    everything = "\n".join(line.lower() for store in dumped.values() for line in store)
    assert CARD.serial not in everything
    assert CARD.issuer_sha256 not in everything
    assert mykey.encode().hex() not in "\n".join(dumped["points"]).lower()
    others = [path for path in place.directory.rglob("*") if path.is_file() and path.suffix != ".db"]
    assert not any(mykey.encode() in path.read_bytes() for path in others)
