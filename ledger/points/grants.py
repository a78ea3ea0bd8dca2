"""Gives points to many people at once, as a municipality's file says, each row once for ever; and takes rows back.

A row is known by what it says: its key is a keyed hash, so that the store tells nothing of whom it was for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, select, update

from config.errors import KnownError
from ledger.database import reading, repeated, with_row_locks
from ledger.points.bulk import add, drop, has_arrays, is_one_of
from ledger.points.counters import Counters
from ledger.points.operations import Account, Posting, residents
from ledger.points.periods import PeriodKeys
from ledger.points.schema import audit, award_days, award_rows
from ledger.points.wallet import NEVER, Change, Lot, Wallet, reason_use
from ledger.points.wallet_rows import Sums, add_up, lock_wallets, read_wallets, write_totals, write_wallets
from ledger.wire.rules import Programme, lapses_on

_PEOPLE: Final = 5_000
"""How many wallets, or rows, are read and written with one statement."""

Progress = Callable[[int], None]
"""Is told how many rows were dealt with."""


class Gift(NamedTuple):
    """One row: the key under which it is known, to whom, of which programme, how many points, and for what."""

    key: str
    mykey: str
    programme: str
    points: int
    reason: str = ""


class ReasonUsedUp(KnownError):  # noqa: N818  # says what is the case
    """Somebody got the points for a reason as often as the rules give them; carries the row's `key`."""

    code = "reason_used_up"

    def __init__(self, key: str) -> None:
        super().__init__("reason_used_up")
        self.key = key


def used_up(
    engine: Engine, keys: PeriodKeys, programmes: Mapping[str, Programme], gifts: Sequence[Gift], on: date
) -> set[str]:
    """Return the keys of those rows that would give points for a reason more often than the rules do."""
    if not gifts:
        return set()
    municipality, counters = gifts[0].programme[:6], Counters.of(keys, [on.isoformat()])

    def read() -> dict[str, Wallet]:
        with reading(engine) as connection:
            return read_wallets(connection, municipality, counters, sorted({gift.mykey for gift in gifts}))

    wallets = keys.supplied(read)
    over: set[str] = set()
    for gift in gifts:
        try:
            wallets[gift.mykey] = _counted(wallets[gift.mykey], programmes[gift.programme], gift, on.isoformat())
        except ReasonUsedUp:
            over.add(gift.key)
    return over


@dataclass(frozen=True, slots=True)
class GrantedRows:
    """What came of a file: the rows that were given now, of how many people, and their points."""

    rows: int
    people: int
    points: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came of taking a row back: of its points, how many were there, and how many the resident now owes."""

    key: str
    points: int
    taken: int
    owed: int

    @property
    def short(self) -> int:
        """What could not be taken back."""
        return self.points - self.taken - self.owed


class ApprovalNeeded(Exception):  # noqa: N818  # a decision, not a failure
    """A programme's files come to more, in one day, than one person may award; nothing was done."""

    def __init__(self, programme: str, points: int, limit: int) -> None:
        super().__init__(f"{programme}: {points} of {limit}")
        self.programme = programme
        self.points = points
        self.limit = limit


def _quiet(_: int) -> None:
    """Tell nobody."""


def paid_on(engine: Engine, municipality: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the day on which each row was given, of those that were."""
    with reading(engine) as connection:
        return _paid(connection, municipality, keys)


def day_sums(engine: Engine, municipality: str, on: date) -> dict[str, int]:
    """Return what a day's files gave of each programme."""
    query = select(award_days.c.programme, award_days.c.points).where(
        award_days.c.municipality == municipality, award_days.c.day == on.isoformat()
    )
    with reading(engine) as connection:
        return {row.programme: int(row.points) for row in connection.execute(query)}


def grant(
    engine: Engine,
    keys: PeriodKeys,
    municipality: str,
    programmes: Mapping[str, Programme],
    gifts: Sequence[Gift],
    on: date,
    note: Mapping[str, Any],
    *,
    approved: bool = False,
    progress: Progress = _quiet,
) -> GrantedRows:
    """Give the rows that were not given yet, dated `on`, and write `note` into the audit, in one transaction.

    Raise ApprovalNeeded, and do nothing, where a day's files of a programme come to more than one person may award and
    no second one approved; ReasonUsedUp where a reason does not give a row's points any more.
    """
    lasting = Counters.of(keys, [on.isoformat()])

    def work(connection: Connection) -> GrantedRows:
        known = _paid(connection, municipality, (gift.key for gift in gifts))
        new = [gift for gift in gifts if gift.key not in known]
        if not new:
            return GrantedRows(0, 0, 0)
        _count_day(connection, municipality, programmes, new, on, approved=approved)
        connection.execute(audit.insert(), dict(note))
        by_person: dict[str, list[Gift]] = defaultdict(list)
        for gift in new:
            by_person[gift.mykey].append(gift)
        sums: Sums = {}
        done = 0
        # In the order in which every batch of sales locks wallets too, so that none waits for another in a circle.
        for people in _in_parts(sorted(by_person)):
            _give(connection, municipality, lasting, people, by_person, programmes, on.isoformat(), sums)
            rows = [gift for mykey in people for gift in by_person[mykey]]
            add(connection, award_rows, municipality, [(gift.key, on.isoformat()) for gift in rows])
            done += len(rows)
            progress(done)
        write_totals(connection, municipality, sums)
        return GrantedRows(len(new), len(by_person), sum(gift.points for gift in new))

    return keys.supplied(lambda: repeated(with_row_locks(engine), work, on_taken_keys=True))


def know_files_of_0_1_0(
    engine: Engine, municipality: str, gifts: Sequence[Gift], day: str, note: Mapping[str, Any], *, only_once: str
) -> None:
    """Know rows as given that an earlier release gave as a whole file; only the first time under an entry's key."""

    def work(connection: Connection) -> None:
        there = select(audit.c.entry).where(audit.c.municipality == municipality, audit.c.entry == only_once)
        if connection.scalar(there) is not None:
            return
        connection.execute(audit.insert(), {**note, "entry": only_once})
        known = _paid(connection, municipality, (gift.key for gift in gifts))
        add(connection, award_rows, municipality, [(gift.key, day) for gift in gifts if gift.key not in known])

    repeated(with_row_locks(engine), work, on_taken_keys=True)


def take_back(
    engine: Engine,
    keys: PeriodKeys,
    municipality: str,
    programmes: Mapping[str, Programme],
    gifts: Sequence[Gift],
    on: date,
    note: Mapping[str, Any],
    *,
    progress: Progress = _quiet,
) -> list[TakenBack]:
    """Take rows back that were given, and forget that they were; return what came of each of them.

    What was spent is owed where the programme allows an overdraft; else as much is taken as is left.
    """

    def work(connection: Connection) -> list[TakenBack]:
        known = _paid(connection, municipality, (gift.key for gift in gifts))
        there = [gift for gift in gifts if gift.key in known]
        if not there:
            return []
        connection.execute(audit.insert(), dict(note))
        lasting = Counters.of(keys, known.values())
        by_person: dict[str, list[Gift]] = defaultdict(list)
        for gift in there:
            by_person[gift.mykey].append(gift)
        sums: Sums = {}
        found: dict[str, TakenBack] = {}
        for people in _in_parts(sorted(by_person)):
            before = lock_wallets(connection, municipality, lasting, (), people)
            after: dict[str, Wallet] = {}
            for mykey in people:
                wallet = before.get(mykey)  # None where the resident has left: nothing is there to take
                for gift in by_person[mykey]:
                    given = date.fromisoformat(known[gift.key])
                    wallet, found[gift.key] = _taken(wallet, programmes[gift.programme], gift, given, on, sums)
                if wallet is not None:
                    after[mykey] = wallet
            write_wallets(connection, municipality, lasting, before, after)
            drop(connection, award_rows, municipality, [(gift.key,) for mykey in people for gift in by_person[mykey]])
            progress(len(found))
        write_totals(connection, municipality, sums)
        return [found[gift.key] for gift in there]

    return keys.supplied(lambda: repeated(with_row_locks(engine), work, on_taken_keys=True))


def _paid(connection: Connection, municipality: str, keys: Iterable[str]) -> dict[str, str]:
    wanted = is_one_of(award_rows.c.row_key, "rows", arrays=has_arrays(connection))
    query = select(award_rows.c.row_key, award_rows.c.paid_on).where(
        award_rows.c.municipality == bindparam("municipality"), wanted
    )
    found: dict[str, str] = {}
    for part in _in_parts(keys):
        rows = connection.execute(query, {"municipality": municipality, "rows": part})
        found |= {row.row_key: row.paid_on for row in rows}
    return found


def _in_parts(items: Iterable[str]) -> Iterator[list[str]]:
    source = iter(items)
    while part := list(islice(source, _PEOPLE)):
        yield part


def _count_day(
    connection: Connection,
    municipality: str,
    programmes: Mapping[str, Programme],
    new: Iterable[Gift],
    on: date,
    *,
    approved: bool,
) -> None:
    """Add to what files gave of each programme today; the row stays locked, so that two files see each other."""
    sums: dict[str, int] = defaultdict(int)
    for gift in new:
        sums[gift.programme] += gift.points
    for programme, points in sorted(sums.items()):
        named = (
            award_days.c.municipality == municipality,
            award_days.c.programme == programme,
            award_days.c.day == on.isoformat(),
        )
        more = update(award_days).where(*named).values(points=award_days.c.points + points)
        total: int | None = connection.scalar(more.returning(award_days.c.points))
        if total is None:
            add(connection, award_days, municipality, [(programme, on.isoformat(), points)])
            total = points
        limit = programmes[programme].approval_above
        if total > limit and not approved:
            raise ApprovalNeeded(programme, total, limit)


def _give(
    connection: Connection,
    municipality: str,
    lasting: Counters,
    people: Sequence[str],
    gifts: Mapping[str, Sequence[Gift]],
    programmes: Mapping[str, Programme],
    day: str,
    sums: Sums,
) -> None:
    before = lock_wallets(connection, municipality, lasting, people)
    after: dict[str, Wallet] = {}
    for mykey, there in before.items():
        wallet = there
        for gift in gifts[mykey]:
            wallet = _counted(wallet, programmes[gift.programme], gift, day)
        of_person: dict[str, int] = defaultdict(int)
        for gift in gifts[mykey]:
            of_person[gift.programme] += gift.points
        for programme, points in of_person.items():
            wallet = _with(wallet, programmes[programme], points, day, sums)
        after[mykey] = wallet
    write_wallets(connection, municipality, lasting, before, after)


def _counted(wallet: Wallet, programme: Programme, gift: Gift, day: str) -> Wallet:
    """Return a wallet in which a row's reason is counted once more; raise ReasonUsedUp."""
    reason = programme.reasons.get(gift.reason)
    if reason is None:
        return wallet
    use = reason_use(programme, gift.reason, reason, day)
    if wallet.uses.get(use, 0) >= reason.times:
        raise ReasonUsedUp(gift.key)
    return wallet.after(Change(uses=((use, 1),)))


def _with(wallet: Wallet, programme: Programme, points: int, day: str, sums: Sums) -> Wallet:
    """Return a wallet with points given to it; what had lapsed by not being used is not revived."""
    lapsed = wallet.lapse(programme, day)
    wallet = wallet.after(lapsed)
    change = wallet.used(programme, day) + wallet.give(programme, points, day)
    back = (Posting(Account.LAPSED, lot.programme, "", -gone) for lot, gone in lapsed.lots)
    issued = Posting(Account.ISSUED, programme.code, "", -points)
    add_up(sums, (*residents(lapsed + Change(change.lots, change.debts)), *back, issued), day)
    return wallet.after(change)


def _taken(
    wallet: Wallet | None, programme: Programme, gift: Gift, given: date, on: date, sums: Sums
) -> tuple[Wallet | None, TakenBack]:
    """Return a wallet with a row taken back out of it, first from the lot that it went to, and what came of it."""
    if wallet is None:
        return None, TakenBack(gift.key, gift.points, 0, 0)
    day = on.isoformat()
    last = lapses_on(programme, given)
    first = Lot(programme.code, programme.charge, NEVER if last is None else last.isoformat())
    left = sum(wallet.lots[lot] for lot in wallet.live(programme, day))
    points = gift.points if programme.overdraft else min(gift.points, left)
    change = wallet.take_back(programme, points, [first], day)
    if (reason := programme.reasons.get(gift.reason)) is not None:
        use = reason_use(programme, gift.reason, reason, given.isoformat())
        change += Change(uses=((use, -1),) if use in wallet.uses else ())
    add_up(sums, (*residents(change), Posting(Account.ISSUED, programme.code, "", points)), day)
    owed = sum(more for _, more in change.debts)
    return wallet.after(change), TakenBack(gift.key, gift.points, points - owed, owed)
