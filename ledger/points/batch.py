"""One municipality's part of a batch: loaded in few statements, decided in memory in order, written in few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from pydantic import BaseModel
from sqlalchemy import Connection

from ledger.points.bulk import put
from ledger.points.closes import CLOSED, closing
from ledger.points.concentration import Concentrations
from ledger.points.counters import Counters, bucket_of
from ledger.points.decide import Situation, decide, placed_of
from ledger.points.events import Notes
from ledger.points.gauges import Gauges, Room
from ledger.points.losses import given_back
from ledger.points.operations import Movements, Outcome, Request, Ruling
from ledger.points.periods import LASTING, PeriodKeys
from ledger.points.reservations import (
    Reservation,
    ReservationLink,
    drop_links,
    handle_of,
    read_links,
    read_reservations,
    write_links,
    write_reservations,
)
from ledger.points.rows import (
    UNREADABLE,
    OperationRow,
    check_same,
    impossible,
    insert_rows,
    recalled,
    rows_of,
    spent,
    undoing,
    unsealed,
)
from ledger.points.schema import losses
from ledger.points.undo import Target
from ledger.points.versions import Rulebooks
from ledger.points.wallet import Wallet
from ledger.points.wallet_rows import Sums, add_up, lock_wallets, part_of, write_totals, write_wallets
from ledger.wire.answers import Status
from ledger.wire.days import business_day
from ledger.wire.kinds import kind_of
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


@dataclass(slots=True)
class Batch:
    """What a batch works on: what the store has of its operations and residents, and what is decided as it goes."""

    connection: Connection
    municipality: str
    keys: PeriodKeys
    books: Rulebooks
    known: dict[str, OperationRow] = field(default_factory=dict)
    moved: dict[str, Movements | None] = field(default_factory=dict)
    undone_by: dict[str, list[OperationRow]] = field(default_factory=dict)
    people: dict[str, Wallet] = field(default_factory=dict)
    counters: Counters = field(init=False)
    gauges: Gauges = field(init=False)
    busy: Concentrations = field(init=False)
    kept: dict[str, Reservation] = field(default_factory=dict)
    links: dict[str, ReservationLink] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    new: list[OperationRow] = field(default_factory=list)
    sums: Sums = field(default_factory=dict)
    spent: dict[str, str] = field(default_factory=dict)
    closes: list[dict[str, Any]] = field(default_factory=list)
    losses: list[tuple[Any, ...]] = field(default_factory=list)
    released: set[str] = field(default_factory=set)

    def run(self, requests: Sequence[Request]) -> list[Outcome]:
        """Decide requests in their order and write what follows."""
        self._load(requests)
        before, kept = dict(self.people), dict(self.kept)
        outcomes = [self._outcome(request) for request in requests]
        insert_rows(self.connection, self.municipality, self.new)
        write_wallets(self.connection, self.municipality, self.counters, before, self.people)
        self._write_kept(requests[0].terminal_id, kept)
        self.gauges.write()
        self.notes.conspicuous(self.busy.write(), requests[-1].arrived)
        self.notes.write(self.connection, self.municipality)
        write_totals(self.connection, self.municipality, self.sums, part_of(requests[0].shop))
        put(self.connection, losses, self.municipality, self.losses)
        for close in self.closes:
            self.connection.execute(CLOSED, close)
        return outcomes

    def _load(self, requests: Sequence[Request]) -> None:
        targets = {request.content.target for request in requests if isinstance(request.content, Void | Return)}
        ids = {request.operation_id for request in requests}
        self.known = rows_of(self.connection, self.municipality, targets | ids)
        self.moved = {row.operation: unsealed(self.keys, row) for row in self.known.values()}
        if nonces := {request.nonce for request in requests if request.nonce is not None}:
            self.spent = spent(self.connection, self.municipality, nonces)
        new = (request for request in requests if request.operation_id not in self.known and _needs_wallet(request))
        acting = {request.mykey for request in new if request.mykey is not None}
        moved = (self.moved.get(target) for target in targets)
        touched = {each.mykey for each in moved if each is not None and each.mykey is not None}
        touched |= {each.mykey for each in requests if isinstance(each.content, Release) and each.mykey is not None}
        days = self._days(requests) | {_clock_day(request) for request in requests}
        self.counters = Counters.of(self.keys, days, self._counted_in())
        self.people = lock_wallets(self.connection, self.municipality, self.counters, acting, touched)
        # After the wallets, as everywhere: so nobody waits in a circle.
        handles = {handle for each in requests if (handle := self._handle(each)) is not None}
        self.kept = read_reservations(self.connection, self.municipality, requests[0].terminal_id, handles)
        self.gauges = Gauges(self.connection, self.municipality)
        self.busy = Concentrations(self.connection, self.municipality, self.keys)
        places = {(each.terminal_id, _clock_day(each)) for each in requests}
        self.gauges.load(self._programmes_of(requests), places, self._floors(requests))
        if targets:
            # Read after the lock: another batch that undoes the same operation holds the wallet until it has written.
            for row in undoing(self.connection, self.municipality, targets):
                self.moved[row.operation] = unsealed(self.keys, row)
                self.undone_by.setdefault(str(row.target), []).append(row)

    def _programmes_of(self, requests: Sequence[Request]) -> set[str]:
        """Return the programmes whose points these requests move, as far as their municipality has them."""
        named = {leg.programme for request in requests for leg in _legs(request.content)}
        moved = {lot.programme for each in self.moved.values() if each for lot, _ in (*each.taken, *each.given)}
        return (named | moved) & self.books.programmes.keys()

    def _floors(self, requests: Sequence[Request]) -> set[tuple[str, str, str]]:
        """Return what may be redeemed under floor limits: programme, terminal and day."""
        offline = (each for each in requests if each.reservation is not None)
        return {
            (leg.programme, each.terminal_id, placed_of(each, self.books).day)
            for each in offline
            for leg in _legs(each.content)
        }

    def _handle(self, request: Request) -> str | None:
        """Return the handle of the reservation that a request is about, None where it is about none."""
        if request.reservation is not None:
            return request.reservation
        if not isinstance(request.content, Reserve | Release) or request.mykey is None:
            return None
        return handle_of(self.keys, request.terminal_id, request.mykey)

    def _write_kept(self, terminal_id: str, before: dict[str, Reservation]) -> None:
        """Write what changed of reservations; the link goes with the last point that is given back.

        Of one that was spent it stays until then: a sale that was decided without a line may still be on its way.
        """
        changed = {handle: each for handle, each in self.kept.items() if before.get(handle) is not each}
        write_reservations(self.connection, self.municipality, terminal_id, before, changed)
        there = read_links(self.connection, self.keys, self.municipality, terminal_id, self.links) if self.links else {}
        new = {handle: link for handle, link in self.links.items() if handle not in there}
        write_links(self.connection, self.keys, self.municipality, terminal_id, new)
        drop_links(self.connection, self.municipality, terminal_id, self.released)

    def _room(self, request: Request) -> Room:
        codes = {leg.programme for leg in _legs(request.content)}
        rules = (self.books.in_force(code, _clock_day(request)) for code in codes)
        known = (each for each in rules if each is not None)
        counts_on = placed_of(request, self.books).day if request.reservation is not None else ""
        return self.gauges.room(known, request.terminal_id, _clock_day(request), counts_on)

    def _days(self, requests: Sequence[Request]) -> set[str]:
        """Return the days on which these requests count."""
        return {placed_of(request, self.books).day for request in requests}

    def _counted_in(self) -> set[str]:
        """Return the periods in which operations counted that are to be undone."""
        return {bucket_of(use) for moved in self.moved.values() if moved is not None for use, _ in moved.uses}

    def _outcome(self, request: Request) -> Outcome:
        row = self.known.get(request.operation_id)
        if row is not None:
            check_same(row, request.content_hash)
            moved = self.moved[row.operation]
            # A registration moves nothing: whose it was, its seal says.
            registered = request.mykey if isinstance(request.content, Link) else None
            mykey = registered if moved is None else moved.mykey
            return Outcome(recalled(row, moved, request.content), mykey, is_new=False)
        if request.nonce is not None and self.spent.setdefault(request.nonce, request.operation_id) != (
            request.operation_id
        ):
            request = replace(request, refusal=request.refusal or Reason.NONCE_SPENT)
        target = self._target(request)
        mykey = request.mykey if target is None or target.moved is None else target.moved.mykey
        wallet = None if mykey is None else self.people.get(mykey)
        handle = self._handle(request) or ""
        kept = self.kept.get(handle, Reservation(handle))
        known = Situation(self.books, wallet, target, self._room(request), kept)
        decided = decide(request, known)
        if request.proven is not None:
            decided = given_back(request, request.proven, self.books, known.wallet, decided, kept)
        self.notes.add(request, decided)
        self._keep(request, decided)
        return Outcome(decided.verdict, mykey)

    def _target(self, request: Request) -> Target | None:
        if not isinstance(request.content, Void | Return) or (row := self.known.get(request.content.target)) is None:
            return None
        followers = self.undone_by.get(row.operation, ())
        returns = (each for each in followers if each.kind == "return")
        return Target(
            row.operation,
            row.kind,
            row.day,
            Status(row.status),
            self.moved[row.operation],
            is_voided=any(each.kind == "void" for each in followers),
            returned=sum(self._returned(each) for each in returns),
        )

    def _returned(self, row: OperationRow) -> int:
        """Return the yen that a return took back; release 0.1.0 kept them under the month's key alone."""
        moved = self.moved[row.operation]
        return row.returned_bill or (0 if moved is None else moved.bill)

    def _keep(self, request: Request, decided: Ruling) -> None:
        """Bring a decision into the batch, for what is decided after it and for what is written at the end."""
        if decided.moved is not None and (mykey := decided.moved.mykey) is not None:
            self.people[mykey] = self.people[mykey].after(decided.change)
        self._keep_aside(request, decided)
        add_up(self.sums, decided.postings, decided.placed.reported_on)
        self.gauges.add(decided.postings, request.terminal_id, _clock_day(request))
        mykey = None if decided.moved is None else decided.moved.mykey
        self.busy.add(decided.postings, request.shop, _clock_day(request), mykey)
        self.losses += (
            (request.operation_id, loss.what, loss.programme, loss.points, int(request.arrived.timestamp()))
            for loss in decided.losses
        )
        row = self._record(request, decided)
        if isinstance(request.content, Close):
            self.closes.append(closing(request, request.content, decided.placed.day))
        if row.target is None or row.status == Status.REFUSED:
            return
        if row.target in self.known:
            self.undone_by.setdefault(row.target, []).append(row)
        else:
            self._remember(impossible(row.target, decided.placed.day), None)

    def _keep_aside(self, request: Request, decided: Ruling) -> None:
        handle = self._handle(request)
        if handle is None or decided.verdict.status == Status.REFUSED:
            return
        self.gauges.lend(decided.floors, request.terminal_id, decided.placed.day)
        if decided.kept:
            self.kept[handle] = self.kept.get(handle, Reservation(handle)).after(decided.kept)
        if isinstance(request.content, Reserve) and request.mykey is not None:
            self.links[handle] = ReservationLink(request.mykey)
            self.released.discard(handle)
        elif isinstance(request.content, Release):
            self.links.pop(handle, None)
            self.released.add(handle)

    def _record(self, request: Request, decided: Ruling) -> OperationRow:
        verdict, moved, placed, content = decided.verdict, decided.moved, decided.placed, request.content
        back = moved if isinstance(content, Return) else None
        row = OperationRow(
            request.operation_id,
            request.content_hash,
            UNREADABLE if kind_of(content) is None else str(getattr(content, "kind", UNREADABLE)),
            content.target if isinstance(content, Void | Return) else None,
            placed.day,
            verdict.status,
            verdict.code,
            None if moved is None else self.keys.seal(placed.day, request.operation_id, moved.to_json()),
            reported_on=None if placed.reported_on == placed.day else placed.reported_on,
            late=placed.late or None,
            arrived_at=int(request.arrived.timestamp()),
            nonce=request.nonce,
            returned_bill=None if back is None else back.bill,
            returned=None if back is None else self._seal_for_ever(request.operation_id, back),
        )
        self._remember(row, moved)
        return row

    def _seal_for_ever(self, operation_id: str, back: Movements) -> bytes:
        """Seal what came back without whose it was, so that it is known when the month's key is destroyed."""
        amounts = Movements(None, back.bill, amounts=back.amounts)
        return self.keys.seal_in(LASTING, operation_id, amounts.to_json())

    def _remember(self, row: OperationRow, moved: Movements | None) -> None:
        self.new.append(row)
        self.known[row.operation] = row
        self.moved[row.operation] = moved


def _clock_day(request: Request) -> str:
    """Return the business day at the shop by the ledger's clock, whatever day the operation counts on."""
    return business_day(request.arrived, request.day_starts_at).isoformat()


def _legs(content: BaseModel) -> list[Leg]:
    if not isinstance(content, Operation):
        return []
    match content:
        case Sale(redeem=redeem, award=award):
            return [*redeem, *award]
        case Award(award=award):
            return list(award)
        case Convert(take=take, give=give):
            return [take, give]
        case Reserve(points=points):
            return list(points)
        case Void() | Return() | Link() | Unlink() | Close() | Release():
            return []
        case _:
            assert_never(content)


def _needs_wallet(request: Request) -> bool:
    kind = kind_of(request.content)
    # What was given once is given back, and a sale within what is set aside stands, whatever speaks against it by now.
    stands = request.refusal is None or request.proven is not None or request.reservation is not None
    return stands and kind is not None and kind.needs_wallet
