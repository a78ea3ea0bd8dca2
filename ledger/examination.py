"""Examines a ledger for `ledger doctor`: keys, stores, whether a verdict can be lost, and whether the books agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from config.faults import Fault
from config.findings import Finding, Level
from ledger.api.state import Ledger
from ledger.database import reading
from ledger.durability import Cause, weaknesses
from ledger.migrations import newest
from ledger.place import Store
from ledger.points.reports import count
from ledger.points.schema import programmes

STORES: Final[tuple[Store, Store]] = ("identity", "points")
"""In the order of `Ledger.stores`."""


def examine(ledger: Ledger) -> Iterator[Finding]:
    """Yield what is found of a ledger that opened: its key fits both stores, or it would not have."""
    yield Finding("key", Level.GOOD, f"{ledger.mark.ledger[:8]} / {ledger.epoch}")
    for store, engine in zip(STORES, ledger.stores, strict=True):
        yield Finding(store, Level.GOOD, f"{engine.dialect.name} {newest(store)}")
    yield _months(ledger)
    yield from durability(ledger)
    yield from _books(ledger)


def durability(ledger: Ledger) -> Iterator[Finding]:
    """Yield in which ways a verdict can be lost: after a crash that is wrong, with a disk it is to be known."""
    found = [each for store, engine in zip(STORES, ledger.stores, strict=True) for each in weaknesses(engine, store)]
    for each in found:
        level = Level.WRONG if each.cause is Cause.CRASH else Level.NOTE
        yield Finding("durability", level, each.store, Fault(each.code, (("store", each.store), ("value", each.value))))
    if not found:
        yield Finding("durability", Level.GOOD)


def _months(ledger: Ledger) -> Finding:
    if missing := ledger.periods.missing():
        months = ", ".join(missing)
        return Finding("months", Level.WRONG, months, Fault("period_keys_lost", (("months", months),)))
    known = ledger.periods.known().values()
    return Finding("months", Level.GOOD, str(sum(each.key_print is not None for each in known)))


def _books(ledger: Ledger) -> Iterator[Finding]:
    with reading(ledger.books) as connection:
        municipalities = sorted(connection.scalars(select(programmes.c.municipality).distinct()))
    wrong = [
        totals.programme
        for municipality in municipalities
        for totals in count(ledger.books, municipality)
        if not totals.agree
    ]
    if wrong:
        yield Finding("books", Level.WRONG, fault=Fault("totals_wrong", (("programmes", ", ".join(wrong)),)))
    else:
        yield Finding("books", Level.GOOD, str(len(municipalities)))
