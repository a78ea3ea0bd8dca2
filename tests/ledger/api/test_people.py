"""Residents of two towns: whose office may do what, which shops link and see a number, and what every town is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.trust import Anchors
from ledger.api import people
from ledger.api.audit import Audit
from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.embedded import assemble
from ledger.identity.errors import IdentityRefusal
from ledger.place import Place
from ledger.wire.answers import Standing
from ledger.wire.tokens import CardReference, ServiceId
from tests.ledger.api.conftest import SHOP
from tests.ledger.api.world import Clock
from tests.ledger.points.conftest import city

HOME, OTHER, THIRD = "252034", "131164", "141003"
CARD = CardReference(issuer_sha256="ab" * 32, serial="1f3a9c2")
LIBRARY = ServiceId(service="library", number="0042")


@pytest.fixture
def clock() -> Clock:
    """Return the ledger's clock."""
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """Yield a ledger of three towns."""
    made = assemble(Place(tmp_path / "ledger"), Anchors(), clock)
    made.registry.add_programmes([_programme(municipality) for municipality in (HOME, OTHER, THIRD)])
    yield made
    made.close()


@pytest.fixture
def mykey(ledger: Ledger) -> str:
    """Return a resident whom one town registered, with points of that and of another."""
    found = ledger.identity.register(CARD, b"key", [LIBRARY], ledger.today(), municipality=HOME)
    for municipality in (HOME, OTHER):
        ledger.points.deposit(found, _programme(municipality), date(2028, 3, 31), 100)
    return found


def _programme(municipality: str) -> Any:
    return city().model_copy(update={"code": municipality, "convert": ()})


def refusal(code: str) -> pytest.RaisesExc[IdentityRefusal]:
    """Expect a refusal with a code."""
    return pytest.raises(IdentityRefusal, match=f"^{code}$")


def standing(ledger: Ledger) -> Standing:
    """Return how the card stands."""
    return ledger.identity.look_up([CARD])[CARD].standing


def test_a_number_is_nobodys_in_another_town(ledger: Ledger, mykey: str) -> None:
    """Neither as it is nor with the other town's name before it; a contact number and a MyKey ID are everywhere."""
    elsewhere = LIBRARY.model_copy(update={"municipality": HOME})
    assert people.find_resident(ledger, HOME, LIBRARY) == people.find_resident(ledger, HOME, elsewhere) == mykey
    for number in (LIBRARY, elsewhere):
        with refusal("mykey_unknown"):
            people.find_resident(ledger, OTHER, number)
    assert people.find_resident(ledger, OTHER, ledger.identity.contact_number(mykey)) == mykey


def test_another_town_suspends_its_own_points_alone(ledger: Ledger, mykey: str) -> None:
    """The card stays good; a town whose points nobody holds suspends nothing."""
    assert people.stop(ledger, OTHER, mykey) is False
    assert standing(ledger) is Standing.ACTIVE
    held = {each.programme for each in ledger.points.balances(mykey, f"{OTHER}-0001", ledger.today())}
    assert held == set()
    assert {each.programme for each in ledger.points.balances(mykey, SHOP, ledger.today())} == {HOME}
    assert people.resume(ledger, OTHER, mykey) is False
    assert {each.programme for each in ledger.points.balances(mykey, f"{OTHER}-0001", ledger.today())} == {OTHER}
    for act in (people.stop, people.resume):
        with refusal("person_elsewhere"):
            act(ledger, THIRD, mykey)
    assert people.stop(ledger, HOME, mykey) is True
    assert standing(ledger) is Standing.SUSPENDED


def test_another_town_renews_with_two_persons_a_day_apart(ledger: Ledger, mykey: str, clock: Clock) -> None:
    """The town that registered gets a code at once; nobody else alone, and not on the same day."""
    assert people.renewal_code(ledger, Officer(HOME, "a"), mykey)
    one, two = Officer(OTHER, "一人目"), Officer(OTHER, "二人目")
    for officer, code in ((one, "renewal_asked"), (one, "approval_own"), (two, "renewal_waits")):
        with refusal(code):
            people.renewal_code(ledger, officer, mykey)
    clock.now += timedelta(days=1)
    with refusal("approval_own"):
        people.renewal_code(ledger, one, mykey)
    assert people.renewal_code(ledger, two, mykey)
    with refusal("renewal_asked"):
        people.renewal_code(ledger, two, mykey)
    with refusal("person_elsewhere"):
        people.renewal_code(ledger, Officer(THIRD, "x"), mykey)
    since = ledger.today() - timedelta(days=7)
    seen = {town: sum(each.times for each in ledger.events.since(town, since)) for town in (HOME, OTHER, THIRD)}
    assert seen == {HOME: 6, OTHER: 6, THIRD: 0}
    assert {(each.kind, each.about) for each in ledger.events.since(HOME, since)} == {("renewal", OTHER)}


def acts(ledger: Ledger, municipality: str) -> list[tuple[str, str, str]]:
    """Return who did what in a town's audit, and how far it came."""
    return [(act.who, act.action, json.loads(act.detail)["state"]) for act in ledger.audit.acts(municipality)]


def test_every_town_concerned_is_told_before_and_after(ledger: Ledger, mykey: str) -> None:
    """What was refused too; a town that it does not concern hears nothing."""
    officer, municipalities = Officer(OTHER, "窓口"), people.concerned(ledger, mykey)
    with (
        refusal("renewal_asked"),
        ledger.audit.act(officer, "renewal_code", {}, ledger.clock(), mykey, municipalities),
    ):
        people.renewal_code(ledger, officer, mykey)
    assert acts(ledger, OTHER) == [("窓口", "renewal_code", each) for each in ("asked", "renewal_asked")]
    assert acts(ledger, HOME) == [(f"{OTHER}: 窓口", "renewal_code", each) for each in ("asked", "renewal_asked")]
    assert acts(ledger, THIRD) == []


def test_what_could_not_be_told_is_told_later(ledger: Ledger, mykey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process died before the other town's audit was written; telling it again changes nothing."""

    def dies(*_: object) -> None:
        raise OSError("the line is down")

    with monkeypatch.context() as broken:
        broken.setattr(Audit, "_tell", dies)
        with (
            pytest.raises(OSError, match="down"),
            ledger.audit.act(Officer(OTHER, "窓口"), "stop", {}, ledger.clock(), mykey, [HOME]),
        ):
            raise AssertionError("the act itself is not reached")
    assert (acts(ledger, OTHER), acts(ledger, HOME)) == ([("窓口", "stop", "asked")], [])
    assert [ledger.audit.deliver(OTHER) for _ in range(2)] == [1, 0]
    assert acts(ledger, HOME) == [(f"{OTHER}: 窓口", "stop", "asked")]
