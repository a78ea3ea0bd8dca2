"""What becomes of an operation: pure functions from what the ledger knows and what is asked to a decision."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import assert_never

from ledger.points import undo
from ledger.points.dating import Placed, late_bound, place
from ledger.points.gate import may_convert
from ledger.points.gauges import NO_CEILINGS, Room
from ledger.points.limits import by_tap
from ledger.points.offline import decide_offline, release, reserve
from ledger.points.operations import Account, Request, Ruling, verdict_on
from ledger.points.reservations import NOTHING_KEPT, Reservation
from ledger.points.sales import GrantedLeg, decide_sale, remember_tap, within_ceilings, without_points
from ledger.points.undo import Target
from ledger.points.versions import Rulebooks
from ledger.points.wallet import LimitCounter, RefusedOperation, Wallet, reason_use
from ledger.points.work import Work
from ledger.wire.answers import Status
from ledger.wire.barring import award_barred
from ledger.wire.operations import (
    Award,
    Close,
    Convert,
    Leg,
    Link,
    Operation,
    Release,
    Reserve,
    Return,
    Sale,
    Unlink,
    Void,
)
from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme, rate_between

_NEVER = frozenset({Reason.VOIDED_BEFORE_ARRIVAL, Reason.NONCE_SPENT, Reason.MUNICIPALITY_MISMATCH})
"""Refusals that are about the operation itself, and stand against what is set aside too."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the ledger knows when it decides: programmes at all versions, a resident's wallet, what is to be undone.

    `wallet` is None where there is none: nobody is named, or the resident has left since. `kept` is what the resident
    has set aside at the terminal.
    """

    books: Rulebooks
    wallet: Wallet | None = None
    target: Target | None = None
    room: Room = NO_CEILINGS
    kept: Reservation = NOTHING_KEPT


def decide(request: Request, known: Situation) -> Ruling:
    """Decide one operation, finally: even an operation that raises a defect gets a verdict, so the next ones go on."""
    placed = placed_of(request, known.books)
    try:
        return _decide(request, known, placed)
    except RefusedOperation as refused:
        return _refused(request, placed, refused.reason)
    except Exception as error:  # noqa: BLE001  # one operation's defect must not block a journal: it gets its verdict
        _log.exception("%s could not be decided: %s", request.operation_id, type(error).__name__)
        if isinstance(request.content, Sale):
            return without_points(request, request.content, placed, Reason.UNDECIDABLE)
        return _refused(request, placed, Reason.UNDECIDABLE)


def _refused(request: Request, placed: Placed, reason: str) -> Ruling:
    return Ruling(verdict_on(request, placed.day, Status.REFUSED, late=placed.late, code=reason), placed)


def placed_of(request: Request, books: Rulebooks) -> Placed:
    """Return on which day an operation counts."""
    every = (each for versions in books.programmes.values() for each in versions)
    return place(
        request.business_date,
        request.arrived,
        request.day_starts_at,
        request.floor,
        late_bound(every),
        flagged=request.is_late,
    )


def _decide(request: Request, known: Situation, placed: Placed) -> Ruling:
    content = request.content
    if not isinstance(content, Operation):
        raise RefusedOperation(request.refusal or Reason.UNREADABLE)
    if isinstance(content, Sale) and request.reservation is not None and request.refusal not in _NEVER:
        return decide_offline(request, content, known.books, known.wallet, placed, known.room, known.kept)
    if isinstance(content, Sale):
        return decide_sale(request, content, known.books, known.wallet, placed, known.room)
    if request.refusal is not None:
        raise RefusedOperation(request.refusal)
    match content:
        case Award():
            return _award(request, content, known, placed)
        case Convert():
            return _convert(request, content, known, placed)
        case Void(target=target_id):
            return undo.void(request, placed, target_id, known.wallet, known.target, known.books)
        case Return(bill=bill):
            return undo.take_goods_back(request, placed, bill, known.wallet, known.target, known.books)
        case Reserve(municipality=municipality, points=points, rules=rules):
            priced = _priced(municipality, points, rules, known, placed)
            return reserve(request, priced, known.wallet, placed, known.room, known.kept)
        case Release():
            return release(request, known.wallet, placed, known.room, known.kept, known.books)
        case Link() | Unlink() | Close():
            return Ruling(verdict_on(request, placed.day, Status.ACCEPTED, late=placed.late), placed)
        case _:
            assert_never(content)


def _award(request: Request, award: Award, known: Situation, placed: Placed) -> Ruling:
    priced = _priced(award.municipality, award.award, award.rules, known, placed)
    work = Work(request, known.wallet, placed, known.room)
    for programme, points in priced:
        _check_reason(request, work, programme, award.reason, points)
        if (granted := within_ceilings(work, programme, GrantedLeg(points))).reason is not None:
            raise RefusedOperation(granted.reason)
        work.begin(programme)
        work.count(programme, LimitCounter.ISSUED, work.today, points)
        work.give(programme, points)
    return work.done({programme.code: programme.version for programme, _ in priced})


def _check_reason(request: Request, work: Work, programme: Programme, code: str, points: int) -> None:
    """Raise Refused where points may not be given for a reason here, now, to this person; else count it."""
    barred = award_barred(programme, code, points, request.shop, pin=request.pin_verified)
    if barred is not None:
        raise RefusedOperation(barred)
    reason = programme.reasons[code]
    use = reason_use(programme, code, reason, work.day)
    if work.wallet.uses.get(use, 0) >= reason.times:
        raise RefusedOperation(Reason.REASON_USED_UP)
    work.count(programme, use.counter, use.period, 1)


def _convert(request: Request, convert: Convert, known: Situation, placed: Placed) -> Ruling:
    priced = _priced(convert.municipality, [convert.take, convert.give], convert.rules, known, placed)
    source, target = (programme for programme, _ in priced)
    if (barred := may_convert(source, target, request.shop)) is not None:
        raise RefusedOperation(barred)
    rate = rate_between(source, target.code, date.fromisoformat(placed.day))
    if rate is None:
        raise RefusedOperation(Reason.NOT_CONVERTIBLE)
    lots, rest = divmod(convert.take.points, rate.take)
    if rest or lots * rate.give != convert.give.points:
        raise RefusedOperation(Reason.RULES_MISMATCH)
    if convert.take.points > by_tap(source, known.wallet or Wallet()) and not request.pin_verified:
        raise RefusedOperation(Reason.PIN_NEEDED)
    work = Work(request, known.wallet, placed, known.room)
    if (granted := within_ceilings(work, target, GrantedLeg(convert.give.points))).reason is not None:
        raise RefusedOperation(granted.reason)
    work.begin(source)
    work.begin(target)
    work.take(source, convert.take.points, Account.CONVERTED)
    remember_tap(work, request, source, convert.take.points)
    work.count(target, LimitCounter.ISSUED, work.today, convert.give.points)
    work.give(target, convert.give.points)
    return work.done({programme.code: programme.version for programme, _ in priced})


def _priced(
    municipality: str, legs: Iterable[Leg], versions: dict[str, int], known: Situation, placed: Placed
) -> list[tuple[Programme, int]]:
    """Return each leg's programme, at the version that the terminal worked with, and points."""
    found: dict[str, tuple[Programme, int]] = {}
    for leg in legs:
        if leg.programme[:6] != municipality:
            raise RefusedOperation(Reason.MUNICIPALITY_MISMATCH)
        if leg.programme in found:
            raise RefusedOperation(Reason.AMOUNTS_WRONG)
        found[leg.programme] = (
            known.books.stamped(leg.programme, versions.get(leg.programme, 0), placed),
            leg.points,
        )
    return list(found.values())
