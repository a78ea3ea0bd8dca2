"""Undoing a sale, award or conversion: all of it before the close (void), goods and their points after it (return)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ledger.points.dating import Placed, late_bound
from ledger.points.gate import may_undo
from ledger.points.operations import Account, Movements, Posting, Request, Ruling, accepted, verdict_on
from ledger.points.reservations import BORNE
from ledger.points.versions import Rulebooks
from ledger.points.wallet import Change, Lot, RefusedOperation, Wallet
from ledger.wire.answers import Status
from ledger.wire.kinds import KINDS, kind_of
from ledger.wire.operations import Return, Void
from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme, award_for, restored


@dataclass(frozen=True, slots=True)
class Target:
    """The operation to undo, and what undid it so far.

    `day` is the one that reports show it on. `moved` is None where nothing was moved, or nobody knows any more what.
    `returned` is the yen of the bill that came back.
    """

    operation_id: str
    kind: str
    day: str
    status: Status
    moved: Movements | None
    is_voided: bool = False
    returned: int = 0


def void(
    request: Request, placed: Placed, target_id: str, wallet: Wallet | None, target: Target | None, books: Rulebooks
) -> Ruling:
    """Put points back into the lots that they came from, and take awards out of theirs.

    Before the close the sale is not in any report, so that it is taken out of the day on which it was made.
    """
    if target_id == request.operation_id:
        raise RefusedOperation(Reason.TARGET_UNKNOWN)
    _check_gate(request, target_id)
    if target is None:
        # Not seen yet: the store writes the id down as voided, so that it can never succeed.
        return Ruling(verdict_on(request, placed.day, Status.ACCEPTED, late=placed.late), placed)
    moved = _undoable(request, target)
    if target.returned:
        raise RefusedOperation(Reason.ALREADY_RETURNED)
    if _is_closed(request, placed, target, books):
        raise RefusedOperation(Reason.TARGET_CLOSED)
    if moved.mykey is None:
        redeemed = moved.amounts[0]
        undone = Movements(None, amounts=(-redeemed, 0, None))
        back = _back_to_issuer(request.shop, moved.taken)
        return accepted(request, replace(placed, reported_on=target.day), undone, Change(), back)
    if wallet is None:
        raise RefusedOperation(Reason.HOLDER_LEFT)
    held = tuple((lot, points) for lot, points in moved.taken if lot.charge != BORNE)
    lent = [(lot, points) for lot, points in moved.taken if lot.charge == BORNE]
    change = Change(held, moved.repaid)
    lapsed: list[Posting] = []
    for lot, points in moved.given:
        programme = _version(books, moved, lot.programme)
        if wallet.last_day_of(lot, programme) < placed.day:
            # The issuer has it back already.
            lapsed.append(Posting(Account.LAPSED, lot.programme, "", -points))
        else:
            if target.kind == "convert":
                # What was made of the points and spent is nobody's debt: the card never signed for one.
                programme = programme.model_copy(update={"overdraft": False})
            change += wallet.after(change).take_back(programme, points, [lot], placed.day)
    change += Change(
        uses=tuple((use, -min(points, wallet.uses[use])) for use, points in moved.uses if use in wallet.uses)
    )
    account, shop = (Account.CONVERTED, "") if target.kind == "convert" else (Account.CLAIM, request.shop)
    others = [Posting(account, lot.programme, shop, -points) for lot, points in held]
    others += _back_to_issuer(shop, lent)
    others += (Posting(Account.ISSUED, lot.programme, "", points) for lot, points in moved.given)
    others += (Posting(Account.ISSUED, programme, "", points) for programme, points in moved.repaid)
    others += lapsed
    redeemed, awarded, _ = moved.amounts
    undone = Movements(moved.mykey, amounts=(-redeemed, -awarded, None))
    return accepted(request, replace(placed, reported_on=target.day), undone, change, others)


def _is_closed(request: Request, placed: Placed, target: Target, books: Rulebooks) -> bool:
    """Return whether a close covers the target, or it is so old that its day counts as closed without one."""
    if int(target.operation_id.rpartition("-")[2]) <= request.closed_seq:
        return True
    every = (each for versions in books.programmes.values() for each in versions)
    oldest = date.fromisoformat(placed.day) - late_bound(every)
    return target.day < oldest.isoformat()


def take_goods_back(
    request: Request, placed: Placed, bill: int, wallet: Wallet | None, target: Target | None, books: Rulebooks
) -> Ruling:
    """Return `bill` yen of a sale: points in proportion, so that all parts together are exactly the whole.

    What was consumed last comes back first; awards shrink to what the rest of the bill would have earned. Of an award
    that lapsed nothing is left to take: the issuer has it back already.
    """
    if target is None:
        raise RefusedOperation(Reason.TARGET_UNKNOWN)
    _check_gate(request, target.operation_id)
    moved = _undoable(request, target)
    if target.returned + bill > moved.bill:
        raise RefusedOperation(Reason.RETURN_EXCEEDS_BILL)
    if moved.mykey is None:
        before, after = _Kept.of(moved, target.returned), _Kept.of(moved, target.returned + bill)
        back = list(_slice(reversed(moved.taken), before.restored, after.restored))
        points = sum(each for _, each in back)
        undone = Movements(None, bill, amounts=(-points, 0, -(bill - points)))
        return accepted(request, placed, undone, Change(), _back_to_issuer(request.shop, back))
    if wallet is None:
        raise RefusedOperation(Reason.HOLDER_LEFT)
    before, after = _Kept.of(moved, target.returned), _Kept.of(moved, target.returned + bill)
    change, others = _points_back(request.shop, placed.day, moved, wallet, books, before, after)
    taken_back = 0
    for code, awarded in _awards(moved).items():
        programme = _version(books, moved, code)
        start, end = (awarded - min(awarded, award_for(programme, kept.paid)) for kept in (before, after))
        given = [(lot, points) for lot, points in moved.given if lot.programme == code]
        lapsed = sum(
            points for lot, points in _slice(given, start, end) if wallet.last_day_of(lot, programme) < placed.day
        )
        first = [lot for lot, _ in given]
        change += wallet.after(change).take_back(programme, end - start - lapsed, first, placed.day)
        others += (Posting(Account.ISSUED, code, "", end - start), Posting(Account.LAPSED, code, "", -lapsed))
        taken_back += end - start
    restored = after.restored - before.restored
    amounts = (-restored, -taken_back, -(bill - restored))
    return accepted(request, placed, Movements(moved.mykey, bill, amounts=amounts), change, others)


def _points_back(
    shop: str, day: str, moved: Movements, wallet: Wallet, books: Rulebooks, before: _Kept, after: _Kept
) -> tuple[Change, list[Posting]]:
    """Return the change that gives redeemed points back, and where they come from."""
    change = Change()
    others: list[Posting] = []
    for lot, points in _slice(reversed(moved.taken), before.restored, after.restored):
        if lot.charge == BORNE:
            others += _back_to_issuer(shop, [(lot, points)])
            continue
        others.append(Posting(Account.CLAIM, lot.programme, shop, -points))
        back = _restored_lot(wallet, lot, _version(books, moved, lot.programme), day)
        if back is None:
            others.append(Posting(Account.LAPSED, lot.programme, "", points))
        else:
            change += Change(((back, points),))
    return change, others


@dataclass(frozen=True, slots=True)
class _Kept:
    """A sale of which part came back: points restored so far, and yen that stay paid."""

    restored: int
    paid: int

    @classmethod
    def of(cls, moved: Movements, returned: int) -> _Kept:
        redeemed = sum(points for _, points in moved.taken)
        back = restored(redeemed, moved.bill, returned)
        return cls(back, moved.bill - returned - (redeemed - back))


def _back_to_issuer(shop: str, taken: Iterable[tuple[Lot, int]]) -> list[Posting]:
    """Return the postings that take points out of a claim which no wallet can have back.

    What the issuer bore under a floor limit is its loss no more; the points of whoever has left lapse.
    """
    postings: list[Posting] = []
    for lot, points in taken:
        account = Account.LOSS if lot.charge == BORNE else Account.LAPSED
        postings += (Posting(Account.CLAIM, lot.programme, shop, -points), Posting(account, lot.programme, "", points))
    return postings


def _check_gate(request: Request, target_id: str) -> None:
    by_owner = isinstance(request.content, Void | Return) and request.content.by_owner is True
    if (barred := may_undo(target_id, request.terminal_id, request.shop, by_owner=by_owner)) is not None:
        raise RefusedOperation(barred)


def _undoable(request: Request, target: Target) -> Movements:
    """Return what the target moved; raise Refused where it cannot be undone."""
    if target.is_voided:
        raise RefusedOperation(Reason.ALREADY_VOIDED)
    if target.status is Status.REFUSED:
        raise RefusedOperation(Reason.TARGET_REFUSED)
    undoing, undone = kind_of(request.content), KINDS.get(target.kind)
    if undoing is None or undone is None or undoing.name not in undone.undone_by:
        raise RefusedOperation(Reason.TARGET_NOT_UNDOABLE)
    if target.moved is None:
        raise RefusedOperation(Reason.TARGET_FORGOTTEN)
    return target.moved


def _version(books: Rulebooks, moved: Movements, code: str) -> Programme:
    programme = books.version(code, (moved.rules or {})[code])
    if programme is None:
        raise RefusedOperation(Reason.PROGRAMME_UNKNOWN)
    return programme


def _restored_lot(wallet: Wallet, lot: Lot, programme: Programme, day: str) -> Lot | None:
    """Return the lot that points come back into, None where they lapsed meanwhile for good."""
    if wallet.last_day_of(lot, programme) >= day:
        return lot
    if programme.returning.days is None:
        return None
    return lot._replace(expires_on=(date.fromisoformat(day) + timedelta(days=programme.returning.days)).isoformat())


def _awards(moved: Movements) -> dict[str, int]:
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
