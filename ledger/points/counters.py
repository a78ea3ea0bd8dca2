"""What is counted of a person, towards limits and ceilings: a sealed row for each person and period.

A row is found by a hash keyed with its period's key, and lies under that key: a day's, a month's, or the lasting one
for what holds for a fiscal year, for life, or since the last PIN. Once a period's key is destroyed nobody finds the
row, or could read it. All are filled up alike, so that neither number nor length of what is counted shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, bindparam, delete, select

from ledger.database import reading, repeated, with_row_locks
from ledger.points.bulk import drop, has_arrays, is_one_of, put
from ledger.points.periods import LASTING, PeriodKeys
from ledger.points.schema import counters, programmes, usage
from ledger.points.wallet import CountKey, LimitCounter, Wallet

_PADDED: Final = 256
"""Bytes to whose multiple a row's plain text is filled up."""

Held = dict[CountKey, int]


def bucket_of(use: CountKey) -> str:
    """Return the period under whose key a count lies: a day, a month, or `LASTING`."""
    dated = use.counter != LimitCounter.USES and use.period[:1].isdigit()
    return use.period if dated else LASTING


@dataclass(frozen=True, slots=True)
class Counters:
    """The counts of some periods: those of the days and months that are decided on, and what lasts."""

    keys: PeriodKeys
    periods: frozenset[str]

    @classmethod
    def of(cls, keys: PeriodKeys, days: Iterable[str], others: Iterable[str] = ()) -> Counters:
        """Return the counters for some business days, with their months, and for other periods."""
        every = {LASTING, *others}
        for day in days:
            every |= {day, day[:7]}
        return cls(keys, frozenset(every))

    def read(self, connection: Connection, municipality: str, people: Iterable[str]) -> dict[str, Held]:
        """Return what is counted of each person."""
        rows = {
            self._finder(municipality, mykey, period): (mykey, period) for mykey in people for period in self.periods
        }
        found: dict[str, Held] = {}
        named = {"municipality": municipality, "finders": list(rows)}
        for finder, sealed in connection.execute(_by_finder(arrays=has_arrays(connection)), named) if rows else ():
            mykey, period = rows[finder]
            plain = self.keys.open_in(period, finder, sealed)
            if plain is not None:
                found.setdefault(mykey, {}).update(_uses(plain))
        return found

    def write(
        self, connection: Connection, municipality: str, before: Mapping[str, Wallet], after: Mapping[str, Wallet]
    ) -> None:
        """Write the rows that changed, and delete those that came to nothing."""
        there: list[tuple[Any, ...]] = []
        gone: list[tuple[str]] = []
        for mykey in sorted(after):
            if after[mykey].uses is before[mykey].uses:
                continue
            old, new = _by_period(before[mykey].uses), _by_period(after[mykey].uses)
            for period in sorted(period for period in old.keys() | new.keys() if old.get(period) != new.get(period)):
                finder = self._finder(municipality, mykey, period)
                if period in new:
                    there.append((finder, period, self.keys.seal_in(period, finder, _plain(new[period]))))
                else:
                    gone.append((finder,))
        put(connection, counters, municipality, there)
        drop(connection, counters, municipality, gone)

    def municipalities_of(self, connection: Connection, municipalities: Iterable[str], mykey: str) -> set[str]:
        """Return those municipalities for which something is counted of a person that lasts."""
        finders = {self._finder(each, mykey, LASTING): each for each in municipalities}
        query = select(counters.c.municipality).where(
            counters.c.municipality.in_(list(finders.values())), counters.c.finder.in_(list(finders))
        )
        return set(connection.scalars(query))

    def _finder(self, municipality: str, mykey: str, period: str) -> str:
        # Keyed with the period's key, like the row: when that is destroyed, nothing leads from a person to the row.
        return self.keys.finder(period, f"{municipality} {mykey}".encode())


def _by_period(uses: Mapping[CountKey, int]) -> dict[str, Held]:
    parts: dict[str, Held] = {}
    for use, points in uses.items():
        parts.setdefault(bucket_of(use), {})[use] = points
    return parts


def _plain(uses: Held) -> bytes:
    plain = json.dumps([[*use, points] for use, points in sorted(uses.items())], separators=(",", ":")).encode()
    # The length of a sealed row would say how many programmes somebody used in the period.
    return plain.ljust(-(-len(plain) // _PADDED) * _PADDED)


def _uses(plain: bytes) -> Held:
    return {CountKey(programme, counter, period): points for programme, counter, period, points in json.loads(plain)}


@lru_cache
def _by_finder(*, arrays: bool) -> Select[Any]:
    of_municipality = counters.c.municipality == bindparam("municipality")
    wanted = is_one_of(counters.c.finder, "finders", arrays=arrays)
    return select(counters.c.finder, counters.c.sealed).where(of_municipality, wanted)


def seal_counts_of_0_1_0(engine: Engine, keys: PeriodKeys) -> None:
    """Seal what release 0.1.0 counted of people in plain, once; doing it again finds nothing."""
    with reading(engine) as connection:
        municipalities = connection.scalars(select(programmes.c.municipality).distinct()).all()
        of_municipalities = {
            municipality: connection.scalars(
                select(usage.c.mykey).where(usage.c.municipality == municipality).distinct()
            ).all()
            for municipality in municipalities
        }
    for municipality, people in of_municipalities.items():
        for mykey in people:
            work = partial(_adopt, municipality=municipality, mykey=mykey, keys=keys)
            keys.supplied(partial(repeated, with_row_locks(engine), work))


def _adopt(connection: Connection, *, municipality: str, mykey: str, keys: PeriodKeys) -> None:
    of_person = (usage.c.municipality == municipality, usage.c.mykey == mykey)
    columns = (usage.c.programme, usage.c.counter, usage.c.period, usage.c.points)
    found = {CountKey(*key): points for *key, points in connection.execute(select(*columns).where(*of_person))}
    counted = Counters(keys, frozenset(bucket_of(use) for use in found))
    there = counted.read(connection, municipality, [mykey]).get(mykey, {})
    counted.write(connection, municipality, {mykey: Wallet(uses=there)}, {mykey: Wallet(uses={**found, **there})})
    connection.execute(delete(usage).where(*of_person))
