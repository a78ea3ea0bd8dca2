"""Gives a verdict back that the ledger once gave and lost: in a failover, or by a restore.

Its own signature proves it, so it stands. What others spent meanwhile is not taken from them: the issuer bears it, and
the table of losses says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from ledger.points.dating import Placed
from ledger.points.operations import Account, Loss, Movements, Posting, Request, Ruling
from ledger.points.reservations import NOTHING_KEPT, Reservation, Taken
from ledger.points.versions import Rulebooks
from ledger.points.wallet import Change, RefusedOperation, Wallet
from ledger.points.work import Work
from ledger.wire.answers import Status, Verdict
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
from ledger.wire.rules import Programme

UNDONE_OTHERWISE = "undone_otherwise"
"""Stands for a void or return whose target is not what it was: the verdict is given back, and nothing moves."""


def given_back(
    request: Request,
    verdict: Verdict,
    books: Rulebooks,
    wallet: Wallet | None,
    decided: Ruling,
    kept: Reservation = NOTHING_KEPT,
) -> Ruling:
    """Return the decision that gives `verdict` back; `decided` is what would be decided anew.

    `kept` is what the resident has set aside at the terminal.
    """
    day = verdict.day or decided.placed.day
    placed = Placed(day, decided.placed.reported_on if verdict.late else day, verdict.late)
    if verdict.status is Status.REFUSED:
        return Ruling(verdict, placed)
    if not isinstance(request.content, Operation):
        return Ruling(verdict, placed)
    match request.content:
        case Sale() as sale:
            cut = {(each.leg, each.programme): each.granted for each in verdict.cuts}
            takes = {leg.programme: cut.get(("redeem", leg.programme), leg.points) for leg in sale.redeem}
            gives = {leg.programme: cut.get(("award", leg.programme), leg.points) for leg in sale.award}
            again = _Again(request, verdict, books, wallet, placed, sale.rules, kept)
            return again.moved(takes, gives, Account.CLAIM, bill=sale.bill)
        case Award() as award:
            again = _Again(request, verdict, books, wallet, placed, award.rules)
            return again.moved({}, _points(award.award), Account.CLAIM)
        case Convert() as convert:
            again = _Again(request, verdict, books, wallet, placed, convert.rules)
            return again.moved(_points([convert.take]), _points([convert.give]), Account.CONVERTED)
        case Void() | Return() if _differs(decided.verdict, verdict):
            return Ruling(verdict, placed, losses=(Loss(UNDONE_OTHERWISE, "", 0),))
        case Reserve() as reserve if decided.verdict.status is Status.REFUSED:
            again = _Again(request, verdict, books, wallet, placed, reserve.rules)
            return again.set_aside(_points(reserve.points))
        case Void() | Return() | Link() | Unlink() | Close() | Reserve() | Release():
            return replace(decided, verdict=verdict, placed=placed)
        case _:
            assert_never(request.content)


class _Again:
    """Moves once more what was moved: nothing is checked any more, and what is not there is lost."""

    def __init__(
        self,
        request: Request,
        verdict: Verdict,
        books: Rulebooks,
        wallet: Wallet | None,
        placed: Placed,
        rules: Mapping[str, int],
        kept: Reservation = NOTHING_KEPT,
    ) -> None:
        self._request = request
        self._verdict = verdict
        self._books = books
        self._wallet = wallet
        self._placed = placed
        self._rules = rules
        self._kept = kept if request.reservation is not None else NOTHING_KEPT

    def moved(self, takes: Mapping[str, int], gives: Mapping[str, int], into: Account, bill: int = 0) -> Ruling:
        """Return the decision: as much as is there is taken, and the rest lost."""
        shop = self._request.shop if into is Account.CLAIM else ""
        if self._wallet is None or self._request.mykey is None:
            return self._without_wallet(takes, gives, into, shop, bill)
        work, losses = Work(self._request, self._wallet, self._placed), []
        for code, points in takes.items():
            if (programme := self._programme(code)) is None:
                losses.append(Loss("redeemed", code, points))
                continue
            work.begin(programme)
            taken = self._kept.take(code, points)
            work.spend_reserved(programme, taken, shop)
            rest = points - sum(each for _, each in taken)
            there = max(0, min(rest, work.wallet.available(programme, work.day)))
            work.take(programme, there, into, shop)
            if rest > there:
                work.lose(programme, rest - there, into, shop)
                losses.append(Loss("redeemed", code, rest - there))
        for code, points in gives.items():
            programme = self._programme(code)
            try:
                if programme is not None:
                    work.begin(programme)
                    work.give(programme, points)
                    continue
            except RefusedOperation:
                pass  # the programme has ended since
            losses.append(Loss("awarded", code, points))
        done = work.done(self._rules, bill=bill, due=self._verdict.amount_due, cuts=self._verdict.cuts)
        return replace(done, verdict=self._verdict, losses=tuple(losses))

    def _without_wallet(
        self, takes: Mapping[str, int], gives: Mapping[str, int], into: Account, shop: str, bill: int
    ) -> Ruling:
        """Give the shop its claim, although the resident is not known any more."""
        taken: Taken = tuple(each for code, points in takes.items() for each in self._kept.take(code, points))
        short = dict(takes)
        for lot, points in taken:
            short[lot.programme] -= points
        postings = [Posting(into, code, shop, points) for code, points in takes.items()]
        postings += (Posting(Account.RESERVED, lot.programme, "", -points) for lot, points in taken)
        postings += (Posting(Account.LOSS, code, "", -points) for code, points in short.items())
        losses = [Loss("redeemed", code, points) for code, points in short.items() if points]
        losses += (Loss("awarded", code, points) for code, points in gives.items() if points)
        moved = Movements(None, bill, amounts=(0, 0, self._verdict.amount_due), cuts=tuple(self._verdict.cuts))
        spent = tuple((lot, -points) for lot, points in taken)
        return Ruling(self._verdict, self._placed, moved, Change(), tuple(postings), tuple(losses), spent)

    def set_aside(self, asked: Mapping[str, int]) -> Ruling:
        """Return the decision that sets points aside again: the terminal relies on them, and what is gone is lost."""
        if self._wallet is None or self._request.mykey is None:
            return Ruling(self._verdict, self._placed)
        work, losses = Work(self._request, self._wallet, self._placed), []
        for code, points in asked.items():
            if (programme := self._programme(code)) is None:
                continue
            work.begin(programme)
            there = max(0, min(points, work.wallet.available(programme, work.day)))
            if there:
                work.set_aside(programme, there, 0)
            if points > there:
                work.set_lost_aside(programme, points - there)
                losses.append(Loss("reserved", code, points - there))
        done = work.done(self._rules)
        return replace(done, verdict=self._verdict, losses=tuple(losses))

    def _programme(self, code: str) -> Programme | None:
        return self._books.for_sale(code, self._rules.get(code, 0), self._placed)


def _points(legs: Iterable[Leg]) -> dict[str, int]:
    return {leg.programme: leg.points for leg in legs}


def _differs(anew: Verdict, given: Verdict) -> bool:
    said = (given.status, given.redeemed, given.awarded)
    return (anew.status, anew.redeemed, anew.awarded) != said
