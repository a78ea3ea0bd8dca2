"""Awards from a municipality's file: identity knows the people, points gives to them; all of the file, or nothing.

A row is known by what it says (person, programme, points, reason, day, row id, occasion), whatever file it stands in:
saved again, sorted, or with a row more, a file gives only what was not given yet.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import BinaryIO, Final

from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.awards import AwardLine, read_awards
from ledger.identity.store import Identity
from ledger.points.grants import (
    Gift,
    GrantedRows,
    Progress,
    TakenBack,
    grant,
    know_files_of_0_1_0,
    paid_on,
    take_back,
    used_up,
)
from ledger.sheets import LineError
from ledger.wire.codes import CONTACT_LENGTH
from ledger.wire.rules import Programme, in_force, lapses_on
from ledger.wire.tokens import ServiceId

SHOWN: Final = 100
"""How many mistakes, or rows that say the same, are kept of a file; how many there are is counted."""

_CHUNK: Final = 5_000
_PART: Final = 1024 * 1024


@dataclass(slots=True)
class Plan:
    """What a file asks for on a day: gifts by the key of their row, what was given already, and what is wrong with it.

    `same` are the first lines that say what an earlier one says, each with that one; `paid` counts by day.
    """

    on: date
    municipality: str
    occasion: str
    programmes: Mapping[str, Programme]
    lines: int = 0
    gifts: list[Gift] = field(default_factory=list)
    line_of: dict[str, int] = field(default_factory=dict)
    same: list[tuple[int, int]] = field(default_factory=list)
    same_count: int = 0
    paid: Counter[str] = field(default_factory=Counter)
    errors: list[LineError] = field(default_factory=list)
    wrong: int = 0

    @property
    def total(self) -> int:
        """All points that are still to be given."""
        return sum(gift.points for gift in self.gifts)

    @property
    def people(self) -> int:
        """How many people they are for."""
        return len({gift.mykey for gift in self.gifts})

    @property
    def sums(self) -> dict[str, int]:
        """The points that are still to be given, by programme."""
        found: dict[str, int] = {}
        for gift in self.gifts:
            found[gift.programme] = found.get(gift.programme, 0) + gift.points
        return found

    def wanted_unpaid(self, lines: Container[int] | None) -> int:
        """Return how many of some lines, or of all, were never given."""
        given = {gift.key for gift in self.gifts}
        return sum(key not in given for key, line in self.line_of.items() if lines is None or line in lines)

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the file is an award."""
        return not self.line_of

    def refuse(self, error: LineError) -> None:
        """Count a mistake."""
        self.wrong += 1
        if len(self.errors) < SHOWN:
            self.errors.append(error)

    def add(self, line: int, gift: Gift) -> bool:
        """Add what a line gives; return False, and count it, where an earlier one says the same."""
        first = self.line_of.setdefault(gift.key, line)
        if first == line:
            return True
        self.same_count += 1
        if len(self.same) < SHOWN:
            self.same.append((line, first))
        return False


def plan(
    ledger: Ledger,
    municipality: str,
    file: BinaryIO,
    occasion: str = "",
    *,
    paid: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Read a file of one municipality's awards, and check every line against its people and its rules of today.

    The plan's gifts are those that were not given yet; with `paid`, those that were.
    """
    _adopt(ledger, municipality, file, occasion)
    made = _new_plan(ledger, municipality, occasion)
    lines = read_awards(file)
    while chunk := list(islice(lines, _CHUNK)):
        made.lines += len(chunk)
        gifts = _checked(ledger, made, chunk)
        days = paid_on(ledger.books, municipality, (gift.key for gift in gifts))
        made.paid.update(days.values())
        made.gifts += [gift for gift in gifts if (gift.key in days) is paid]
        if progress is not None:
            progress(made.lines)
    if not paid:
        _check_reasons(ledger, made)
    made.errors.sort(key=lambda error: error.line)
    return made


def _check_reasons(ledger: Ledger, made: Plan) -> None:
    """Refuse the lines that would give points for a reason more often than the rules do, with those of the file."""
    over = used_up(ledger.books, ledger.periods, made.programmes, made.gifts, made.on)
    for gift in made.gifts:
        if gift.key in over:
            made.refuse(LineError(made.line_of[gift.key], "reason-used-up", gift.reason))


def _new_plan(ledger: Ledger, municipality: str, occasion: str) -> Plan:
    today = ledger.today()
    return Plan(today, municipality, occasion, in_force(ledger.registry.programmes([municipality]), today))


def _adopt(ledger: Ledger, municipality: str, file: BinaryIO, occasion: str) -> None:
    """Know the rows of a file as given that release 0.1.0 gave: it knew the bytes of a file, and no rows."""
    digest = hashlib.sha256()
    for part in iter(lambda: file.read(_PART), b""):
        digest.update(part)
    file.seek(0)
    found = ledger.audit.file_paid_on(municipality, digest.hexdigest(), occasion)
    if found is None:
        return
    entry, day = found
    scratch = _new_plan(ledger, municipality, occasion)
    gifts = _checked(ledger, scratch, list(read_awards(file)))
    file.seek(0)
    note = ledger.audit.entry(Officer(municipality, "kazasu"), "award_rows_known", {}, ledger.clock())
    once = ledger.audit.fingerprint("adopted", entry)
    know_files_of_0_1_0(ledger.books, municipality, gifts, day, note, only_once=once)


def carry_out(
    ledger: Ledger, asked: Plan, officer: Officer, *, approver: Officer | None = None, progress: Progress | None = None
) -> GrantedRows:
    """Give what a plan without mistakes asks for; raise ApprovalNeeded, and do nothing, where that takes two people."""
    detail = {"occasion": asked.occasion, "people": str(asked.people), "points": str(asked.total)}
    detail |= {} if approver is None else {"approved_by": approver.who}
    note = ledger.audit.entry(officer, "award", detail, ledger.clock())
    done = {} if progress is None else {"progress": progress}
    return grant(
        ledger.books,
        ledger.periods,
        asked.municipality,
        asked.programmes,
        asked.gifts,
        asked.on,
        note,
        approved=approver is not None,
        **done,
    )


def reverse(
    ledger: Ledger, asked: Plan, officer: Officer, progress: Progress | None = None
) -> list[tuple[int, TakenBack]]:
    """Take back what a plan of given rows names; return by line what came of each."""
    detail = {"occasion": asked.occasion, "people": str(asked.people), "points": str(asked.total)}
    note = ledger.audit.entry(officer, "reverse", detail, ledger.clock())
    done = {} if progress is None else {"progress": progress}
    found = take_back(
        ledger.books, ledger.periods, asked.municipality, asked.programmes, asked.gifts, asked.on, note, **done
    )
    return sorted((asked.line_of[each.key], each) for each in found)


def _checked(ledger: Ledger, asked: Plan, chunk: Sequence[AwardLine | LineError]) -> list[Gift]:
    """Return what some lines give; those that are wrong, or say what another says, are counted."""
    fit: list[AwardLine] = []
    for each in chunk:
        if isinstance(each, LineError):
            asked.refuse(each)
        elif (error := _misfit(asked, each)) is not None:
            asked.refuse(error)
        else:
            fit.append(each)
    gifts: list[Gift] = []
    for line, mykey in _known(ledger.identity, asked.municipality, fit):
        if mykey is None:
            asked.refuse(LineError(line.line, "mykey-unknown"))
            continue
        gift = Gift(_key(ledger, asked.occasion, line, mykey), mykey, line.programme, line.points, line.reason)
        if asked.add(line.line, gift):
            gifts.append(gift)
    return gifts


def _key(ledger: Ledger, occasion: str, line: AwardLine, mykey: str) -> str:
    """Return the key under which a row is known."""
    said = (mykey, line.programme, line.points, line.reason, line.day, line.row, occasion)
    return ledger.audit.fingerprint("award row", json.dumps(said, ensure_ascii=False))


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


def _known(identity: Identity, municipality: str, lines: Sequence[AwardLine]) -> Iterator[tuple[AwardLine, str | None]]:
    """Yield each line with its MyKey ID, None where nobody is registered under what it says.

    A number is that of the town's own service: another town's residents are not found by theirs.
    """
    named = [line.who for line in lines if isinstance(line.who, str)]
    mykeys = identity.known(who for who in named if len(who) != CONTACT_LENGTH)
    contacts = identity.find_contacts(who for who in named if len(who) == CONTACT_LENGTH)
    of_municipality = [
        line.who for line in lines if isinstance(line.who, ServiceId) and line.who.municipality in (None, municipality)
    ]
    numbers = identity.find_mykeys(of_municipality, municipality)
    for line in lines:
        if isinstance(line.who, ServiceId):
            yield line, numbers.get(line.who)
        else:
            yield line, line.who if line.who in mykeys else contacts.get(line.who)
