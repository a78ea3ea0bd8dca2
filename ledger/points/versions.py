"""Which version of a programme's rules an operation is decided by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.points.dating import Placed
from ledger.points.wallet import RefusedOperation
from ledger.wire.reasons import Reason
from ledger.wire.rules import RULES_GRACE, Programme, in_force


@dataclass(frozen=True, slots=True)
class Rulebooks:
    """The programmes of one municipality, each at all its versions."""

    programmes: Mapping[str, Sequence[Programme]]

    def version(self, code: str, version: int) -> Programme | None:
        """Return a programme at a version."""
        return next((each for each in self.programmes.get(code, ()) if each.version == version), None)

    def in_force(self, code: str, day: str) -> Programme | None:
        """Return a programme at the version that is in force on a day."""
        return in_force(self.programmes.get(code, ()), date.fromisoformat(day)).get(code)

    def stamped(self, code: str, version: int, placed: Placed) -> Programme:
        """Return the version that the terminal worked with; raise Refused where it does not hold on the day."""
        found = self.version(code, version)
        if found is None:
            raise RefusedOperation(Reason.PROGRAMME_UNKNOWN)
        day = date.fromisoformat(placed.day)
        if found.effective_from > day:
            raise RefusedOperation(Reason.RULES_MISMATCH)
        replaced = (each for each in self.programmes[code] if each.version > version)
        if any(each.effective_from + RULES_GRACE < day for each in replaced):
            raise RefusedOperation(Reason.RULES_OUTDATED)
        return found

    def for_sale(self, code: str, version: int, placed: Placed) -> Programme | None:
        """Return the version by which a finished sale is decided: the stamped one, else the one in force.

        Late work is decided by the rules in force on arrival; the stamped version is ignored.
        """
        if not placed.late:
            try:
                return self.stamped(code, version, placed)
            except RefusedOperation:
                pass
        return self.in_force(code, placed.day)
