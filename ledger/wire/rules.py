"""The rules of a programme as versioned data, and what they make of a bill: the same pure functions at both ends.

The terminal prices with them before the resident decides; the ledger checks with them, at the version that is stamped
into the operation, and never re-prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.operations import Leg
from ledger.wire.values import (
    MAX_YEN,
    STORED,
    AwardReasonCode,
    Message,
    MunicipalityCode,
    PlainText,
    ProgrammeCode,
    ShopCode,
    between,
)

Count = Annotated[int, Field(strict=True), between(1, MAX_YEN)]
"""Points, yen or uses: at least one, and no more than the largest bill."""

Days = Annotated[int, Field(strict=True), between(1, 3_660)]
"""A time in days: ten years at most."""

Day = Annotated[date, between(date(2000, 1, 1), date(2199, 12, 31))]
"""A day that a programme may name: no rule counts from it to where the calendar ends."""

MAX_LISTED = 1_000
"""How many reasons, rates, shops or towns one programme may name."""

RULES_GRACE = timedelta(days=31)
"""How long after a new version takes effect a terminal that was offline may still have priced with the old one."""


COUNTS_FOR_DAYS = 7
"""For how many days an operation that arrives late still counts on its own day, where a programme says nothing."""


Total = Annotated[int, Field(strict=True), between(0, 10**12)]
"""Points of many operations together."""


class Name(Message):
    """A name for screens and slips."""

    ja: PlainText
    en: PlainText


class Earning(Message):
    """One point for every `yen_per_point` yen that was not paid in points, rounded down; limits in points."""

    yen_per_point: Count = 110
    per_operation: Count | None = None
    per_day: Count | None = None


class AwardReason(Message):
    """What points without a bill are given for: exactly so many, or as many as the clerk says up to a ceiling.

    A person gets them `times` times in `every` period: once a day where nothing is said. `shops` names those that may
    give them; without it all shops of the programme's own municipality may. `needs` says what it takes: the tap, the
    PIN, or a file of the office that a second person approves.
    """

    name: Name
    points: Count | None = None
    up_to: Count | None = None
    every: Literal["day", "month", "fiscal_year", "life"] = "day"
    times: Count = 1
    shops: Annotated[tuple[ShopCode, ...], Field(max_length=10_000)] | None = None
    needs: Literal["tap", "pin", "approval"] = "tap"

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if (self.points is None) == (self.up_to is None):
            raise PydanticCustomError("points_or_up_to", "points_or_up_to")
        return self

    def allows(self, points: int) -> bool:
        """Return whether so many points may be given."""
        return points == self.points if self.up_to is None else points <= self.up_to

    def period(self, day: str) -> str:
        """Return the period that a day (YYYY-MM-DD) lies in, as it is counted: 2026-11-25, 2026-11, FY2026, life."""
        match self.every:
            case "day":
                return day
            case "month":
                return day[:7]
            case "fiscal_year":
                return f"FY{int(day[:4]) - (day[5:7] < '04')}"
            case "life":
                return "life"


class Redeeming(Message):
    """Points pay a bill at one yen each; limits in points; up to `tap_ceiling` an operation without a PIN.

    Since the last PIN, `tap_count` operations and `tap_sum` points need none; without a word five times the ceiling.
    """

    minimum: Count = 1
    per_operation: Count | None = None
    per_day: Count | None = None
    per_month: Count | None = None
    tap_ceiling: Annotated[int, Field(strict=True), between(0, MAX_YEN)] = 0
    tap_count: Count = 10
    tap_sum: Count | None = None

    @property
    def most_by_tap(self) -> int:
        """The most points that may be redeemed by tap alone since the last PIN."""
        return 5 * self.tap_ceiling if self.tap_sum is None else self.tap_sum


class Ceiling(Message):
    """The most points of one programme that may be issued, and redeemed, on one day of the ledger's own clock."""

    issued: Total
    redeemed: Total


class Ceilings(Message):
    """What a stolen terminal, or a dishonest one, can gain at the most; raised only in so many words."""

    card: Ceiling = Ceiling(issued=20_000, redeemed=50_000)
    terminal: Ceiling = Ceiling(issued=100_000, redeemed=300_000)
    shop: Ceiling = Ceiling(issued=300_000, redeemed=1_000_000)
    programme: Ceiling = Ceiling(issued=3_000_000, redeemed=5_000_000)


class FixedDate(Message):
    """All lots lapse at the end of one day."""

    rule: Literal["fixed_date"]
    on: Day


class DaysAfterAward(Message):
    """A lot lapses so many days after its award."""

    rule: Literal["days_after_award"]
    days: Days


class DaysAfterUse(Message):
    """All lots lapse so many days after the resident last used the programme."""

    rule: Literal["days_after_use"]
    days: Days


class FiscalYearEnd(Message):
    """A lot lapses on 31 March, `years` fiscal years after the one it was awarded in."""

    rule: Literal["fiscal_year_end"]
    years: Annotated[int, Field(strict=True), between(0, 10)] = 1


Expiry = Annotated[FixedDate | DaysAfterAward | DaysAfterUse | FiscalYearEnd, Field(discriminator="rule")]


class Rate(Message):
    """Points become points of another programme: `give` for every `take`, since a day, until a day (振替)."""

    to: ProgrammeCode
    take: Count
    give: Count
    since: Day
    until: Day | None = None

    def holds(self, to: str, on: date) -> bool:
        """Return whether this is the rate to a programme on a day."""
        return self.to == to and self.since <= on and (self.until is None or on <= self.until)


class Returning(Message):
    """What happens on a return to points whose lot lapsed meanwhile: they lapse, or come back for so many days."""

    lapsed: Literal["lapse", "extend"] = "lapse"
    days: Days | None = None

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        if (self.lapsed == "extend") != (self.days is not None):
            raise PydanticCustomError("days_with_extend", "days_with_extend")
        return self


class Usable(Message):
    """Where points may be redeemed: named shops (all of the municipality when None), and towns that accept them too."""

    shops: Annotated[list[ShopCode], Field(max_length=10_000)] | None = None
    also_in: Annotated[tuple[MunicipalityCode, ...], Field(max_length=MAX_LISTED)] = ()


class Floor(Message):
    """What the issuer guarantees without a line beyond what is set aside: points in one operation, and by day."""

    per_operation: Count
    per_card_day: Count
    per_terminal_day: Count


class Offline(Message):
    """What may happen while the line is down, and for how many days what then happened counts on its own day."""

    award: bool = True
    redeem: bool = False
    pack_hours: Annotated[int, Field(strict=True, ge=1, le=168)] = 72
    floor: Floor | None = None
    counts_for_days: Annotated[int, Field(strict=True, ge=0, le=62)] = COUNTS_FOR_DAYS


class Programme(Message):
    """One ポイント制度 at one version, in force from `effective_from`."""

    code: ProgrammeCode
    name: Name
    version: Count
    effective_from: Day
    deduction_order: Annotated[int, Field(strict=True), between(-10_000, 10_000)] = 100
    charge: Literal["free", "paid"] = "free"
    earning: Earning | None = None
    reasons: Annotated[dict[AwardReasonCode, AwardReason], Field(max_length=MAX_LISTED)] = Field(default_factory=dict)
    redeeming: Redeeming | None = None
    expiry: Expiry
    usable: Usable = Usable()
    convert: Annotated[tuple[Rate, ...], Field(max_length=MAX_LISTED)] = ()
    returning: Returning = Returning()
    overdraft: bool = False
    """Whether a return may take back awards that were spent: the resident then owes them."""
    offline: Offline = Offline()
    approval_above: Annotated[int, Field(strict=True), between(0, 10**12)] = 100_000
    """Points that the office's files may give in one day before a second person must approve."""
    ceilings: Ceilings = Ceilings()
    budget: Total = 100_000_000
    """Points that shops may issue in all."""

    @model_validator(mode="after")
    def _converts_at_home(self) -> Self:
        for rate in self.convert:
            if rate.to == self.code or rate.to[:6] != self.municipality:
                raise PydanticCustomError("converts_elsewhere", "converts_elsewhere", {"programme": rate.to})
        return self

    @classmethod
    def recall(cls, fields: Mapping[str, Any]) -> Self:
        """Return a programme that was taken in before: one of an earlier version may be beyond today's bounds."""
        return cls.model_validate(fields, context=STORED)

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
    return programme.redeeming is not None and takes_part(programme, shop)


def takes_part(programme: Programme, shop: str) -> bool:
    """Return whether a shop is one of those where a programme is in use."""
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


def restored(redeemed: int, bill: int, returned: int) -> int:
    """Return the points of a sale that are back once `returned` yen of its bill are: in proportion, rounded down."""
    return redeemed * returned // bill


def rate_between(source: Programme, to: str, on: date) -> Rate | None:
    """Return the rate at which a programme's points become another's on a day."""
    return next((rate for rate in source.convert if rate.holds(to, on)), None)


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
        if programme.municipality == municipality
        and (points := _earned(programme, bill - redeemed, held.get(programme.code)))
    )
    return Quote(bill, tuple(legs), awards, needs_pin)


def _earned(programme: Programme, paid: int, balance: ProgrammeBalance | None) -> int:
    """Return the points that `paid` yen earn somebody who may be near the day's limit."""
    earned = award_for(programme, paid)
    return earned if balance is None or balance.earnable is None else min(earned, balance.earnable)
