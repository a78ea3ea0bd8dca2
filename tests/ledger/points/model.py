"""What the points store promises, as plainly as it can be said: dictionaries, and no thought of speed or privacy.

Points lapse here the moment their last day is over, and a refusal names everything that stands in the way; the store
may tidy up later, and gives one of these reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TypeVar

from ledger.points.operations import Request
from ledger.wire.answers import Status, Verdict
from ledger.wire.operations import Award, Convert, Leg, Return, Sale, Void
from ledger.wire.rules import COUNTS_FOR_DAYS
from tests.ledger.points.scenes import CITY, STREET

K = TypeVar("K")

YEN_PER_POINT = {CITY: 200, STREET: 110}
DAYS = {CITY: 3, STREET: 2}
"""The city's points last so many days after the last use, the street's so many after their award."""
CITY_A_DAY = 400
"""The most of the city's points that pay bills on one day."""
EXTENDED = 4
"""Days for which the street's points live on when they come back after they lapsed; the city's are gone."""
BY_USE = "9999-12-31"
"""Stands for the last day of the city's points, which is whenever use says."""
TOWARDS_DEBT = "9999-12-30"
"""Stands for the last day of points that were given to one who owed, and so went to no lot."""

Lot = tuple[str, str, str]
"""Resident, programme, last day."""


@dataclass(frozen=True)
class Answer:
    """What must be answered: an acceptance with its amounts, or a refusal for one of some reasons.

    `short` are the points that were to pay and did not.
    """

    reasons: frozenset[str] = frozenset()
    redeemed: int = 0
    awarded: int = 0
    due: int | None = None
    short: int = 0

    def fits(self, verdict: Verdict) -> bool:
        """Return whether a verdict says this."""
        status = Status.REFUSED if self.reasons else Status.SHORTFALL if self.short else Status.ACCEPTED
        amounts = (verdict.redeemed, verdict.awarded, verdict.amount_due)
        says_why = verdict.code in (self.reasons or {None})
        said = (verdict.status, *amounts, verdict.short_redeemed)
        return says_why and said == (status, self.redeemed, self.awarded, self.due, self.short)


@dataclass(frozen=True)
class Kept:
    """An operation for ever: what was answered, what it moved, and what became of it since."""

    kind: str
    shop: str
    day: str
    answer: Answer
    resident: str = ""
    bill: int = 0
    took: tuple[tuple[Lot, int], ...] = ()
    gave: tuple[tuple[Lot, int], ...] = ()
    repaid: tuple[tuple[str, int], ...] = ()
    used: tuple[str, ...] = ()
    is_voided: bool = False
    returned: int = 0


class Impossible(Exception):  # noqa: N818  # a decision, not a failure
    """The operation is refused; carries every reason."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = frozenset(reasons)


@dataclass
class Model:
    """Everybody's points, what shops are owed, and every operation."""

    lots: dict[Lot, int] = field(default_factory=dict)
    debts: dict[tuple[str, str], int] = field(default_factory=dict)
    uses: dict[tuple[str, str], int] = field(default_factory=dict)
    """How often a resident used the city's points on a day."""
    spent: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many of the city's points a resident paid with on a day."""
    claims: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """What a programme owes a shop for a business day."""
    left: set[str] = field(default_factory=set)
    operations: dict[str, Kept] = field(default_factory=dict)

    def copy(self) -> Model:
        """Return a model that goes its own way."""
        return Model(**{name: part.copy() for name, part in vars(self).items()})

    def apply(self, asked: Request) -> Answer:
        """Answer an operation, once and for ever; what is refused moves nothing."""
        if (known := self.operations.get(asked.operation_id)) is not None:
            return known.answer
        self.lapse(asked.business_date)
        tried = self.copy()
        try:
            kept = tried._decide(asked)
        except Impossible as refused:
            kept = Kept(_kind(asked), asked.shop, asked.business_date, Answer(refused.reasons))
        else:
            vars(self).update(vars(tried))
        self.operations[asked.operation_id] = kept
        return kept.answer

    def bring(self, who: str, programme: str, last: str, points: int) -> None:
        """Bring points in from elsewhere."""
        _add(self.lots, (who, programme, last), points)

    def leave(self, who: str) -> None:
        """Forget a resident."""
        self.left.add(who)
        for lot in [lot for lot in self.lots if lot[0] == who]:
            del self.lots[lot]
        for debt in [debt for debt in self.debts if debt[0] == who]:
            del self.debts[debt]

    def lapse(self, today: str) -> None:
        """Forget lots whose last day is over."""
        for lot in [lot for lot in self.lots if self.last_day(lot) < today]:
            del self.lots[lot]

    def last_day(self, lot: Lot) -> str:
        """Return the last day of a lot, as things are."""
        who, programme, last = lot
        days = [day for one, day in self.uses if one == who]
        return last if programme == STREET or not days else _plus(max(days), DAYS[CITY])

    def available(self, who: str, code: str) -> int:
        """Return what a resident can spend: what is owed cannot be spent as well."""
        held = sum(points for lot, points in self.lots.items() if lot[:2] == (who, code))
        return held - self.debts.get((who, code), 0)

    # One operation -----------------------------------------------------------------------------------------------

    def _decide(self, asked: Request) -> Kept:
        match asked.content:
            case Sale() as sale:
                return self._sale(asked, sale)
            case Award() as award:
                return self._exchange(asked, [], award.award)
            case Convert() as convert:
                return self._exchange(asked, [convert.take], [convert.give])
            case Void() as void:
                return self._void(asked, void)
            case Return() as back:
                return self._return(asked, back)
            case other:
                raise TypeError(other)

    def _exchange(self, asked: Request, take: Iterable[Leg], give: Iterable[Leg]) -> Kept:
        """Take points and give points without a bill."""
        who = str(asked.mykey)
        takes, gives = ({leg.programme: leg.points for leg in legs} for legs in (take, give))
        if any(points > self.available(who, code) for code, points in takes.items()):
            raise Impossible("insufficient_balance")
        return self._move(asked, takes, gives, Answer(redeemed=sum(takes.values()), awarded=sum(gives.values())))

    def _sale(self, asked: Request, sale: Sale) -> Kept:
        """Grant what may be granted of a finished sale; its bill stands."""
        who, day = str(asked.mykey), asked.business_date
        limits = {CITY: CITY_A_DAY - self.spent.get((who, day), 0)}
        takes = {
            leg.programme: max(
                0, min(leg.points, self.available(who, leg.programme), limits.get(leg.programme, leg.points))
            )
            for leg in sale.redeem
        }
        gives = {leg.programme: min(leg.points, sale.amount_due // YEN_PER_POINT[leg.programme]) for leg in sale.award}
        takes, gives = ({code: points for code, points in moved.items() if points} for moved in (takes, gives))
        short = sum(leg.points for leg in sale.redeem) - sum(takes.values())
        answer = Answer(
            redeemed=sum(takes.values()), awarded=sum(gives.values()), due=sale.amount_due + short, short=short
        )
        return self._move(asked, takes, gives, answer, sale.bill)

    def _move(
        self, asked: Request, takes: dict[str, int], gives: dict[str, int], answer: Answer, bill: int = 0
    ) -> Kept:
        who, day = str(asked.mykey), asked.business_date
        used = (day,) if CITY in {*takes, *gives} else ()
        for each in used:
            _add(self.uses, (who, each), 1)
        took = tuple(pair for code, points in takes.items() for pair in self._take(who, code, points))
        for (_, code, _), points in took if bill else ():
            _add(self.claims, (code, asked.shop, day), points)
            _add(self.spent, (who, day), points if code == CITY else 0)
        gave, repaid = self._give(who, gives, day)
        return Kept(_kind(asked), asked.shop, day, answer, who, bill, took, gave, repaid, used)

    def _void(self, asked: Request, void: Void) -> Kept:
        """Put everything back as it was."""
        done = Kept("void", asked.shop, asked.business_date, Answer())
        if not void.target.startswith(asked.shop) or void.target == asked.operation_id:
            raise Impossible("target_unknown")
        target = self.operations.get(void.target)
        if target is None:
            never = Answer(frozenset({"voided_before_arrival"}))
            self.operations[void.target] = Kept("voided", asked.shop, asked.business_date, never, is_voided=True)
            return done
        wrong = self._cannot_undo(target, {"sale", "award", "convert"})
        wrong |= {"already_returned"} if target.returned else set()
        wrong |= {"target_closed"} if target.day < _plus(asked.business_date, -COUNTS_FOR_DAYS) else set()
        if wrong:
            raise Impossible(*wrong)
        for (who, code, last), points in target.took:
            _add(self.lots, (who, code, last), points)
            if target.kind == "sale":
                _add(self.claims, (code, asked.shop, target.day), -points)
                _add(self.spent, (who, target.day), -points if code == CITY else 0)
        for code, points in target.repaid:
            _add(self.debts, (target.resident, code), points)
        for lot, points in target.gave:
            if self.last_day(lot) >= asked.business_date:
                self._take_back(lot, points, may_owe=target.kind != "convert")
        for day in target.used:
            _add(self.uses, (target.resident, day), -1)
        self.operations[void.target] = replace(target, is_voided=True)
        return replace(done, answer=Answer(redeemed=-target.answer.redeemed, awarded=-target.answer.awarded))

    def _return(self, asked: Request, back: Return) -> Kept:
        """Take part of the goods back: points and awards in proportion, so that all parts together are the whole."""
        target = self.operations.get(back.target)
        if target is None or target.shop != asked.shop:
            raise Impossible("target_unknown")
        wrong = self._cannot_undo(target, {"sale"})
        wrong |= {"return_exceeds_bill"} if target.returned + back.bill > target.bill else set()
        if wrong:
            raise Impossible(*wrong)
        day, before, after = asked.business_date, target.returned, target.returned + back.bill
        start, end = (target.answer.redeemed * yen // target.bill for yen in (before, after))
        for who, code, last in _points(target.took)[::-1][start:end]:
            _add(self.claims, (code, asked.shop, day), -1)
            if self.last_day((who, code, last)) >= day:
                _add(self.lots, (who, code, last), 1)
            elif code == STREET:
                _add(self.lots, (who, code, _plus(day, EXTENDED)), 1)
        awarded = 0
        for code in (CITY, STREET):
            line = _points(pair for pair in target.gave if pair[0][1] == code)
            line += [(target.resident, code, TOWARDS_DEBT)] * dict(target.repaid).get(code, 0)
            gone, more = (max(0, len(line) - _paid(target, yen) // YEN_PER_POINT[code]) for yen in (before, after))
            awarded += more - gone
            for lot in line[gone:more]:
                if self.last_day(lot) >= day:
                    self._take_back(lot, 1)
        self.operations[back.target] = replace(target, returned=after)
        due = -(back.bill - (end - start))
        return Kept("return", asked.shop, day, Answer(redeemed=start - end, awarded=-awarded, due=due))

    # Its parts ---------------------------------------------------------------------------------------------------

    def _take(self, who: str, code: str, points: int) -> list[tuple[Lot, int]]:
        """Take points, those first that lapse first."""
        took = []
        for lot in sorted(lot for lot in self.lots if lot[:2] == (who, code)):
            if part := min(points, self.lots[lot]):
                _add(self.lots, lot, -part)
                took.append((lot, part))
                points -= part
        return took

    def _give(
        self, who: str, gives: dict[str, int], day: str
    ) -> tuple[tuple[tuple[Lot, int], ...], tuple[tuple[str, int], ...]]:
        """Give points; what is owed is paid first."""
        gave, repaid = [], []
        for code, points in gives.items():
            if owed := min(points, self.debts.get((who, code), 0)):
                _add(self.debts, (who, code), -owed)
                repaid.append((code, owed))
            if points > owed:
                lot = (who, code, BY_USE if code == CITY else _plus(day, DAYS[STREET]))
                _add(self.lots, lot, points - owed)
                gave.append((lot, points - owed))
        return tuple(gave), tuple(repaid)

    def _take_back(self, lot: Lot, points: int, *, may_owe: bool = True) -> None:
        """Take awarded points back: from their own lot, from any other, and at last as a debt where that is allowed."""
        who, code, _ = lot
        own = min(points, self.lots.get(lot, 0))
        _add(self.lots, lot, -own)
        missing = points - own - sum(part for _, part in self._take(who, code, points - own))
        if missing and (code != STREET or not may_owe):
            raise Impossible("award_already_spent")
        _add(self.debts, (who, code), missing)

    def _cannot_undo(self, target: Kept, kinds: set[str]) -> set[str]:
        wrong = {"target_refused"} if target.answer.reasons else set()
        wrong |= {"already_voided"} if target.is_voided else set()
        wrong |= {"target_not_undoable"} if target.kind not in kinds else set()
        wrong |= {"holder_left"} if target.resident in self.left else set()
        return wrong


def _kind(asked: Request) -> str:
    return str(getattr(asked.content, "kind", ""))


def _plus(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _paid(sale: Kept, returned: int) -> int:
    """Return the yen that stay paid of a sale of which so many came back."""
    redeemed = sale.answer.redeemed
    return (sale.bill - returned) - (redeemed - redeemed * returned // sale.bill)


def _points(pairs: Iterable[tuple[Lot, int]]) -> list[Lot]:
    """Return lots once for every point, in a line."""
    return [lot for lot, points in pairs for _ in range(points)]


def _add(held: dict[K, int], key: K, points: int) -> None:
    held[key] = held.get(key, 0) + points
    if not held[key]:
        del held[key]
