"""Records what this version of the program writes: `python -m tests.releases.record FOLDER`; see README.md."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import time_machine

from config.trust import Anchors
from ledger.wire.answers import Inquiry
from ledger.wire.client import LedgerClient, LedgerUnreachable
from ledger.wire.consent import consent_digest
from ledger.wire.operations import Award, CardSigned, Convert, Leg, Return, TapOnly, Unlink
from ledger.wire.sealing import Purpose, seal
from ledger.wire.tokens import CardReference
from ledger.wire.values import Message
from reader.practice import PracticeSource
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import PRACTICE_PIN
from terminal.shop.cards import Cards
from terminal.shop.opening import Station
from tests.releases.counter import NOWHERE, Counter

MUNICIPALITY, STREET, SHOP = "252034", "252034-MIHON", "252034-0001"

FIRST, SECOND, THIRD = "2026-10-30T10:00:00+09:00", "2026-11-20T10:00:00+09:00", "2026-11-21T10:00:00+09:00"
"""Two days that are closed, in two months, and one that is left open."""

LATER = "2026-11-21T11:00:00+09:00"
"""When the line is up again."""

AWARDS = f"who,programme,points,reason\nlibrary:0042,{MUNICIPALITY},4000,birth\nlibrary:0043,{MUNICIPALITY},900,birth\n"
"""The file with which the enrolled shop's office gives its residents points, once."""

_OFFLINE = ("--ledger", NOWHERE)
_RULES = Path(__file__).parent


def record(folder: Path) -> None:
    """Write both homes into a new folder, and beside them their exports and what the program says of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        practice = Counter(Path(scratch) / "practice", practises=True)
        enrolled = Counter(Path(scratch) / "enrolled")
        expected = {"practice": _practise(practice), "enrolled": _work(enrolled)}
        for counter in (practice, enrolled):
            name = counter.root.path.name
            (folder / f"{name}.jsonl").write_text(counter.export(), encoding="utf-8")
            _keep(counter.root.path, folder / name)
            expected[name]["sent"] = send(counter, expected[name]["balances"])
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# A home in practice mode ----------------------------------------------------------------------------------------


def _practise(shop: Counter) -> dict[str, Any]:
    with time_machine.travel(FIRST):
        first = _done(shop("op", "sale", "--bill", "1200", "--redeem", "all", "--card", "two-towns"))
        _done(shop("op", "sale", "--bill", "2310", "--card", "two-towns"))
        _done(shop("op", "award", "--points", "50", "--reason", "volunteering", "--card", "two-towns"))
        _done(shop("op", "void", "--target", first))
        _done(shop("close"))
    with time_machine.travel(SECOND):
        _done(shop("op", "sale", "--bill", "5000", "--redeem", "1300", "--card", "visitor", pin=True))
        _done(shop("op", "link", "--card", "unregistered", "--service", "library:0042", pin=True))
        _done(shop("close"))
    with time_machine.travel(THIRD):
        _done(shop("op", "sale", "--bill", "880", "--redeem", "100", "--card", "two-towns"))
        balances = _balances(shop, "two-towns", "visitor", "unregistered")
        asyncio.run(_leave_unsent(shop))
        return _expected(shop, balances)


async def _leave_unsent(shop: Counter) -> None:
    """Write an award that nobody sends: in practice mode the line is never down."""
    async with shop.station(NOWHERE) as station:
        _write(station, _award(station, "two-towns"))


# An enrolled home, with its ledger beside it --------------------------------------------------------------------


def _work(shop: Counter) -> dict[str, Any]:
    with time_machine.travel(FIRST):
        _set_up(shop)
        sold = _first_day(shop)
    with time_machine.travel(SECOND):
        shop.office("rules", str(_RULES / "rules-2.toml"))
        _second_day(shop, sold)
    with time_machine.travel(THIRD):
        _done(shop("op", "sale", "--bill", "1000", "--redeem", "200", "--card", "two-towns"))
        balances = _balances(shop, "two-towns", "visitor")
        # The line breaks after the card has signed, and is down from here on.
        with patch.object(LedgerClient, "upload", side_effect=LedgerUnreachable("cut off")):
            _cut_off(shop("op", "sale", "--bill", "2600", "--redeem", "1500", "--card", "two-towns", pin=True))
            _cut_off(shop("op", "link", "--card", "revoked", "--service", "library:0045", pin=True))
        queued = shop("op", "sale", "--bill", "3000", "--card", "two-towns", *_OFFLINE)["operation_id"]
        shop("op", "award", "--points", "30", "--reason", "volunteering", "--card", "visitor", *_OFFLINE)
        shop("op", "void", "--target", queued, *_OFFLINE)
        shop("op", "award", "--points", "20", "--reason", "volunteering", "--card", "unregistered", *_OFFLINE)
        return _expected(shop, balances)


def _set_up(shop: Counter) -> None:
    shop.root.create()
    shop.root.anchors.mkdir(mode=0o700)
    (shop.root.anchors / "test.pem").write_bytes(TEST_CA.pem)
    shop.root.ledger.mkdir(mode=0o700)
    shop.root.settings.write_text('[counter]\nclerk = "12"\n\n[screen]\nlanguage = "en"\n', encoding="utf-8")
    shop.office("rules", str(_RULES / "rules.toml"))
    shop.office("shop", SHOP, "見本商店")
    shop.office("service", f"{MUNICIPALITY}/library", "--shop", SHOP)
    shop.office("token", "--municipality", MUNICIPALITY, "--who", "kobayashi")
    code = shop.office("enrol", "--shop", SHOP).strip()
    _done(shop("enrol", code, "--ledger", "embedded"))


def _first_day(shop: Counter) -> str:
    """Return the sale that is returned in part on the second day."""
    for card, number in (("two-towns", "0042"), ("visitor", "0043"), ("unregistered", "0044")):
        _done(shop("op", "link", "--card", card, "--service", f"library:{number}", pin=True))
    file = shop.root.path / "awards.csv"
    file.write_text(AWARDS, encoding="utf-8")
    shop.office("award", str(file), "--municipality", MUNICIPALITY)
    file.unlink()
    sold = _done(shop("op", "sale", "--bill", "6600", "--redeem", "2000", "--card", "two-towns", pin=True))
    _done(shop("op", "sale", "--bill", "2200", "--card", "visitor"))
    _done(shop("op", "award", "--points", "10", "--reason", "visit", "--programme", STREET, "--card", "visitor"))
    voided = _done(shop("op", "sale", "--bill", "1500", "--redeem", "500", "--card", "visitor"))
    _done(shop("op", "void", "--target", voided))
    assert shop("op", "void", "--target", voided)["error"] == "already_voided"
    _done(shop("close"))
    return sold


def _second_day(shop: Counter, sold: str) -> None:
    asyncio.run(_without_a_command(shop, sold))
    _done(shop("op", "sale", "--bill", "4400", "--redeem", "300", "--card", "two-towns"))
    # The line is down for a while: one of these awards becomes a dead letter.
    shop.office("stop", "library:0044")
    shop("op", "award", "--points", "40", "--reason", "volunteering", "--card", "visitor", *_OFFLINE)
    shop("op", "award", "--points", "40", "--reason", "volunteering", "--card", "unregistered", *_OFFLINE)
    assert shop("queue", "sync")["decided"] == 2
    _done(shop("close"))


async def _without_a_command(shop: Counter, sold: str) -> None:
    """Return a part, convert, and unlink a number: what the terminal has no command for yet."""
    async with shop.station() as station:
        _write(station, Return(kind="return", municipality=MUNICIPALITY, target=sold, bill=2200))
        _write(station, Return(kind="return", municipality=MUNICIPALITY, target=sold, bill=1100))
        _write(
            station,
            Convert(
                kind="convert",
                municipality=MUNICIPALITY,
                resident=_resident(station, "two-towns"),
                take=Leg(programme=MUNICIPALITY, points=300),
                give=Leg(programme=STREET, points=330),
                rules={MUNICIPALITY: 1, STREET: 2},
                assurance=TapOnly(method="tap"),
            ),
        )
        await _unlink(station, "two-towns", "library")
        await station.syncer.sync()


async def _unlink(station: Station, card: str, service: str) -> None:
    """Give one number up: the card signs it."""
    nonce = (await station.client.inquire(Inquiry())).nonce
    cards, at = _cards(station, card), station.clock()
    content = Unlink(
        kind="unlink",
        municipality=MUNICIPALITY,
        resident=_resident(station, card),
        service=service,
        assurance=CardSigned(method="pin", nonce=nonce, signature=""),
    )
    digest = consent_digest(station.journal.next_operation_id(), at.isoformat(), nonce, content.as_json())
    signature = cards.sign(_TASK, bytearray(PRACTICE_PIN), digest, last_try=False)
    signed = CardSigned(method="pin", nonce=nonce, signature=base64.b64encode(signature).decode())
    _write(station, content.model_copy(update={"assurance": signed}), at)


# What both share ------------------------------------------------------------------------------------------------

_TASK = 1


def _done(said: dict[str, Any]) -> str:
    """Return the id of an operation that was accepted, or nothing where a command has none."""
    assert said["exit"] == 0, said
    return str(said.get("operation_id", ""))


def _cut_off(said: dict[str, Any]) -> None:
    """See that an operation was signed and written, and that nobody knows what became of it."""
    assert said["status"] in {"queued", "unknown"}, said
    assert said["operation_id"], said


def _cards(station: Station, card: str) -> Cards:
    """Return a reader on which a card lies, and was read."""
    source = PracticeSource()
    source.tap(card)
    cards = Cards(source, Anchors(), station.clock)
    cards.read(_TASK)
    return cards


def _resident(station: Station, card: str) -> str:
    token = _cards(station, card).read(_TASK).token
    reference = CardReference(issuer_sha256=token.issuer_sha256, serial=token.serial_hex)
    return seal(reference, Purpose.OPERATION, station.setup.terminal_id, station.setup.sealing_key)


def _award(station: Station, card: str) -> Award:
    return Award(
        kind="award",
        municipality=MUNICIPALITY,
        resident=_resident(station, card),
        award=[Leg(programme=MUNICIPALITY, points=25)],
        reason="volunteering",
        rules={MUNICIPALITY: 1},
        assurance=TapOnly(method="tap"),
    )


def _write(station: Station, content: Message, at: datetime | None = None) -> None:
    at = at or station.clock()
    station.journal.append(
        content, at=at, operator=station.settings.counter.clerk, business_date=station.business_date(at)
    )


def send(shop: Counter, cards: Iterable[str]) -> dict[str, Any]:
    """Send what is unsent in a home, and return what the program says of it then."""
    with time_machine.travel(LATER):
        _done(shop("queue", "sync"))
        return {
            "dead_letters": shop("queue", "status")["dead_letters"],
            "interim": interim(shop),
            "balances": _balances(shop, *cards),
            "totals": shop.totals(MUNICIPALITY),
        }


def interim(shop: Counter) -> dict[str, Any]:
    """Return the X report."""
    return {name: value for name, value in shop("close", "--x").items() if name != "exit"}


def _balances(shop: Counter, *cards: str) -> dict[str, Any]:
    return {card: shop("op", "balance", "--card", card)["balances"] for card in cards}


def _expected(shop: Counter, balances: dict[str, Any]) -> dict[str, Any]:
    """Return what the program says of a home as it is left."""
    status, verified = shop("queue", "status"), shop("queue", "verify")
    return {
        "left_at": THIRD,
        "entries": verified["entries"],
        "last_hash": status["last_hash"],
        "unsent": status["unsent"],
        "dead_letters": status["dead_letters"],
        "interim": interim(shop),
        "balances": balances,
        "totals": shop.totals(MUNICIPALITY),
    }


def _keep(home: Path, folder: Path) -> None:
    """Copy a home as a program that has ended leaves it: what SQLite has in its log stands in the file."""
    for file in home.rglob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(home, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))


if __name__ == "__main__":
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    record(Path(sys.argv[1]))
