"""The points store: decides batches of operations, answers for balances, and forgets who leaves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection, Engine, select

from ledger.database import one_by_one, reading, repeated, with_row_locks
from ledger.points.balances import balance
from ledger.points.batch import Batch
from ledger.points.counters import Counters
from ledger.points.ending import end_reservations
from ledger.points.holdings import HeldHere, held_at
from ledger.points.leaving import erase, welcome
from ledger.points.operations import Account, Outcome, Posting, Request, residents
from ledger.points.periods import PeriodKeys
from ledger.points.programmes import load_programmes, usable_programmes
from ledger.points.reservations import ReservationLink, handle_of, read_links, read_reservations, write_links
from ledger.points.rows import (
    ELSEWHERE,
    VOIDED,
    OperationIdConflict,
    OperationRow,
    check_same,
    impossible,
    insert_rows,
    recalled,
    rows_of,
    spent,
    unsealed,
)
from ledger.points.schema import programmes, wallets
from ledger.points.sisters import Described, described
from ledger.points.suspensions import refusals as suspended_refusals
from ledger.points.suspensions import resume, suspend
from ledger.points.suspensions import suspended_among as suspended_among
from ledger.points.versions import Rulebooks
from ledger.points.wallet import NEVER, Change, Lot, Wallet
from ledger.points.wallet_rows import Sums, add_up, lock_wallets, read_wallets, write_totals, write_wallets
from ledger.wire.answers import ProgrammeBalance, Status, Verdict
from ledger.wire.operations import Priced, Return, Void
from ledger.wire.reasons import Reason
from ledger.wire.rules import Programme, accepts, in_force

__all__ = ["OperationIdConflict", "Outcome", "PointsStore", "Request"]

_FRESH: Final = timedelta(minutes=1)
"""How long a process decides by rules that it has read, by the ledger's clock."""


class PointsStore:
    """Decides operations and answers for balances."""

    def __init__(self, engine: Engine, period_keys: PeriodKeys) -> None:
        self._engine = with_row_locks(engine)
        self._single = one_by_one(engine)
        self._keys = period_keys
        self._programmes: dict[str, tuple[datetime, dict[str, list[Programme]]]] = {}

    def apply(self, requests: Sequence[Request]) -> list[Outcome]:
        """Decide operations in their order and return an outcome for each; the same again gives the same.

        The operations of one municipality are one transaction. Raise OperationIdConflict where an id is known with
        other content: then nothing of that municipality was done.
        """
        visiting = [each for each in requests if each.municipality != each.operation_id[:6]]
        arriving = {each.operation_id: each.municipality for each in requests}
        refused: dict[str, Reason] = {}
        for home, group in _grouped(visiting, _home).items():
            refused |= self._take_ids(home, group, arriving)
        stopped = suspended_refusals(self._single, requests)
        asked = [
            replace(each, refusal=refused.get(each.operation_id, stopped.get(each.operation_id, each.refusal)))
            for each in requests
        ]
        outcomes: dict[str, Outcome] = {}
        for municipality, group in _grouped(asked, attrgetter("municipality")).items():
            decided = self._decide(municipality, group)
            outcomes |= {request.operation_id: outcome for request, outcome in zip(group, decided, strict=True)}
        return [outcomes[request.operation_id] for request in requests]

    def verdict(self, operation_id: str) -> Verdict | None:
        """Return the verdict on an operation, None where it was not seen.

        Once the key of its period was destroyed its amounts are not known any more.
        """
        with reading(self._engine) as connection:
            found = _row(connection, operation_id[:6], operation_id)
            if found is not None and found.kind == ELSEWHERE:
                found = _row(connection, str(found.target), operation_id)
        if (row := found) is None:
            return None
        return recalled(row, self._keys.supplied(lambda: unsealed(self._keys, row)))

    def described(self, operation_id: str) -> Described | None:
        """Return an operation without its resident, for its shop's owner; None where nothing is known of it."""
        return described(self._engine, self._keys, operation_id)

    def balances(self, mykey: str, shop: str, on: date, *, terminal_id: str | None = None) -> list[ProgrammeBalance]:
        """Return what a resident holds, and how much of it this shop could take on a day.

        What is set aside at `terminal_id` is said beside it.

        Programmes are those of the shop's own municipality and of others that it takes points of, in deduction order.
        One of which nothing is held is there only where a day's limit to earning is.
        """
        home, counters = shop[:6], Counters.of(self._keys, [on.isoformat()])

        def read() -> tuple[list[Programme], dict[str, Wallet], dict[str, int]]:
            with reading(self._single) as connection:
                rules = list(in_force(usable_programmes(connection, home), on).values())
                municipalities = sorted({programme.municipality for programme in rules})
                held = {
                    municipality: read_wallets(connection, municipality, counters, [mykey])[mykey]
                    for municipality in municipalities
                }
                return rules, held, self._aside(connection, held, terminal_id, mykey, on)

        rules, held, aside = self._keys.supplied(read)
        found = [(p, balance(p, held[p.municipality], shop, on.isoformat(), aside.get(p.code, 0))) for p in rules]
        found = [
            (p, b) for p, b in found if b.points or b.reserved or (p.municipality == home and b.earnable is not None)
        ]
        with reading(self._single) as connection:
            stopped = {municipality for municipality, _ in suspended_among(connection, held, [mykey])}
        found = [(p, b) for p, b in found if p.municipality not in stopped]
        found.sort(key=lambda each: (each[0].municipality != home, not accepts(each[0], shop), each[0].deduction_order))
        return [each for _, each in found]

    def _aside(
        self, connection: Connection, held: Mapping[str, Wallet], terminal_id: str | None, mykey: str, on: date
    ) -> dict[str, int]:
        """Return by programme what a resident has set aside at a terminal."""
        found: dict[str, int] = {}
        for municipality, wallet in held.items():
            if terminal_id is not None and any(use.counter == terminal_id for use in wallet.uses):
                handle = handle_of(self._keys, terminal_id, mykey)
                for each in read_reservations(connection, municipality, terminal_id, [handle]).values():
                    found |= each.live(on.isoformat())
        return found

    def erase(self, mykey: str, on: date) -> None:
        """Let all points of a resident who leaves lapse, and forget them."""
        erase(self._engine, self._keys, mykey, on)

    def end_reservations(self, terminal_id: str, on: date) -> dict[str, int]:
        """Give back to residents what they have set aside at a withdrawn terminal, and return it by programme."""
        return end_reservations(self._engine, self._keys, terminal_id, on)

    def held_at(self, terminal_id: str, on: date) -> list[HeldHere]:
        """Return what residents have set aside at a terminal, and may redeem there without a line."""
        return held_at(self._engine, self._keys, terminal_id, on)

    def learn(self, terminal_id: str, known: Mapping[str, tuple[frozenset[str], bytes]]) -> None:
        """Write down under which card's key a terminal is about to know each reservation, by its handle."""
        by_municipality: dict[str, dict[str, bytes]] = {}
        for handle, (municipalities, key) in known.items():
            for municipality in municipalities:
                by_municipality.setdefault(municipality, {})[handle] = key

        def work(connection: Connection, municipality: str) -> None:
            keys = by_municipality[municipality]
            links = read_links(connection, self._keys, municipality, terminal_id, keys)
            new = {handle: link.with_key(keys[handle]) for handle, link in links.items()}
            changed = {handle: link for handle, link in new.items() if link is not links[handle]}
            write_links(connection, self._keys, municipality, terminal_id, changed)

        for municipality in sorted(by_municipality):
            each = partial(work, municipality=municipality)
            self._keys.supplied(partial(repeated, self._engine, each))

    def links(self, terminal_id: str, municipality: str, handles: Iterable[str]) -> dict[str, ReservationLink]:
        """Return whose reservations at a terminal are, and under which keys of cards their terminal knows them."""

        def read() -> dict[str, ReservationLink]:
            with reading(self._single) as connection:
                return read_links(connection, self._keys, municipality, terminal_id, handles)

        return self._keys.supplied(read)

    def welcome(self, mykey: str, on: date) -> None:
        """Bring back what is owed, and towns' suspensions, where a resident who left has come back."""
        welcome(self._engine, self._keys, mykey, on)

    def municipalities_of(self, mykey: str) -> set[str]:
        """Return the municipalities whose points a resident has, or had."""
        with reading(self._engine) as connection:
            every = connection.scalars(select(programmes.c.municipality).distinct()).all()
            theirs = select(wallets.c.municipality).where(wallets.c.municipality.in_(every), wallets.c.mykey == mykey)
            return set(connection.scalars(theirs))

    def suspend(self, mykey: str, municipality: str, *, suspended: bool) -> None:
        """Let nothing of a town's points be used or given to a resident by card, or let it again."""
        (suspend if suspended else resume)(self._engine, municipality, mykey)

    def deposit(self, mykey: str, programme: Programme, expires_on: date | None, points: int) -> None:
        """Bring points in that were issued elsewhere, as of the day from which the programme is in force."""
        municipality = programme.municipality
        lot = Lot(programme.code, programme.charge, NEVER if expires_on is None else expires_on.isoformat())
        change = Change(((lot, points),))
        counters = Counters.of(self._keys, ())

        def work(connection: Connection) -> None:
            before = lock_wallets(connection, municipality, counters, [mykey])
            write_wallets(connection, municipality, counters, before, {mykey: before[mykey].after(change)})
            issued = Posting(Account.ISSUED, programme.code, "", -points)
            sums: Sums = {}
            add_up(sums, (*residents(change), issued), programme.effective_from.isoformat())
            write_totals(connection, municipality, sums)

        self._keys.supplied(lambda: repeated(self._engine, work, on_taken_keys=True))

    def _decide(self, municipality: str, requests: Sequence[Request]) -> list[Outcome]:
        def work(connection: Connection) -> list[Outcome]:
            rules = self._rules(connection, municipality, requests)
            return Batch(connection, municipality, self._keys, Rulebooks(rules)).run(requests)

        return self._keys.supplied(lambda: repeated(self._engine, work, on_taken_keys=True))

    def _rules(
        self, connection: Connection, municipality: str, requests: Iterable[Request]
    ) -> Mapping[str, Sequence[Programme]]:
        """Return a municipality's programmes, as they were read a minute ago at most.

        A version never changes, but a new one lowers ceilings whether or not a terminal names it. Where an unknown one
        is named, they are read at once.
        """
        requests = list(requests)
        now = max(each.arrived for each in requests)
        read_at, known = self._programmes.get(municipality, (now, {}))
        if abs(now - read_at) >= _FRESH:
            known = {}
        named = {item for each in requests for item in _versions_named(each)}
        if not known or not all(any(p.version == version for p in known.get(code, ())) for code, version in named):
            known = defaultdict(list)
            for programme in load_programmes(connection, [municipality]):
                known[programme.code].append(programme)
            known = dict(known)
            self._programmes[municipality] = now, known
        return known

    def _take_ids(self, home: str, visiting: Sequence[Request], arriving: Mapping[str, str]) -> dict[str, Reason]:
        """Keep in the terminal's municipality which other one decides an operation: an id is used once everywhere.

        Return which are refused: those voided before they arrived, and those that would undo what is not there.
        `arriving` says of every id that came with them which municipality decides it.
        """

        def work(connection: Connection) -> dict[str, Reason]:
            targets = [each.content.target for each in visiting if isinstance(each.content, Void | Return)]
            there = rows_of(connection, home, [*(each.operation_id for each in visiting), *targets])
            nonces = spent(connection, home, [each.nonce for each in visiting if each.nonce is not None])
            new: dict[str, OperationRow] = {}
            refused: dict[str, Reason] = {}
            for each in visiting:
                if (row := there.get(each.operation_id)) is None:
                    new[each.operation_id] = _elsewhere(each)
                else:
                    check_same(row, each.content_hash)
                    if row.kind == VOIDED:
                        refused[each.operation_id] = Reason.VOIDED_BEFORE_ARRIVAL
                if each.nonce is not None and nonces.setdefault(each.nonce, each.operation_id) != each.operation_id:
                    refused[each.operation_id] = Reason.NONCE_SPENT
                if isinstance(each.content, Void | Return):
                    target = each.content.target
                    decided_in = arriving.get(target) or _decided_in(there.get(target))
                    if decided_in not in (None, each.municipality):
                        refused[each.operation_id] = Reason.MUNICIPALITY_MISMATCH
                    elif isinstance(each.content, Void) and decided_in is None and each.may_void(target):
                        # Here as well, so that it is impossible wherever it says that it is to be decided.
                        new.setdefault(target, impossible(target, each.business_date))
            insert_rows(connection, home, [row for row in new.values() if row.operation not in there])
            return refused

        return repeated(self._engine, work, on_taken_keys=True)


def _versions_named(request: Request) -> Iterable[tuple[str, int]]:
    return request.content.rules.items() if isinstance(request.content, Priced) else ()


def _home(request: Request) -> str:
    return request.operation_id[:6]


def _grouped(requests: Iterable[Request], key: Callable[[Request], str]) -> dict[str, list[Request]]:
    groups: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        groups[key(request)].append(request)
    return groups


def _decided_in(row: OperationRow | None) -> str | None:
    """Return the municipality that decided an operation, by its row at home; None where it has not arrived."""
    if row is None or row.kind == VOIDED:
        return None
    return row.target if row.kind == ELSEWHERE else row.operation[:6]


def _elsewhere(request: Request) -> OperationRow:
    # The nonce stands here too: it serves one operation, wherever that is decided.
    return OperationRow(
        request.operation_id,
        request.content_hash,
        ELSEWHERE,
        request.municipality,
        request.business_date,
        Status.ACCEPTED,
        None,
        None,
        nonce=request.nonce,
    )


def _row(connection: Connection, municipality: str, operation_id: str) -> OperationRow | None:
    return rows_of(connection, municipality, [operation_id]).get(operation_id)
