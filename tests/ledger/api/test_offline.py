"""Points are set aside at a terminal, its pack says so to their card alone, and what it decides by it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.api.desk import Officer
from ledger.api.packs import withdraw
from ledger.api.people import stop
from ledger.points.reports import ProgrammeTotals, claims, count, losses_of
from ledger.points.upkeep import tidy
from ledger.wire.answers import Verdict
from ledger.wire.client import LedgerClient
from ledger.wire.pack import SLOT_BYTES, Pack, PackRecord, pack_nonce, read_pack
from ledger.wire.rules import Floor, Offline, Redeeming
from ledger.wire.tokens import ServiceId
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card, Till
from tests.ledger.points.conftest import city

pytestmark = pytest.mark.anyio

CITY = "252034"
SET_ASIDE = 500
HELD = 1_000


def rules(**changed: Any) -> Any:
    """Return the town's rules as they are in these tests: points may be redeemed without a line."""
    redeeming = Redeeming(tap_ceiling=500)
    base = {"version": 2, "effective_from": date(2026, 4, 2), "redeeming": redeeming, "offline": Offline(redeem=True)}
    return city().model_copy(update=base | changed)


@dataclass(slots=True)
class Bench:
    """A till with packs, as a stranger's terminal would have them."""

    counter: Counter
    held: Pack | None = None
    sizes: list[int] = field(default_factory=list)

    @property
    def till(self) -> Till:
        """The till."""
        return self.counter.till

    async def refresh(self) -> Pack:
        """Fetch what changed of the pack and take it in."""
        content = await self.counter.client.pack(None if self.held is None else self.held.header.number)
        self.sizes.append(len(content))
        setup = self.till.setup
        self.held = read_pack(content, setup.terminal_id, setup.signing_keys, self.held)
        return self.held

    async def record_of(self, card: Card) -> PackRecord | None:
        """Fetch the pack and open a card's record."""
        return (await self.refresh()).record(card.key_bytes)

    async def reserve(self, card: Card, points: int = SET_ASIDE) -> Verdict:
        """Set points aside, with the card's signature."""
        content = {
            "kind": "reserve",
            "municipality": CITY,
            "points": [{"programme": CITY, "points": points}],
            "rules": {CITY: 2},
        }
        nonce = (await self.counter.inquire(card)).nonce
        return (await self.counter.send(self.till.consent(card, content, nonce))).verdict

    async def release(self, card: Card) -> Verdict:
        """Give all back, by tap."""
        content: dict[str, object] = {"kind": "release", "municipality": CITY, "assurance": {"method": "tap"}}
        content["resident"] = self.till.presented(card, self.till.next_id)
        return (await self.counter.send(content)).verdict

    def decide(self, card: Card, bill: int, points: int, award: int = 0, **presented: Any) -> dict[str, Any]:
        """Return a sale that was decided without a line, under the pack that is held."""
        assert self.held is not None
        record = self.held.record(card.key_bytes)
        nonce = pack_nonce(self.held.header.number)
        content = {
            "kind": "sale",
            "municipality": CITY,
            "bill": bill,
            "redeem": [{"programme": CITY, "points": points}],
            "amount_due": bill - points,
            "rules": {CITY: 2},
            "offline": {"pack": self.held.header.number, "counters": "0" * 64},
            "assurance": {"method": "pin"},
        }
        content |= {"award": [{"programme": CITY, "points": award}]} if award else {}
        fields = {"reservation": "0" * 32 if record is None else record.reservation.hex()} | presented
        signature = card.sign(self.till.digest(content, nonce))
        resident = self.till.presented(card, self.till.next_id, nonce=nonce, signature=signature, **fields)
        return content | {"resident": resident}

    async def sell(self, card: Card, bill: int, points: int, **presented: Any) -> Verdict:
        """Upload a sale that was decided without a line."""
        return (await self.counter.send(self.decide(card, bill, points, **presented))).verdict

    def totals(self) -> ProgrammeTotals:
        """Return where the points are, of which all have to be somewhere."""
        (found,) = count(self.counter.ledger.books, CITY)
        assert found.agree, found
        return found

    def claim(self) -> int:
        """Return what the shop is owed."""
        return sum(each.points for each in claims(self.counter.ledger.books, SHOP, date.min, date.max))


@pytest.fixture
async def bench(counter: Counter, card: Card) -> Bench:
    """Return a till at which a resident has set half of their points aside."""
    counter.ledger.registry.add_programmes([rules()])
    await counter.register(card, points=HELD)
    made = Bench(counter)
    await made.refresh()
    assert (await made.reserve(card)).status == "accepted"
    await made.refresh()
    return made


async def test_points_leave_the_free_ones_and_are_said_beside_them(bench: Bench, card: Card) -> None:
    """What is set aside is not free any more, the inquiry says it, and the books still agree."""
    (balance,) = (await bench.counter.inquire(card)).balances
    assert (balance.points, balance.reserved) == (HELD - SET_ASIDE, SET_ASIDE)
    assert bench.totals().reserved == SET_ASIDE


async def test_more_than_there_is_cannot_be_set_aside(bench: Bench, card: Card) -> None:
    """All is set aside or nothing."""
    assert (await bench.reserve(card, HELD)).code == "insufficient_balance"
    assert bench.totals().reserved == SET_ASIDE


async def test_only_the_card_opens_its_record(bench: Bench, card: Card) -> None:
    """The pack says to the card what is set aside, to another nothing, and names nobody."""
    record = await bench.record_of(card)
    assert record is not None
    assert [(each.programme, each.reserved) for each in record.holdings] == [(CITY, SET_ASIDE)]
    assert bench.held is not None
    assert bench.held.record(bytes(32)) is None


async def test_what_was_decided_without_a_line_stands(bench: Bench, card: Card) -> None:
    """A sale within what is set aside is accepted, comes out of it, and takes no free points."""
    verdict = await bench.sell(card, 800, 300)
    assert (verdict.status, verdict.redeemed, verdict.amount_due) == ("accepted", 300, 500)
    (balance,) = (await bench.counter.inquire(card)).balances
    assert (balance.points, balance.reserved, bench.claim()) == (HELD - SET_ASIDE, SET_ASIDE - 300, 300)
    assert bench.totals().reserved == SET_ASIDE - 300


async def test_several_sales_under_one_pack_stand(bench: Bench, card: Card) -> None:
    """The nonce of a pack serves as often as there are operations: each is signed under its own id."""
    statuses = [(await bench.sell(card, 200, 100)).status for _ in range(5)]
    assert (statuses, bench.claim()) == (["accepted"] * 5, SET_ASIDE)
    assert bench.totals().reserved == 0


async def _stopped(bench: Bench, card: Card) -> None:
    stop(bench.counter.ledger, CITY, _mykey(bench, card))


async def _stopped_by_the_town(bench: Bench, card: Card) -> None:
    bench.counter.ledger.points.suspend(_mykey(bench, card), CITY, suspended=True)


async def _left(bench: Bench, card: Card) -> None:
    content = {"kind": "unlink", "municipality": CITY}
    nonce = (await bench.counter.inquire(card)).nonce
    assert (await bench.counter.send(bench.till.consent(card, content, nonce))).verdict.status == "accepted"


async def _rules_changed(bench: Bench, card: Card) -> None:
    bench.counter.ledger.registry.add_programmes(
        [rules(version=3, effective_from=date(2026, 11, 1), offline=Offline())]
    )


def _mykey(bench: Bench, card: Card) -> str:
    mykey = bench.counter.ledger.identity.look_up([card.reference])[card.reference].mykey
    assert mykey is not None
    return mykey


HAPPENED = {
    "stopped": _stopped,
    "stopped by the town": _stopped_by_the_town,
    "left": _left,
    "rules changed": _rules_changed,
}


@pytest.mark.parametrize("happened", HAPPENED.values(), ids=HAPPENED)
async def test_nothing_that_happened_meanwhile_undoes_it(bench: Bench, card: Card, happened: Any) -> None:
    """Whatever became of the card: the terminal could not know, and what is set aside pays."""
    await happened(bench, card)
    verdict = await bench.sell(card, 800, 300)
    assert (verdict.status, verdict.redeemed, bench.claim()) == ("accepted", 300, 300)
    bench.totals()


@pytest.mark.parametrize("happened", HAPPENED.values(), ids=HAPPENED)
async def test_the_slot_goes_with_the_next_delta_and_says_nothing(bench: Bench, card: Card, happened: Any) -> None:
    """Whatever the reason, all that comes is the place and a version."""
    before = await bench.refresh()
    await happened(bench, card)
    unchanged = bench.sizes[-1]
    assert await bench.record_of(card) is None
    assert bench.sizes[-1] - unchanged < 40
    assert (before.header.slots, bench.held.header.slots if bench.held else None) == (1, 0)


async def test_beyond_what_is_set_aside_the_shop_bears_it(bench: Bench, card: Card) -> None:
    """A terminal that forgets its counters overspends nobody's points but those that are free, under every rule."""
    await bench.sell(card, 500, SET_ASIDE)
    await _stopped(bench, card)
    verdict = await bench.sell(card, 500, SET_ASIDE)
    assert (verdict.status, verdict.redeemed, verdict.amount_due) == ("accepted_with_shortfall", 0, 500)
    assert bench.claim() == SET_ASIDE
    bench.totals()


async def test_a_sale_without_the_cards_signature_takes_nothing_that_is_set_aside(bench: Bench, card: Card) -> None:
    """Another card's signature over the very operation is none."""
    other = Card.issue(0x77)
    bench.decide(card, 500, 300)
    record = bench.held.record(card.key_bytes) if bench.held else None
    assert record is not None
    verdict = await bench.sell(other, 500, 300, reservation=record.reservation.hex())
    assert (verdict.redeemed, bench.totals().reserved) == (0, SET_ASIDE)


async def test_released_points_are_free_and_their_slot_goes(bench: Bench, card: Card) -> None:
    """What is left comes back with its expiry, and a sale under the old pack takes nothing that was set aside."""
    await bench.sell(card, 200, 100)
    assert (await bench.release(card)).status == "accepted"
    (balance,) = (await bench.counter.inquire(card)).balances
    assert (balance.points, balance.reserved, bench.totals().reserved) == (HELD - 100, 0, 0)
    assert await bench.record_of(card) is None


async def test_a_void_and_a_return_give_the_points_back_free(bench: Bench, card: Card) -> None:
    """Points of such a sale come back among the free ones: the terminal's record has them no more."""
    await bench.sell(card, 300, 300)
    target = bench.till.entries[-1].entry.operation_id
    assert (await bench.counter.send({"kind": "void", "municipality": CITY, "target": target})).verdict.redeemed == -300
    (balance,) = (await bench.counter.inquire(card)).balances
    assert (balance.points, balance.reserved, bench.claim()) == (HELD - 200, 200, 0)
    bench.totals()


async def test_who_left_gets_nothing_back_and_the_shop_keeps_nothing(bench: Bench, card: Card) -> None:
    """A void of a sale whose resident has left takes the claim, and the points lapse."""
    await _left(bench, card)
    await bench.sell(card, 300, 300)
    target = bench.till.entries[-1].entry.operation_id
    await bench.counter.send({"kind": "void", "municipality": CITY, "target": target})
    assert bench.claim() == 0
    bench.totals()


async def test_a_withdrawn_terminal_gives_back_what_is_left(bench: Bench, card: Card) -> None:
    """The office withdraws a terminal: its residents have their points again, and the audit lists how many."""
    ledger = bench.counter.ledger
    ended = withdraw(ledger, bench.till.setup.terminal_id, Officer(CITY, "田中"))
    assert ended == {CITY: SET_ASIDE}
    assert [act.action for act in ledger.audit.acts(CITY)][-1] == "reservations_ended"
    assert bench.totals().reserved == 0
    assert ledger.points.balances(_mykey(bench, card), SHOP, ledger.today())[0].points == HELD


async def test_lots_that_are_set_aside_lapse_as_others_do_but_later_in_the_books(bench: Bench, card: Card) -> None:
    """On the day after the last the record has them no more; the books keep them while a sale may be on its way."""
    clock = bench.counter.ledger.clock
    clock.now += timedelta(days=365 * 2)  # type: ignore[attr-defined]
    assert await bench.record_of(card) is None
    assert bench.totals().reserved == SET_ASIDE
    tidy(bench.counter.ledger.books, bench.counter.ledger.periods, date(2028, 7, 1))
    assert (bench.totals().reserved, bench.totals().lapsed) == (0, HELD)


async def test_a_reservation_carries_its_part_of_the_days_limit(counter: Counter, card: Card) -> None:
    """Online and without a line together redeem no more than the day's limit."""
    counter.ledger.registry.add_programmes([rules(redeeming=Redeeming(per_day=600, tap_ceiling=600))])
    await counter.register(card, points=2_000)
    bench = Bench(counter)
    await bench.reserve(card, SET_ASIDE)
    (balance,) = (await counter.inquire(card)).balances
    assert balance.redeemable == 100
    record = await bench.record_of(card)
    assert record is not None
    assert [(each.reserved, each.day_left) for each in record.holdings] == [(SET_ASIDE, SET_ASIDE)]
    await bench.sell(card, 400, 400)
    (balance,) = (await counter.inquire(card)).balances
    assert balance.redeemable == 100
    await bench.release(card)
    (balance,) = (await counter.inquire(card)).balances
    assert balance.redeemable == 200


async def test_a_floor_limit_is_the_issuers_and_has_its_bounds(counter: Counter, card: Card) -> None:
    """Beyond what is set aside the issuer guarantees so much by operation and day; the rest is the shop's."""
    floor = Floor(per_operation=200, per_card_day=300, per_terminal_day=1_000)
    counter.ledger.registry.add_programmes([rules(offline=Offline(redeem=True, floor=floor))])
    await counter.register(card, points=SET_ASIDE)
    bench = Bench(counter)
    await bench.reserve(card, SET_ASIDE)
    await bench.refresh()
    await _stopped(bench, card)
    verdicts = [await bench.sell(card, 900, 900), await bench.sell(card, 900, 900), await bench.sell(card, 900, 900)]
    assert [each.redeemed for each in verdicts] == [SET_ASIDE + 200, 100, 0]
    assert bench.claim() == SET_ASIDE + 300
    assert [(each.what, each.points) for each in losses_of(counter.ledger.books, CITY)] == [
        ("floor", 200),
        ("floor", 100),
    ]
    bench.totals()


async def test_a_delta_is_as_large_as_what_changed(bench: Bench) -> None:
    """One slot of many: what travels is its header and at most 250 bytes a slot that changed."""
    cards = [Card.issue(0x1000 + number) for number in range(6)]
    for each in cards:
        await bench.counter.register(each, points=100)
        await bench.reserve(each, 50)
    await bench.refresh()
    full = bench.sizes[-1]
    await bench.sell(cards[0], 50, 10)
    await bench.refresh()
    one = bench.sizes[-1]
    await bench.refresh()
    none = bench.sizes[-1]
    assert one - none <= SLOT_BYTES <= 200
    assert full - none <= 6 * 200 + 8


async def test_a_terminal_gets_only_its_own_pack(bench: Bench, card: Card) -> None:
    """What is set aside at one lane is in no other lane's pack."""
    ledger, app = bench.counter.ledger, bench.counter.app
    key = Ed25519PrivateKey.generate()
    async with LedgerClient(transport=asgi(app)) as newcomer:
        setup = await newcomer.enrol(ledger.new_enrolment_code(SHOP), key.public_key())
    async with LedgerClient(transport=asgi(app), terminal_id=setup.terminal_id, key=key, clock=ledger.clock) as client:
        other = read_pack(await client.pack(), setup.terminal_id, setup.signing_keys)
    assert other.header.slots == 0


async def test_a_renewed_card_has_the_same_reservation(bench: Bench, card: Card) -> None:
    """The new card's slot comes with the next delta, the old one's goes, and what the old card signed stands."""
    ledger = bench.counter.ledger
    before = await bench.record_of(card)
    decided = bench.decide(card, 500, 100)
    sold = bench.till.record(decided)
    code = ledger.identity.renewal_code(_mykey(bench, card), ledger.today())
    assert (await bench.counter.client.upload([sold])).decisions[0].verdict.redeemed == 100
    renewed = Card.issue(0x55)
    await bench.counter.register(renewed, ServiceId(service="renewal", number=code))
    after = await bench.record_of(renewed)
    assert before is not None
    assert after is not None
    assert (after.reservation, bench.held.record(card.key_bytes) if bench.held else 0) == (before.reservation, None)
    late = await bench.sell(card, 500, 50, reservation=before.reservation.hex())
    assert (late.status, late.redeemed, bench.totals().reserved) == ("accepted", 50, SET_ASIDE - 150)
