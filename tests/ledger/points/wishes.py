"""What people at the counter may want, generated, and the contents of the operations that ask for it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hypothesis import strategies as st

from ledger.wire.operations import Award, Convert, Leg, Return, Sale, TapOnly, Void
from tests.ledger.points.model import YEN_PER_POINT
from tests.ledger.points.scenes import CITY, STREET

TAP = TapOnly(method="tap")
RULES = {CITY: 1, STREET: 1}
RESIDENT = "AAAA"
"""Who it is was settled before the points store is asked; the sealed reference is not looked at."""

Kind = Literal["sale", "award", "convert", "void", "void_elsewhere", "void_unseen", "return", "again"]
OFTEN: tuple[Kind, ...] = ("sale", "sale", "sale", "return", "return", "void")
SELDOM: tuple[Kind, ...] = ("award", "convert", "void_elsewhere", "void_unseen", "again")


class Wish(NamedTuple):
    """What somebody wants done: with `city` and `street` fifths of what they have, for so many yen.

    `pick` counts back to the operation that it is about, of those asked for so far.
    """

    kind: Kind
    who: int
    shop: int
    yen: int
    city: int
    street: int
    pick: int


WISHES = st.builds(
    Wish,
    kind=st.sampled_from(OFTEN * 2 + SELDOM),
    who=st.integers(0, 1),
    shop=st.integers(0, 1),
    yen=st.integers(1, 100) | st.integers(101, 6_000),
    city=st.sampled_from((0, 0, 0, 2, 5, 6)),
    street=st.sampled_from((0, 0, 2, 5, 5, 6)),
    pick=st.integers(0, 7),
)
UPLOADS = st.lists(WISHES, min_size=1, max_size=6)


def sale(bill: int, city: int, street: int) -> Sale:
    """Return a sale that redeems up to so many points of each programme, with the awards that the rules give."""
    city = min(bill, city)
    street = min(bill - city, street)
    due = bill - city - street
    return Sale(
        kind="sale",
        municipality=CITY,
        resident=RESIDENT,
        bill=bill,
        redeem=_legs({CITY: city, STREET: street}),
        award=_legs({code: due // yen for code, yen in YEN_PER_POINT.items()}),
        amount_due=due,
        rules=RULES,
        assurance=TAP,
    )


def award(points: int) -> Award:
    """Return an award of the city's points."""
    legs = _legs({CITY: points})
    return Award(
        kind="award",
        municipality=CITY,
        resident=RESIDENT,
        award=legs,
        reason="visit",
        rules=RULES,
        assurance=TAP,
    )


def convert(tens: int) -> Convert:
    """Return the conversion of so many times ten of the city's points into the street's."""
    return Convert(
        kind="convert",
        municipality=CITY,
        resident=RESIDENT,
        take=Leg(programme=CITY, points=10 * tens),
        give=Leg(programme=STREET, points=11 * tens),
        rules=RULES,
        assurance=TAP,
    )


def void(target: str) -> Void:
    """Return the voiding of an operation."""
    return Void(kind="void", municipality=CITY, target=target)


def give_back(target: str, bill: int) -> Return:
    """Return the return of `bill` yen of a sale."""
    return Return(kind="return", municipality=CITY, target=target, bill=bill)


def _legs(points: dict[str, int]) -> list[Leg]:
    return [Leg(programme=code, points=each) for code, each in points.items() if each]
