"""What the ledger noticed and the office should know: counted by day, kind and terminal, never by person."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, Engine, insert, select, update

from ledger.database import reading, repeated, with_row_locks
from ledger.points.schema import events
from ledger.wire.days import business_day


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


class Noticed(NamedTuple):
    """How often something was noticed on a day about a terminal or shop, and when last."""

    day: str
    kind: str
    about: str
    times: int
    last_at: str


class Events:
    """The events of a ledger's municipalities."""

    def __init__(self, engine: Engine) -> None:
        self._engine = with_row_locks(engine)

    def note(self, kind: EventKind, about: str, at: datetime, times: int = 1) -> None:
        """Count something about a terminal or shop, in its municipality, on the day in Japan."""
        town, day, last = about[:6], business_day(at).isoformat(), at.isoformat(timespec="seconds")
        key = {"municipality": town, "day": day, "kind": str(kind), "about": about}
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
