"""`kazasu op` from the command line to the embedded ledger and back, for every practice card."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.home import Home
from config.japan import JST
from config.trust import Anchors
from ledger.api.app import create_app
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.tokens import ServiceId
from terminal.cli import main
from terminal.cli.call import Call, ended
from terminal.cli.context import Globals
from terminal.counter import pricing
from terminal.counter.facts import SaleIntent
from terminal.counter.states import Done
from tests.adversary.thief import Thief, sale
from tests.ledger.api.world import Card, Clock
from tests.terminal.counters import MUNICIPALITY, TERMS, receipt, resident
from tests.terminal.counters import held as held_points
from tests.terminal.desks import NoService, cut

FIELDS = {
    "operation_id",
    "reference",
    "kind",
    "status",
    "bill",
    "redeemed",
    "awarded",
    "amount_due",
    "balances",
    "error",
    "message",
}
"""What the design page promises, and nothing else."""


def test_a_sale_that_turned_out_short_says_what_is_due(capsys: pytest.CaptureFixture[str]) -> None:
    """What was not taken is due: one amount, exit 0, which points and why, and what to do."""
    draft = pricing.sale(
        pricing.as_wished(SaleIntent(1200, 400), resident(held_points(MUNICIPALITY, 400)), TERMS), TERMS
    )
    whole = receipt(draft)
    assert whole.verdict is not None
    short = replace(whole, verdict=cut(whole.verdict, draft.content, 150))
    outcome = ended("sale", 1200, Done(short))
    for as_json in (True, False):
        call = Call(Globals(Home(Path("unused")), lang="en"), "sale", None, 1.0, None, as_json)
        with pytest.raises(typer.Exit) as ended_with:
            call.finish(outcome)
        assert ended_with.value.exit_code == 0
    as_object, *lines = capsys.readouterr().out.splitlines()
    said = json.loads(as_object)
    assert said.keys() == FIELDS
    assert (said["status"], said["amount_due"], said["redeemed"]) == ("accepted_with_shortfall", 950, 250)
    assert said["error"] is None
    assert said["message"].splitlines() == lines[1:]
    assert lines[1:] == [
        "Not taken: 150 P (252034)",
        "The balance was smaller than what was to be used. Perhaps it was used elsewhere a moment ago.",
        "Collect 950 yen, or void it with ./kazasu op void.",
    ]


STATUS = {0: "accepted", 10: "queued", 11: "refused", 12: "unknown"}


class Pos:
    """A POS that calls `kazasu op` in one home."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *words: str, pin: str | None = None) -> dict[str, Any]:
        """Return what one call printed, having checked that it is one object and fits the exit code."""
        if pin is not None:
            readable, writable = os.pipe()
            os.write(writable, f"{pin}\n".encode())
            os.close(writable)
            words = (*words, "--pin-fd", str(readable))
        code = main(["--home", str(self.home), "op", *words, "--json"])
        if pin is not None:
            os.close(readable)
        out, _ = self._capsys.readouterr()
        said: dict[str, Any] = json.loads(out)
        assert out.count("\n") == 1
        assert said.keys() == FIELDS
        assert said["status"] == STATUS[code]
        assert (said["error"] is None) == (said["message"] is None)
        return said


@pytest.fixture
def pos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Pos:
    """Return a home in which nothing was done yet."""
    return Pos(tmp_path, capsys)


def held(said: dict[str, Any]) -> dict[str, int]:
    """Return the balances by programme."""
    return {balance["programme"]: balance["points"] for balance in said["balances"]}


@pytest.mark.parametrize(
    ("card", "options", "error", "redeemed", "awarded", "due"),
    [
        ("two-towns", ["--redeem", "all"], None, 970, 2, 230),
        ("two-towns", ["--redeem", "none"], None, 0, 10, 1200),
        ("two-towns", ["--redeem", "820"], None, 820, 3, 380),
        ("two-towns", [], None, 0, 10, 1200),
        ("two-towns", ["--redeem", "971"], "points_not_possible", 0, 0, None),
        ("two-towns", ["--redeem", "400", "--programme", "131164"], None, 400, 0, 800),
        ("visitor", ["--redeem", "300"], None, 300, 0, 900),
        ("visitor", ["--redeem", "all"], "pin_not_given", 0, 0, None),
        ("blocked", ["--redeem", "1001"], "pin_blocked", 0, 0, None),
        ("blocked", ["--redeem", "1000"], None, 1000, 1, 200),
        ("unregistered", [], "card_unregistered", 0, 0, None),
        ("revoked", [], "card_revoked", 0, 0, None),
        ("expired", [], "certificate_expired", 0, 0, None),
    ],
)
def test_a_sale_with_every_practice_card(
    pos: Pos, card: str, options: list[str], error: str | None, redeemed: int, awarded: int, due: int | None
) -> None:
    """A bill of 1,200 yen: what is redeemed, awarded and due, or why not; a refusal leaves no operation behind."""
    said = pos("sale", "--bill", "1200", "--card", card, *options)
    assert (said["error"], said["redeemed"], said["awarded"], said["amount_due"]) == (error, redeemed, awarded, due)
    assert (said["kind"], said["bill"]) == ("sale", 1200)
    assert said["operation_id"] == (None if error else "252034-0001-01-000001")


def test_above_the_tap_ceiling_the_pin_decides(pos: Pos) -> None:
    """A wrong PIN moves nothing; the right one lets the card sign, and the ledger verifies that."""
    sale = ("sale", "--bill", "1200", "--redeem", "all", "--card", "visitor")
    assert pos(*sale, pin="9999")["error"] == "pin_wrong"
    assert pos(*sale, pin="12345")["error"] == "pin_malformed"
    said = pos(*sale, pin="1234")
    assert (said["status"], said["redeemed"], said["amount_due"]) == ("accepted", 1200, 0)
    assert held(said) == {"131164": 300}


def test_a_first_registration_and_what_comes_of_it(pos: Pos) -> None:
    """Who was unknown is known after one PIN, and earns and redeems from then on."""
    assert pos("balance", "--card", "unregistered")["error"] == "card_unregistered"
    assert pos("link", "--card", "unregistered", pin="1234")["status"] == "accepted"
    assert held(pos("balance", "--card", "unregistered")) == {}
    said = pos("award", "--points", "50", "--reason", "volunteering", "--card", "unregistered")
    assert (said["awarded"], held(said)) == (50, {"252034": 50})
    assert pos("sale", "--bill", "120", "--redeem", "all", "--card", "unregistered")["amount_due"] == 70


def test_a_number_is_linked_at_the_window(pos: Pos) -> None:
    """A library links its number once, also to a card that is registered; one of somebody else's is refused."""
    assert pos("link", "--card", "two-towns", "--service", "library:0042", pin="1234")["status"] == "accepted"
    assert pos("link", "--card", "visitor", "--service", "library:0042", pin="1234")["error"] == "service_taken"
    wrong = main(["--home", str(pos.home), "op", "link", "--service", "0042", "--card", "visitor", "--json"])
    assert wrong == 2
    ledger = assemble(Place(Home(pos.home).practice.ledger), Anchors())
    mykey = ledger.identity.find_mykey(ServiceId(service="library", number="0042"), "252034")
    found = ledger.identity.services(str(mykey))
    ledger.close()
    assert found == [ServiceId(service="library", number="0042", municipality="252034")]


def test_a_renewed_card_takes_its_holders_points_over(pos: Pos) -> None:
    """With the office's code the new card stands for the same holder, and the old one for nobody."""
    before = held(pos("balance", "--card", "two-towns"))
    pos("link", "--card", "two-towns", "--service", "library:0042", pin="1234")
    ledger = assemble(Place(Home(pos.home).practice.ledger), Anchors())
    mykey = ledger.identity.find_mykey(ServiceId(service="library", number="0042"), "252034")
    code = ledger.identity.renewal_code(str(mykey), ledger.today())
    ledger.close()
    assert pos("link", "--card", "unregistered", "--renewal", code, pin="1234")["status"] == "accepted"
    assert held(pos("balance", "--card", "unregistered")) == before
    assert pos("balance", "--card", "two-towns")["error"] == "card_unregistered"
    assert pos("link", "--card", "two-towns", "--renewal", code, pin="1234")["error"] == "card_superseded"


def test_a_linked_number_is_called_up_by_the_tap(pos: Pos, capsys: pytest.CaptureFixture[str]) -> None:
    """The library's clerk reads it where the points are read."""
    pos("link", "--card", "two-towns", "--service", "library:0042", pin="1234")
    assert main(["--home", str(pos.home), "--lang", "en", "op", "balance", "--card", "two-towns"]) == 0
    assert "linked: library:0042" in capsys.readouterr().out


def test_a_void_puts_everything_back(pos: Pos) -> None:
    """取消 restores the balances to the point, once, and only of what there is."""
    before = pos("balance", "--card", "two-towns")
    assert (before["operation_id"], before["status"]) == (None, "accepted")
    sold = pos("sale", "--bill", "1200", "--redeem", "all", "--card", "two-towns")
    assert held(sold) != held(before)
    voided = pos("void", "--target", sold["operation_id"])
    assert (voided["status"], voided["operation_id"]) == ("accepted", "252034-0001-01-000002")
    assert pos("balance", "--card", "two-towns")["balances"] == before["balances"]
    assert pos("void", "--target", sold["operation_id"])["error"] == "already_voided"
    assert pos("void", "--target", "252034-0001-01-000099")["error"] == "target_unknown"


def test_goods_come_back_in_parts_until_nothing_is_left(pos: Pos) -> None:
    """What is given back is the bill less the points, which the ledger puts back; all parts are exactly the whole."""
    before = held(pos("balance", "--card", "two-towns"))
    sold = pos("sale", "--bill", "1200", "--redeem", "all", "--card", "two-towns")
    part = pos("return", "--target", sold["operation_id"], "--bill", "500")
    assert (part["status"], part["bill"], part["amount_due"], part["redeemed"]) == ("accepted", 500, -96, -404)
    rest = pos("return", "--target", sold["operation_id"])
    assert (rest["status"], rest["redeemed"], rest["amount_due"]) == ("accepted", -566, -134)
    assert held(pos("balance", "--card", "two-towns")) == before
    assert pos("return", "--target", sold["operation_id"])["error"] == "return_exceeds_bill"
    assert pos("return", "--target", "252034-0001-01-000099")["error"] == "target_unknown"
    award = pos("award", "--points", "50", "--reason", "visit", "--card", "two-towns")
    assert pos("return", "--target", award["operation_id"])["error"] == "target_not_undoable"


def sisters_sale(home: Path) -> str:
    """Let another terminal of the practice shop sell for 1,200 yen, and return the operation's id."""
    now = datetime.now(JST)
    ledger = assemble(Place(Home(home).practice.ledger), Anchors())
    code, card = ledger.new_enrolment_code("252034-0001"), Card.issue(0x0A0B0C0D, now)
    der = card.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ledger.identity.register(card.reference, der, [], now.date(), municipality="252034")

    async def sell() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(ledger)), base_url="http://it") as http:
            sister = await Thief.enrol(http, Clock(now), code)
            sold = sister.next_id
            sister.write(sister.of(card, sale(1_200)))
            assert [each["status"] for each in await sister.upload()] == ["accepted"]
            return sold

    sold = asyncio.run(sell())
    ledger.close()
    return sold


def test_the_owner_undoes_a_sisters_sale(pos: Pos) -> None:
    """With the code that this terminal's settings have, and no other; in part as a return, or whole."""
    pos("balance", "--card", "two-towns")
    sold = sisters_sale(pos.home)
    assert pos("void", "--target", sold)["error"] == "owner_code_unset"
    assert pos("void", "--target", sold, "--owner-code", "2468")["error"] == "owner_code_unset"
    settings = Home(pos.home).settings
    settings.write_text("[owner]\ncode = '2468'\n", encoding="utf-8")
    assert pos("void", "--target", sold)["error"] == "owner_needed"
    assert pos("void", "--target", sold, "--owner-code", "2469")["error"] == "owner_code_wrong"
    assert pos("void", "--target", f"{sold[:-6]}000009", "--owner-code", "2468")["error"] == "sister_unknown"
    part = pos("return", "--target", sold, "--bill", "200", "--owner-code", "2468")
    assert (part["status"], part["amount_due"]) == ("accepted", -200)
    assert pos("void", "--target", sold, "--owner-code", "2468")["error"] == "already_returned"
    other = sisters_sale(pos.home)
    assert pos("void", "--target", other, "--owner-code", "2468")["status"] == "accepted"
    assert pos("void", "--target", other, "--owner-code", "2468")["error"] == "already_voided"


def test_points_are_exchanged(pos: Pos) -> None:
    """At the rate of the day, whole lots alone; a void undoes it."""
    before = held(pos("balance", "--card", "two-towns"))
    said = pos("convert", "--points", "200", "--card", "two-towns")
    assert (said["status"], said["redeemed"], said["awarded"]) == ("accepted", 200, 220)
    assert sum(held(said).values()) == sum(before.values()) + 20
    assert pos("convert", "--points", "250", "--card", "two-towns")["error"] == "rate_multiple"
    assert pos("convert", "--points", "100", "--to", "141003", "--card", "two-towns")["error"] == "no_exchange"
    assert pos("void", "--target", said["operation_id"])["status"] == "accepted"
    assert held(pos("balance", "--card", "two-towns")) == before


def test_a_number_is_given_up_and_then_everything(pos: Pos) -> None:
    """Each with the card's PIN; who has left is known no more."""
    pos("link", "--card", "two-towns", "--service", "library:0042", pin="1234")
    assert pos("unlink", "--service", "library", "--card", "two-towns")["error"] == "pin_not_given"
    assert pos("unlink", "--service", "library", "--card", "two-towns", pin="1234")["status"] == "accepted"
    assert pos("unlink", "--card", "two-towns", pin="1234")["status"] == "accepted"
    assert pos("balance", "--card", "two-towns")["error"] == "card_unregistered"


def test_an_award_of_an_unknown_programme_is_refused(pos: Pos) -> None:
    """What this shop does not work with is said before anybody holds a card."""
    assert pos("award", "--points", "5", "--programme", "141003", "--card", "visitor")["error"] == "no_programme"


def test_without_a_card_the_wait_ends(pos: Pos, monkeypatch: pytest.MonkeyPatch) -> None:
    """In practice mode without a reader and without --card nothing can come, and that is said at once."""
    monkeypatch.setattr("terminal.shop.engine_thread.PcscSource", NoService)
    assert pos("balance", "--timeout", "0.1")["error"] == "practice_card_needed"
