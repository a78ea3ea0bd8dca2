"""Thousands of random plays by somebody with a terminal, a friend's card and a copied journal: what they can gain.

The hand may do whatever a signed journal can say, in any order, on any day that it likes to state. The model knows
nothing of how the ledger decides: only what was there before, and the caps that the sample rules state.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.trust import Anchors
from ledger.embedded import assemble
from ledger.place import Place
from ledger.points.reports import claims, count
from tests.adversary.caps import cap, sample
from tests.adversary.conftest import SECOND, SHOP, Municipality, furnish, reach
from tests.adversary.thief import MUNICIPALITY, STREET, Json, Thief, award, convert, give_back, sale, void
from tests.ledger.api.world import NOW, Card, Clock, anchor

NEIGHBOUR = "131164"
FRIEND, VICTIM = Card.issue(0x01F3A9C2), Card.issue(0x02AB17D0)
FRIENDS = {MUNICIPALITY: 2_000, STREET: 1_500, NEIGHBOUR: 1_000}
"""What the friend's card held honestly before."""
VICTIMS = 3_000
REASONS = sorted({(each.code, name) for each in sample() for name in each.reasons})


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that the hand does; what a kind of move has no use for is left aside."""

    kind: str
    points: int
    pick: int
    off: int
    pin: bool
    sister: bool
    code: str


KINDS = (
    "bill",
    "bill",
    "spend",
    "spend",
    "award",
    "award",
    "convert",
    "void",
    "void",
    "return",
    "replay",
    "again",
    "stolen",
    "guess",
    "close",
    "wait",
    "send",
)

MOVES = st.builds(
    Move,
    kind=st.sampled_from(KINDS),
    points=st.sampled_from((1, 50, 100, 500, 1_000, 5_000, 10_000, 20_000, 90_000)),
    pick=st.integers(0, 60),
    off=st.sampled_from((0, 0, 0, -1, -3, -7, -30, 1, 60)),
    pin=st.booleans(),
    sister=st.booleans(),
    code=st.sampled_from((MUNICIPALITY, STREET, STREET, NEIGHBOUR)),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A ledger that was set up once, to be copied for every play, and the journals that belong to it."""

    directory: Path
    setups: tuple[tuple[Ed25519PrivateKey, Json, tuple[Json, ...]], ...]
    stolen: tuple[Json, ...]


async def _set_up(directory: Path) -> Scene:
    clock = Clock()
    ledger = assemble(Place(directory), Anchors((anchor(),)), clock)
    furnish(ledger)
    async with reach(ledger) as http:
        municipality = Municipality(ledger, http, clock)
        hands = [await municipality.terminal(), await municipality.terminal()]
        honest = await municipality.terminal(SECOND)
        await hands[0].register(FRIEND)
        await honest.register(VICTIM)
        for code, points in FRIENDS.items():
            municipality.deposit(FRIEND, code, points)
        municipality.deposit(VICTIM, MUNICIPALITY, VICTIMS + 300)
        for pin in (False, True, False):
            honest.write(honest.of(VICTIM, sale(1_000, {MUNICIPALITY: 100}), pin=pin))
        await honest.upload()
    ledger.close()
    stolen = tuple(each["entry"]["content"] for each in honest.entries[-3:])
    return Scene(directory, tuple((each.key, each.setup, tuple(each.entries)) for each in hands), stolen)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return the scene."""
    return asyncio.run(_set_up(tmp_path_factory.mktemp("scene") / "ledger"))


@dataclass(slots=True)
class Play:
    """One play: two terminals of one shop in one hand."""

    municipality: Municipality
    scene: Scene
    hands: list[Thief] = field(default_factory=list)
    days: int = 1

    async def make(self, move: Move) -> None:
        """Make one move, by the one terminal or by its sister."""
        hand = self.hands[move.sister]
        day = hand.today(move.off)
        match move.kind:
            case "bill":
                earned = {move.code: move.points}
                self._card(hand, sale(min(9_999_999, move.points * 110), award=earned), move, day)
            case "spend":
                self._card(hand, sale(move.points, {move.code: move.points}), move, day)
            case "award":
                code, reason = REASONS[move.pick % len(REASONS)]
                self._card(hand, award(reason, move.points, code), move, day)
            case "convert":
                self._card(hand, convert(move.points, move.points // 100 * 110), move, day)
            case "void":
                hand.write(void(self._target(move)), day)
            case "return":
                hand.write(give_back(self._target(move), move.points), day)
            case "replay":
                hand.write(hand.entries[move.pick % len(hand.entries)]["entry"]["content"], day)
            case "again":
                await hand.upload()
                await hand.upload(hand.entries[-1 - move.pick % 5 :])
            case "stolen":
                hand.write(self.scene.stolen[move.pick % len(self.scene.stolen)], day)
            case "guess":
                content = sale(move.points, {MUNICIPALITY: move.points}) | {"assurance": {"method": "tap"}}
                sealed = hand.present(VICTIM, "operation", hand.next_id, "", key_bytes=bytes([move.pick]) * 32)
                hand.write(content | {"resident": sealed}, day)
            case "close":
                hand.write(_close(hand, move.pick + 1), day)
            case "wait":
                self.municipality.clock.now += timedelta(hours=move.pick % 30)
            case _:
                await hand.upload()

    def _card(self, hand: Thief, content: Json, move: Move, day: str) -> None:
        hand.write(hand.of(FRIEND, content, pin=move.pin, day=day), day)

    def _target(self, move: Move) -> str:
        """Return an operation of this terminal or of its sister, or one that is yet to come."""
        other = self.hands[move.pick % 2]
        return f"{other.id}-{max(1, len(other.entries) + 2 - move.pick // 2):06d}"

    def gained(self) -> int:
        """Return, in yen, what the shop may claim and the friend's card holds beyond what it held."""
        claimed = sum(
            each.points for each in claims(self.municipality.ledger.books, SHOP, date(2000, 1, 1), date(2199, 12, 31))
        )
        return claimed + sum(self.municipality.held(FRIEND).values()) - sum(FRIENDS.values())


def _close(hand: Thief, number: int) -> Json:
    return {
        "kind": "close",
        "municipality": MUNICIPALITY,
        "number": number,
        "first_seq": 1,
        "last_seq": len(hand.entries),
        "verdicts": 0,
        "day": {},
        "perpetual": {},
    }


async def _play(scene: Scene, moves: list[Move], directory: Path) -> tuple[int, int, int]:
    """Play, and return what was gained, on how many days of the ledger, and what the victim still has."""
    clock = Clock(NOW)
    ledger = assemble(Place(directory), Anchors((anchor(),)), clock)
    try:
        async with reach(ledger) as http:
            play = Play(Municipality(ledger, http, clock), scene)
            for key, setup, entries in scene.setups:
                play.hands.append(Thief(http, clock, key, setup, list(entries), len(entries)))
            for move in moves:
                await play.make(move)
            for hand in play.hands:
                await hand.upload()
            assert all(
                each.agree for municipality in (MUNICIPALITY, NEIGHBOUR) for each in count(ledger.books, municipality)
            )
            days = (clock.now + timedelta(hours=9)).date() - (NOW + timedelta(hours=9)).date()
            return play.gained(), days.days + 1, play.municipality.held(VICTIM, SECOND)[MUNICIPALITY]
    finally:
        ledger.close()


GREEDY = [
    Move("bill", 90_000, 0, off, pin=False, sister=sister, code=STREET)
    for off in (0, -1, -3, -7, -30, 1, 60)
    for sister in (False, True)
] + [
    Move("award", points, pick, off, pin=True, sister=False, code=MUNICIPALITY)
    for points in (10_000, 500, 500, 50)
    for pick in range(len(REASONS))
    for off in (0, -1, -3, -7)
]
"""What a hand does that knows the rules: everything at once, on every day that it can state."""


def test_a_greedy_hand_comes_close_to_the_cap_and_not_beyond(scene: Scene, tmp_path: Path) -> None:
    """The random plays would prove little where the cap could not be reached."""
    shutil.copytree(scene.directory, tmp_path / "ledger")
    gained, days, kept = asyncio.run(_play(scene, GREEDY, tmp_path / "ledger"))
    assert days == 1
    assert cap(SHOP).card // 2 < gained <= cap(SHOP).card
    assert kept == VICTIMS


@settings(max_examples=35, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(moves=st.lists(MOVES, min_size=50, max_size=75))
def test_no_play_gains_more_than_the_caps(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, moves: list[Move]
) -> None:
    """What the shop may claim and the friend's card holds is never more than a card's ceilings for each day."""
    directory = tmp_path_factory.mktemp("play")
    shutil.copytree(scene.directory, directory / "ledger")
    gained, days, kept = asyncio.run(_play(scene, moves, directory / "ledger"))
    shutil.rmtree(directory)
    assert gained <= cap(SHOP).card * days
    assert kept == VICTIMS
