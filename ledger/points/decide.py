"""What becomes of an operation: pure functions from what the ledger knows and what is asked to a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ledger.points import undo
from ledger.points.operations import Account, Decided, Moved, Posting, Request, accepted
from ledger.points.undo import Target
from ledger.points.wallet import Change, Counter, Lot, Refused, Use, Wallet
from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import Award, Close, Convert, Leg, Link, Return, Sale, Unlink, Void
from ledger.wire.reasons import Reason
from ledger.wire.rules import RULES_GRACE, DaysAfterUse, Programme, accepts, award_for, rate_between, takes_part

MAX_AHEAD: Final = timedelta(days=3)
"""How far a terminal's clock may be ahead before its days are not believed."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the ledger knows when it decides: programmes at all versions, a resident's wallet, what is to be undone.

    `wallet` is None where there is none: nobody is named, or the resident has left since.
    """

    programmes: Mapping[str, Sequence[Programme]]
    wallet: Wallet | None = None
    target: Target | None = None

    def version(self, code: str, version: int) -> Programme | None:
        """Return a programme at a version."""
        return next((each for each in self.programmes.get(code, ()) if each.version == version), None)


def decide(request: Request, known: Situation, today: date) -> Decided:
    """Decide one operation."""
    try:
        return _decide(request, known, today)
    except Refused as refused:
        return Decided(Verdict(operation_id=request.operation_id, status=Status.REFUSED, code=refused.reason))


def _decide(request: Request, known: Situation, today: date) -> Decided:
    if request.refusal is not None:
        raise Refused(request.refusal)
    if date.fromisoformat(request.business_date) > today + MAX_AHEAD:
        raise Refused(Reason.DATE_WRONG)
    match request.content:
        case Sale() as sale:
            return _sale(request, sale, known)
        case Award() as award:
            return _award(request, award, known)
        case Convert() as convert:
            return _convert(request, convert, known)
        case Void(target=target_id):
            return undo.void(request, target_id, known.wallet, known.target, known.version)
        case Return(bill=bill):
            return undo.take_goods_back(request, bill, known.wallet, known.target, known.version)
        case Link() | Unlink() | Close():
            return Decided(Verdict(operation_id=request.operation_id, status=Status.ACCEPTED))
        case _:
            raise Refused(Reason.UNREADABLE)


class _Work:
    """One operation in the making: a wallet as it becomes, and what was done to it, in the form in which it is kept."""

    def __init__(self, request: Request, wallet: Wallet | None) -> None:
        if request.mykey is None or wallet is None:
            raise ValueError(f"{request.operation_id} names nobody, and identity did not refuse it")
        self.day = request.business_date
        self.mykey = request.mykey
        self.wallet = wallet
        self.taken: list[tuple[Lot, int]] = []
        self.given: list[tuple[Lot, int]] = []
        self.repaid: list[tuple[str, int]] = []
        self.counted: list[tuple[Use, int]] = []
        self.change = Change()
        self.others: list[Posting] = []
        self._operation_id = request.operation_id

    def begin(self, programme: Programme) -> None:
        """Let lapse what lapsed by not being used, and mark this use; both matter where the expiry depends on use."""
        if not isinstance(programme.expiry, DaysAfterUse):
            return
        lapsed = self.wallet.lapse(programme, self.day)
        self.others += (Posting(Account.LAPSED, lot.programme, "", -points) for lot, points in lapsed.lots)
        self._make(lapsed)
        used = self.wallet.used(programme, self.day)
        self.counted += used.uses[:1]
        self._make(used)

    def take(self, programme: Programme, points: int, account: Account, shop: str = "") -> None:
        """Take points out of the wallet into an account."""
        change = self.wallet.take(programme, points, self.day)
        self.taken += ((lot, -part) for lot, part in change.lots)
        self.others.append(Posting(account, programme.code, shop, points))
        self._make(change)

    def give(self, programme: Programme, points: int) -> None:
        """Issue points to the wallet."""
        change = self.wallet.give(programme, points, self.day)
        self.given += change.lots
        self.repaid += ((code, -part) for code, part in change.debts)
        self.others.append(Posting(Account.ISSUED, programme.code, "", -points))
        self._make(change)

    def count(self, programme: Programme, counter: Counter, period: str, points: int) -> None:
        """Count points towards a limit."""
        use = Use(programme.code, counter, period), points
        self.counted.append(use)
        self._make(Change(uses=(use,)))

    def done(self, rules: Mapping[str, int], *, bill: int = 0, due: int | None = None, awards: int = 0) -> Decided:
        """Return the acceptance."""
        moved = Moved(
            self.mykey,
            bill,
            tuple(self.taken),
            tuple(self.given),
            tuple(self.repaid),
            tuple(self.counted),
            rules,
            (sum(points for _, points in self.taken), awards, due),
        )
        return accepted(self._operation_id, moved, self.change, self.others)

    def _make(self, change: Change) -> None:
        self.wallet = self.wallet.after(change)
        self.change += change


def _sale(request: Request, sale: Sale, known: Situation) -> Decided:
    redeemed = sum(leg.points for leg in sale.redeem)
    if sale.bill - redeemed != sale.amount_due:
        raise Refused(Reason.AMOUNTS_WRONG)
    redeem = _priced(request, sale.municipality, sale.redeem, sale.rules, known)
    award = _priced(request, sale.municipality, sale.award, sale.rules, known)
    if [p.code for p, _ in redeem] != [p.code for p, _ in sorted(redeem, key=_deduction)]:
        raise Refused(Reason.RULES_MISMATCH)
    work = _Work(request, known.wallet)
    for programme in {each.code: each for each, _ in (*redeem, *award)}.values():
        work.begin(programme)
    for programme, points in redeem:
        _redeem(work, request, programme, points)
    for programme, points in award:
        _earn(work, request.shop, programme, points, sale.amount_due)
    awarded = sum(points for _, points in award)
    return work.done(sale.rules, bill=sale.bill, due=sale.amount_due, awards=awarded)


def _redeem(work: _Work, request: Request, programme: Programme, points: int) -> None:
    rules = programme.redeeming
    if rules is None or not accepts(programme, request.shop):
        raise Refused(Reason.NOT_USABLE_HERE)
    if points < rules.minimum:
        raise Refused(Reason.RULES_MISMATCH)
    if points > rules.tap_ceiling and not request.pin_verified:
        raise Refused(Reason.PIN_NEEDED)
    if points > within_limits(programme, work.wallet, work.day):
        raise Refused(Reason.LIMIT_EXCEEDED)
    work.take(programme, points, Account.CLAIM, request.shop)
    for limit, period in ((rules.per_day, work.day), (rules.per_month, work.day[:7])):
        if limit is not None:
            work.count(programme, Counter.REDEEMED, period, points)


def _earn(work: _Work, shop: str, programme: Programme, points: int, paid: int) -> None:
    """Award what a bill earns; near the day's limit it may be less."""
    if not takes_part(programme, shop):
        raise Refused(Reason.NOT_USABLE_HERE)
    earned, left = award_for(programme, paid), earnable(programme, work.wallet, work.day)
    if points > earned or (points < earned and left is None):
        raise Refused(Reason.RULES_MISMATCH)
    if left is not None:
        if points > left:
            raise Refused(Reason.AWARD_LIMIT_EXCEEDED)
        work.count(programme, Counter.AWARDED, work.day, points)
    work.give(programme, points)


def _award(request: Request, award: Award, known: Situation) -> Decided:
    priced = _priced(request, award.municipality, award.award, award.rules, known)
    work = _Work(request, known.wallet)
    for programme, points in priced:
        reason = programme.reasons.get(award.reason)
        if reason is None or not reason.allows(points):
            raise Refused(Reason.REASON_UNKNOWN if reason is None else Reason.RULES_MISMATCH)
        work.begin(programme)
        work.give(programme, points)
    return work.done(award.rules, awards=sum(points for _, points in priced))


def _convert(request: Request, convert: Convert, known: Situation) -> Decided:
    source, target = (
        programme
        for programme, _ in _priced(request, convert.municipality, [convert.take, convert.give], convert.rules, known)
    )
    rate = rate_between(source, target.code, date.fromisoformat(request.business_date))
    if rate is None:
        raise Refused(Reason.NOT_CONVERTIBLE)
    lots, rest = divmod(convert.take.points, rate.take)
    if rest or lots * rate.give != convert.give.points:
        raise Refused(Reason.RULES_MISMATCH)
    ceiling = 0 if source.redeeming is None else source.redeeming.tap_ceiling
    if convert.take.points > ceiling and not request.pin_verified:
        raise Refused(Reason.PIN_NEEDED)
    work = _Work(request, known.wallet)
    work.begin(source)
    work.begin(target)
    work.take(source, convert.take.points, Account.CONVERTED)
    work.give(target, convert.give.points)
    return work.done(convert.rules, awards=convert.give.points)


def _priced(
    request: Request, municipality: str, legs: Iterable[Leg], versions: Mapping[str, int], known: Situation
) -> list[tuple[Programme, int]]:
    """Return each leg's programme, at the version that the terminal worked with, and points."""
    found: dict[str, tuple[Programme, int]] = {}
    for leg in legs:
        if leg.programme[:6] != municipality:
            raise Refused(Reason.MUNICIPALITY_MISMATCH)
        if leg.programme in found:
            raise Refused(Reason.AMOUNTS_WRONG)
        programme = known.version(leg.programme, versions.get(leg.programme, 0))
        if programme is None:
            raise Refused(Reason.PROGRAMME_UNKNOWN)
        _check_in_force(programme, known.programmes[leg.programme], date.fromisoformat(request.business_date))
        found[leg.programme] = (programme, leg.points)
    return list(found.values())


def _check_in_force(programme: Programme, versions: Iterable[Programme], day: date) -> None:
    if programme.effective_from > day:
        raise Refused(Reason.RULES_MISMATCH)
    if any(each.version > programme.version and each.effective_from + RULES_GRACE < day for each in versions):
        raise Refused(Reason.RULES_OUTDATED)


def within_limits(programme: Programme, wallet: Wallet, day: str) -> int:
    """Return the most points that the limits for one operation, day and month leave to redeem."""
    rules = programme.redeeming
    if rules is None:
        return 0
    room = [2**31 if rules.per_operation is None else rules.per_operation]
    for limit, period in ((rules.per_day, day), (rules.per_month, day[:7])):
        if limit is not None:
            room.append(limit - wallet.uses.get(Use(programme.code, Counter.REDEEMED, period), 0))
    return max(0, min(room))


def earnable(programme: Programme, wallet: Wallet, day: str) -> int | None:
    """Return what the day's limit leaves to be earned, None where there is no limit."""
    if programme.earning is None or programme.earning.per_day is None:
        return None
    return max(0, programme.earning.per_day - wallet.uses.get(Use(programme.code, Counter.AWARDED, day), 0))


def _deduction(priced: tuple[Programme, int]) -> tuple[int, str]:
    return priced[0].deduction_order, priced[0].code
