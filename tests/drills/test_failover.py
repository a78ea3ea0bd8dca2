"""Failover: what an asynchronous standby lacks, and that a synchronous one lacks nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import DBAPIError

from ledger.durability import weaknesses
from ledger.points.reports import count, losses_of
from ledger.wire.answers import Decision, Status
from ledger.wire.client import LedgerBusy, LedgerClient
from ledger.wire.entries import SignedEntry
from tests import commands, postgres
from tests.drills.conftest import STATEMENT_SECONDS, OpenCounter
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card, Till
from tests.pcsc import until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL is not installed"),
]

QUICK = ("fsync = off",)
"""A server of the tests is killed by a signal, and not by a power cut."""

MUNICIPALITY = "252034"

SYNCHRONOUS = ("synchronous_standby_names = 'standby'",)


async def insist(counter: Counter, entry: SignedEntry, tries: int = 10) -> Decision:
    """Send an entry until it is decided: connections to a server that is gone break first."""
    for _ in range(tries):
        try:
            return (await counter.client.upload([entry])).decisions[0]
        except LedgerBusy:
            continue
    raise AssertionError("it was never decided")


async def points(counter: Counter, card: Card) -> int:
    """Return what the resident holds."""
    mykey = counter.ledger.identity.look_up([card.reference])[card.reference].mykey
    assert mykey is not None
    return sum(each.points for each in counter.ledger.points.balances(mykey, SHOP, counter.ledger.today()))


async def test_an_asynchronous_standby_lacks_what_was_said_in_the_gap(open_counter: OpenCounter, card: Card) -> None:
    """The ledger's own signature brings it back, and what was spent meanwhile is a listed loss; the books agree."""
    with postgres.pair(QUICK) as pair:
        async with open_counter(pair.url) as counter:
            assert "durability_no_standby" in {each.code for each in weaknesses(counter.ledger.books, "points")}
            await counter.register(card, points=820)
            kept = counter.till.record(counter.till.sale(card, 900, redeem=100))
            await insist(counter, kept)
            await anyio.to_thread.run_sync(pair.cut)
            lost = counter.till.record(counter.till.sale(card, 900, redeem=300))
            said = await counter.client.upload([lost])
            assert said.signed is not None
            assert said.decisions[0].verdict.status is Status.ACCEPTED
            assert await points(counter, card) == 420
            await anyio.to_thread.run_sync(pair.fail_over)
            await _reconnect(counter)
            head = counter.ledger.registry.terminal(counter.till.setup.terminal_id)
            assert head is not None
            assert (head.head_seq, head.head_hash) == (kept.entry.seq, kept.hash)
            assert counter.ledger.points.verdict(kept.entry.operation_id) is not None
            assert counter.ledger.points.verdict(lost.entry.operation_id) is None
            assert await points(counter, card) == 720
            assert all(totals.agree for totals in count(counter.ledger.books, MUNICIPALITY))
            await _spend_elsewhere(counter, card, 500)
            again = await counter.client.upload([lost], answers=[said.signed])
            assert again.decisions[0].verdict == said.decisions[0].verdict
            assert again.head_seq == said.head_seq
            assert await points(counter, card) == 0
            assert sum(each.points for each in losses_of(counter.ledger.books, MUNICIPALITY)) == 300 - (720 - 500)
            assert all(totals.agree for totals in count(counter.ledger.books, MUNICIPALITY))


async def _spend_elsewhere(counter: Counter, card: Card, redeemed: int) -> None:
    """Let the resident pay at another terminal, before the first one has sent again what was lost."""
    key = Ed25519PrivateKey.generate()
    async with LedgerClient(transport=asgi(counter.app)) as newcomer:
        setup = await newcomer.enrol(counter.ledger.new_enrolment_code(SHOP), key.public_key())
    sister = Till(setup, key, counter.till.clock)
    client = LedgerClient(
        transport=asgi(counter.app),
        terminal_id=setup.terminal_id,
        key=key,
        clock=counter.till.clock,
        pinned=setup.signing_keys,
    )
    async with client:
        spent = await client.upload([sister.record(sister.sale(card, 900, redeem=redeemed))])
    assert spent.decisions[0].verdict.redeemed == redeemed


async def test_a_synchronous_standby_lacks_nothing(open_counter: OpenCounter, card: Card) -> None:
    """While it is away no verdict is given, however long that takes; after the failover each sale is decided once."""
    with postgres.pair(SYNCHRONOUS) as pair:
        async with open_counter(pair.url) as counter:
            assert weaknesses(counter.ledger.books, "points") == []
            await counter.register(card, points=820)
            await insist(counter, counter.till.record(counter.till.sale(card, 900, redeem=100)))
            await anyio.to_thread.run_sync(pair.cut)
            entry = counter.till.record(counter.till.sale(card, 900, redeem=300))
            answers: list[type[Exception] | Status] = []

            async def send() -> None:
                try:
                    answers.append((await counter.client.upload([entry])).decisions[0].verdict.status)
                except LedgerBusy as busy:
                    answers.append(type(busy))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(send)
                await anyio.to_thread.run_sync(partial(_wait_for_commit, pair.primary, STATEMENT_SECONDS + 1))
                assert answers == []
                await anyio.to_thread.run_sync(pair.fail_over)
            assert answers == [LedgerBusy]
            decision = await insist(counter, entry)
            assert (decision.verdict.status, decision.verdict.redeemed) == (Status.ACCEPTED, 300)
            assert await points(counter, card) == 420
            assert all(totals.agree for totals in count(counter.ledger.books, MUNICIPALITY))


async def test_a_standby_is_not_taken_for_the_ledgers_database(open_counter: OpenCounter, tmp_path: Path) -> None:
    """Whoever is led to it by the wrong address is told so."""
    with postgres.pair(QUICK) as pair:
        async with open_counter(pair.url):
            await anyio.to_thread.run_sync(pair.settle)
            url = pair.standby.url
            words = ["--directory", str(tmp_path / "ledger"), "--identity-url", url, "--points-url", url, "doctor"]
            code, said = await anyio.to_thread.run_sync(commands.ledger, *words)
            assert (code, "(database_standby)" in said) == (1, True)


def _wait_for_commit(primary: postgres.Node, seconds: int) -> None:
    """Return when a commit has waited for the standby for so long."""
    age = "extract(epoch FROM clock_timestamp() - query_start)"
    oldest = f"SELECT coalesce(max({age}), 0) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"  # noqa: S608
    until(lambda: float(primary.ask(oldest)) > seconds, patience=60)


async def _reconnect(counter: Counter) -> None:
    """Let the connections break that lead to the server that is gone."""
    for engine in counter.ledger.stores:
        for _ in range(10):
            try:
                with engine.connect():
                    break
            except DBAPIError:
                continue
        engine.dispose()
