"""What at the counter is the owner's: a pure function of the step that is about to be made."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from typing import assert_never

from ledger.wire.operations import Return, Void
from terminal.counter.effects import Commit
from terminal.counter.facts import AwardIntent, Draft
from terminal.counter.moves import Step
from terminal.counter.states import AwaitCard, Counter, Reading


@dataclass(frozen=True, slots=True)
class TakingBack:
    """返品: money goes out of the till."""


@dataclass(frozen=True, slots=True)
class Overruling:
    """What another terminal of the shop did is undone here."""


@dataclass(frozen=True, slots=True)
class Voiding:
    """取消 of what a clerk did, who is not known where the operation was found unknown a moment ago."""

    operator: str | None


@dataclass(frozen=True, slots=True)
class Giving:
    """So many points are given without a bill."""

    points: int


Matter = TakingBack | Overruling | Voiding | Giving
"""What the owner may want to be asked about."""


@dataclass(frozen=True, slots=True)
class OwnerRules:
    """When the owner's code is asked for at the counter; never where there is no `code`."""

    code: str = ""
    award_above: int | None = None
    """Points that a clerk may give at once; more are the owner's matter."""

    def knows(self, code: str) -> bool:
        """Return whether this is the owner's code."""
        return compare_digest(code.encode(), self.code.encode())

    def asks(self, matter: Matter | None, clerk: str) -> bool:
        """Return whether a clerk needs the owner's code for it."""
        if not self.code or matter is None:
            return False
        match matter:
            case TakingBack() | Overruling():
                return True
            case Voiding(operator):
                return operator not in (None, clerk)
            case Giving(points):
                return self.award_above is not None and points > self.award_above
            case _:
                assert_never(matter)


def matter_of(before: Counter, stepped: Step) -> Matter | None:
    """Return what of the owner's a step would do, None where it does nothing of the kind."""
    after, effects = stepped
    for effect in effects:
        if isinstance(effect, Commit):
            return _written(effect.draft)
    match after.state:
        # It is asked before the resident is: nobody holds a card over the reader while an owner is looked for.
        case AwaitCard(intent=AwardIntent(points=points)) | Reading(intent=AwardIntent(points=points)):
            return Giving(points) if after.task != before.task else None
        case _:  # every other state moves nothing of the owner's
            return None


def _written(draft: Draft) -> Matter | None:
    match draft.content:
        case Return():
            return TakingBack()
        case Void(by_owner=True):
            return Overruling()
        case Void():
            return Voiding(draft.undoes.operator if draft.undoes is not None else None)
        case _:  # everything else is the resident's and the clerk's
            return None
