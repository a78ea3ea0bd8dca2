"""How far the closes of a terminal reach: what they cover is voided no more, and nothing is dated before the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, update

from ledger.points.operations import Request
from ledger.points.schema import terminals
from ledger.wire.entries import Entry
from ledger.wire.operations import Close, Void

CLOSED: Final = (
    update(terminals)
    .where(
        terminals.c.municipality == bindparam("municipality_code"),
        terminals.c.terminal == bindparam("id"),
        terminals.c.closed_seq < bindparam("seq"),
    )
    .values(closed_seq=bindparam("seq"), closed_day=bindparam("day"), closed_number=bindparam("number"))
)
"""Moves the close of a terminal forward, and never back."""


@dataclass(frozen=True, slots=True)
class ClosedUpTo:
    """How far a terminal is closed: the last entry that a close covers, and the business day of that close."""

    seq: int = 0
    day: str | None = None


OPEN: Final = ClosedUpTo()
"""A terminal that was never closed."""


@dataclass(slots=True)
class Closes:
    """Follows the closes along one upload, in the order of the journal; `of_other` knows those of sister terminals.

    `today` is the shop's day by the ledger's clock: no close that states a later one raises the floor beyond it.
    """

    terminal_id: str
    own: ClosedUpTo
    of_other: Callable[[str], int]
    today: str

    def before(self, entry: Entry) -> tuple[str | None, int]:
        """Return the floor for an entry's day, and how far the terminal of the operation that it voids is closed."""
        floor, content = self.own.day, entry.content
        closed_seq = 0
        if isinstance(content, Void):
            of = content.target.rpartition("-")[0]
            closed_seq = self.own.seq if of == self.terminal_id else self.of_other(of)
        elif isinstance(content, Close):
            self.own = ClosedUpTo(_reach(content, entry.seq), max(floor or "", min(entry.business_date, self.today)))
        return floor, closed_seq


def closing(request: Request, content: Close, day: str) -> dict[str, Any]:
    """Return what `CLOSED` is given for a close that counts on a day."""
    return {
        "municipality_code": request.terminal_id[:6],
        "id": request.terminal_id,
        "seq": _reach(content, int(request.operation_id.rpartition("-")[2])),
        "day": day,
        "number": content.number,
    }


def _reach(content: Close, seq: int) -> int:
    # A close covers nothing after itself, even if its content says so.
    return min(content.last_seq, seq - 1)
