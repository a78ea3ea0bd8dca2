"""Uploads: one verdict per operation for ever, in order, whatever is lost, doubled, forked or rolled back."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from ledger.identity.revocation import RevocationList
from ledger.wire.client import LedgerClient, LedgerRefusal, LedgerUnreachable
from ledger.wire.entries import SignedEntry
from tests.ledger.api.conftest import Counter, asgi
from tests.ledger.api.world import NOW, Card, Till

pytestmark = pytest.mark.anyio

OPENED: dict[str, Any] = {"kind": "opened"}


class LosesReplies(httpx.AsyncBaseTransport):
    """Brings requests to an application and loses the next reply on its way back."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = asgi(app)
        self.lost = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Serve a request; the reply to the first one never arrives."""
        response = await self._inner.handle_async_request(request)
        if self.lost:
            return response
        self.lost = True
        raise httpx.ReadError("the line broke")


@pytest.fixture
async def open_counter(counter: Counter, card: Card) -> Counter:
    """Return a counter at which the card is registered and holds 820 points."""
    await counter.register(card, points=820)
    return counter


def sold(counter: Counter) -> list[int]:
    """Return what was redeemed by each operation that the points store has."""
    with counter.ledger.stores[1].connect() as connection:
        ids = connection.execute(text("SELECT operation FROM operations WHERE kind = 'sale'")).scalars().all()
    return [verdict.redeemed for each in ids if (verdict := counter.ledger.points.verdict(each)) is not None]


async def refusal(counter: Counter, entries: list[SignedEntry]) -> str:
    """Upload entries that are refused and return the code."""
    with pytest.raises(LedgerRefusal) as refused:
        await counter.client.upload(entries)
    return refused.value.problem.code


async def test_a_lost_reply_leads_to_the_same_verdict(open_counter: Counter, card: Card) -> None:
    """The ledger committed, the reply was lost, the terminal asks again: one sale, one answer."""
    counter, till = open_counter, open_counter.till
    entry = till.record(till.sale(card, 1200, redeem=400))
    transport = LosesReplies(counter.app)
    flaky = LedgerClient(transport=transport, terminal_id=till.setup.terminal_id, key=till.key, clock=till.clock)
    with pytest.raises(LedgerUnreachable):
        await flaky.upload([entry])
    again = await flaky.upload([entry])
    assert again.decisions[0].verdict.redeemed == 400
    assert sold(counter) == [400]
    assert await counter.client.operation(entry.entry.operation_id) == again.decisions[0].verdict


async def test_fifty_at_once_are_one_operation(open_counter: Counter, card: Card) -> None:
    """Fifty concurrent posts of one entry lead to one row and one answer."""
    entry = open_counter.till.record(open_counter.till.sale(card, 1200, redeem=400))
    verdicts: list[str] = []

    async def post() -> None:
        result = await open_counter.client.upload([entry])
        verdicts.append(result.decisions[0].verdict.model_dump_json())

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(post)
    assert len(verdicts) == 50
    assert len(set(verdicts)) == 1
    assert sold(open_counter) == [400]


async def test_a_batch_is_decided_in_order(open_counter: Counter, card: Card) -> None:
    """Each operation sees what those before it did; marks get no verdict, balances come with single uploads."""
    till = open_counter.till
    entries = []
    for _ in range(2):
        entries += [till.record(OPENED), till.record(till.sale(card, 600, redeem=500))]
    result = await open_counter.client.upload(entries)
    assert [(each.verdict.operation_id, each.verdict.short_redeemed) for each in result.decisions] == [
        (entries[1].entry.operation_id, 0),
        (entries[3].entry.operation_id, 180),
    ]
    assert all(each.balances is None for each in result.decisions)
    assert (result.head_seq, result.head_hash) == (entries[3].entry.seq, entries[3].hash)


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "lottery", "prize": {"points": 1.5}},
        {"kind": "sale", "bill": -1},
        {"kind": "future", "rules": []},
        {"kind": "future", "rules": {"252034": {}}, "municipality": "9" * 500, "target": 5},
        {"kind": "elsewhere", "target": "131164", "municipality": "131164"},
        {"kind": "voided"},
        {"kind": "future", "resident": [], "registration": {}, "assurance": 5},
        {"kind": "\0", "bill": "\0"},
        {"kind": "unlink", "municipality": "252034", "resident": "", "service": "\0"},
        {"kind": "opened", "detail": {"nested": {"deep": True}}},
    ],
)
async def test_what_cannot_be_read_does_not_block(open_counter: Counter, card: Card, content: dict[str, Any]) -> None:
    """It gets its refusal, and what follows it is decided."""
    till = open_counter.till
    entries = [till.record(content), till.record(till.sale(card, 600, redeem=100))]
    result = await open_counter.client.upload(entries)
    assert [each.verdict.code for each in result.decisions] == ["unreadable", None]


async def test_what_overlaps_is_decided_once(open_counter: Counter, card: Card) -> None:
    """A terminal that does not know how far it came may send everything again."""
    till = open_counter.till
    first = [till.record(till.sale(card, 600, redeem=100)) for _ in range(3)]
    before = await open_counter.client.upload(first)
    after = await open_counter.client.upload([*first, till.record(till.sale(card, 600, redeem=100))])
    assert after.decisions[:3] == before.decisions
    again = await open_counter.client.upload(first[:2])
    assert (again.decisions, again.head_seq) == (before.decisions[:2], till.entries[-1].entry.seq)
    assert sold(open_counter) == [100] * 4


async def test_a_gap_is_refused_with_the_head(open_counter: Counter) -> None:
    """Nothing after a missing entry is taken in, and the terminal learns where the ledger stands."""
    till = open_counter.till
    head = till.entries[-1]
    till.record(OPENED)
    with pytest.raises(LedgerRefusal) as refused:
        await open_counter.client.upload([till.record(OPENED)])
    assert refused.value.problem.code == "journal_gap"
    assert refused.value.problem.model_extra == {"head_seq": head.entry.seq, "head_hash": head.hash}


def copy_of(till: Till, entries: int) -> Till:
    """Return a till that was restored from a backup which had so many entries."""
    return Till(till.setup, till.key, till.clock, list(till.entries[:entries]))


async def test_a_copied_terminal_is_seen(open_counter: Counter, card: Card) -> None:
    """Two machines go on from one journal: the second one to upload is refused, whatever it recorded."""
    till = open_counter.till
    copy = copy_of(till, len(till.entries))
    await open_counter.client.upload([till.record(till.sale(card, 600, redeem=100))])
    assert await refusal(open_counter, [copy.record(copy.sale(card, 700, redeem=200))]) == "journal_fork"
    assert await refusal(open_counter, [copy.entries[-1], copy.record(OPENED)]) == "journal_fork"
    assert sold(open_counter) == [100]


async def test_a_restored_backup_is_seen(open_counter: Counter, card: Card) -> None:
    """Yesterday's journal goes on under numbers that the ledger has: it is refused, and nothing is sold twice."""
    till = open_counter.till
    restored = copy_of(till, len(till.entries))
    await open_counter.client.upload([till.record(till.sale(card, 600, redeem=100)), till.record(OPENED)])
    await open_counter.client.upload([till.record(till.sale(card, 600, redeem=100))])
    assert await refusal(open_counter, [restored.record(restored.sale(card, 700, redeem=200))]) == "journal_rollback"
    unknown = [restored.entries[-1], restored.record(restored.sale(card, 700, redeem=200))]
    assert await refusal(open_counter, unknown) == "journal_rollback"
    assert sold(open_counter) == [100, 100]


async def test_another_terminals_entries_are_refused(open_counter: Counter) -> None:
    """A terminal uploads its own journal alone, and asks about its own operations alone."""
    till = open_counter.till
    foreign = till.record(OPENED).entry.model_copy(update={"terminal_id": "252034-0001-02"})
    assert await refusal(open_counter, [till.signed(foreign)]) == "terminal_mismatch"
    assert await open_counter.client.operation("252034-0001-02-000001") is None
    assert await open_counter.client.operation("252034-0001-01-000099") is None


@pytest.mark.parametrize(
    ("standing", "code"), [("suspended", "card_suspended"), ("revoked", "card_revoked"), ("gone", "card_unregistered")]
)
async def test_a_stop_counts_from_the_next_operation(
    open_counter: Counter, card: Card, standing: str, code: str
) -> None:
    """Standing is looked up when it is decided; what was accepted before stays accepted."""
    counter, identity = open_counter, open_counter.ledger.identity
    before = await counter.send(counter.till.sale(card, 600, redeem=100))
    entry = counter.till.entries[-1]
    mykey = identity.look_up([card.reference])[card.reference].mykey or ""
    match standing:
        case "suspended":
            identity.stop(mykey)
        case "gone":
            identity.leave(mykey)
        case _:
            revoke(counter, card)
    assert (await counter.inquire(card)).balances == []
    stopped = (await counter.send(counter.till.sale(card, 600, redeem=100))).verdict
    assert (stopped.amount_due, {cut.reason for cut in stopped.cuts}) == (600, {code})
    assert (await counter.client.upload([entry])).decisions[0].verdict == before.verdict


def revoke(counter: Counter, card: Card) -> None:
    """Put a card on its issuer's revocation list."""
    issuer = bytes.fromhex(card.reference.issuer_sha256)
    serial = int(card.reference.serial, 16)
    counter.ledger.identity.replace_revocations(RevocationList(issuer, issuer, int(NOW.timestamp()), (serial,)))


async def test_a_resident_sealed_for_something_else_is_refused(open_counter: Counter, card: Card) -> None:
    """What was sealed for an inquiry names nobody in an operation."""
    till = open_counter.till
    sale = till.sale(card, 600, redeem=100) | {"resident": till.inquiry(card).resident}
    decision = await open_counter.send(sale)
    assert {cut.reason for cut in decision.verdict.cuts} == {"resident_unreadable"}
