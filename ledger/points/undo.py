"""Undoing a sale, award or conversion: all of it before the close (void), goods and their points after it (return)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.points.operations import Account, Decided, Moved, Posting, Request, accepted
from ledger.points.wallet import Change, Lot, Refused, Wallet
from ledger.wire.answers import Status, Verdict
from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme, award_for

Versions = Callable[[str, int], Programme | None]
"""Finds a programme at a version."""


@dataclass(frozen=True, slots=True)
class Target:
    """The operation to undo, and what undid it so far.

    `moved` is None where nothing was moved, or nobody knows any more what. `returned` is the yen of the bill that came
    back.
    """

    operation_id: str
    kind: str
    business_date: str
    status: Status
    moved: Moved | None
    is_voided: bool = False
    returned: int = 0


def void(request: Request, target_id: str, wallet: Wallet | None, target: Target | None, versions: Versions) -> Decided:
    """Put points back into the lots that they came from, and take awards out of theirs."""
    if not request.may_void(target_id):
        raise Refused(Reason.TARGET_UNKNOWN)
    if target is None:
        # Not seen yet: the store writes the id down as voided, so that it can never succeed.
        return Decided(Verdict(operation_id=request.operation_id, status=Status.ACCEPTED))
    moved, wallet = _undoable(request, wallet, target, ("sale", "award", "convert"))
    if target.returned:
        raise Refused(Reason.ALREADY_RETURNED)
    if target.business_date != request.business_date:
        raise Refused(Reason.TARGET_CLOSED)
    change = Change(moved.taken, moved.repaid)
    for lot, points in moved.given:
        programme = _version(versions, moved, lot.programme)
        change += wallet.after(change).take_back(programme, points, [lot], request.business_date)
    change += Change(uses=tuple((use, -points) for use, points in moved.uses if use in wallet.uses))
    account, shop = (Account.CONVERTED, "") if target.kind == "convert" else (Account.CLAIM, request.shop)
    others = [Posting(account, lot.programme, shop, -points) for lot, points in moved.taken]
    others += (Posting(Account.ISSUED, lot.programme, "", points) for lot, points in moved.given)
    others += (Posting(Account.ISSUED, programme, "", points) for programme, points in moved.repaid)
    redeemed, awarded, _ = moved.amounts
    return accepted(request.operation_id, Moved(moved.mykey, amounts=(-redeemed, -awarded, None)), change, others)


def take_goods_back(
    request: Request, bill: int, wallet: Wallet | None, target: Target | None, versions: Versions
) -> Decided:
    """Return `bill` yen of a sale: points in proportion, so that all parts together are exactly the whole.

    What was consumed last comes back first; awards shrink to what the rest of the bill would have earned. Of an award
    that lapsed nothing is left to take: the issuer has it back already.
    """
    if target is None:
        raise Refused(Reason.TARGET_UNKNOWN)
    moved, wallet = _undoable(request, wallet, target, ("sale",))
    if target.returned + bill > moved.bill:
        raise Refused(Reason.RETURN_EXCEEDS_BILL)
    before, after = _Kept.of(moved, target.returned), _Kept.of(moved, target.returned + bill)
    change = Change()
    others: list[Posting] = []
    for lot, points in _slice(reversed(moved.taken), before.restored, after.restored):
        others.append(Posting(Account.CLAIM, lot.programme, request.shop, -points))
        back = _restored_lot(wallet, lot, _version(versions, moved, lot.programme), request.business_date)
        if back is None:
            others.append(Posting(Account.LAPSED, lot.programme, "", points))
        else:
            change += Change(((back, points),))
    taken_back = 0
    for code, awarded in _awards(moved).items():
        programme = _version(versions, moved, code)
        start, end = (awarded - min(awarded, award_for(programme, kept.paid)) for kept in (before, after))
        given = [(lot, points) for lot, points in moved.given if lot.programme == code]
        lapsed = sum(
            points
            for lot, points in _slice(given, start, end)
            if wallet.last_day_of(lot, programme) < request.business_date
        )
        first = [lot for lot, _ in given]
        change += wallet.after(change).take_back(programme, end - start - lapsed, first, request.business_date)
        others += (Posting(Account.ISSUED, code, "", end - start), Posting(Account.LAPSED, code, "", -lapsed))
        taken_back += end - start
    restored = after.restored - before.restored
    amounts = (-restored, -taken_back, -(bill - restored))
    return accepted(request.operation_id, Moved(moved.mykey, bill, amounts=amounts), change, others)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A sale of which part came back: points restored so far, and yen that stay paid."""

    restored: int
    paid: int

    @classmethod
    def of(cls, moved: Moved, returned: int) -> _Kept:
        redeemed = sum(points for _, points in moved.taken)
        restored = redeemed * returned // moved.bill
        return cls(restored, moved.bill - returned - (redeemed - restored))


def _undoable(request: Request, wallet: Wallet | None, target: Target, kinds: tuple[str, ...]) -> tuple[Moved, Wallet]:
    """Return what the target moved and the wallet of its resident; raise Refused where it cannot be undone."""
    if not target.operation_id.startswith(f"{request.shop}-"):
        raise Refused(Reason.TARGET_UNKNOWN)
    if target.is_voided:
        raise Refused(Reason.ALREADY_VOIDED)
    if target.status is Status.REFUSED:
        raise Refused(Reason.TARGET_REFUSED)
    if target.kind not in kinds:
        raise Refused(Reason.TARGET_NOT_UNDOABLE)
    if target.moved is None:
        raise Refused(Reason.TARGET_FORGOTTEN)
    if wallet is None:
        raise Refused(Reason.HOLDER_LEFT)
    return target.moved, wallet


def _version(versions: Versions, moved: Moved, code: str) -> Programme:
    programme = versions(code, (moved.rules or {})[code])
    if programme is None:
        raise Refused(Reason.PROGRAMME_UNKNOWN)
    return programme


def _restored_lot(wallet: Wallet, lot: Lot, programme: Programme, day: str) -> Lot | None:
    """Return the lot that points come back into, None where they lapsed meanwhile for good."""
    if wallet.last_day_of(lot, programme) >= day:
        return lot
    if programme.returning.days is None:
        return None
    return lot._replace(expires_on=(date.fromisoformat(day) + timedelta(days=programme.returning.days)).isoformat())


def _awards(moved: Moved) -> dict[str, int]:
    """Return what a sale awarded, by programme, whether into a lot or towards a debt."""
    awards: dict[str, int] = {}
    for code, points in (*((lot.programme, points) for lot, points in moved.given), *moved.repaid):
        awards[code] = awards.get(code, 0) + points
    return awards


def _slice(lots: Iterable[tuple[Lot, int]], start: int, end: int) -> Iterator[tuple[Lot, int]]:
    """Yield the points from `start` to `end` of lots that stand in a line."""
    position = 0
    for lot, points in lots:
        inside = min(end, position + points) - max(start, position)
        position += points
        if inside > 0:
            yield lot, inside
