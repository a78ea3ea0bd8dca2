"""What a period came to, by day, hour, clerk and programme: one pass of SQLite over the period's operations.

A month of a large shop is 100,000 operations, and an owner waits for it. So the entries are not read one by one:
SQLite looks into them, groups, and gives back a few thousand sums.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from offline_queue.reading import JournalReader

_OF_PERIOD: Final = """
    SELECT entries.kind AS kind, entries.business_date AS day, entries.seq AS seq,
        CAST(entries.body AS TEXT) AS entry, CAST(verdicts.body AS TEXT) AS verdict,
        CASE WHEN entries.kind = 'void' THEN (
            SELECT CAST(target.body AS TEXT)
                FROM (SELECT json_extract(CAST(entries.body AS TEXT), '$.content.target') AS id)
                JOIN entries AS target ON target.seq = CAST(substr(id, 16) AS INTEGER) AND id LIKE ? || '-%'
                JOIN verdicts AS stood ON stood.seq = target.seq AND stood.status <> 'refused'
        ) END AS undone
    FROM entries JOIN verdicts ON verdicts.seq = entries.seq AND verdicts.status <> 'refused'
    WHERE entries.business_date BETWEEN ? AND ? AND entries.kind NOT IN ('close', 'closed')
"""
"""The accepted operations of a period; what a void takes back must have stood, and been this terminal's."""

_SUMS: Final = f"""
    SELECT day, hour, clerk, redeemed_of, awarded_of, several, COUNT(*),
        SUM(CASE kind WHEN 'sale' THEN bill WHEN 'return' THEN -bill WHEN 'void' THEN -undone_bill ELSE 0 END),
        SUM(CASE WHEN kind IN ('sale', 'void', 'return', 'award') THEN redeemed ELSE 0 END),
        SUM(CASE WHEN kind IN ('sale', 'void', 'return', 'award') THEN awarded ELSE 0 END),
        SUM(kind = 'sale')
    FROM (
        SELECT kind, day,
            CASE WHEN substr(at, -6) = '+09:00' THEN substr(at, 12, 2) ELSE strftime('%H', at, '+9 hours') END AS hour,
            clerk, bill, COALESCE(undone_bill, 0) AS undone_bill, COALESCE(redeemed, 0) AS redeemed,
            COALESCE(awarded, 0) AS awarded, redeemed_of, awarded_of,
            more_redeemed IS NOT NULL OR more_awarded IS NOT NULL AS several
        FROM (
            SELECT kind, day,
                json_extract(entry, '$.at') AS at, json_extract(entry, '$.operator') AS clerk,
                COALESCE(json_extract(entry, '$.content.bill'), 0) AS bill,
                json_extract(undone, '$.content.bill') AS undone_bill,
                json_extract(verdict, '$.redeemed') AS redeemed, json_extract(verdict, '$.awarded') AS awarded,
                json_extract(COALESCE(undone, entry), '$.content.redeem[0].programme') AS redeemed_of,
                json_extract(COALESCE(undone, entry), '$.content.award[0].programme') AS awarded_of,
                json_extract(COALESCE(undone, entry), '$.content.redeem[1].programme') AS more_redeemed,
                json_extract(COALESCE(undone, entry), '$.content.award[1].programme') AS more_awarded
            FROM ({_OF_PERIOD})
        )
    ) GROUP BY day, hour, clerk, redeemed_of, awarded_of, several
"""  # noqa: S608  # both are constants

_LEGS: Final = f"""
    SELECT kind, entry, verdict, undone FROM ({_OF_PERIOD})
    WHERE json_extract(COALESCE(undone, entry), '$.content.redeem[1]') IS NOT NULL
        OR json_extract(COALESCE(undone, entry), '$.content.award[1]') IS NOT NULL
"""  # noqa: S608  # as above


@dataclass(slots=True)
class Turnover:
    """Yen of bills and points, voids and returns taken off; `operations` counts all, `sales` the sales among them."""

    bill: int = 0
    redeemed: int = 0
    awarded: int = 0
    operations: int = 0
    sales: int = 0

    def add(self, bill: int, redeemed: int, awarded: int, operations: int, sales: int) -> None:
        """Add some operations."""
        self.bill += bill
        self.redeemed += redeemed
        self.awarded += awarded
        self.operations += operations
        self.sales += sales


@dataclass(frozen=True, slots=True)
class PeriodSums:
    """What the operations of some business days came to, as far as they were accepted."""

    first: date
    last: date
    whole: Turnover = field(default_factory=Turnover)
    days: Mapping[str, Turnover] = field(default_factory=dict)
    hours: Mapping[int, Turnover] = field(default_factory=dict)
    clerks: Mapping[str, Turnover] = field(default_factory=dict)
    programmes: Mapping[str, Turnover] = field(default_factory=dict)
    """Points by programme; bills have none, and are 0 here."""


def period_sums(journal: JournalReader, first: date, last: date) -> PeriodSums:
    """Return what the business days from `first` to `last` came to."""
    named = (journal.terminal_id, first.isoformat(), last.isoformat())
    whole = Turnover()
    groups: tuple[defaultdict[Any, Turnover], ...] = tuple(defaultdict(Turnover) for _ in range(4))
    days, hours, clerks, programmes = groups
    several = False
    for day, hour, clerk, redeemed_of, awarded_of, multiple, count, *sums in journal.select(_SUMS, named):
        bill, redeemed, awarded, sales = sums
        for total in (whole, days[day], hours[int(hour)], clerks[clerk]):
            total.add(bill, redeemed, awarded, count, sales)
        several = several or bool(multiple)
        if multiple:
            continue
        if redeemed:
            programmes[redeemed_of or ""].add(0, redeemed, 0, count, 0)
        if awarded:
            programmes[awarded_of or ""].add(0, 0, awarded, count, 0)
    if several:
        for programme, leg, points in _legs(journal.select(_LEGS, named)):
            programmes[programme].add(0, *((points, 0) if leg == "redeem" else (0, points)), 1, 0)
    return PeriodSums(first, last, whole, days, hours, clerks, programmes)


def _legs(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, str, int]]:
    """Yield the points of operations with several programmes, leg by leg: what was asked, less what was cut.

    Of a return the journal knows the sum alone, which is the first programme's.
    """
    for kind, entry, verdict, undone in rows:
        content, decided = json.loads(undone or entry)["content"], json.loads(verdict)
        for leg, moved in (("redeem", "redeemed"), ("award", "awarded")):
            legs = content.get(leg, ())
            if kind == "return":
                if legs and decided.get(moved):
                    yield legs[0]["programme"], leg, decided[moved]
                continue
            cut = Counter[str]()
            for each in decided.get("cuts", ()):
                if each["leg"] == leg:
                    cut[each["programme"]] += each["asked"] - each["granted"]
            sign = -1 if kind == "void" else 1
            yield from ((each["programme"], leg, sign * (each["points"] - cut[each["programme"]])) for each in legs)
