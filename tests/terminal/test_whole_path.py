"""The whole path, nothing left out: card, virtual reader, PC/SC service, terminal, journal, HTTP, ledger, verdict."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from config.trust import Anchors
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.setup import Shop
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS, PRACTICE_PIN
from tests.ledger.points.conftest import city
from tests.pcsc import PcscService
from tests.served import KAZASU, ROOT, served

SHOP = Shop(code="252034-0001", name="見本商店")


class Pos:
    """A POS that calls `kazasu op`, each time in a process of its own, and waits for a tap."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *words: str, pin: bytes = b"") -> dict[str, Any]:
        """Return what one operation printed."""
        readable, writable = os.pipe()
        os.write(writable, pin + b"\n")
        os.close(writable)
        command = [*KAZASU, "--home", str(self._home), "op", *words, "--json"]
        options = ["--pin-fd", str(readable)] if pin else []
        done = subprocess.run([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, pass_fds=[readable], timeout=60)
        os.close(readable)
        said: dict[str, Any] = json.loads(done.stdout)
        return said


def ledger_with_a_shop(directory: Path) -> str:
    """Make a ledger that trusts the test authority, and return a code for a terminal of its shop."""
    ledger = assemble(Place(directory), Anchors())
    ledger.registry.add_programmes([city()])
    ledger.registry.add_shop(SHOP)
    code = ledger.new_enrolment_code(SHOP.code)
    ledger.close()
    (directory / "anchors").mkdir()
    (directory / "anchors" / "test.pem").write_bytes(TEST_CA.pem)
    return code


def test_a_resident_registers_gathers_points_and_pays_with_them(pcsc: PcscService, tmp_path: Path) -> None:
    """One card, a terminal that was enrolled by code, and a ledger in another process: the first day of both."""
    code = ledger_with_a_shop(tmp_path / "ledger")
    home = tmp_path / "home"
    (home / "anchors").mkdir(parents=True)
    (home / "anchors" / "test.pem").write_bytes(TEST_CA.pem)
    pos = Pos(home)
    with served(tmp_path / "ledger") as url, pcsc.inserted(DESIGNS["normal"].make()):
        subprocess.run([*KAZASU, "--home", str(home), "enrol", code, "--ledger", url], cwd=ROOT, check=True)
        assert pos("sale", "--bill", "1200")["error"] == "card_unregistered"
        assert pos("link", pin=PRACTICE_PIN)["status"] == "accepted"
        assert pos("award", "--points", "900")["awarded"] == 900
        sale = pos("sale", "--bill", "1200", "--redeem", "400")
        assert (sale["redeemed"], sale["amount_due"]) == (400, 800)
        assert pos("void", "--target", sale["operation_id"])["status"] == "accepted"
        large = ("sale", "--bill", "1500", "--redeem", "600")
        assert pos(*large)["error"] == "pin_not_given"
        assert pos(*large, pin=PRACTICE_PIN)["amount_due"] == 900
        (balance,) = pos("balance")["balances"]
        assert balance["points"] == 300
