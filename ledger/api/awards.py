"""Awards from a municipality's file: identity knows the people, points gives to them; all of the file, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import BinaryIO, Final

from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.awards import AwardFile, AwardLine, LineError
from ledger.identity.store import Identity
from ledger.points.grants import Gift, grant
from ledger.wire.rules import Programme, in_force, lapses_on
from ledger.wire.tokens import ServiceId

SHOWN: Final = 100
"""How many mistakes are kept of a file; how many there are is counted."""

_CHUNK: Final = 5_000


@dataclass(slots=True)
class Plan:
    """What a file asks for on a day: points by programme and MyKey ID, and what is wrong with it."""

    on: date
    programmes: Mapping[str, Programme]
    digest: str = ""
    lines: int = 0
    points: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    errors: list[LineError] = field(default_factory=list)
    wrong: int = 0

    @property
    def total(self) -> int:
        """All points of the file."""
        return sum(sum(points.values()) for points in self.points.values())

    @property
    def people(self) -> int:
        """How many people they are for."""
        return len(set().union(*self.points.values()))

    def refuse(self, error: LineError) -> None:
        """Count a mistake."""
        self.wrong += 1
        if len(self.errors) < SHOWN:
            self.errors.append(error)

    def add(self, line: AwardLine, mykey: str) -> None:
        """Add what a line gives."""
        points = self.points[line.programme]
        points[mykey] = points.get(mykey, 0) + line.points


def plan(ledger: Ledger, municipality: str, file: BinaryIO) -> Plan:
    """Read a file of one municipality's awards, and check every line against its people and its rules of today."""
    today = ledger.today()
    made = Plan(today, in_force(ledger.registry.programmes([municipality]), today))
    source = AwardFile(file)
    lines = iter(source)
    while chunk := list(islice(lines, _CHUNK)):
        made.lines += len(chunk)
        fit: list[AwardLine] = []
        for each in chunk:
            if isinstance(each, LineError):
                made.refuse(each)
            elif (error := _misfit(made, each)) is not None:
                made.refuse(error)
            else:
                fit.append(each)
        for line, mykey in _known(ledger.identity, fit):
            if mykey is None:
                made.refuse(LineError(line.line, "mykey-unknown"))
            else:
                made.add(line, mykey)
    made.errors.sort(key=lambda error: error.line)
    made.digest = source.digest
    return made


def carry_out(ledger: Ledger, asked: Plan, officer: Officer, occasion: str) -> bool:
    """Give what a plan without mistakes asks for; return False, and do nothing, where that was done already.

    `occasion` tells two files of the same content apart.
    """
    gifts = [Gift(asked.programmes[code], points) for code, points in sorted(asked.points.items())]
    detail = {"occasion": occasion, "people": str(asked.people), "points": str(asked.total)}
    note = ledger.audit.once(officer, "award", detail, ledger.clock(), f"{asked.digest} {occasion}")
    return grant(ledger.books, gifts, asked.on, note)


def _misfit(asked: Plan, line: AwardLine) -> LineError | None:
    """Return why the rules of the day do not allow a line."""
    programme = asked.programmes.get(line.programme)
    if programme is None:
        return LineError(line.line, "programme-unknown", line.programme)
    reason = programme.reasons.get(line.reason)
    if reason is None:
        return LineError(line.line, "reason-unknown", line.reason)
    if not reason.allows(line.points):
        return LineError(line.line, "reason-points", str(line.points))
    last = lapses_on(programme, asked.on)
    return LineError(line.line, "ended", line.programme) if last is not None and last < asked.on else None


def _known(identity: Identity, lines: Sequence[AwardLine]) -> Iterator[tuple[AwardLine, str | None]]:
    """Yield each line with its MyKey ID, None where nobody is registered under what it says."""
    mykeys = identity.known(line.who for line in lines if isinstance(line.who, str))
    numbers = identity.find_mykeys(line.who for line in lines if isinstance(line.who, ServiceId))
    for line in lines:
        if isinstance(line.who, ServiceId):
            yield line, numbers.get(line.who)
        else:
            yield line, line.who if line.who in mykeys else None
