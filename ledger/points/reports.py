"""What the office reads: where a programme's points are, and what a shop is owed for which day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Engine, Table, func, select

from ledger.database import reading
from ledger.points.operations import Account
from ledger.points.programmes import issuers
from ledger.points.schema import debts, losses, lots, programmes, reserved, totals


@dataclass(frozen=True, slots=True)
class ProgrammeTotals:
    """Where the points of one programme are: `issued` = held + claimed + lapsed + converted − overdraft − lost.

    `held` and `overdraft` are what the books say; `in_wallets` and `owed` are counted in the residents' wallets.
    Of both `held` and `in_wallets`, `reserved` is what residents have set aside at terminals.
    """

    programme: str
    issued: int
    held: int
    claimed: int
    lapsed: int
    converted: int
    overdraft: int
    in_wallets: int
    owed: int
    lost: int = 0
    reserved: int = 0

    @property
    def agree(self) -> bool:
        """Whether the accounts sum, and are what the wallets hold."""
        found = self.held + self.claimed + self.lapsed + self.converted - self.overdraft - self.lost
        return (self.issued, self.held, self.overdraft) == (found, self.in_wallets, self.owed)


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What a programme owes a shop for one business day: points that were redeemed, less those that were given back."""

    business_date: str
    programme: str
    points: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Points that a verdict, lost and given back, could not bring back; `noted_at` in seconds since 1970."""

    operation: str
    what: str
    programme: str
    points: int
    noted_at: int


def count(engine: Engine, municipality: str) -> list[ProgrammeTotals]:
    """Return where the points of a municipality's programmes are, at one moment."""
    sums = (totals.c.programme, totals.c.account, func.sum(totals.c.points))
    booked = select(*sums).where(totals.c.municipality == municipality).group_by(*sums[:2])
    # One transaction, and so one moment: an engine's transactions are serializable.
    with reading(engine) as connection:
        accounts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for programme, account, points in connection.execute(booked):
            accounts[programme][account] = int(points)
        held, owed, aside = (_in_wallets(connection, table, municipality) for table in (lots, debts, reserved))
    return [
        _totals(each, accounts[each], held.get(each, 0) + aside.get(each, 0), owed.get(each, 0))
        for each in sorted(accounts.keys() | held.keys() | owed.keys() | aside.keys())
    ]


def claims(engine: Engine, shop: str, since: date, until: date) -> list[Claim]:
    """Return what a shop is owed by each programme for each business day from `since` to `until`."""
    day, points = totals.c.business_date, func.sum(totals.c.points)
    of_shop = (totals.c.account == Account.CLAIM, totals.c.shop == shop)
    of_days = day.between(since.isoformat(), until.isoformat())
    query = select(day, totals.c.programme, points).group_by(day, totals.c.programme)
    with reading(engine) as connection:
        return sorted(
            Claim(business_date, programme, int(owed))
            for issuer in issuers(connection, shop[:6])
            for business_date, programme, owed in connection.execute(
                query.where(totals.c.municipality == issuer, *of_shop, of_days)
            )
        )


def losses_of(engine: Engine, municipality: str) -> list[Lost]:
    """Return what verdicts that were lost and given back could not bring back, the oldest first."""
    columns = (losses.c.operation, losses.c.what, losses.c.programme, losses.c.points, losses.c.noted_at)
    query = (
        select(*columns).where(losses.c.municipality == municipality).order_by(losses.c.noted_at, losses.c.operation)
    )
    with reading(engine) as connection:
        return [Lost(*row) for row in connection.execute(query)]


def holdings(engine: Engine, mykey: str) -> list[tuple[str, int]]:
    """Return what somebody holds of every programme of every municipality."""
    with reading(engine) as connection:
        municipalities = connection.scalars(select(programmes.c.municipality).distinct()).all()
        of_person = (lots.c.municipality.in_(municipalities), lots.c.mykey == mykey)
        query = select(lots.c.programme, func.sum(lots.c.points)).where(*of_person).group_by(lots.c.programme)
        return sorted((programme, int(points)) for programme, points in connection.execute(query))


def _in_wallets(connection: Connection, table: Table, municipality: str) -> dict[str, int]:
    """Return the points of each programme that lie in lots, or are owed as debts."""
    by_programme = select(table.c.programme, func.sum(table.c.points)).group_by(table.c.programme)
    rows = connection.execute(by_programme.where(table.c.municipality == municipality))
    return {programme: int(points) for programme, points in rows}


def _totals(programme: str, by: Mapping[str, int], in_wallets: int, owed: int) -> ProgrammeTotals:
    return ProgrammeTotals(
        programme,
        issued=-by[Account.ISSUED],
        held=by[Account.HELD] + by[Account.RESERVED],
        claimed=by[Account.CLAIM],
        lapsed=by[Account.LAPSED],
        converted=by[Account.CONVERTED],
        overdraft=-by[Account.OVERDRAFT],
        lost=-by[Account.LOSS],
        reserved=by[Account.RESERVED],
        in_wallets=in_wallets,
        owed=owed,
    )
