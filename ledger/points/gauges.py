"""How much terminals, shops and programmes have issued and redeemed today: what their ceilings leave.

A terminal's and a shop's count is one row, locked while a batch is decided, so that their ceilings are exact. A
programme's count lies in slices, so that shops do not wait for one another: a batch locks the slice of its shop and
reads the others as they are. Its ceiling may so be overrun by what batches in other slices grant at the same moment.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, Select, bindparam, func, select

from ledger.database import reading
from ledger.points.bulk import has_arrays, increase, is_one_of
from ledger.points.operations import Account, Posting
from ledger.points.schema import gauges
from ledger.wire.rules import Ceiling, Programme

SLICES: Final = 16
"""Among how many rows a programme's count is spread; so many batches less one may overrun its ceiling."""

ALWAYS: Final = "always"
"""Stands for the day of a budget, which is no day's."""

_ISSUED, _REDEEMED, _FLOOR = "issued", "redeemed", "floor"


class Gauge(NamedTuple):
    """One count: of a programme, for a terminal, a shop, or a slice of all, on a day."""

    programme: str
    scope: str
    about: str
    measure: str
    day: str


@dataclass(frozen=True, slots=True)
class Room:
    """What ceilings and budgets leave for one operation, by programme; what is not named has no ceiling.

    `day` is that of the ledger's clock, `rules` are the programmes in force on it: a card's ceilings are theirs,
    whatever day and version an operation states.
    """

    left: Mapping[tuple[str, str], int] = field(default_factory=dict)
    day: str = ""
    rules: Mapping[str, Programme] = field(default_factory=dict)

    def in_force(self, programme: Programme) -> Programme:
        """Return a programme at the version whose ceilings count."""
        return self.rules.get(programme.code, programme)

    def issued(self, programme: str) -> int:
        """Return the points that may still be issued."""
        return self.left.get((programme, _ISSUED), _ENDLESS)

    def redeemed(self, programme: str) -> int:
        """Return the points that may still be redeemed."""
        return self.left.get((programme, _REDEEMED), _ENDLESS)

    def floor(self, programme: str) -> int:
        """Return what the terminal may still redeem under the floor limit on the day that the operation counts on."""
        return self.left.get((programme, _FLOOR), 0)

    def budget(self, programme: str) -> int:
        """Return what is left of the programme's budget."""
        return self.left.get((programme, "budget"), _ENDLESS)


_ENDLESS: Final = 10**15
NO_CEILINGS: Final = Room()
"""For decisions in which no terminal takes part."""


@dataclass(slots=True)
class Gauges:
    """The counts that one batch of a municipality works with."""

    connection: Connection
    municipality: str
    counts: dict[Gauge, int] = field(default_factory=dict)
    others: dict[Gauge, int] = field(default_factory=dict)
    added: dict[Gauge, int] = field(default_factory=dict)

    def load(
        self, programmes: Iterable[str], places: Iterable[tuple[str, str]], floors: Iterable[tuple[str, str, str]] = ()
    ) -> None:
        """Lock and read what programmes count for terminals on days; `places` are pairs of terminal and day.

        `floors` are programme, terminal and day, each, of what may be redeemed under a floor limit.
        """
        counted = {gauge for code in programmes for place in places for gauge in _gauges(code, *place)}
        wanted = sorted(counted | {_floor_gauge(*each) for each in floors})
        if not wanted:
            return
        named = {"municipality": self.municipality, "keys": [_key(gauge) for gauge in wanted]}
        arrays = has_arrays(self.connection)
        # In the order of the keys, so that two batches lock common rows one way round and never wait for each other.
        there = {row.gauge: row.points for row in self.connection.execute(_locked(arrays=arrays), named)}
        self.counts = {gauge: there.get(_key(gauge), 0) for gauge in wanted}
        # The other slices are read without a lock: to lock them would let the shops of a town wait for one another.
        sums = {_sum_key(gauge) for gauge in wanted if gauge.scope in _SLICED}
        named = {"municipality": self.municipality, "keys": sorted(sums)}
        totals = {row.total: int(row.points) for row in self.connection.execute(_summed(arrays=arrays), named)}
        self.others = {
            gauge: totals.get(_sum_key(gauge), 0) - self.counts[gauge] for gauge in wanted if gauge.scope in _SLICED
        }

    def room(self, programmes: Iterable[Programme], terminal: str, day: str, counts_on: str = "") -> Room:
        """Return what is left for an operation of a terminal on a day; `counts_on` is the day of its floor limits."""
        left: dict[tuple[str, str], int] = {}
        rules = {programme.code: programme for programme in programmes}
        for programme in rules.values():
            for gauge in _gauges(programme.code, terminal, day):
                if gauge in self.counts:
                    kind = "budget" if gauge.scope == "budget" else gauge.measure
                    room = _ceiling(programme, gauge) - self.counts[gauge] - self.others.get(gauge, 0)
                    key = (programme.code, kind)
                    left[key] = max(0, min(left.get(key, _ENDLESS), room))
            gauge = _floor_gauge(programme.code, terminal, counts_on)
            if programme.offline.floor is not None and gauge in self.counts:
                left[programme.code, _FLOOR] = max(0, programme.offline.floor.per_terminal_day - self.counts[gauge])
        return Room(left, day, rules)

    def lend(self, floors: Iterable[tuple[str, int]], terminal: str, day: str) -> None:
        """Count what an operation redeemed under floor limits; a void gives no room back."""
        for programme, points in floors:
            gauge = _floor_gauge(programme, terminal, day)
            if gauge in self.counts:
                self.counts[gauge] += points
                self.added[gauge] = self.added.get(gauge, 0) + points

    def add(self, postings: Iterable[Posting], terminal: str, day: str) -> None:
        """Count what an operation issued and redeemed; what it takes back is given back, but for what is owed now."""
        moved: dict[tuple[str, str], int] = defaultdict(int)
        for posting in postings:
            match posting.account:
                case Account.CLAIM:
                    moved[posting.programme, _REDEEMED] += posting.points
                case Account.ISSUED:
                    moved[posting.programme, _ISSUED] -= posting.points
                case Account.OVERDRAFT if posting.points < 0:
                    # An award that was spent is not there to be taken back: its room stays used.
                    moved[posting.programme, _ISSUED] -= posting.points
        for (programme, measure), points in moved.items():
            for gauge in _gauges(programme, terminal, day):
                if gauge.measure == measure and gauge in self.counts:
                    # What was issued on an earlier day gives no room back today.
                    more = max(points, -self.counts[gauge])
                    self.counts[gauge] += more
                    self.added[gauge] = self.added.get(gauge, 0) + more

    def write(self) -> None:
        """Add to the rows what was counted: two that make a row at once lose neither's."""
        rows = [(_key(gauge), gauge.day, _sum_key(gauge), points) for gauge, points in sorted(self.added.items())]
        increase(self.connection, gauges, self.municipality, rows)


class Budget(NamedTuple):
    """What shops issued of a programme's budget so far."""

    programme: str
    budget: int
    issued: int

    @property
    def left(self) -> int:
        """What may still be issued."""
        return max(0, self.budget - self.issued)


def budgets(engine: Engine, municipality: str, programmes: Iterable[Programme]) -> list[Budget]:
    """Return how far the budgets of some programmes, each at one version, are used up."""
    keys = {_sum_key(Gauge(each.code, "budget", "", _ISSUED, ALWAYS)): each for each in programmes}
    with reading(engine) as connection:
        query = _summed(arrays=has_arrays(connection))
        found = connection.execute(query, {"municipality": municipality, "keys": sorted(keys)})
        issued = {row.total: int(row.points) for row in found}
    return [Budget(each.code, each.budget, issued.get(key, 0)) for key, each in sorted(keys.items())]


_SLICED: Final = frozenset({"programme", "budget"})


def _floor_gauge(programme: str, terminal: str, day: str) -> Gauge:
    return Gauge(programme, "terminal", terminal, _FLOOR, day)


def _gauges(programme: str, terminal: str, day: str) -> list[Gauge]:
    shop = terminal[:11]
    part = str(hashlib.sha256(shop.encode()).digest()[0] % SLICES)
    places = (("terminal", terminal), ("shop", shop), ("programme", part))
    each = [Gauge(programme, scope, about, measure, day) for scope, about in places for measure in (_ISSUED, _REDEEMED)]
    return [*each, Gauge(programme, "budget", part, _ISSUED, ALWAYS)]


def _ceiling(programme: Programme, gauge: Gauge) -> int:
    if gauge.scope == "budget":
        return programme.budget
    ceiling: Ceiling = getattr(programme.ceilings, gauge.scope)
    return ceiling.issued if gauge.measure == _ISSUED else ceiling.redeemed


def _key(gauge: Gauge) -> str:
    return " ".join(gauge)


def _sum_key(gauge: Gauge) -> str:
    return " ".join((gauge.programme, gauge.scope, gauge.measure, gauge.day)) if gauge.scope in _SLICED else ""


@lru_cache
def _locked(*, arrays: bool) -> Select[Any]:
    of_municipality = gauges.c.municipality == bindparam("municipality")
    wanted = is_one_of(gauges.c.gauge, "keys", arrays=arrays)
    return (
        select(gauges.c.gauge, gauges.c.points)
        .where(of_municipality, wanted)
        .order_by(gauges.c.gauge)
        .with_for_update()
    )


@lru_cache
def _summed(*, arrays: bool) -> Select[Any]:
    of_municipality = gauges.c.municipality == bindparam("municipality")
    wanted = is_one_of(gauges.c.total, "keys", arrays=arrays)
    points = func.sum(gauges.c.points).label("points")
    return select(gauges.c.total, points).where(of_municipality, wanted).group_by(gauges.c.total)
