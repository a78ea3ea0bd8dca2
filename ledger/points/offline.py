"""Setting points aside at a terminal, giving them back, and sales that a terminal decided while the line was down.

Such a sale always gets what is set aside there: the card signed for it, and nothing that happened meanwhile undoes it.
What goes beyond is the issuer's under the programme's floor limit, then whatever an online sale would get, and at last
cut from the shop's claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ledger.points.dating import Placed
from ledger.points.gate import may_redeem
from ledger.points.gauges import Room
from ledger.points.limits import card_redeems
from ledger.points.operations import Account, Loss, Movements, Posting, Request, Ruling, accepted, verdict_on
from ledger.points.reservations import (
    BORNE,
    PART,
    Reservation,
    kept_counter,
    parts_left,
    set_aside,
)
from ledger.points.sales import GrantedLeg, check_amounts, cut_of, earned, grant_award, in_order, redeem, redeemable
from ledger.points.versions import Rulebooks
from ledger.points.wallet import Change, CountKey, LimitCounter, Lot, RefusedOperation, Wallet
from ledger.points.work import Work
from ledger.wire.answers import Cut, Status
from ledger.wire.operations import Leg, Sale
from ledger.wire.pack import MOST_PROGRAMMES
from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme

FLOOR: Final = "floor"
"""What the list of losses calls points that a floor limit guaranteed and nobody had."""


def reserve(
    request: Request,
    priced: Iterable[tuple[Programme, int]],
    wallet: Wallet | None,
    placed: Placed,
    room: Room,
    kept: Reservation,
) -> Ruling:
    """Set points aside at the terminal, all or none."""
    if not request.pin_verified:
        raise RefusedOperation(Reason.PIN_NEEDED)
    work = Work(request, wallet, placed, room)
    asked = list(priced)
    if len({lot.programme for lot in kept.lots} | {programme.code for programme, _ in asked}) > MOST_PROGRAMMES:
        raise RefusedOperation(Reason.LIMIT_EXCEEDED)
    for programme, points in asked:
        if not programme.offline.redeem:
            raise RefusedOperation(Reason.OFFLINE_NOT_ALLOWED)
        if (barred := may_redeem(programme, request.shop)) is not None:
            raise RefusedOperation(barred)
        work.begin(programme)
        card = card_redeems(work.room.in_force(programme), work.wallet, work.today)
        if points > min(card - set_aside(work.wallet, programme.code), work.room.redeemed(programme.code)):
            raise RefusedOperation(Reason.CEILING_REACHED)
        part = _part(work.wallet, programme, points)
        work.set_aside(programme, points, part)
        if part and (overlap := _overlap(work, programme)) > 0:
            work.count(programme, kept_counter(request.terminal_id), work.day, overlap)
    return work.done({programme.code: programme.version for programme, _ in asked})


def release(
    request: Request, wallet: Wallet | None, placed: Placed, room: Room, kept: Reservation, books: Rulebooks
) -> Ruling:
    """Give back all that is set aside at the terminal; where there never was anything, that is nothing."""
    if wallet is None:
        return Ruling(verdict_on(request, placed.day, Status.ACCEPTED, late=placed.late), placed)
    work = Work(request, wallet, placed, room)
    for lot, points in kept.lots.items():
        work.give_back(_newest(books, lot.programme), ((lot, points),))
    return work.done({})


def decide_offline(
    request: Request,
    sale: Sale,
    books: Rulebooks,
    wallet: Wallet | None,
    placed: Placed,
    room: Room,
    kept: Reservation,
) -> Ruling:
    """Accept a sale that a terminal decided alone, with all that is set aside for it."""
    check_amounts(sale)
    if request.mykey is None or wallet is None:
        return _of_who_left(request, sale, books, placed, room, kept)
    work = Work(request, wallet, placed, room)
    cuts: list[Cut] = []
    losses: list[Loss] = []
    rules: dict[str, int] = {}
    for leg, found in in_order(sale.redeem, sale, books, placed):
        if (programme := found or _newest(books, leg.programme)) is None:
            cuts += cut_of("redeem", leg, GrantedLeg(0, Reason.PROGRAMME_UNKNOWN))
            continue
        rules[programme.code] = programme.version
        out_of_kept = _spend(work, request, programme, kept, leg)
        lent = _lend(work, request, programme, leg.points - out_of_kept, losses)
        beyond = _beyond(work, request, programme, leg.points - out_of_kept - lent)
        cuts += cut_of("redeem", leg, replace(beyond, points=out_of_kept + lent + beyond.points))
    for leg, programme in in_order(sale.award, sale, books, placed):
        granted = GrantedLeg(0, request.refusal)
        if request.refusal is None:
            granted = earned(request, work, programme, leg.points, sale.amount_due)
        if granted.points and programme is not None:
            rules[programme.code] = programme.version
            grant_award(work, programme, granted.points)
        cuts += cut_of("award", leg, granted)
    due = sale.amount_due + sum(cut.asked - cut.granted for cut in cuts if cut.leg == "redeem")
    return replace(work.done(rules, bill=sale.bill, due=due, cuts=cuts), losses=tuple(losses))


def _spend(work: Work, request: Request, programme: Programme, kept: Reservation, leg: Leg) -> int:
    taken = kept.take(leg.programme, leg.points)
    points = sum(each for _, each in taken)
    if points:
        work.begin(programme)
        work.spend_reserved(programme, taken, request.shop)
        _count(work, programme, points)
    return points


def _lend(work: Work, request: Request, programme: Programme, points: int, losses: list[Loss]) -> int:
    floor = programme.offline.floor
    if floor is None or not points:
        return 0
    lent_today = work.wallet.uses.get(CountKey(programme.code, LimitCounter.FLOOR, work.day), 0)
    lent = min(points, floor.per_operation, floor.per_card_day - lent_today, work.room.floor(programme.code))
    if lent <= 0:
        return 0
    work.begin(programme)
    if missing := work.guarantee(programme, lent, request.shop):
        losses.append(Loss(FLOOR, programme.code, missing))
    _count(work, programme, lent)
    return lent


def _beyond(work: Work, request: Request, programme: Programme, points: int) -> GrantedLeg:
    """Return what an online sale would get beyond what was set aside and guaranteed."""
    if not points:
        return GrantedLeg(0)
    if request.refusal is not None:
        return GrantedLeg(0, request.refusal)
    granted = redeemable(request, work, programme, points)
    if granted.points:
        redeem(work, request, programme, granted.points)
    return granted


def _count(work: Work, programme: Programme, points: int) -> None:
    work.count(programme, LimitCounter.REDEEMED, work.day, points)
    work.count(programme, LimitCounter.SPENT, work.today, points)
    if programme.redeeming is not None and programme.redeeming.per_month is not None:
        work.count(programme, LimitCounter.REDEEMED, work.day[:7], points)


def _of_who_left(
    request: Request, sale: Sale, books: Rulebooks, placed: Placed, room: Room, kept: Reservation
) -> Ruling:
    """Give the shop its claim, although the resident is not known any more; what they set aside is still there."""
    taken: list[tuple[Lot, int]] = []
    spent: list[tuple[Lot, int]] = []
    postings: list[Posting] = []
    floors: list[tuple[str, int]] = []
    cuts: list[Cut] = []
    for leg, found in in_order(sale.redeem, sale, books, placed):
        out = kept.take(leg.programme, leg.points)
        points = sum(each for _, each in out)
        spent += out
        postings += (Posting(Account.RESERVED, leg.programme, "", -each) for _, each in out)
        floor = found.offline.floor if found is not None else None
        lent = 0
        if floor is not None:
            lent = max(0, min(leg.points - points, floor.per_operation, room.floor(leg.programme)))
        if lent:
            floors.append((leg.programme, lent))
            out = (*out, (Lot(leg.programme, BORNE, ""), lent))
            postings.append(Posting(Account.LOSS, leg.programme, "", -lent))
        taken += out
        postings.append(Posting(Account.CLAIM, leg.programme, request.shop, points + lent))
        cuts += cut_of("redeem", leg, GrantedLeg(points + lent, request.refusal or Reason.HOLDER_LEFT))
    for leg in sale.award:
        cuts += cut_of("award", leg, GrantedLeg(0, request.refusal or Reason.HOLDER_LEFT))
    redeemed = sum(points for _, points in taken)
    moved = Movements(
        None, sale.bill, tuple(taken), rules={}, amounts=(redeemed, 0, sale.bill - redeemed), cuts=tuple(cuts)
    )
    ruling = accepted(request, placed, moved, Change(), postings)
    losses = tuple(Loss(FLOOR, code, points) for code, points in floors)
    return replace(ruling, kept=tuple((lot, -points) for lot, points in spent), floors=tuple(floors), losses=losses)


def _part(wallet: Wallet, programme: Programme, points: int) -> int:
    """Return which part of the day's limit goes with points that are set aside; raise Refused where none is left."""
    limit = programme.redeeming.per_day if programme.redeeming is not None else None
    if limit is None:
        return 0
    given = sum(part for use, part in wallet.uses.items() if use.programme == programme.code and use.period == PART)
    if given >= limit:
        raise RefusedOperation(Reason.LIMIT_EXCEEDED)
    return min(points, limit - given)


def _overlap(work: Work, programme: Programme) -> int:
    """Return how much of today's limit was redeemed already and went with the reservation once more."""
    limit = programme.redeeming.per_day if programme.redeeming is not None else None
    redeemed = work.wallet.uses.get(CountKey(programme.code, LimitCounter.REDEEMED, work.day), 0)
    return redeemed + parts_left(work.wallet, programme.code, work.day) - (limit or 0)


def _newest(books: Rulebooks, code: str) -> Programme | None:
    return max(books.programmes.get(code, ()), key=lambda each: each.version, default=None)
