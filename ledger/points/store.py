"""The points store: loads what a batch of operations needs, decides them in order, and writes what follows at once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.database import repeated
from ledger.messages import ProgrammeBalance, Status, Verdict, Void
from ledger.points.decide import (
    Decided,
    LotKey,
    Move,
    Request,
    Situation,
    Target,
    Used,
    decide,
    live,
    redeemable_within_limits,
)
from ledger.points.periods import PeriodKeys
from ledger.points.schema import NEVER, lapses, last_uses, lots, operations, postings, usage
from ledger.points.tables import load_programmes
from ledger.reasons import Reason
from ledger.rules import DaysAfterUse, Programme, accepts, in_force

__all__ = ["OperationIdConflict", "Outcome", "Points", "Request"]


class OperationIdConflict(Exception):  # noqa: N818  # says what is the case
    """An operation id came a second time with other content; carries `operation_id`."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(operation_id)
        self.operation_id = operation_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided of one request; `mykey` is whose wallet it is, None where nobody is known."""

    verdict: Verdict
    mykey: str | None = None


@dataclass(slots=True)
class _Batch:
    """The part of the store that a batch of one municipality's operations works on."""

    municipality: str
    programmes: dict[tuple[str, int], Programme]
    known: dict[str, Any]
    """Operations that are there already, and those decided in this batch, by id."""
    lots: dict[str, dict[LotKey, int]]
    used: dict[str, dict[tuple[str, str], Used]]
    last_uses: dict[str, dict[str, str]]
    touched_lots: set[tuple[str, LotKey]] = field(default_factory=set)
    touched_use: set[tuple[str, tuple[str, str]]] = field(default_factory=set)
    touched_days: set[tuple[str, str]] = field(default_factory=set)
    new_operations: list[dict[str, Any]] = field(default_factory=list)
    new_postings: list[dict[str, Any]] = field(default_factory=list)
    undone: list[tuple[str, str]] = field(default_factory=list)

    def newest(self, code: str) -> Programme:
        """Return a programme at its newest version, which says what is kept of its residents from now on."""
        return self.programmes[max(key for key in self.programmes if key[0] == code)]


class Points:
    """Decides operations and answers for balances."""

    def __init__(self, engine: Engine, period_keys: PeriodKeys) -> None:
        self._engine = engine
        self._period_keys = period_keys

    def apply(self, requests: Sequence[Request], today: date) -> list[Outcome]:
        """Decide operations in their order and return an outcome for each; the same again gives the same.

        The operations of one municipality are one transaction. Raise OperationIdConflict where an id is known with
        other content: then nothing of that municipality was done. `today` is the day in Japan: what a terminal dates
        later than that is decided as of that day.
        """
        del today  # operations carry their shop's business date, which may be yesterday's after midnight
        groups: dict[str, list[tuple[int, Request]]] = defaultdict(list)
        for index, request in enumerate(requests):
            groups[_municipality(request)].append((index, request))
        outcomes: dict[int, Outcome] = {}
        for municipality, group in groups.items():
            decided = repeated(self._engine, partial(self._batch, municipality, [request for _, request in group]))
            outcomes |= {index: outcome for (index, _), outcome in zip(group, decided, strict=True)}
        return [outcomes[index] for index in range(len(requests))]

    def verdict(self, operation_id: str) -> Verdict | None:
        """Return the verdict on an operation of this municipality's terminals, None where it was not seen."""
        query = select(operations.c.verdict).where(operations.c.operation == operation_id)
        with self._engine.connect() as connection:
            found = connection.execute(query).scalars().first()
        return None if found is None else Verdict.model_validate_json(found)

    def balances(self, mykey: str, shop: str, on: date) -> list[ProgrammeBalance]:
        """Return what a resident holds of each programme, and how much of it this shop could take on a day."""
        day = on.isoformat()
        with self._engine.connect() as connection:
            held = _lots(connection, lots.c.mykey == mykey).get(mykey, {})
            codes = {lot.programme for lot in held}
            programmes = in_force(load_programmes(connection, {code[:6] for code in codes}), on)
            used = _used(connection, usage.c.mykey == mykey).get(mykey, {})
        known = Situation({}, held, used, {})
        return [_balance(programmes[code], known, shop, day) for code in programmes if code in codes]

    def erase(self, mykey: str) -> None:
        """Let all points of a resident who leaves lapse, and forget them."""
        repeated(self._engine, lambda connection: _erase(connection, mykey))

    def deposit(self, mykey: str, programme: Programme, expires_on: date | None, points: int) -> None:
        """Bring points in that were issued elsewhere: a migration, a sample wallet."""
        lot = LotKey(programme.code, programme.charge, NEVER if expires_on is None else expires_on.isoformat())

        def work(connection: Connection) -> None:
            held = _lots(connection, lots.c.mykey == mykey).get(mykey, {}).get(lot, 0)
            _write_lots(connection, programme.municipality, {(mykey, lot): held + points})

        repeated(self._engine, work)

    # One municipality, one transaction ---------------------------------------------------------------------------

    def _batch(self, municipality: str, requests: Sequence[Request], connection: Connection) -> list[Outcome]:
        batch = self._load(connection, municipality, requests)
        outcomes = [self._decide(batch, request) for request in requests]
        _write(connection, batch)
        return outcomes

    def _load(self, connection: Connection, municipality: str, requests: Sequence[Request]) -> _Batch:
        wanted = {request.operation_id for request in requests}
        wanted |= {request.content.target for request in requests if isinstance(request.content, Void)}
        rows = connection.execute(
            select(operations).where(operations.c.municipality == municipality, operations.c.operation.in_(wanted))
        )
        known: dict[str, Any] = {row["operation"]: dict(row) for row in rows.mappings()}
        people = {request.mykey for request in requests if request.mykey is not None}
        for row in known.values():
            mykey, row["moves"] = self._unseal(row)
            row["mykey"] = mykey
            people |= {mykey} if mykey is not None else set()
        return _Batch(
            municipality,
            {(each.code, each.version): each for each in load_programmes(connection, [municipality])},
            known,
            _lots(connection, lots.c.municipality == municipality, lots.c.mykey.in_(people)),
            _used(connection, usage.c.municipality == municipality, usage.c.mykey.in_(people)),
            _last_uses(connection, municipality, people),
        )

    def _decide(self, batch: _Batch, request: Request) -> Outcome:
        before = batch.known.get(request.operation_id)
        if before is not None:
            if before["content_hash"] not in (request.content_hash, ""):
                raise OperationIdConflict(request.operation_id)
            return Outcome(Verdict.model_validate_json(before["verdict"]), before["mykey"])
        target = _target(batch, request)
        mykey = request.mykey or (target.mykey if target is not None else None)
        known = Situation(
            batch.programmes,
            batch.lots.get(mykey or "", {}),
            batch.used.get(mykey or "", {}),
            batch.last_uses.get(mykey or "", {}),
            target,
        )
        decided = decide(request, known)
        self._keep(batch, request, decided)
        return Outcome(decided.verdict, mykey)

    def _keep(self, batch: _Batch, request: Request, decided: Decided) -> None:
        """Bring a decision into the batch, for what is decided after it and for what is written at the end."""
        if decided.used_of is not None:
            _move(batch, decided.used_of, decided, request.business_date)
        self._record(batch, request, decided.verdict, request.content_hash, decided)
        if isinstance(request.content, Void) and decided.verdict.status is Status.ACCEPTED:
            target = request.content.target
            if target in batch.known:
                batch.known[target]["undone_by"] = request.operation_id
                batch.undone.append((target, request.operation_id))
            else:
                never = Verdict(operation_id=target, status=Status.REFUSED, code=str(Reason.VOIDED_BEFORE_ARRIVAL))
                self._record(batch, request, never, "", Decided(never))

    def _record(self, batch: _Batch, request: Request, verdict: Verdict, content_hash: str, decided: Decided) -> None:
        """Add an operation's row. Without a content hash it is one that was voided before it arrived."""
        sealed = None
        if decided.used_of is not None:
            plain = json.dumps([decided.used_of, [[*move.lot, move.points] for move in decided.moves]])
            sealed = self._period_keys.seal(request.business_date, verdict.operation_id, plain.encode())
        row = {
            "municipality": batch.municipality,
            "operation": verdict.operation_id,
            "content_hash": content_hash,
            "kind": getattr(request.content, "kind", "unreadable") if content_hash else "voided",
            "shop": request.shop,
            "business_date": request.business_date,
            "bill": getattr(request.content, "bill", 0) if verdict.status is Status.ACCEPTED else 0,
            "verdict": verdict.model_dump_json(),
            "undone_by": None,
            "sealed": sealed,
        }
        batch.new_operations.append(row)
        batch.known[verdict.operation_id] = row | {"mykey": decided.used_of, "moves": decided.moves}
        batch.new_postings += (
            {
                "municipality": batch.municipality,
                "operation": verdict.operation_id,
                "line": line,
                "account": posting.account,
                "programme": posting.programme,
                "points": posting.points,
            }
            for line, posting in enumerate(decided.postings)
        )

    def _unseal(self, row: dict[str, Any]) -> tuple[str | None, tuple[Move, ...] | None]:
        if row["sealed"] is None:
            return None, ()
        plain = self._period_keys.open(row["business_date"], row["operation"], row["sealed"])
        if plain is None:
            return None, None
        mykey, moves = json.loads(plain)
        return mykey, tuple(Move(LotKey(*lot), points) for *lot, points in moves)


def _municipality(request: Request) -> str:
    return str(getattr(request.content, "municipality", request.shop[:6]))


def _target(batch: _Batch, request: Request) -> Target | None:
    if not isinstance(request.content, Void):
        return None
    row = batch.known.get(request.content.target)
    if row is None:
        return None
    verdict = Verdict.model_validate_json(row["verdict"])
    return Target(row["shop"], row["business_date"], verdict, row["undone_by"], row["mykey"], row["moves"])


def _move(batch: _Batch, mykey: str, decided: Decided, day: str) -> None:
    wallet = batch.lots.setdefault(mykey, {})
    used = batch.used.setdefault(mykey, {})
    sign = -1 if decided.verdict.redeemed < 0 or decided.verdict.awarded < 0 else 1
    for lot, points in decided.moves:
        wallet[lot] = wallet.get(lot, 0) + points
        batch.touched_lots.add((mykey, lot))
        programme = batch.newest(lot.programme)
        for period in _limited_periods(programme, day):
            before = used.get((lot.programme, period), Used())
            # What a void puts back was redeemed, what it takes away was awarded.
            redeemed, awarded = (points * -sign, 0) if points * sign < 0 else (0, points * sign)
            used[lot.programme, period] = Used(before.redeemed + redeemed * sign, before.awarded + awarded * sign)
            batch.touched_use.add((mykey, (lot.programme, period)))
        if isinstance(programme.expiry, DaysAfterUse):
            batch.last_uses.setdefault(mykey, {})[lot.programme] = day
            batch.touched_days.add((mykey, lot.programme))


def _limited_periods(programme: Programme, day: str) -> Iterator[str]:
    """Yield the periods over which a programme limits anything: no other sum of a person is ever kept."""
    redeeming, earning = programme.redeeming, programme.earning
    if (redeeming is not None and redeeming.per_day) or (earning is not None and earning.per_day):
        yield day
    if redeeming is not None and redeeming.per_month:
        yield day[:7]


# Reading -------------------------------------------------------------------------------------------------------


def _lots(connection: Connection, *where: Any) -> dict[str, dict[LotKey, int]]:
    wallets: dict[str, dict[LotKey, int]] = {}
    rows = select(lots.c.mykey, lots.c.programme, lots.c.charge, lots.c.expires_on, lots.c.points).where(*where)
    for mykey, programme, charge, expires_on, points in connection.execute(rows):
        wallets.setdefault(mykey, {})[LotKey(programme, charge, expires_on)] = points
    return wallets


def _used(connection: Connection, *where: Any) -> dict[str, dict[tuple[str, str], Used]]:
    found: dict[str, dict[tuple[str, str], Used]] = {}
    rows = select(usage.c.mykey, usage.c.programme, usage.c.period, usage.c.redeemed, usage.c.awarded).where(*where)
    for mykey, programme, period, redeemed, awarded in connection.execute(rows):
        found.setdefault(mykey, {})[programme, period] = Used(redeemed, awarded)
    return found


def _last_uses(connection: Connection, municipality: str, people: Iterable[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    rows = select(last_uses.c.mykey, last_uses.c.programme, last_uses.c.day).where(
        last_uses.c.municipality == municipality, last_uses.c.mykey.in_(people)
    )
    for mykey, programme, day in connection.execute(rows):
        found.setdefault(mykey, {})[programme] = day
    return found


def _balance(programme: Programme, known: Situation, shop: str, day: str) -> ProgrammeBalance:
    alive = {lot: known.lots[lot] for lot in live(known, programme.code, day)}
    points = sum(alive.values())
    dated = sorted(lot.expires_on for lot in alive if lot.expires_on != NEVER)
    redeemable = 0
    if accepts(programme, shop):
        redeemable = max(0, min(points, redeemable_within_limits(programme, known.used, day)))
    ceiling = programme.redeeming.tap_ceiling if programme.redeeming is not None else 0
    return ProgrammeBalance(
        programme=programme.code,
        points=points,
        redeemable=redeemable,
        tap_redeemable=min(redeemable, ceiling),
        expires_on=dated[0] if dated else None,
        expiring=sum(held for lot, held in alive.items() if dated and lot.expires_on == dated[0]),
    )


# Writing -------------------------------------------------------------------------------------------------------


def _write(connection: Connection, batch: _Batch) -> None:
    if batch.new_operations:
        connection.execute(operations.insert(), batch.new_operations)
    if batch.new_postings:
        connection.execute(postings.insert(), batch.new_postings)
    for target, by in batch.undone:
        connection.execute(
            update(operations)
            .where(operations.c.municipality == batch.municipality, operations.c.operation == target)
            .values(undone_by=by)
        )
    _write_lots(connection, batch.municipality, {(who, lot): batch.lots[who][lot] for who, lot in batch.touched_lots})
    key = ("municipality", "mykey", "programme")
    _upsert(
        connection,
        usage,
        (*key, "period"),
        [
            dict(
                zip((*key, "period"), (batch.municipality, who, *of), strict=True),
                redeemed=batch.used[who][of].redeemed,
                awarded=batch.used[who][of].awarded,
            )
            for who, of in sorted(batch.touched_use)
        ],
    )
    _upsert(
        connection,
        last_uses,
        key,
        [
            dict(zip(key, (batch.municipality, who, code), strict=True), day=batch.last_uses[who][code])
            for who, code in sorted(batch.touched_days)
        ],
    )


def _write_lots(connection: Connection, municipality: str, wallets: dict[tuple[str, LotKey], int]) -> None:
    key = ("municipality", "mykey", "programme", "charge", "expires_on")
    rows = [(dict(zip(key, (municipality, who, *lot), strict=True)), points) for (who, lot), points in wallets.items()]
    _upsert(connection, lots, key, [row | {"points": points} for row, points in rows if points])
    empty = [tuple(row.values()) for row, points in rows if not points]
    if empty:
        connection.execute(
            delete(lots).where(lots.c.municipality == municipality, tuple_(*(lots.c[name] for name in key)).in_(empty))
        )


def _upsert(connection: Connection, table: Table, key: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or replace what stands under their key; in the key's order, so that batches wait, not deadlock."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    values = {column.name: insert.excluded[column.name] for column in table.c if column.name not in key}
    statement = insert.on_conflict_do_update(index_elements=list(key), set_=values)
    connection.execute(statement, sorted(rows, key=lambda row: [row[name] for name in key]))


def _erase(connection: Connection, mykey: str) -> None:
    held = select(lots.c.municipality, lots.c.programme, func.sum(lots.c.points)).where(lots.c.mykey == mykey)
    for municipality, programme, points in connection.execute(
        held.group_by(lots.c.municipality, lots.c.programme)
    ).all():
        key = {"municipality": municipality, "programme": programme, "day": "", "cause": "left"}
        where = [lapses.c[name] == value for name, value in key.items()]
        before = connection.execute(select(lapses.c.points).where(*where)).scalar() or 0
        _upsert(connection, lapses, tuple(key), [key | {"points": before + points}])
    for table in (lots, usage, last_uses):
        connection.execute(delete(table).where(table.c.mykey == mykey))
