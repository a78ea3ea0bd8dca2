"""What the ledger noticed and the office should know: counted by day, kind and terminal, never by person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select, update

from ledger.database import reading, repeated, with_row_locks
from ledger.points.bulk import tally
from ledger.points.operations import Request, Ruling
from ledger.points.schema import events
from ledger.wire.answers import Standing, Status
from ledger.wire.days import business_day
from ledger.wire.kinds import kind_of
from ledger.wire.operations import Return, Void
from ledger.wire.reasons import Reason


class EventKind(StrEnum):
    """What can be noticed."""

    WRONG_PROOF = "wrong_proof"
    """A registered card was presented by a terminal that had not read it."""
    LEDGER_BEHIND = "ledger_behind"
    """The ledger's own signature proves that it once stood further in a terminal's journal."""
    JOURNAL_FORK = "journal_fork"
    """A terminal brought a journal that contradicts the ledger's."""
    SET_ASIDE = "set_aside"
    """A terminal set a damaged entry aside."""
    RECOVERED = "recovered"
    """The office decided how a terminal goes on."""
    CEILING = "ceiling"
    """A ceiling or a budget cut or refused what a terminal asked for."""
    UNKNOWN_CARD = "unknown_card"
    """An operation named a card that nobody registered, or that the terminal had not read."""
    SIGNATURE_REFUSED = "signature_refused"
    """A card's signature was not over the operation that it came with."""
    LATE = "late"
    """Work came too late, or was dated ahead, to count on the day that it states; or its consent had ended."""
    BACKDATED = "backdated"
    """Work stated an earlier day and counts on it, as after a line that was down."""
    CONCENTRATION = "concentration"
    """Nearly all that a shop redeemed on a day came from its five busiest cards."""
    RENEWAL = "renewal"
    """An office that did not register a person asked for a renewal code for them, or gave one out; about its town."""
    OWNER_UNDID = "owner_undid"
    """A terminal undid what another one of its shop did, and says that the owner's code was given."""


class Noticed(NamedTuple):
    """How often something was noticed on a day about a terminal or shop, and when last."""

    day: str
    kind: str
    about: str
    times: int
    last_at: str


_CEILINGS: Final = frozenset({Reason.CEILING_REACHED, Reason.BUDGET_SPENT})
_OF_REFUSALS: Final = {
    f"card_{Standing.UNREGISTERED}": EventKind.UNKNOWN_CARD,
    "consent_wrong": EventKind.SIGNATURE_REFUSED,
}


def shown_by(request: Request, decided: Ruling) -> Iterator[EventKind]:
    """Yield what the office should know of a decision."""
    verdict, kind = decided.verdict, kind_of(request.content)
    if not _CEILINGS.isdisjoint((verdict.code, *(cut.reason for cut in verdict.cuts))):
        yield EventKind.CEILING
    if request.refusal in _OF_REFUSALS:
        yield _OF_REFUSALS[request.refusal]
    match request.content:
        case Void(target=target) | Return(target=target) if verdict.status is not Status.REFUSED:
            if not target.startswith(f"{request.terminal_id}-"):
                yield EventKind.OWNER_UNDID
        case _:  # nothing else undoes
            pass
    if kind is None or not kind.needs_wallet:
        return
    if decided.placed.late:
        yield EventKind.LATE
    elif request.business_date < business_day(request.arrived, request.day_starts_at).isoformat():
        yield EventKind.BACKDATED


def _moment(at: datetime) -> str:
    """Return a moment so that moments compare as texts, whatever zone the clock is in."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


@dataclass(slots=True)
class Notes:
    """What the decisions of one batch show: written with them, a row for each terminal, so that nobody waits."""

    times: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    last_at: str = ""

    def add(self, request: Request, decided: Ruling) -> None:
        """Count what one decision shows."""
        for kind in shown_by(request, decided):
            self.times[business_day(request.arrived).isoformat(), str(kind), request.terminal_id] += 1
            self.last_at = _moment(request.arrived)

    def conspicuous(self, shops: Iterable[str], at: datetime) -> None:
        """Count shops of which a few cards redeem nearly everything."""
        for shop in shops:
            self.times[business_day(at).isoformat(), str(EventKind.CONCENTRATION), shop] += 1
            self.last_at = _moment(at)

    def write(self, connection: Connection, municipality: str) -> None:
        """Add to the municipality's events; where nothing was noticed, nothing is asked of the store."""
        rows = [(*key, times, self.last_at) for key, times in sorted(self.times.items())]
        tally(connection, events, municipality, rows)


class Events:
    """The events of a ledger's municipalities."""

    def __init__(self, engine: Engine) -> None:
        self._engine = with_row_locks(engine)

    def note(self, kind: EventKind, about: str, at: datetime, times: int = 1, municipality: str | None = None) -> None:
        """Count something about a terminal, shop or town, on the day in Japan; in its own municipality, or another."""
        municipality = municipality or about[:6]
        day, last = business_day(at).isoformat(), _moment(at)
        key = {"municipality": municipality, "day": day, "kind": str(kind), "about": about}
        named = [events.c[name] == value for name, value in key.items()]

        def work(connection: Connection) -> None:
            counted = update(events).where(*named).values(times=events.c.times + times, last_at=last)
            if connection.execute(counted).rowcount == 0:
                connection.execute(insert(events).values(**key, times=times, last_at=last))

        repeated(self._engine, work, on_taken_keys=True)

    def since(self, municipality: str, day: date) -> list[Noticed]:
        """Return what was noticed in a municipality from a day on, oldest first."""
        columns = [events.c[name] for name in Noticed._fields]
        query = select(*columns).where(events.c.municipality == municipality, events.c.day >= day.isoformat())
        with reading(self._engine) as connection:
            return [Noticed(*row) for row in connection.execute(query.order_by(events.c.day, events.c.last_at))]

    def between(self, municipality: str, after: str, until: str) -> list[Noticed]:
        """Return what was noticed last after one moment and up to another, as `last_at` has them."""
        columns = [events.c[name] for name in Noticed._fields]
        within = (events.c.last_at > after, events.c.last_at <= until)
        query = select(*columns).where(events.c.municipality == municipality, *within)
        with reading(self._engine) as connection:
            return [Noticed(*row) for row in connection.execute(query.order_by(events.c.last_at, events.c.kind))]

    def totals(self) -> dict[str, int]:
        """Return how often each kind was noticed in all, for whoever watches over the ledger."""
        query = select(events.c.kind, func.sum(events.c.times)).group_by(events.c.kind)
        with reading(self._engine) as connection:
            return {kind: int(times) for kind, times in connection.execute(query)}
