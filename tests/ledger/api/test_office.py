"""The office over HTTP: by token, in its own municipality, effective at once, and written down."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest

from ledger.api import approvals
from ledger.api.awards import plan
from ledger.api.desk import Officer, Scope
from ledger.points.grants import ApprovalNeeded
from ledger.wire.answers import Standing
from ledger.wire.client import LedgerRefusal
from ledger.wire.tokens import ServiceId
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card

pytestmark = pytest.mark.anyio

LIBRARY = ServiceId(service="library", number="0042")
DESK = Officer("252034", "窓口")
CALLER = {"who": LIBRARY.as_json()}


async def ask(
    counter: Counter, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None
) -> httpx.Response:
    """Ask something of the office's part of the API."""
    token = token or counter.ledger.office.new_token(DESK, counter.ledger.today())
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        return await client.request(method, f"/v1/office{path}", json=body, headers=headers)


def acts(counter: Counter) -> list[tuple[str, str, dict[str, str]]]:
    """Return what the audit has: who did what."""
    return [(each.who, each.action, json.loads(each.detail)) for each in counter.ledger.audit.acts("252034")]


@pytest.mark.parametrize("token", ["x", "252034-guessed", "131164-guessed"])
async def test_a_wrong_token_opens_nothing(counter: Counter, token: str) -> None:
    """A token that nobody was given is refused, and nothing is done."""
    response = await ask(counter, "POST", "/stops", CALLER, token)
    assert (response.status_code, response.json()["code"]) == (401, "token_wrong")
    assert acts(counter) == []


async def test_a_call_stops_a_card_at_once(counter: Counter, card: Card) -> None:
    """The holder telephones and says a library number: the next tap is refused, until the office resumes."""
    await counter.register(card, LIBRARY)
    assert (await ask(counter, "POST", "/stops", CALLER)).is_success
    assert (await counter.inquire(card)).standing is Standing.SUSPENDED
    assert (await ask(counter, "POST", "/resumptions", CALLER)).is_success
    assert (await counter.inquire(card)).standing is Standing.ACTIVE
    mykey = counter.ledger.identity.find_mykey(LIBRARY, DESK.municipality)
    for action in ("stop", "resume"):
        asked, came = [detail for _, each, detail in acts(counter) if each == action]
        assert (asked, came) == ({"state": "asked", "mykey": mykey}, {"state": "done"})


@pytest.mark.parametrize("path", ["/stops", "/resumptions", "/renewal-codes"])
@pytest.mark.parametrize("who", [LIBRARY.as_json(), "0000000000"])
async def test_who_is_not_known_is_said(counter: Counter, path: str, who: object) -> None:
    """Neither an unknown number nor an unknown MyKey ID does anything."""
    response = await ask(counter, "POST", path, {"who": who})
    assert (response.status_code, response.json()["code"]) == (404, "mykey_unknown")
    assert acts(counter) == []


async def test_the_office_prepares_a_shop(counter: Counter) -> None:
    """A shop is added, and a code for a terminal of it is given out."""
    assert (await ask(counter, "PUT", "/shops/252034-0002", {"name": "二号店"})).json()["name"] == "二号店"
    response = await ask(counter, "POST", "/shops/252034-0002/enrolment-codes")
    assert response.status_code == 201
    setup = await counter.client.enrol(response.json()["code"], counter.till.key.public_key())
    assert setup.shop.name == "二号店"


async def test_the_office_awards_counts_and_settles(counter: Counter, card: Card) -> None:
    """A file is awarded once; what was issued and spent is in the totals, and what the shop is owed in its claims."""
    await counter.register(card, LIBRARY)
    file = "who,programme,points,reason\nlibrary:0042,252034,500,visit\n".encode("cp932")
    answers = [await upload(counter, file, query) for query in ("?dry_run=true", "", "")]
    assert [each.json()["done"] for each in answers] == [False, True, False]
    await counter.send(counter.till.sale(card, 1_200, redeem=321))
    (found,) = (await ask(counter, "GET", "/totals")).json()
    assert (found["issued"], found["held"], found["claimed"]) == (500, 179, 321)
    owed = await ask(counter, "GET", f"/shops/{SHOP}/claims?since=2026-11-01&until=2026-11-30")
    assert owed.json() == [{"business_date": "2026-11-23", "programme": "252034", "points": 321}]
    assert [action for _, action, _ in acts(counter)] == ["award"]


async def upload(counter: Counter, file: bytes, query: str = "", where: str = "awards") -> httpx.Response:
    """Bring a file of awards."""
    token = counter.ledger.office.new_token(DESK, counter.ledger.today())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        return await client.post(f"/v1/office/{where}{query}", content=file, headers=headers)


async def test_a_wrong_file_is_refused_by_line(counter: Counter) -> None:
    """The lines are named, and never repeated."""
    response = await upload(
        counter, b"who,programme,points,reason\nK7QM3V9TXW,252034,500,visit\n123456789018,252034,5,visit\n"
    )
    assert (response.status_code, response.json()["code"]) == (422, "award_file_wrong")
    assert response.json()["errors"] == [{"line": 2, "kind": "mykey-unknown"}, {"line": 3, "kind": "my-number"}]
    assert "K7QM3V9TXW" not in response.text


async def test_a_file_is_taken_back_over_http(counter: Counter, card: Card) -> None:
    """What is left is taken, and said by line."""
    await counter.register(card, LIBRARY)
    file = b"who,programme,points,reason\nlibrary:0042,252034,500,visit\nlibrary:0042,252034,20,visit\n"
    await upload(counter, file)
    await counter.send(counter.till.sale(card, 1_200, redeem=321))
    look = (await upload(counter, file, "?dry_run=true", "reversals")).json()
    assert (look["points"], look["done"], look["lines"]) == (520, False, [])
    back = (await upload(counter, file, where="reversals")).json()
    assert [(each["line"], each["taken"], each["short"]) for each in back["lines"]] == [(2, 199, 301), (3, 0, 20)]
    assert (await upload(counter, file, where="reversals")).json()["unpaid"] == 2
    (found,) = (await ask(counter, "GET", "/totals")).json()
    assert (found["issued"], found["held"], found["claimed"]) == (321, 0, 321)


async def test_a_second_person_approves_over_http(counter: Counter, card: Card) -> None:
    """Nobody approves what they asked for themselves, and no token that awards approves."""
    await counter.register(card, LIBRARY)
    programme = counter.ledger.registry.programmes(["252034"])[-1]
    careful = programme.model_copy(update={"version": programme.version + 1, "approval_above": 400})
    counter.ledger.registry.add_programmes([careful])
    file = b"who,programme,points,reason\nlibrary:0042,252034,500,visit\n"
    held = (await upload(counter, file)).json()
    assert held["done"] is False
    path = f"/awards/waiting/{held['waits_as']}"
    today = counter.ledger.today()
    own, second = (
        counter.ledger.office.new_token(Officer("252034", who, frozenset(scopes)), today)
        for who, scopes in ((DESK.who, [Scope.READ]), ("課長", [Scope.APPROVE]))
    )
    assert (await ask(counter, "POST", f"{path}/approval")).json()["code"] == "scope_wrong"
    assert [each["file"] for each in (await ask(counter, "GET", "/awards/waiting")).json()] == [held["waits_as"]]
    assert (await ask(counter, "POST", f"{path}/approval", token=second)).json()["points"] == 500
    again = await ask(counter, "DELETE", path, token=second)
    assert (again.status_code, again.json()["code"]) == (404, "award_file_unknown")
    assert (await ask(counter, "GET", "/totals", token=own)).json()[0]["issued"] == 500


async def test_nobody_approves_their_own_file(counter: Counter, card: Card) -> None:
    """Whatever tokens they may have had one after the other."""
    await counter.register(card, LIBRARY)
    asked = plan(counter.ledger, "252034", BytesIO(b"who,programme,points,reason\nlibrary:0042,252034,500,visit\n"))
    same = Officer("252034", DESK.who, frozenset([Scope.APPROVE]))
    file = approvals.hold(counter.ledger, asked, DESK, ApprovalNeeded("252034", 500, 400))
    with pytest.raises(approvals.ApprovalError) as refused:
        approvals.approve(counter.ledger, same, file)
    assert refused.value.code == "approval_own"


async def test_a_file_that_waited_too_long_is_given_to_nobody(counter: Counter, card: Card) -> None:
    """Whom it named is gone with its month's key; nobody can say any more who gets what."""
    await counter.register(card, LIBRARY)
    asked = plan(counter.ledger, "252034", BytesIO(b"who,programme,points,reason\nlibrary:0042,252034,500,visit\n"))
    file = approvals.hold(counter.ledger, asked, DESK, ApprovalNeeded("252034", 500, 400))
    counter.ledger.periods.destroy("2026-11")
    with pytest.raises(approvals.ApprovalError) as refused:
        approvals.approve(counter.ledger, Officer("252034", "課長", frozenset([Scope.APPROVE])), file)
    assert refused.value.code == "award_file_late"


SCOPES = {
    Scope.READ: [("GET", "/totals"), ("GET", "/awards/waiting")],
    Scope.AWARD: [("POST", "/awards"), ("POST", "/reversals")],
    Scope.APPROVE: [("POST", "/awards/waiting/00000000/approval"), ("DELETE", "/awards/waiting/00000000")],
    Scope.OPERATE: [("PUT", f"/shops/{SHOP}"), ("POST", "/stops"), ("POST", "/renewal-codes")],
    Scope.TOKENS: [("POST", "/tokens"), ("DELETE", "/tokens/x")],
}


@pytest.mark.parametrize("scope", Scope)
async def test_a_token_opens_what_it_is_for_and_nothing_else(counter: Counter, scope: Scope) -> None:
    """Every other door says that it takes another scope."""
    token = counter.ledger.office.new_token(Officer("252034", "x", frozenset([scope])), counter.ledger.today())
    for each, doors in SCOPES.items():
        for method, path in doors:
            answer = await ask(counter, method, path, {"x": 1}, token)
            assert ("scope_wrong" in answer.text) is (each is not scope), (method, path, answer.text)


async def test_tokens_are_given_out_over_http(counter: Counter) -> None:
    """To a named person, for some scopes, and not to oneself for another's work."""
    issuer = Officer("252034", "長", frozenset([Scope.TOKENS]))
    token = counter.ledger.office.new_token(issuer, counter.ledger.today())
    given = await ask(counter, "POST", "/tokens", {"who": "係員", "scopes": ["award"], "days": 30}, token)
    officer = counter.ledger.office.officer(given.json()["code"], counter.ledger.today())
    assert officer == Officer("252034", "係員", frozenset([Scope.AWARD]))
    for who, scopes in (("係員", ["approve"]), ("長", ["approve"]), ("別人", ["award", "tokens"])):
        refused = await ask(counter, "POST", "/tokens", {"who": who, "scopes": scopes}, token)
        assert refused.json()["code"] == "scopes_apart"
    assert (await ask(counter, "DELETE", "/tokens/係員", token=token)).json() == {"tokens": 1}


async def test_a_withdrawn_terminal_is_refused_at_once(counter: Counter) -> None:
    """It was stolen: the next request is not the shop's any more."""
    assert (await ask(counter, "DELETE", f"/terminals/{counter.till.setup.terminal_id}")).is_success
    with pytest.raises(LedgerRefusal) as refused:
        await counter.client.setup()
    assert refused.value.problem.code == "terminal_withdrawn"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("DELETE", "/terminals/131164-0001-01", "office_mismatch"),
        ("DELETE", "/terminals/252034-0001-99", "terminal_unknown"),
        ("GET", "/shops/131164-0001/claims?since=2026-11-01&until=2026-11-30", "office_mismatch"),
        ("GET", f"/shops/{SHOP}/claims?since=yesterday&until=2026-11-30", "request_malformed"),
        ("PUT", "/shops/131164-0001", "office_mismatch"),
        ("POST", "/shops/131164-0001/enrolment-codes", "office_mismatch"),
        ("POST", "/shops/252034-0099/enrolment-codes", "shop_unknown"),
    ],
)
async def test_an_office_keeps_to_its_own_shops(counter: Counter, method: str, path: str, code: str) -> None:
    """Another municipality's shop, or one that is not there, is refused."""
    assert (await ask(counter, method, path, {"name": "x"})).json()["code"] == code


async def test_a_token_is_not_kept(counter: Counter) -> None:
    """Whoever reads the database cannot act with what stands there."""
    token = counter.ledger.office.new_token(DESK, counter.ledger.today())
    with counter.ledger.stores[1].connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM office_token").all()
    assert token.partition("-")[2] not in str(rows)
    assert (await ask(counter, "PUT", f"/shops/{SHOP}", {"name": "x"}, token)).is_success


async def test_a_token_ends_by_itself_or_is_withdrawn(counter: Counter) -> None:
    """On the day after its last one it opens nothing; one that was withdrawn opens nothing at once."""
    office, today = counter.ledger.office, counter.ledger.today()
    short, long = (office.new_token(DESK, today + timedelta(days=days)) for days in (0, 30))
    assert (await ask(counter, "PUT", f"/shops/{SHOP}", {"name": "x"}, short)).is_success
    counter.till.clock.now += timedelta(days=1)
    assert (await ask(counter, "PUT", f"/shops/{SHOP}", {"name": "x"}, short)).status_code == 401
    assert (await ask(counter, "PUT", f"/shops/{SHOP}", {"name": "x"}, long)).is_success
    assert office.withdraw_tokens(DESK) == 2
    assert (await ask(counter, "PUT", f"/shops/{SHOP}", {"name": "x"}, long)).status_code == 401


async def test_an_office_is_told_to_wait(counter: Counter) -> None:
    """A script that runs wild does not keep the terminals from the ledger."""
    counter.ledger.office_rate._per_minute = 1
    token = counter.ledger.office.new_token(DESK, counter.ledger.today())
    answers = [await ask(counter, "PUT", f"/shops/{SHOP}", {"name": "x"}, token) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert answers[1].headers["Retry-After"]


async def test_the_audit_names_nobody_once_the_month_is_shredded(counter: Counter, card: Card) -> None:
    """Whom an act concerned lies under the key of its month, as with an operation."""
    await counter.register(card, LIBRARY)
    await ask(counter, "POST", "/stops", CALLER)
    mykey = counter.ledger.identity.find_mykey(LIBRARY, DESK.municipality)
    with counter.ledger.books.connect() as connection:
        assert str(mykey) not in str(connection.exec_driver_sql("SELECT * FROM audit").all())
    counter.ledger.periods.shred("2026-12")
    assert acts(counter) == [("窓口", "stop", {"state": "asked"}), ("窓口", "stop", {"state": "done"})]
