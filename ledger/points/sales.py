"""What becomes of a sale: it is finished, so its bill stands, and only its points are cut to what may be granted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ledger.points.dating import Placed
from ledger.points.gate import may_earn, may_redeem
from ledger.points.gauges import Room
from ledger.points.limits import by_tap, card_earns, card_redeems, earnable, within_limits
from ledger.points.operations import Account, Movements, Request, Ruling, accepted
from ledger.points.versions import Rulebooks
from ledger.points.wallet import SINCE_PIN, Change, LimitCounter, RefusedOperation, Wallet
from ledger.points.work import Work
from ledger.wire.answers import Cut
from ledger.wire.operations import Leg, Sale
from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme, award_for, lapses_on


@dataclass(frozen=True, slots=True)
class GrantedLeg:
    """What may be granted of one leg, and the reason that cut it, None where nothing did."""

    points: int
    reason: str | None = None

    def at_most(self, most: int, reason: str) -> GrantedLeg:
        """Return what is left under one more limit; of several, the tightest says why."""
        return self if self.points <= most else GrantedLeg(max(0, most), reason)


def decide_sale(
    request: Request, sale: Sale, books: Rulebooks, wallet: Wallet | None, placed: Placed, room: Room
) -> Ruling:
    """Accept a sale with its bill; raise Refused only where its amounts do not fit together at all."""
    check_amounts(sale)
    if request.refusal is not None or wallet is None or request.mykey is None:
        return without_points(request, sale, placed, request.refusal or Reason.HOLDER_LEFT)
    work = Work(request, wallet, placed, room)
    cuts: list[Cut] = []
    rules: dict[str, int] = {}
    for leg, programme in in_order(sale.redeem, sale, books, placed):
        granted = redeemable(request, work, programme, leg.points)
        if granted.points and programme is not None:
            rules[programme.code] = programme.version
            redeem(work, request, programme, granted.points)
        cuts += cut_of("redeem", leg, granted)
    for leg, programme in in_order(sale.award, sale, books, placed):
        granted = earned(request, work, programme, leg.points, sale.amount_due)
        if granted.points and programme is not None:
            rules[programme.code] = programme.version
            grant_award(work, programme, granted.points)
        cuts += cut_of("award", leg, granted)
    due = sale.amount_due + sum(cut.asked - cut.granted for cut in cuts if cut.leg == "redeem")
    return work.done(rules, bill=sale.bill, due=due, cuts=cuts)


def without_points(request: Request, sale: Sale, placed: Placed, reason: str) -> Ruling:
    """Accept a sale without its points: the resident is not known, or something could not be decided."""
    nothing = GrantedLeg(0, reason)
    cuts = (
        *(cut for leg in sale.redeem for cut in cut_of("redeem", leg, nothing)),
        *(cut for leg in sale.award for cut in cut_of("award", leg, nothing)),
    )
    moved = Movements(None, sale.bill, rules={}, amounts=(0, 0, sale.bill), cuts=cuts)
    return accepted(request, placed, moved, Change(), ())


def check_amounts(sale: Sale) -> None:
    """Raise Refused where bill, legs and amount due do not fit together: no terminal that works writes that."""
    redeemed = sum(leg.points for leg in sale.redeem)
    named = ([leg.programme for leg in sale.redeem], [leg.programme for leg in sale.award])
    if sale.bill - redeemed != sale.amount_due or any(len(set(codes)) < len(codes) for codes in named):
        raise RefusedOperation(Reason.AMOUNTS_WRONG)


def in_order(legs: Iterable[Leg], sale: Sale, books: Rulebooks, placed: Placed) -> list[tuple[Leg, Programme | None]]:
    """Return legs with the rules that they are decided by, in the order of deduction; None where there are none."""
    found = [(leg, books.for_sale(leg.programme, sale.rules.get(leg.programme, 0), placed)) for leg in legs]
    return sorted(found, key=lambda each: (each[1].deduction_order if each[1] else 0, each[0].programme))


def redeemable(request: Request, work: Work, programme: Programme | None, points: int) -> GrantedLeg:
    """Return what may be redeemed of one leg out of free points."""
    if programme is None:
        return GrantedLeg(0, Reason.PROGRAMME_UNKNOWN)
    rules = programme.redeeming
    barred = may_redeem(programme, request.shop)
    if rules is None or barred is not None:
        return GrantedLeg(0, barred or Reason.NOT_USABLE_HERE)
    granted = GrantedLeg(points)
    if not request.pin_verified:
        granted = granted.at_most(by_tap(programme, work.wallet), Reason.PIN_NEEDED)
    granted = granted.at_most(within_limits(programme, work.wallet, work.day), Reason.LIMIT_EXCEEDED)
    card = card_redeems(work.room.in_force(programme), work.wallet, work.today)
    granted = granted.at_most(card, Reason.CEILING_REACHED)
    granted = granted.at_most(work.room.redeemed(programme.code), Reason.CEILING_REACHED)
    granted = granted.at_most(work.wallet.available(programme, work.day), Reason.INSUFFICIENT_BALANCE)
    return granted if granted.points >= rules.minimum else GrantedLeg(0, granted.reason or Reason.BELOW_MINIMUM)


def redeem(work: Work, request: Request, programme: Programme, points: int) -> None:
    """Pay with free points."""
    work.begin(programme)
    work.take(programme, points, Account.CLAIM, request.shop)
    work.count(programme, LimitCounter.REDEEMED, work.day, points)
    work.count(programme, LimitCounter.SPENT, work.today, points)
    if programme.redeeming is not None and programme.redeeming.per_month is not None:
        work.count(programme, LimitCounter.REDEEMED, work.day[:7], points)
    remember_tap(work, request, programme, points)


def remember_tap(work: Work, request: Request, programme: Programme, points: int) -> None:
    """Count what the tap alone took since the last PIN; a PIN begins the count anew."""
    if request.pin_verified:
        work.forget(programme, LimitCounter.TAPPED, SINCE_PIN)
        work.forget(programme, LimitCounter.TAPS, SINCE_PIN)
    else:
        work.count(programme, LimitCounter.TAPPED, SINCE_PIN, points)
        work.count(programme, LimitCounter.TAPS, SINCE_PIN, 1)


def earned(request: Request, work: Work, programme: Programme | None, points: int, paid: int) -> GrantedLeg:
    """Return what may be awarded of one leg for what was paid in yen."""
    if programme is None:
        return GrantedLeg(0, Reason.PROGRAMME_UNKNOWN)
    if (barred := may_earn(programme, request.shop)) is not None:
        return GrantedLeg(0, barred)
    last = lapses_on(programme, date.fromisoformat(work.day))
    if last is not None and last.isoformat() < work.day:
        return GrantedLeg(0, Reason.PROGRAMME_ENDED)
    granted = GrantedLeg(points).at_most(award_for(programme, paid), Reason.RULES_MISMATCH)
    if (left := earnable(programme, work.wallet, work.day)) is not None:
        granted = granted.at_most(left, Reason.AWARD_LIMIT_EXCEEDED)
    return within_ceilings(work, programme, granted)


def within_ceilings(work: Work, programme: Programme, granted: GrantedLeg) -> GrantedLeg:
    """Return what the ceilings of card, terminal, shop and programme, and its budget, leave of points to issue."""
    card = card_earns(work.room.in_force(programme), work.wallet, work.today)
    granted = granted.at_most(card, Reason.CEILING_REACHED)
    granted = granted.at_most(work.room.issued(programme.code), Reason.CEILING_REACHED)
    return granted.at_most(work.room.budget(programme.code), Reason.BUDGET_SPENT)


def grant_award(work: Work, programme: Programme, points: int) -> None:
    """Award points for a bill."""
    work.begin(programme)
    if earnable(programme, work.wallet, work.day) is not None:
        work.count(programme, LimitCounter.AWARDED, work.day, points)
    work.count(programme, LimitCounter.ISSUED, work.today, points)
    work.give(programme, points)


def cut_of(name: Literal["redeem", "award"], leg: Leg, granted: GrantedLeg) -> Iterable[Cut]:
    """Yield what was not granted of a leg, and why."""
    if granted.points < leg.points:
        reason = str(granted.reason)
        yield Cut(leg=name, programme=leg.programme, asked=leg.points, granted=granted.points, reason=reason)
