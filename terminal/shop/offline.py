"""Decides alone, while the line is down, whether points may be redeemed: pure functions, in one order.

The programme allows it; the pack is fresh; the card's record opens and is not withdrawn; the card is valid; the
record's key is the card's; the PIN was tried at the card and its signature is over this very operation; within what is
reserved; else within the floor limit. Who asks before the PIN gets as far as the key, and hears the first that bars.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ledger.wire.operations import Leg
from ledger.wire.rules import Programme

CLOCK_MARGIN = timedelta(minutes=5)
"""How far before the pack's own time this machine's clock may be: further back it was set, and no age can be told."""


class Bar(StrEnum):
    """Why points cannot be redeemed without a line, in the order in which it is looked; each is the code of a text."""

    NOT_ALLOWED = "offline_not_allowed"
    NO_PACK = "pack_missing"
    PACK_OLD = "pack_too_old"
    PACK_BEHIND = "pack_behind"
    """It does not know of what this journal says since: something was given back, or a later pack was used."""
    PACK_AHEAD = "pack_ahead"
    """The clock stands before the pack was made."""
    NO_RECORD = "not_reserved_here"
    INVALID = "offline_certificate"
    OTHER_KEY = "offline_key_differs"
    COUNTERS = "counters_lost"
    """What was redeemed here without a line is not what the journal vouches for."""
    NOTHING_LEFT = "nothing_reserved"
    UNSIGNED = "offline_signature_wrong"
    BEYOND = "reserved_exceeded"


@dataclass(frozen=True, slots=True)
class RecordHolding:
    """What a record says of one programme: points reserved here, the balance beside it, what is left of the day."""

    reserved: int
    balance: int = 0
    day_left: int | None = None


@dataclass(frozen=True, slots=True)
class Spend:
    """Points of one programme that one sale redeemed without a line: out of the reservation, and under the floor."""

    seq: int
    day: str
    programme: str
    reserved: int
    floor: int = 0


@dataclass(frozen=True, slots=True)
class PackFacts:
    """What is known of the pack that is held: its number, when it was made, and what of this journal it counts."""

    number: int
    issued_at: datetime
    head_seq: int
    behind: bool = False


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What the card's own record says: its holdings by programme, and whether its key is the card's.

    `has_key` is None where too little of the key was read to tell.
    """

    holdings: Mapping[str, RecordHolding]
    has_key: bool | None = True


@dataclass(frozen=True, slots=True)
class Case:
    """All that is decided over. `spends` are the card's, None where the counters are lost.

    `terminal_floor` are the points under the floor that this terminal let go on this business day, by programme.
    """

    programmes: Mapping[str, Programme]
    """Those in force whose points may be redeemed at this shop."""
    pack: PackFacts | None
    record: RecordFacts | None
    now: datetime
    day: str
    not_before: datetime
    not_after: datetime
    spends: tuple[Spend, ...] | None = ()
    terminal_floor: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Redeemable:
    """The most that one operation may redeem of a programme: out of the reservation, and under the floor beside it."""

    reserved: int
    floor: int = 0

    @property
    def points(self) -> int:
        """Both together."""
        return self.reserved + self.floor


def rooms(case: Case) -> dict[str, Redeemable] | Bar:
    """Return the room of each programme that has any, or the first that bars all; asked before the resident is."""
    allowed = {code: each for code, each in case.programmes.items() if each.offline.redeem}
    if not allowed:
        return Bar.NOT_ALLOWED
    if case.pack is None:
        return Bar.NO_PACK
    if case.pack.behind:
        return Bar.PACK_BEHIND
    age = case.now - case.pack.issued_at
    if age < -CLOCK_MARGIN:
        return Bar.PACK_AHEAD
    fresh = {code: each for code, each in allowed.items() if age <= timedelta(hours=each.offline.pack_hours)}
    if not fresh:
        return Bar.PACK_OLD
    if case.record is None:
        return Bar.NO_RECORD
    if not case.not_before <= case.now <= case.not_after:
        return Bar.INVALID
    if not case.record.has_key:
        return Bar.OTHER_KEY
    if case.spends is None:
        return Bar.COUNTERS
    found = {code: _room(case, case.pack, each) for code, each in fresh.items() if code in case.record.holdings}
    left = {code: room for code, room in found.items() if room.points}
    return left or Bar.NOTHING_LEFT


def decide(case: Case, legs: Sequence[Leg], *, signed: bool) -> tuple[Spend, ...] | Bar:
    """Return what an operation takes where it may redeem these legs, without its number; `signed` by the card."""
    left = rooms(case)
    if isinstance(left, Bar):
        return left
    if not signed:
        return Bar.UNSIGNED
    taken: list[Spend] = []
    for leg in legs:
        room = left.get(leg.programme, Redeemable(0))
        out_of_reserved = min(leg.points, room.reserved)
        rest = leg.points - out_of_reserved
        if rest > room.floor:
            return Bar.BEYOND
        taken.append(Spend(0, case.day, leg.programme, out_of_reserved, rest))
    return tuple(taken) if len({leg.programme for leg in legs}) == len(legs) else Bar.BEYOND


def floor_today(spends: Iterable[Spend], day: str) -> dict[str, int]:
    """Return the points under the floor on one day, by programme."""
    found: dict[str, int] = {}
    for spend in spends:
        if spend.day == day and spend.floor:
            found[spend.programme] = found.get(spend.programme, 0) + spend.floor
    return found


def still_counted(spends: Iterable[Spend], head_seq: int, days: Collection[str]) -> tuple[Spend, ...]:
    """Return what has still to be counted: what the pack does not know of, and what was on one of these days."""
    return tuple(spend for spend in spends if spend.seq > head_seq or spend.day in days)


def _room(case: Case, pack: PackFacts, programme: Programme) -> Redeemable:
    holding = case.record.holdings[programme.code] if case.record is not None else RecordHolding(0)
    own = [spend for spend in case.spends or () if spend.programme == programme.code]
    unknown = [spend for spend in own if spend.seq > pack.head_seq]
    reserved = max(0, holding.reserved - sum(spend.reserved for spend in unknown))
    if holding.day_left is not None:
        today = sum(spend.reserved for spend in unknown if spend.day == case.day)
        reserved = min(reserved, max(0, holding.day_left - today))
    return _at_most(Redeemable(reserved, _floor(case, programme, holding, own, unknown)), programme)


def _floor(
    case: Case, programme: Programme, holding: RecordHolding, own: Sequence[Spend], unknown: Sequence[Spend]
) -> int:
    """Return the points that the programme guarantees beyond what is reserved; none where it guarantees nothing."""
    floor = programme.offline.floor
    if floor is None or case.terminal_floor is None:
        return 0
    by_card = floor_today(own, case.day).get(programme.code, 0)
    return max(
        0,
        min(
            floor.per_operation,
            floor.per_card_day - by_card,
            floor.per_terminal_day - case.terminal_floor.get(programme.code, 0),
            holding.balance - sum(spend.floor for spend in unknown),
        ),
    )


def _at_most(room: Redeemable, programme: Programme) -> Redeemable:
    """Return a room that one operation's own limit leaves, the reservation first."""
    limit = programme.redeeming.per_operation if programme.redeeming is not None else 0
    if limit is None:
        return room
    reserved = min(room.reserved, limit)
    return Redeemable(reserved, min(room.floor, limit - reserved))
