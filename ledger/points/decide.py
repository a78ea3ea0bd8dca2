"""What becomes of an operation: pure functions from what the ledger knows and what is asked to a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from pydantic import BaseModel

from ledger.messages import Award, Leg, Link, Sale, Status, Unlink, Verdict, Void
from ledger.points.schema import NEVER
from ledger.reasons import Reason
from ledger.rules import Programme, accepts, award_for, lapses_on

Account = Literal["resident", "shop", "issuer", "overdraft"]


class LotKey(NamedTuple):
    """Points of one resident that share programme, charge and expiry are one lot."""

    programme: str
    charge: str
    expires_on: str


class Move(NamedTuple):
    """Points into a lot (positive) or out of it."""

    lot: LotKey
    points: int


class Posting(NamedTuple):
    """Points into an account of a programme (positive) or out of it; an operation's postings sum to zero."""

    account: Account
    programme: str
    points: int


class Used(NamedTuple):
    """What was redeemed and awarded in a day or month."""

    redeemed: int = 0
    awarded: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as the API hands it over: who it is about was settled by the identity store.

    `refusal` is the code under which identity refuses it, `content_hash` the hash of its journal entry.
    """

    operation_id: str
    terminal_id: str
    shop: str
    business_date: str
    content: BaseModel
    content_hash: str
    mykey: str | None = None
    refusal: str | None = None
    pin_verified: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """The operation that another one undoes. `moves` is None once its period's key was destroyed."""

    shop: str
    business_date: str
    verdict: Verdict
    undone_by: str | None
    mykey: str | None
    moves: tuple[Move, ...] | None


@dataclass(frozen=True, slots=True)
class Situation:
    """What the ledger knows when it decides: the rules, one resident's wallet and use of it, and what is to be undone.

    `used` is by programme and period: a day (YYYY-MM-DD) or a month (YYYY-MM).
    """

    programmes: Mapping[tuple[str, int], Programme]
    lots: Mapping[LotKey, int]
    used: Mapping[tuple[str, str], Used]
    last_uses: Mapping[str, str]
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict and all that follows from it."""

    verdict: Verdict
    moves: tuple[Move, ...] = ()
    postings: tuple[Posting, ...] = ()
    used_of: str | None = None
    """Whose wallet moves."""


class Refused(Exception):  # noqa: N818  # a decision, not a failure
    """The operation is refused; carries the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decide(request: Request, known: Situation) -> Decided:
    """Decide one operation."""
    try:
        return _decide(request, known)
    except Refused as refused:
        verdict = Verdict(operation_id=request.operation_id, status=Status.REFUSED, code=str(refused.reason))
        return Decided(verdict)


def _decide(request: Request, known: Situation) -> Decided:
    if request.refusal is not None:
        raise Refused(request.refusal)
    match request.content:
        case Sale() as sale:
            return _sale(request, sale, known)
        case Award() as award:
            return _award(request, award, known)
        case Void():
            return _void(request, known)
        case Link() | Unlink():
            return Decided(_accepted(request))
        case _:
            raise Refused(Reason.UNREADABLE)


# Sale and award ------------------------------------------------------------------------------------------------


def _sale(request: Request, sale: Sale, known: Situation) -> Decided:
    redeemed = sum(leg.points for leg in sale.redeem)
    if sale.bill - redeemed != sale.amount_due:
        raise Refused(Reason.AMOUNTS_WRONG)
    programmes = _programmes(request, sale.municipality, [*sale.redeem, *sale.award], sale.rules, known)
    moves: list[Move] = []
    postings: list[Posting] = []
    for leg in sale.redeem:
        _check_redeem(request, leg, programmes[leg.programme], known)
        moves += consume(leg, known, request.business_date)
        postings += (Posting("resident", leg.programme, -leg.points), Posting("shop", leg.programme, leg.points))
    for leg in sale.award:
        if leg.points != award_for(programmes[leg.programme], sale.amount_due):
            raise Refused(Reason.RULES_MISMATCH)
    awarded = _grant(request, sale.award, programmes, known)
    return Decided(
        _accepted(request, redeemed=redeemed, awarded=sum(each.points for each in awarded), due=sale.amount_due),
        (*moves, *awarded),
        (*postings, *_issued(awarded)),
        request.mykey,
    )


def _award(request: Request, award: Award, known: Situation) -> Decided:
    programmes = _programmes(request, award.municipality, award.award, award.rules, known)
    awarded = _grant(request, award.award, programmes, known)
    verdict = _accepted(request, awarded=sum(each.points for each in awarded))
    return Decided(verdict, tuple(awarded), tuple(_issued(awarded)), request.mykey)


def _programmes(
    request: Request, municipality: str, legs: Iterable[Leg], versions: Mapping[str, int], known: Situation
) -> dict[str, Programme]:
    """Return the programmes of some legs at the versions that the terminal worked with."""
    found: dict[str, Programme] = {}
    for leg in legs:
        if leg.programme[:6] != municipality:
            raise Refused(Reason.MUNICIPALITY_MISMATCH)
        programme = known.programmes.get((leg.programme, versions.get(leg.programme, 0)))
        if programme is None:
            raise Refused(Reason.PROGRAMME_UNKNOWN)
        if programme.effective_from.isoformat() > request.business_date:
            raise Refused(Reason.RULES_MISMATCH)
        found[leg.programme] = programme
    return found


def _check_redeem(request: Request, leg: Leg, programme: Programme, known: Situation) -> None:
    rules = programme.redeeming
    if rules is None or not accepts(programme, request.shop):
        raise Refused(Reason.NOT_USABLE_HERE)
    if leg.points < rules.minimum:
        raise Refused(Reason.RULES_MISMATCH)
    if leg.points > rules.tap_ceiling and not request.pin_verified:
        raise Refused(Reason.PIN_NEEDED)
    if leg.points > redeemable_within_limits(programme, known.used, request.business_date):
        raise Refused(Reason.LIMIT_EXCEEDED)


def redeemable_within_limits(programme: Programme, used: Mapping[tuple[str, str], Used], day: str) -> int:
    """Return the most points that the limits for one operation, day and month leave to redeem."""
    rules = programme.redeeming
    if rules is None:
        return 0
    room = [rules.per_operation]
    for limit, period in ((rules.per_day, day), (rules.per_month, day[:7])):
        room.append(None if limit is None else limit - used.get((programme.code, period), Used()).redeemed)
    return max(0, min((each for each in room if each is not None), default=2**31))


def consume(leg: Leg, known: Situation, day: str) -> Iterator[Move]:
    """Yield what a leg takes out of its lots, those first that lapse first; free ones before paid ones."""
    remaining = leg.points
    for lot in sorted(live(known, leg.programme, day), key=lambda lot: (lot.expires_on, lot.charge)):
        if taken := min(remaining, max(0, known.lots[lot])):
            yield Move(lot, -taken)
            remaining -= taken
    if remaining:
        raise Refused(Reason.INSUFFICIENT_BALANCE)


def live(known: Situation, programme: str, day: str) -> Iterator[LotKey]:
    """Yield the lots of a programme that have not lapsed by a day."""
    for lot in known.lots:
        if lot.programme == programme and lot.expires_on >= day:
            yield lot


def _grant(request: Request, legs: Sequence[Leg], programmes: Mapping[str, Programme], known: Situation) -> list[Move]:
    """Return the lots that award legs make, as far as the programme's daily limit goes."""
    granted: list[Move] = []
    for leg in legs:
        programme = programmes[leg.programme]
        points = leg.points
        if programme.earning is not None and programme.earning.per_day is not None:
            used = known.used.get((leg.programme, request.business_date), Used()).awarded
            points = min(points, max(0, programme.earning.per_day - used))
        if points:
            granted.append(Move(_lot(programme, request.business_date), points))
    return granted


def _lot(programme: Programme, business_date: str) -> LotKey:
    last = lapses_on(programme, date.fromisoformat(business_date))
    return LotKey(programme.code, programme.charge, NEVER if last is None else last.isoformat())


def _issued(awarded: Iterable[Move]) -> Iterator[Posting]:
    for move in awarded:
        yield Posting("issuer", move.lot.programme, -move.points)
        yield Posting("resident", move.lot.programme, move.points)


# Undoing -------------------------------------------------------------------------------------------------------


def _void(request: Request, known: Situation) -> Decided:
    """Undo the target: points back into the lots that they came from, awards out of theirs."""
    target = known.target
    if target is None:
        # Not seen yet: the store writes the id down as voided, so that it can never succeed.
        return Decided(_accepted(request))
    if target.shop != request.shop:
        raise Refused(Reason.TARGET_UNKNOWN)
    if target.undone_by is not None:
        raise Refused(Reason.ALREADY_VOIDED)
    if target.verdict.status is Status.REFUSED:
        raise Refused(Reason.TARGET_REFUSED)
    if target.business_date != request.business_date or target.moves is None:
        raise Refused(Reason.TARGET_CLOSED)
    back = tuple(Move(move.lot, -move.points) for move in target.moves)
    after = Counter(known.lots)
    for lot, points in back:
        after[lot] += points
    if any(after[lot] < 0 for lot, _ in back):
        raise Refused(Reason.AWARD_ALREADY_SPENT)
    verdict = _accepted(request, redeemed=-target.verdict.redeemed, awarded=-target.verdict.awarded)
    return Decided(verdict, back, tuple(_undone(back)), target.mykey)


def _undone(back: Iterable[Move]) -> Iterator[Posting]:
    for lot, points in back:
        yield Posting("resident", lot.programme, points)
        yield Posting("shop" if points > 0 else "issuer", lot.programme, -points)


def _accepted(request: Request, *, redeemed: int = 0, awarded: int = 0, due: int | None = None) -> Verdict:
    return Verdict(
        operation_id=request.operation_id,
        status=Status.ACCEPTED,
        redeemed=redeemed,
        awarded=awarded,
        amount_due=due,
    )
