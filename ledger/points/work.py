"""One operation in the making: a wallet as it becomes, and what was done to it, in the form in which it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from ledger.points.dating import Placed
from ledger.points.gauges import NO_CEILINGS, Room
from ledger.points.operations import Account, Movements, Posting, Request, Ruling, accepted
from ledger.points.reservations import BORNE, HELD, PART, Taken, dated, home, kept_counter
from ledger.points.wallet import NEVER, Change, CountKey, LimitCounter, Lot, Wallet
from ledger.wire.answers import Cut
from ledger.wire.rules import DaysAfterUse, Programme, lapses_on


class Work:
    """Takes points out of a wallet and gives points to it, and remembers all that a void needs.

    `day` is the one that the operation counts on, `today` that of the ledger's clock, on which ceilings count.
    """

    def __init__(self, request: Request, wallet: Wallet | None, placed: Placed, room: Room = NO_CEILINGS) -> None:
        if request.mykey is None or wallet is None:
            raise ValueError(f"{request.operation_id} names nobody, and identity did not refuse it")
        self.day = placed.day
        self.today = room.day or placed.day
        self.wallet = wallet
        self.room = room
        self._request = request
        self._placed = placed
        self._taken: list[tuple[Lot, int]] = []
        self._given: list[tuple[Lot, int]] = []
        self._repaid: list[tuple[str, int]] = []
        self._counted: list[tuple[CountKey, int]] = []
        self._change = Change()
        self._others: list[Posting] = []
        self._begun: set[str] = set()
        self._kept: list[tuple[Lot, int]] = []
        self._floors: list[tuple[str, int]] = []

    def begin(self, programme: Programme) -> None:
        """Let lapse what lapsed by not being used, and mark this use; both matter where the expiry depends on use."""
        if programme.code in self._begun or not isinstance(programme.expiry, DaysAfterUse):
            return
        self._begun.add(programme.code)
        lapsed = self.wallet.lapse(programme, self.day)
        self._others += (Posting(Account.LAPSED, lot.programme, "", -points) for lot, points in lapsed.lots)
        self._make(lapsed)
        used = self.wallet.used(programme, self.day)
        self._counted += used.uses[:1]
        self._make(used)

    def take(self, programme: Programme, points: int, account: Account, shop: str = "") -> None:
        """Take points out of the wallet into an account."""
        change = self.wallet.take(programme, points, self.day)
        self._taken += ((lot, -part) for lot, part in change.lots)
        self._others.append(Posting(account, programme.code, shop, points))
        self._make(change)

    def lose(self, programme: Programme, points: int, account: Account, shop: str = "") -> None:
        """Let the issuer bear points that an account is owed and that are not there any more."""
        self._others += (
            Posting(account, programme.code, shop, points),
            Posting(Account.LOSS, programme.code, "", -points),
        )

    def set_aside(self, programme: Programme, points: int, part: int) -> None:
        """Take points out of the wallet into the reservation at the terminal, with a part of the day's limit."""
        change = self.wallet.take(programme, points, self.day)
        self._kept += ((dated(lot, programme, self.day), -each) for lot, each in change.lots)
        self._others.append(Posting(Account.RESERVED, programme.code, "", points))
        self._make(
            change + self._at_terminal(programme.code, HELD, points) + self._at_terminal(programme.code, PART, part)
        )

    def set_lost_aside(self, programme: Programme, points: int) -> None:
        """Set points aside that are not there any more: the issuer bears them."""
        last = lapses_on(programme, date.fromisoformat(self.day))
        lot = Lot(programme.code, programme.charge, NEVER if last is None else last.isoformat())
        self._kept.append((dated(lot, programme, self.day), points))
        self._others += (
            Posting(Account.RESERVED, programme.code, "", points),
            Posting(Account.LOSS, programme.code, "", -points),
        )
        self._make(self._at_terminal(programme.code, HELD, points))

    def give_back(self, programme: Programme | None, lots: Taken) -> None:
        """Put points that were set aside back among the free ones."""
        for lot, points in lots:
            self._kept.append((lot, -points))
            self._others.append(Posting(Account.RESERVED, lot.programme, "", -points))
            self._make(Change(((home(lot, programme), points),)))
            self._less_at_terminal(lot.programme, points)

    def spend_reserved(self, programme: Programme | None, lots: Taken, shop: str) -> None:
        """Pay with points that were set aside."""
        for lot, points in lots:
            self._taken.append((home(lot, programme), points))
            self._kept.append((lot, -points))
            self._others += (
                Posting(Account.RESERVED, lot.programme, "", -points),
                Posting(Account.CLAIM, lot.programme, shop, points),
            )
            self._less_at_terminal(lot.programme, points)
        if programme is not None and (points := sum(each for _, each in lots)):
            self.count(programme, kept_counter(self._request.terminal_id), self.day, points)

    def guarantee(self, programme: Programme, points: int, shop: str) -> int:
        """Pay under the floor limit: with free points, and return the rest, the issuer's loss."""
        free = max(0, min(points, self.wallet.available(programme, self.day)))
        if free:
            self.take(programme, free, Account.CLAIM, shop)
        if missing := points - free:
            self.lose(programme, missing, Account.CLAIM, shop)
            self._taken.append((Lot(programme.code, BORNE, ""), missing))
        self._floors.append((programme.code, points))
        self.count(programme, LimitCounter.FLOOR, self.day, points)
        return missing

    def give(self, programme: Programme, points: int) -> None:
        """Issue points to the wallet."""
        change = self.wallet.give(programme, points, self.day)
        self._given += change.lots
        self._repaid += ((code, -part) for code, part in change.debts)
        self._others.append(Posting(Account.ISSUED, programme.code, "", -points))
        self._make(change)

    def count(self, programme: Programme, counter: str, period: str, points: int) -> None:
        """Count points towards a limit."""
        use = CountKey(programme.code, counter, period), points
        self._counted.append(use)
        self._make(Change(uses=(use,)))

    def forget(self, programme: Programme, counter: LimitCounter, period: str) -> None:
        """Begin to count anew; a void of this operation does not bring the old count back."""
        use = CountKey(programme.code, counter, period)
        if counted := self.wallet.uses.get(use, 0):
            self._make(Change(uses=((use, -counted),)))

    def done(
        self, rules: Mapping[str, int], *, bill: int = 0, due: int | None = None, cuts: Iterable[Cut] = ()
    ) -> Ruling:
        """Return the acceptance; `rules` is the version of each programme by which it was decided."""
        given = sum(points for _, points in self._given) + sum(points for _, points in self._repaid)
        moved = Movements(
            self._request.mykey,
            bill,
            tuple(self._taken),
            tuple(self._given),
            tuple(self._repaid),
            tuple(self._counted),
            rules,
            (sum(points for _, points in self._taken), given, due),
            tuple(cuts),
        )
        ruling = accepted(self._request, self._placed, moved, self._change, self._others)
        return replace(ruling, kept=tuple(self._kept), floors=tuple(self._floors))

    def _at_terminal(self, programme: str, period: str, points: int) -> Change:
        return Change(uses=((CountKey(programme, self._request.terminal_id, period), points),))

    def _less_at_terminal(self, programme: str, points: int) -> None:
        """Count points out that are set aside no more; a void does not bring that back, the points come back free."""
        terminal = self._request.terminal_id
        there = self.wallet.uses.get(CountKey(programme, terminal, HELD), 0)
        self._make(self._at_terminal(programme, HELD, -min(points, there)))
        if points >= there:
            part = self.wallet.uses.get(CountKey(programme, terminal, PART), 0)
            self._make(self._at_terminal(programme, PART, -part))

    def _make(self, change: Change) -> None:
        self.wallet = self.wallet.after(change)
        self._change += change
