"""How much of what a shop redeems in a day comes from its busiest few cards: what a till that milks cards looks like.

A row for each shop and day lies sealed under the day's key, among the counts, and knows cards by a hash under that key.
Of many cards the small ones are forgotten (Misra and Gries, 1982), so that a row stays short; what it says of the five
busiest is then too little, and never too much.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, select

from ledger.database import reading
from ledger.points.bulk import has_arrays, is_one_of, put
from ledger.points.operations import Account, Posting
from ledger.points.periods import PeriodKeys
from ledger.points.schema import counters

BUSIEST: Final = 5
"""Of how many cards the share is told."""

CONSPICUOUS: Final = 80
"""The share in per cent from which on the office is told by an event."""

MANY_POINTS: Final = 50_000
"""What a shop must have redeemed on the day for that: below it, a few customers are no wonder."""

_CARDS: Final = 64
_PADDED: Final = 2_048
"""Bytes to which a row's plain text is filled up: its length tells nothing of how many cards there were."""


@dataclass(slots=True)
class ShopDay:
    """What a shop redeemed on a day: points in all, those of its busiest cards, and whether the office was told."""

    points: int = 0
    cards: dict[str, int] = field(default_factory=dict)
    told: bool = False

    @property
    def share(self) -> int:
        """The share of the busiest cards, in per cent."""
        busiest = sorted(self.cards.values(), reverse=True)[:BUSIEST]
        return 0 if self.points <= 0 else min(100, 100 * sum(busiest) // self.points)

    @property
    def is_conspicuous(self) -> bool:
        """Whether the office should look at it."""
        return self.points >= MANY_POINTS and self.share >= CONSPICUOUS

    def add(self, card: str, points: int) -> None:
        """Count points that a card redeemed, or (negative) got back."""
        self.points = max(0, self.points + points)
        self.cards[card] = max(0, self.cards.get(card, 0) + points)
        if len(self.cards) > _CARDS:
            least = min(self.cards.values())
            self.cards = {each: held - least for each, held in self.cards.items() if held > least}

    def to_json(self) -> bytes:
        """Return the bytes that are sealed."""
        return json.dumps([self.points, self.cards, self.told], separators=(",", ":")).encode().ljust(_PADDED)

    @classmethod
    def from_json(cls, plain: bytes) -> ShopDay:
        """Return what `to_json` wrote."""
        return cls(*json.loads(plain))


@dataclass(slots=True)
class Concentrations:
    """The shops and days of one batch."""

    connection: Connection
    municipality: str
    keys: PeriodKeys
    added: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, postings: Iterable[Posting], shop: str, day: str, mykey: str | None) -> None:
        """Count what one operation redeemed at a shop."""
        points = sum(each.points for each in postings if each.account is Account.CLAIM)
        if points and mykey is not None:
            self.added[shop, day][self.keys.finder(day, f"{shop} {mykey}".encode())[:12]] += points

    def write(self) -> list[str]:
        """Bring the counts into the rows, and return the shops that are conspicuous since now."""
        conspicuous, rows = [], []
        for (shop, day), cards in sorted(self.added.items()):
            finder = _finder(self.keys, self.municipality, shop, day)
            found = _rows(self.connection, self.municipality, [finder]).get(finder)
            plain = None if found is None else self.keys.open_in(day, finder, found)
            there = ShopDay() if plain is None else ShopDay.from_json(plain)
            for card, points in cards.items():
                there.add(card, points)
            if there.is_conspicuous and not there.told:
                there.told = True
                conspicuous.append(shop)
            rows.append((finder, day, self.keys.seal_in(day, finder, there.to_json())))
        put(self.connection, counters, self.municipality, rows)
        return conspicuous


@dataclass(frozen=True, slots=True)
class Concentration:
    """What a shop redeemed of a municipality's points on a day, and the share of its five busiest cards in per cent."""

    day: str
    shop: str
    points: int
    share: int


def concentrations(
    engine: Engine, keys: PeriodKeys, municipality: str, shops: Collection[str], days: Collection[str]
) -> list[Concentration]:
    """Return the shares of some shops, largest first; of a day whose key was destroyed nothing is known any more."""
    there = keys.in_use()
    asked = [(shop, day) for day in sorted(days) if day in there for shop in sorted(shops)]

    def read() -> list[Concentration]:
        places = {_finder(keys, municipality, shop, day): (shop, day) for shop, day in asked}
        with reading(engine) as connection:
            rows = _rows(connection, municipality, list(places))
        return list(_opened(keys, rows, places))

    return sorted(keys.supplied(read), key=lambda each: (each.day, -each.share, each.shop))


def _opened(
    keys: PeriodKeys, rows: Mapping[str, bytes], places: Mapping[str, tuple[str, str]]
) -> Iterable[Concentration]:
    for finder, sealed in rows.items():
        shop, day = places[finder]
        if (plain := keys.open_in(day, finder, sealed)) is not None:
            found = ShopDay.from_json(plain)
            yield Concentration(day, shop, found.points, found.share)


def _finder(keys: PeriodKeys, municipality: str, shop: str, day: str) -> str:
    return keys.finder(day, f"{municipality} shop {shop}".encode())


def _rows(connection: Connection, municipality: str, finders: list[str]) -> dict[str, bytes]:
    query: Any = select(counters.c.finder, counters.c.sealed).where(
        counters.c.municipality == bindparam("municipality"),
        is_one_of(counters.c.finder, "finders", arrays=has_arrays(connection)),
    )
    found: dict[str, bytes] = {}
    for start in range(0, len(finders), _PART):
        named = {"municipality": municipality, "finders": finders[start : start + _PART]}
        found |= {row.finder: row.sealed for row in connection.execute(query, named)}
    return found


_PART: Final = 5_000
"""How many rows are asked for at once."""
