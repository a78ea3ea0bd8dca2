"""Drafts by themselves: what is asked for, of whose points, at which versions, and when the card must sign."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.wire.operations import Award, CardSigned, Convert, Leg, Release, Reserve, TapOnly
from ledger.wire.rules import Offline, Programme, Rate
from terminal.counter import Counter, pricing, step
from terminal.counter.events import Asked, CardRead, Task
from terminal.counter.facts import ConvertIntent, Draft, Exchange, Fault, ReserveIntent, Terms, Undoable
from terminal.counter.states import Idle, Reading, Refused
from tests.terminal.counters import MUNICIPALITY, OTHER, STREET, TERMS, held, resident
from tests.terminal.screens.scenes import AWARD, ITEM

RATE = Rate(to=STREET, take=100, give=110, since=date(2026, 11, 1), until=date(2026, 11, 30))
EXCHANGE = Exchange(MUNICIPALITY, RATE)
RICH = resident(held(OTHER, 9_000), held(MUNICIPALITY, 900))


def ruled(code: str, **rules: Any) -> Terms:
    """Return the shop's terms with one programme under other rules."""
    programmes = dict(TERMS.programmes)
    programmes[code] = programmes[code].model_copy(update=rules)
    return replace(TERMS, programmes=programmes)


@pytest.mark.parametrize(
    ("terms", "taken", "signed"),
    [
        (TERMS, 400, False),
        (TERMS, 500, False),
        (TERMS, 600, True),
        (TERMS, 900, True),
        (ruled(MUNICIPALITY, redeeming=None), 100, True),
    ],
)
def test_an_exchange_is_asked_for_at_its_rate(terms: Terms, taken: int, *, signed: bool) -> None:
    """Beyond what the tap may move, the card signs."""
    draft = pricing.convert(ConvertIntent(EXCHANGE, taken), RICH, ruled(STREET, version=7) if terms is TERMS else terms)
    assert draft == Draft(
        Convert(
            kind="convert",
            municipality=MUNICIPALITY,
            resident="",
            take=Leg(programme=MUNICIPALITY, points=taken),
            give=Leg(programme=STREET, points=taken * 11 // 10),
            rules={MUNICIPALITY: 1, STREET: 7 if terms is TERMS else 1},
            assurance=CardSigned(method="pin") if signed else TapOnly(method="tap"),
        )
    )


@pytest.mark.parametrize(
    ("who", "taken"),
    [(RICH, 1_000), (RICH, 150), (resident(), 100), (resident(held(STREET, 900)), 100)],
    ids=["more than there are", "a rest", "nobody's", "another programme's"],
)
def test_an_exchange_that_cannot_be_is_not_asked_for(who: Any, taken: int) -> None:
    """Nothing is written of it."""
    with pytest.raises(ValueError, match=f"{taken} points of {MUNICIPALITY}"):
        pricing.convert(ConvertIntent(EXCHANGE, taken), who, TERMS)


@pytest.mark.parametrize(
    ("on", "municipality", "found"),
    [
        (date(2026, 10, 31), MUNICIPALITY, ()),
        (date(2026, 11, 1), MUNICIPALITY, (EXCHANGE,)),
        (date(2026, 11, 30), MUNICIPALITY, (EXCHANGE,)),
        (date(2026, 12, 1), MUNICIPALITY, ()),
        (date(2026, 11, 1), OTHER, ()),
    ],
)
def test_rates_are_offered_on_their_days(on: date, municipality: str, found: tuple[Exchange, ...]) -> None:
    """In their own town, and between programmes that the shop works with."""
    programmes = ruled(MUNICIPALITY, convert=(RATE,)).programmes
    assert pricing.exchanges(programmes, municipality, on) == found
    alone = {code: each for code, each in programmes.items() if code != STREET}
    assert pricing.exchanges(alone, municipality, on) == ()


BOTH = ruled(STREET, offline=Offline(redeem=True))
"""Terms of a shop at which the points of both programmes of the town may be redeemed without a line."""


@pytest.mark.parametrize(
    ("terms", "balances", "points", "legs"),
    [
        (TERMS, (held(MUNICIPALITY, 900),), 900, {MUNICIPALITY: 900}),
        (BOTH, (held(STREET, 50), held(MUNICIPALITY, 900)), 900, {MUNICIPALITY: 900}),
        (BOTH, (held(STREET, 50), held(MUNICIPALITY, 900)), 901, {MUNICIPALITY: 900, STREET: 1}),
        (BOTH, (held(STREET, 50),), 50, {STREET: 50}),
        (TERMS, (held(MUNICIPALITY, 900),), 901, None),
        (TERMS, (held(STREET, 900),), 1, None),
        (TERMS, (held(OTHER, 900),), 1, None),
        (ruled(MUNICIPALITY, redeeming=None), (held(MUNICIPALITY, 900),), 1, None),
    ],
)
def test_points_are_set_aside_in_the_order_of_a_bill(
    terms: Terms, balances: Any, points: int, legs: dict[str, int] | None
) -> None:
    """Those of the shop's town alone that may be redeemed here without a line; the card signs."""
    if legs is None:
        with pytest.raises(ValueError, match=f"{points} points"):
            pricing.reserve(ReserveIntent(points), resident(*balances), terms)
        return
    assert pricing.reserve(ReserveIntent(points), resident(*balances), terms) == Draft(
        Reserve(
            kind="reserve",
            municipality=MUNICIPALITY,
            resident="",
            points=[Leg(programme=code, points=each) for code, each in legs.items()],
            rules=dict.fromkeys(legs, 1),
            assurance=CardSigned(method="pin"),
        )
    )


def test_what_could_be_set_aside_is_what_may_be_redeemed_without_a_line() -> None:
    """Of the shop's own town."""
    balances = (held(MUNICIPALITY, 900), held(STREET, 50), held(OTHER, 7))
    assert pricing.reservable(balances, TERMS) == 900
    assert pricing.reservable(balances, BOTH) == 950
    assert pricing.reservable((), BOTH) == 0
    assert [each.code for each in pricing.may_be_reserved(BOTH)] == [MUNICIPALITY, STREET]


def test_what_was_set_aside_is_given_back_by_the_tap() -> None:
    """Whatever is left of it."""
    tap = TapOnly(method="tap")
    assert pricing.release(TERMS) == Draft(
        Release(kind="release", municipality=MUNICIPALITY, resident="", assurance=tap)
    )


def test_programmes_say_what_may_queue() -> None:
    """Each for itself."""
    every: dict[str, Programme] = dict(TERMS.programmes)
    assert {code: pricing.may_queue(code, TERMS) for code in every} == {MUNICIPALITY: True, STREET: False, OTHER: True}


NOWHERE = ruled(MUNICIPALITY, offline=Offline(redeem=False))
"""Terms of a shop at which nothing may be redeemed without a line."""


@pytest.mark.parametrize("asked", [Asked(Task.RESERVE), Asked(Task.RELEASE)], ids=lambda event: str(event.task))
def test_nothing_is_set_aside_where_nothing_is_redeemed_without_a_line(asked: Asked) -> None:
    """It is said before a card is asked for; where the rules changed meanwhile, after it was read."""
    after, effects = step(Counter(Idle(), terms=NOWHERE), asked)
    assert (after.state, effects) == (Idle(notice=Fault("offline_not_allowed")), ())
    intent = ReserveIntent(500)
    refused, _ = step(Counter(Reading(intent), terms=NOWHERE), CardRead(0, RICH))
    assert refused.state == Refused(Fault("offline_not_allowed"), intent)


def test_only_a_sale_gives_money_back() -> None:
    """An award has no bill."""
    assert isinstance(AWARD.content, Award)
    assert Undoable("252034-0001-01-000001", "2026-11-23T14:05:00+09:00", AWARD.content).gives_back() == 0
    assert ITEM.gives_back() == 380
