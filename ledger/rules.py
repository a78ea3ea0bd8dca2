"""The rules of a programme as versioned data, and what they make of a bill: the same pure functions at both ends.

The terminal prices with them before the resident decides; the ledger checks with them, at the version that is stamped
into the operation, and never re-prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from ledger.messages import Leg, Message, MunicipalityCode, ProgrammeBalance, ProgrammeCode, ShopCode

Count = Annotated[int, Field(strict=True, ge=1)]


class Name(Message):
    """A name for screens and slips."""

    ja: str
    en: str


class Earning(Message):
    """One point for every `yen_per_point` yen that was not paid in points, rounded down; limits in points."""

    yen_per_point: Count = 110
    per_operation: Count | None = None
    per_day: Count | None = None


class Redeeming(Message):
    """Points pay a bill at one yen each; limits in points; up to `tap_ceiling` an operation without a PIN."""

    minimum: Count = 1
    per_operation: Count | None = None
    per_day: Count | None = None
    per_month: Count | None = None
    tap_ceiling: Annotated[int, Field(strict=True, ge=0)] = 0


class FixedDate(Message):
    """All lots lapse at the end of one day."""

    rule: Literal["fixed_date"]
    on: date


class DaysAfterAward(Message):
    """A lot lapses so many days after its award."""

    rule: Literal["days_after_award"]
    days: Count


class DaysAfterUse(Message):
    """All lots lapse so many days after the resident last used the programme."""

    rule: Literal["days_after_use"]
    days: Count


class FiscalYearEnd(Message):
    """A lot lapses on 31 March, `years` fiscal years after the one it was awarded in."""

    rule: Literal["fiscal_year_end"]
    years: Annotated[int, Field(strict=True, ge=0)] = 1


Expiry = Annotated[FixedDate | DaysAfterAward | DaysAfterUse | FiscalYearEnd, Field(discriminator="rule")]


class Usable(Message):
    """Where points may be redeemed: named shops (all of the municipality when None), and towns that accept them too."""

    shops: list[ShopCode] | None = None
    also_in: tuple[MunicipalityCode, ...] = ()


class Offline(Message):
    """What may happen while the line is down."""

    award: bool = True
    redeem: bool = False


class Programme(Message):
    """One ポイント制度 at one version, in force from `effective_from`."""

    code: ProgrammeCode
    name: Name
    version: Count
    effective_from: date
    deduction_order: Annotated[int, Field(strict=True)] = 100
    charge: Literal["free", "paid"] = "free"
    earning: Earning | None = None
    redeeming: Redeeming | None = None
    expiry: Expiry
    usable: Usable = Usable()
    offline: Offline = Offline()

    @property
    def municipality(self) -> str:
        """The six-digit code of the municipality that issues, or under which the street issues."""
        return self.code[:6]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a bill comes to: legs to redeem and to award, yen to pay, and whether the card must sign."""

    bill: int
    redeem: tuple[Leg, ...]
    award: tuple[Leg, ...]
    needs_pin: bool

    @property
    def redeemed(self) -> int:
        """Points that pay part of the bill."""
        return sum(leg.points for leg in self.redeem)

    @property
    def awarded(self) -> int:
        """Points that the resident earns."""
        return sum(leg.points for leg in self.award)

    @property
    def amount_due(self) -> int:
        """Yen that remain to be paid."""
        return self.bill - self.redeemed


def in_force(programmes: Sequence[Programme], on: date) -> dict[str, Programme]:
    """Return each programme at its newest version that is in force on a day, in deduction order."""
    newest: dict[str, Programme] = {}
    for programme in sorted(programmes, key=lambda p: p.version):
        if programme.effective_from <= on:
            newest[programme.code] = programme
    return {p.code: p for p in sorted(newest.values(), key=lambda p: (p.deduction_order, p.code))}


def accepts(programme: Programme, shop: str) -> bool:
    """Return whether points of a programme may be redeemed at a shop."""
    if programme.redeeming is None:
        return False
    if shop[:6] != programme.municipality:
        return shop[:6] in programme.usable.also_in
    return programme.usable.shops is None or shop in programme.usable.shops


def award_for(programme: Programme, paid: int) -> int:
    """Return the points that `paid` yen earn."""
    if programme.earning is None:
        return 0
    earned = paid // programme.earning.yen_per_point
    return min(earned, programme.earning.per_operation or earned)


def lapses_on(programme: Programme, awarded: date) -> date | None:
    """Return the last day of a lot that is awarded on a day; None where that depends on use."""
    match programme.expiry:
        case FixedDate(on=on):
            return on
        case DaysAfterAward(days=days):
            return awarded + timedelta(days=days)
        case FiscalYearEnd(years=years):
            begins = awarded.year if awarded.month >= 4 else awarded.year - 1
            return date(begins + 1 + years, 3, 31)
        case DaysAfterUse():
            return None


def quote(
    bill: int,
    redeem: int | None,
    balances: Sequence[ProgrammeBalance],
    programmes: Mapping[str, Programme],
    municipality: str,
) -> Quote:
    """Return what a bill of `bill` yen comes to when `redeem` points of one municipality pay (None: all it can).

    `programmes` are those in force, in deduction order. Points are taken in that order, never more than the bill or
    than a balance's `redeemable`; raise ValueError when `redeem` is more than that.
    """
    wanted = bill if redeem is None else redeem
    held = {balance.programme: balance for balance in balances}
    legs: list[Leg] = []
    needs_pin = False
    remaining = min(wanted, bill)
    for programme in programmes.values():
        balance = held.get(programme.code)
        if programme.municipality != municipality or programme.redeeming is None or balance is None:
            continue
        points = min(remaining, balance.redeemable)
        if points < programme.redeeming.minimum:
            continue
        legs.append(Leg(programme=programme.code, points=points))
        needs_pin = needs_pin or points > balance.tap_redeemable
        remaining -= points
    redeemed = sum(leg.points for leg in legs)
    if redeem is not None and redeemed != redeem:
        raise ValueError(f"{redeem} points cannot be redeemed on this bill: {redeemed} can")
    awards = tuple(
        Leg(programme=programme.code, points=points)
        for programme in programmes.values()
        if programme.municipality == municipality and (points := award_for(programme, bill - redeemed))
    )
    return Quote(bill, tuple(legs), awards, needs_pin)
