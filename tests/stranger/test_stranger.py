"""A stranger's terminal works: whoever reads docs/protocol.md can write one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from config.trust import Anchors
from ledger.embedded import assemble
from ledger.place import Place
from ledger.rulebook import Rulebook
from ledger.wire.setup import Shop
from tests.served import served
from tests.stranger.terminal import Card, Json, Terminal

RULES = """
[[programme]]
code = "252034"
name = { ja = "長浜市ポイント", en = "Nagahama City" }
version = 1
effective_from = 2026-04-01
deduction_order = 10
earning = { yen_per_point = 100 }
redeeming = { per_day = 20_000, tap_ceiling = 1_000 }
expiry = { rule = "fiscal_year_end", years = 1 }

[programme.reasons]
visit = { name = { ja = "来館", en = "Visit" }, points = 500 }
"""
TAP, PIN = {"method": "tap"}, {"method": "pin"}


def _card() -> tuple[Card, bytes]:
    """Return a card, and its authority's certificate as the office gets it."""
    now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority")])
    authority, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root = x509.CertificateBuilder(name, name, authority.public_key(), 1, now, now + timedelta(days=3000))
    anchor = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(authority, SHA256())
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "0000000000TEST")])
    made = x509.CertificateBuilder(name, subject, key.public_key(), 0x1F3A9C2, now, now + timedelta(days=900))
    certificate = made.add_extension(usage, critical=True).sign(authority, SHA256())
    token = {
        "kind": "jpki",
        "issuer_sha256": hashlib.sha256(name.public_bytes()).hexdigest(),
        "serial": f"{certificate.serial_number:x}",
    }
    der = Encoding.DER
    return Card(key, certificate.public_bytes(der), anchor.public_bytes(der), token), anchor.public_bytes(Encoding.PEM)


@dataclass
class Street:
    """A terminal that is enrolled at a served ledger, and a registered card with 500 points."""

    terminal: Terminal
    card: Card


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Set a ledger up with its commands alone, and enrol the stranger's terminal."""
    directory = tmp_path_factory.mktemp("stranger") / "ledger"
    card, anchor = _card()

    rules = directory.with_suffix(".toml")
    rules.write_text(RULES, encoding="utf-8")
    made = assemble(Place(directory), Anchors(()))
    made.registry.add_programmes(Rulebook.read(rules).programmes)
    made.registry.add_shop(Shop(code="252034-0001", name="見本商店"))
    code = made.new_enrolment_code("252034-0001")
    made.close()
    (directory / "anchors").mkdir(exist_ok=True)
    (directory / "anchors" / "authority.pem").write_bytes(anchor)
    with served(directory) as url, httpx.Client(base_url=url) as http:
        terminal = Terminal(http)
        terminal.enrol(code)
        assert terminal.inquire(card)["standing"] == "unregistered"
        assert terminal.register(card, "2026-11")["status"] == "accepted"
        assert terminal.after[0]["contact_number"]
        terminal.inquire(card)
        gift = {
            "kind": "award",
            "municipality": "252034",
            "award": _legs(500),
            "reason": "visit",
            "rules": {"252034": 1},
        }
        assert terminal.operate({**gift, "assurance": TAP}, card)["awarded"] == 500
        yield Street(terminal, card)


def _legs(points: int) -> list[Json]:
    return [{"programme": "252034", "points": points}] if points else []


def _sale(bill: int, redeemed: int, assurance: Json) -> Json:
    return {
        "kind": "sale",
        "municipality": "252034",
        "bill": bill,
        "redeem": _legs(redeemed),
        "award": _legs((bill - redeemed) // 100),
        "amount_due": bill - redeemed,
        "rules": {"252034": 1},
        "assurance": assurance,
    }


@pytest.mark.parametrize("assurance", [TAP, PIN], ids=["tap", "pin"])
def test_a_sale(shop: Street, assurance: Json) -> None:
    """Points pay for a part, with a tap and with a PIN."""
    shop.terminal.inquire(shop.card)
    verdict = shop.terminal.operate(_sale(1200, 100, assurance), shop.card)
    assert (verdict["status"], verdict["redeemed"], verdict["awarded"]) == ("accepted", 100, 11)


def test_what_was_said_is_said_again_to_the_letter(shop: Street) -> None:
    """Whoever lost an answer sends the whole journal again, and gets the same verdicts."""
    terminal = shop.terminal
    terminal.inquire(shop.card)
    first = terminal.operate(_sale(300, 0, TAP), shop.card)
    assert terminal.send(0) == first
    operation = f"{terminal.id}-{len(terminal.entries):06d}"
    terminal.ask("GET", f"/v1/operations/{operation}")
    assert terminal.statement["verdicts"] == [first]


def test_a_sale_is_undone_before_the_close_and_returned_after_it(shop: Street) -> None:
    """The close is an operation like others."""
    terminal = shop.terminal
    sold = []
    for _ in range(2):
        terminal.inquire(shop.card)
        sold.append(terminal.operate(_sale(1000, 50, TAP), shop.card)["operation_id"])
    void = terminal.operate({"kind": "void", "municipality": "252034", "target": sold[0]})
    assert (void["status"], void["redeemed"]) == ("accepted", -50)
    seq, verdicts = len(terminal.entries), terminal.recorded + len(terminal.unacknowledged)
    close = {"number": 1, "first_seq": 1, "last_seq": seq, "verdicts": verdicts, "day": {}, "perpetual": {}}
    assert terminal.operate({"kind": "close", "municipality": "252034", **close})["status"] == "accepted"
    late = terminal.operate({"kind": "void", "municipality": "252034", "target": sold[1]})
    assert late["status"] == "refused"
    back = terminal.operate({"kind": "return", "municipality": "252034", "target": sold[1], "bill": 1000})
    assert (back["status"], back["redeemed"]) == ("accepted", -50)


def test_a_signature_is_no_other_sales(shop: Street) -> None:
    """A card's signature over one bill does not pay another; the bill stands, its points do not."""
    terminal = shop.terminal
    terminal.inquire(shop.card)
    entry = terminal.entry(_sale(2000, 200, PIN))
    presented = terminal.prove(shop.card, "operation", terminal.next_id, terminal.nonce)
    presented["signature"] = shop.card.sign(terminal.digest(entry, terminal.nonce, _sale(1000, 200, PIN)))
    entry["content"]["resident"] = terminal.seal(presented, "operation", terminal.next_id)
    verdict = terminal.settle(entry)
    assert (verdict.get("redeemed", 0), verdict["amount_due"]) == (0, 2000)


def test_a_stranger_without_the_key_is_told_nothing(shop: Street) -> None:
    """A signature by another key is no terminal's."""
    thief = Terminal(shop.terminal.http, setup=shop.terminal.setup, pinned=shop.terminal.pinned)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        thief.ask("GET", "/v1/terminal")
    assert refused.value.response.json()["code"] == "signature_wrong"


def test_it_borrows_nothing() -> None:
    """What the page leaves out would not be noticed if the stranger asked our code."""
    source = (Path(__file__).parent / "terminal.py").read_text(encoding="utf-8")
    imported = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("from ", "import "))}
    assert imported.isdisjoint({"config", "ledger", "offline_queue", "reader", "terminal", "tests"})


def test_what_is_sealed_has_a_shape_in_the_document(shop: Street) -> None:
    """The OpenAPI document says what no request shows."""
    schemas = shop.terminal.http.get("/openapi.json").json()["components"]["schemas"]
    assert {"token", "nonce", "proof", "signature", "digests"} <= set(schemas["Presented"]["properties"])
    assert {"certificate", "authority", "services", "nonce", "signature"} <= set(schemas["Registration"]["properties"])
