"""The pack and the counters: what is not the ledger's is not taken in, and what was spent is not forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.client import LedgerClient
from ledger.wire.consent import consent_digest_2, is_signed
from ledger.wire.entries import Entry
from ledger.wire.operations import Sale
from ledger.wire.pack import Pack, PackRefused, read_pack
from ledger.wire.sealing import Purpose
from ledger.wire.statements import raw
from ledger.wire.tokens import Presented
from offline_queue.journal import Journal
from reader.virtual.cards import DESIGNS
from terminal.counter import pricing
from terminal.counter.effects import Authorise, Commit, ReadCard
from terminal.counter.events import Authorised, CardFailed, CardRead, Decided, NotRecorded, Unanswered
from terminal.counter.facts import Fault, Resident, SaleIntent, Use
from terminal.shop.counting import CountersLost
from terminal.shop.offline import Bar
from terminal.shop.pocket import Pocket
from tests.terminal.counters import MUNICIPALITY, TERMINAL
from tests.terminal.desks import NOON, OpenDesk, TestLedger, desk
from tests.terminal.packs import delta_of, header_of, info_of, pack_of, record_of, secret_of, slots_of, withdrawn

pytestmark = pytest.mark.anyio

KEY = Ed25519PrivateKey.generate()
PINNED = (raw(KEY.public_key()),)
CARD, OTHER = "two-towns", "visitor"


@asynccontextmanager
async def without_line(
    folder: Path, reserved: int = 500, *, issued_at: datetime = NOON, reservation: bytes = b"r" * 16
) -> AsyncIterator[OpenDesk]:
    """Yield a desk whose line is down, with a pack in which a card has points reserved."""
    ledger = TestLedger()
    async with desk(folder, ledger) as counter:
        header = header_of(issued_at)
        content = pack_of(header, slots_of(header, {CARD: record_of(CARD, {MUNICIPALITY: reserved}, reservation)}), KEY)
        pocket = Pocket(folder / "pack", TERMINAL, counter.station.journal)
        pocket.take(content, PINNED)
        counter.station.pocket = pocket
        ledger.down = True
        counter.cards.tap(CARD)
        yield counter


async def tapped(counter: OpenDesk) -> Resident:
    """Return who is there, as the counter hears it."""
    event = await counter.desk.carry_out(ReadCard(1, SaleIntent(1200)))
    assert isinstance(event, CardRead)
    return event.resident


async def redeemed(
    counter: OpenDesk, points: int, pin: bytes = b"1234"
) -> Unanswered | Decided | CardFailed | NotRecorded:
    """Redeem points without a line, from the tap to the end."""
    resident, terms = await tapped(counter), counter.station.terms()
    choice = pricing.as_wished(SaleIntent(1200, points), resident, terms)
    draft = pricing.sale(choice, terms, online=False)
    signed = await counter.desk.carry_out(Authorise(1, draft, False, bytearray(pin)))
    if isinstance(signed, CardFailed):
        return signed
    assert isinstance(signed, Authorised)
    event = await counter.desk.carry_out(Commit(1, signed.draft))
    assert isinstance(event, Unanswered | Decided | NotRecorded)
    return event


def usable(resident: Resident) -> int:
    """Return the points that may be redeemed."""
    return sum(balance.redeemable for balance in resident.balances)


async def test_what_is_reserved_is_redeemed_without_a_line(tmp_path: Path) -> None:
    """The entry says under which pack, the seal whose reservation; the card signed all of it but itself."""
    async with without_line(tmp_path) as counter:
        said = await redeemed(counter, 300)
        assert isinstance(said, Unanswered)
        entry = _last(counter.station.journal)
        sale = entry.content
        assert isinstance(sale, Sale)
        assert sale.offline is not None
        assert (sale.offline.pack, sale.amount_due) == (1, 900)
        presented = counter.ledger.sealing.open(
            sale.resident, Purpose.OPERATION, TERMINAL, Presented, said.receipt.operation_id
        )
        assert (presented.nonce, presented.reservation) == ("pack-1", (b"r" * 16).hex())
        digest = consent_digest_2(
            entry.operation_id, entry.at, entry.business_date, "pack-1", entry.content.as_json(), None
        )
        assert presented.signature is not None
        assert is_signed(info_of(CARD), digest, presented.signature)
        assert usable(await tapped(counter)) == 200
        assert isinstance(await redeemed(counter, 200), Unanswered)
        assert await tapped(counter) == Resident(barred=Fault(Bar.NOTHING_LEFT))


def _last(journal: Journal) -> Entry:
    record = journal.find(f"{TERMINAL}-{journal.last_offline_sale():06d}")
    assert record is not None
    return record.entry


async def test_more_than_is_reserved_is_never_offered(tmp_path: Path) -> None:
    """What a POS asks for beyond it is refused before the PIN."""
    async with without_line(tmp_path) as counter:
        resident = await tapped(counter)
        assert usable(resident) == 500
        with pytest.raises(ValueError, match="501 points cannot be redeemed"):
            pricing.as_wished(SaleIntent(1200, 501), resident, counter.station.terms())


async def test_a_sale_that_is_decided_when_the_line_is_back_is_the_same(tmp_path: Path) -> None:
    """The ledger sees it with the next upload."""
    async with without_line(tmp_path) as counter:
        said = await redeemed(counter, 300)
        assert isinstance(said, Unanswered)
        counter.ledger.down = False
        decision = await counter.station.syncer.submit(said.receipt.operation_id, 5)
        assert decision is not None
        assert decision.verdict.redeemed == 300


@pytest.mark.parametrize(
    ("card", "expected"),
    [(OTHER, Bar.NO_RECORD), ("next-generation", Bar.NO_RECORD)],
)
async def test_another_card_finds_nothing(tmp_path: Path, card: str, expected: Bar) -> None:
    """It hears that nothing is reserved here, and nothing of anybody."""
    async with without_line(tmp_path) as counter:
        counter.cards.cards.setdefault(card, DESIGNS[card].make())
        counter.cards.tap(card)
        assert await tapped(counter) == Resident(barred=Fault(expected))


async def test_a_wrong_pin_redeems_nothing(tmp_path: Path) -> None:
    """The card says so, and nothing is counted."""
    async with without_line(tmp_path) as counter:
        failed = await redeemed(counter, 300, b"9999")
        assert isinstance(failed, CardFailed)
        assert failed.fault.code == "pin_wrong"
        assert usable(await tapped(counter)) == 500
        assert counter.station.journal.counters() == ()


async def test_who_pays_without_points_after_all_names_no_reservation(tmp_path: Path) -> None:
    """The PIN was wrong, and the resident chose to use none: the entry is that of any sale without a line."""
    async with without_line(tmp_path) as counter:
        assert isinstance(await redeemed(counter, 300, b"9999"), CardFailed)
        terms = counter.station.terms()
        choice = pricing.as_wished(SaleIntent(1200, Use.NONE), Resident(), terms)
        said = await counter.desk.carry_out(Commit(1, pricing.sale(choice, terms, online=False)))
        assert isinstance(said, Unanswered)
        record = counter.station.journal.find(said.receipt.operation_id)
        assert record is not None
        assert isinstance(record.entry.content, Sale)
        assert record.entry.content.offline is None
        presented = counter.ledger.sealing.open(
            record.entry.content.resident, Purpose.OPERATION, TERMINAL, Presented, said.receipt.operation_id
        )
        assert (presented.nonce, presented.reservation) == ("", None)


async def test_a_pack_that_is_too_old_redeems_nothing(tmp_path: Path) -> None:
    """It is said so before anybody is asked for anything."""
    async with without_line(tmp_path, issued_at=NOON - timedelta(days=4)) as counter:
        assert await tapped(counter) == Resident(barred=Fault(Bar.PACK_OLD))


async def test_without_a_pack_nothing_is_redeemed(tmp_path: Path) -> None:
    """Nor with one that was not kept."""
    async with without_line(tmp_path) as counter:
        counter.station.pocket = Pocket.open(tmp_path / "none", TERMINAL, PINNED, counter.station.journal)
        assert await tapped(counter) == Resident(barred=Fault(Bar.NO_PACK))


# The counters -----------------------------------------------------------------------------------------------------


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """Pack and counters are read again, and what was spent is spent."""
    async with without_line(tmp_path) as counter:
        await redeemed(counter, 300)
        counter.station.pocket = Pocket.open(tmp_path / "pack", TERMINAL, PINNED, counter.station.journal)
        assert usable(await tapped(counter)) == 200


async def test_a_renewed_card_has_the_same_counters(tmp_path: Path) -> None:
    """Its record has another place and key, and the same reservation."""
    async with without_line(tmp_path) as counter:
        await redeemed(counter, 300)
        header = header_of(NOON, number=2)
        assert counter.station.pocket is not None
        counter.station.pocket.take(
            pack_of(header, slots_of(header, {OTHER: record_of(OTHER, {MUNICIPALITY: 500})}), KEY), PINNED
        )
        counter.cards.tap(OTHER)
        assert usable(await tapped(counter)) == 200


DAMAGE: dict[str, str] = {
    "deleted": "DELETE FROM counters",
    "deleted with the list of sales": "DELETE FROM counters; DELETE FROM offline_sales",
    "one row deleted": "DELETE FROM counters WHERE place = (SELECT MIN(place) FROM counters)",
    "altered": "UPDATE counters SET sealed = zeroblob(300)",
    "another's": "INSERT INTO counters VALUES (x'00', 1, x'00')",
}


@pytest.mark.parametrize("how", DAMAGE)
async def test_counters_that_were_reset_are_noticed(tmp_path: Path, how: str) -> None:
    """Then nothing is redeemed, and it is said why, until the ledger has counted all that the journal says."""
    async with without_line(tmp_path) as counter:
        await redeemed(counter, 300)
        connection = counter.station.journal._database.conn
        connection.executescript(DAMAGE[how])
        assert await tapped(counter) == Resident(barred=Fault(CountersLost.code))
        header = header_of(NOON, number=2, head_seq=1)
        assert counter.station.pocket is not None
        counter.station.pocket.take(
            pack_of(header, slots_of(header, {CARD: record_of(CARD, {MUNICIPALITY: 200})}), KEY), PINNED
        )
        assert usable(await tapped(counter)) == 200
        assert isinstance(await redeemed(counter, 150), Unanswered)
        assert usable(await tapped(counter)) == 50


async def test_counters_restored_from_a_backup_are_noticed(tmp_path: Path) -> None:
    """Yesterday's rows do not fit today's last entry."""
    async with without_line(tmp_path) as counter:
        await redeemed(counter, 100)
        before = counter.station.journal.counters()
        await redeemed(counter, 300)
        connection = counter.station.journal._database.conn
        with connection:
            connection.execute("DELETE FROM counters")
            rows = [(row.place, row.seq, row.sealed) for row in before]
            connection.executemany("INSERT INTO counters VALUES (?, ?, ?)", rows)
        assert await tapped(counter) == Resident(barred=Fault(Bar.COUNTERS))


async def test_a_pack_counts_what_it_knows_of(tmp_path: Path) -> None:
    """What the ledger has counted already is not counted twice; what it has not, is."""
    async with without_line(tmp_path) as counter:
        await redeemed(counter, 100)
        await redeemed(counter, 50)
        header = header_of(NOON, number=2, head_seq=1)
        assert counter.station.pocket is not None
        counter.station.pocket.take(
            pack_of(header, slots_of(header, {CARD: record_of(CARD, {MUNICIPALITY: 400})}), KEY), PINNED
        )
        assert usable(await tapped(counter)) == 350


async def test_an_earlier_pack_put_back_on_the_disk_redeems_nothing(tmp_path: Path) -> None:
    """The journal says which one was used last."""
    async with without_line(tmp_path) as counter:
        old = (tmp_path / "pack").read_bytes()
        header = header_of(NOON, number=2, head_seq=0)
        assert counter.station.pocket is not None
        counter.station.pocket.take(
            pack_of(header, slots_of(header, {CARD: record_of(CARD, {MUNICIPALITY: 400})}), KEY), PINNED
        )
        await redeemed(counter, 100)
        (tmp_path / "pack").write_bytes(old)
        counter.station.pocket = Pocket.open(tmp_path / "pack", TERMINAL, PINNED, counter.station.journal)
        assert await tapped(counter) == Resident(barred=Fault(Bar.PACK_BEHIND))


async def test_after_points_were_given_back_an_earlier_pack_redeems_nothing(tmp_path: Path) -> None:
    """Whoever gave them back could use them twice, until the next pack is there."""
    async with without_line(tmp_path) as counter:
        counter.ledger.down = False
        await tapped(counter)
        event = await counter.desk.carry_out(Commit(1, pricing.release(counter.station.terms())))
        assert isinstance(event, Decided)
        counter.ledger.down = True
        counter.station.syncer = type(counter.station.syncer)(counter.station.journal, counter.station.client)
        assert await tapped(counter) == Resident(barred=Fault(Bar.PACK_BEHIND))


# The pack ---------------------------------------------------------------------------------------------------------

FIRST = header_of(NOON)
SLOTS = slots_of(FIRST, {CARD: record_of(CARD, {MUNICIPALITY: 500})})
WHOLE = pack_of(FIRST, SLOTS, KEY)
SECOND = header_of(NOON, number=2)
MORE = slots_of(SECOND, {OTHER: record_of(OTHER, {MUNICIPALITY: 70}, b"s" * 16)})
DELTA = delta_of(SECOND, 1, SLOTS, [*MORE, *map(withdrawn, SLOTS)], KEY)


def held() -> Pack:
    """Return the first pack."""
    return read_pack(WHOLE, TERMINAL, PINNED)


def test_a_delta_brings_what_changed() -> None:
    """A new record is there, a withdrawn one is not, and its reason nowhere."""
    pack = read_pack(DELTA, TERMINAL, PINNED, held())
    assert pack.record(secret_of(CARD)) is None
    found = pack.record(secret_of(OTHER))
    assert found is not None
    assert found.holdings[0].reserved == 70
    assert read_pack(pack.encoded(), TERMINAL, PINNED, stored=True) == pack


REFUSED: list[tuple[str, Callable[[], Pack], str]] = [
    (
        "signed by another key",
        lambda: read_pack(pack_of(FIRST, SLOTS, Ed25519PrivateKey.generate()), TERMINAL, PINNED),
        "pack_forged",
    ),
    (
        "another terminal's",
        lambda: read_pack(pack_of(header_of(NOON, terminal_id="252034-0001-02"), [], KEY), TERMINAL, PINNED),
        "pack_foreign",
    ),
    ("truncated", lambda: read_pack(WHOLE[:-1], TERMINAL, PINNED), "pack_damaged"),
    ("without its last slot", lambda: read_pack(WHOLE[: -len(SLOTS[0].encoded())], TERMINAL, PINNED), "pack_damaged"),
    ("one byte is another", lambda: read_pack(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]), TERMINAL, PINNED), "pack_damaged"),
    ("empty", lambda: read_pack(b"", TERMINAL, PINNED), "pack_damaged"),
    (
        "rolled back",
        lambda: read_pack(WHOLE, TERMINAL, PINNED, read_pack(DELTA, TERMINAL, PINNED, held())),
        "pack_rolled_back",
    ),
    ("a delta onto nothing", lambda: read_pack(DELTA, TERMINAL, PINNED), "pack_gap"),
    (
        "a delta onto another",
        lambda: read_pack(delta_of(header_of(NOON, number=4), 3, SLOTS, MORE, KEY), TERMINAL, PINNED, held()),
        "pack_gap",
    ),
]


@pytest.mark.parametrize(("read", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_pack_that_is_not_the_ledgers_word_is_refused(read: Callable[[], Pack], code: str) -> None:
    """Whatever is held goes on."""
    with pytest.raises(PackRefused) as refused:
        read()
    assert refused.value.code == code


def test_a_delta_applied_twice_changes_nothing() -> None:
    """The answer came twice."""
    once = read_pack(DELTA, TERMINAL, PINNED, held())
    assert read_pack(DELTA, TERMINAL, PINNED, once) == once


async def test_a_disk_that_is_full_keeps_the_pack_that_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file and in memory."""
    async with without_line(tmp_path) as counter:
        pocket = counter.station.pocket
        assert pocket is not None
        before = (pocket.pack, (tmp_path / "pack").read_bytes())

        def full(*_args: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("terminal.shop.pocket.write_whole", full)
        header = header_of(NOON, number=2)
        with pytest.raises(OSError, match="No space"):
            pocket.take(pack_of(header, [], KEY), PINNED)
        assert (pocket.pack, (tmp_path / "pack").read_bytes()) == before


async def test_a_pack_is_fetched_at_once_where_something_was_set_aside_and_else_now_and_then(tmp_path: Path) -> None:
    """A sale asks for none; a reservation does, and so do three minutes."""
    async with without_line(tmp_path) as counter:
        pocket, station, asked = counter.station.pocket, counter.station, counter.ledger.packs
        assert pocket is not None
        counter.ledger.down = False
        counter.ledger.pack = WHOLE
        client = Pinning(station.client)
        await pocket.keep_fresh(client, NOON)  # type: ignore[arg-type]  # a client that trusts the tests' key
        await pocket.keep_fresh(client, NOON)  # type: ignore[arg-type]  # as above
        assert len(asked) == 1
        await tapped(counter)
        event = await counter.desk.carry_out(Commit(1, pricing.release(station.terms())))
        assert isinstance(event, Decided)
        assert len(asked) == 2
        await pocket.keep_fresh(client, NOON + timedelta(minutes=2))  # type: ignore[arg-type]  # as above
        await pocket.keep_fresh(client, NOON + timedelta(minutes=6))  # type: ignore[arg-type]  # as above
        assert len(asked) == 4


class Pinning:
    """A client that trusts the key of these tests."""

    def __init__(self, client: LedgerClient) -> None:
        self.pinned = PINNED
        self.pack = client.pack


async def test_a_disk_that_is_full_redeems_nothing(tmp_path: Path) -> None:
    """Neither entry nor counter is written; with room again the sale goes through."""
    async with without_line(tmp_path) as counter:
        connection = counter.station.journal._database.conn
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        done = 0
        while not isinstance(said := await redeemed(counter, 1), NotRecorded):
            done += 1
        assert said.fault.code == "disk_full"
        connection.execute("PRAGMA max_page_count = 1000000")
        assert usable(await tapped(counter)) == 500 - done
        assert isinstance(await redeemed(counter, 300), Unanswered)


async def test_a_pack_that_was_damaged_on_the_disk_is_as_none(tmp_path: Path) -> None:
    """The terminal opens all the same, and asks for the whole pack."""
    async with without_line(tmp_path) as counter:
        (tmp_path / "pack").write_bytes(WHOLE[:100])
        assert Pocket.open(tmp_path / "pack", TERMINAL, PINNED, counter.station.journal).pack is None
