"""A ledger that forgot: its own signature heals the loss by itself, and a lie about it gains nothing."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.embedded import assemble
from ledger.place import Place
from ledger.points.events import EventKind
from ledger.points.reports import losses_of
from ledger.wire.answers import SignedStatement, Status, Verdict
from ledger.wire.client import LedgerBehind, LedgerClient, LedgerRefusal
from ledger.wire.entries import SetAside, SignedEntry
from ledger.wire.statements import sign_statement
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card, Clock, anchor

pytestmark = pytest.mark.anyio

MUNICIPALITY = "252034"


@dataclass
class Forgetful:
    """A counter whose ledger stands where it stood before the last sales; `kept` is what it signed of them."""

    counter: Counter
    card: Card
    sold: list[SignedEntry]
    verdicts: list[Verdict]
    kept: list[SignedStatement]
    head: int

    async def send_again(self, answers: list[SignedStatement]) -> list[Verdict]:
        """Return the verdicts on the forgotten entries, sent again from the ledger's head."""
        result = await self.counter.client.upload(self.sold, answers=answers)
        return [each.verdict for each in result.decisions]


@pytest.fixture
async def forgetful(counter: Counter, card: Card, clock: Clock, tmp_path: Path) -> AsyncIterator[Forgetful]:
    """Yield a ledger of which a copy was taken, then sold with, and then put back."""
    await counter.register(card, points=820)
    till, directory = counter.till, Path(counter.ledger.stores[0].url.database or "").parent
    counter.ledger.close()
    shutil.copytree(directory, tmp_path / "earlier")
    head = len(till.entries)
    later = await _sell(counter, card)
    earlier = assemble(Place(tmp_path / "earlier"), Anchors((anchor(),)), clock)
    app = create_app(earlier)
    client = LedgerClient(
        transport=asgi(app),
        terminal_id=till.setup.terminal_id,
        key=till.key,
        clock=clock,
        pinned=till.setup.signing_keys,
    )
    async with client:
        again = Counter(earlier, app, client, till)
        yield Forgetful(again, card, till.entries[head:], [v for v, _ in later], [s for _, s in later], head)
    earlier.close()


async def _sell(counter: Counter, card: Card) -> list[tuple[Verdict, SignedStatement]]:
    found = []
    for points in (300, 200):
        entry = counter.till.record(counter.till.sale(card, 1200, redeem=points))
        result = await counter.client.upload([entry])
        assert result.signed is not None
        found.append((result.decisions[0].verdict, result.signed))
    return found


async def test_the_same_verdicts_are_given_back(forgetful: Forgetful) -> None:
    """Word for word, and again when asked again; the head is where it was."""
    counter = forgetful.counter
    assert (await counter.client.setup()).head_seq == forgetful.head
    assert await forgetful.send_again(forgetful.kept) == forgetful.verdicts
    assert await forgetful.send_again([]) == forgetful.verdicts
    assert (await counter.inquire(forgetful.card)).balances[0].points == 320
    assert (await counter.client.setup()).head_seq == len(counter.till.entries)
    assert losses_of(counter.ledger.books, MUNICIPALITY) == []
    assert {each.kind for each in counter.ledger.events.since(MUNICIPALITY, date(2026, 1, 1))} == {
        EventKind.LEDGER_BEHIND
    }


async def test_what_others_spent_meanwhile_is_listed(forgetful: Forgetful, clock: Clock) -> None:
    """Another terminal was faster after the restore: the first one's verdict stands, and the issuer bears the rest."""
    counter = forgetful.counter
    key = Ed25519PrivateKey.generate()
    async with LedgerClient(transport=asgi(counter.app)) as newcomer:
        setup = await newcomer.enrol(counter.ledger.new_enrolment_code(SHOP), key.public_key())
    sister = type(counter.till)(setup, key, clock)
    async with LedgerClient(transport=asgi(counter.app), terminal_id=setup.terminal_id, key=key, clock=clock) as client:
        spent = await client.upload([sister.record(sister.sale(forgetful.card, 1200, redeem=500))])
    assert spent.decisions[0].verdict.redeemed == 500
    assert await forgetful.send_again(forgetful.kept) == forgetful.verdicts
    assert sum(each.points for each in losses_of(counter.ledger.books, MUNICIPALITY)) == 180


async def test_a_ledger_that_learns_of_a_higher_head_says_where_it_stands(forgetful: Forgetful) -> None:
    """What goes on after the loss is not a gap of the terminal's: it is asked to send again from the ledger's head."""
    counter = forgetful.counter
    entry = counter.till.record({"kind": "opened"})
    with pytest.raises(LedgerBehind) as behind:
        await counter.client.upload([entry], answers=forgetful.kept)
    assert behind.value.code == "ledger_behind"
    assert (behind.value.problem.model_extra or {})["head_seq"] == forgetful.head
    with pytest.raises(LedgerRefusal) as gap:
        await counter.client.upload([entry])
    assert gap.value.code == "journal_gap"


def _forged(forgetful: Forgetful) -> list[SignedStatement]:
    """Return a statement in which a sale had more, under the ledger's own signature of another."""
    true = forgetful.kept[0]
    verdict = true.statement.verdicts[0].model_copy(update={"redeemed": 800, "amount_due": 400})
    return [true.model_copy(update={"statement": true.statement.model_copy(update={"verdicts": [verdict]})})]


def _signed_by_the_terminal(forgetful: Forgetful) -> list[SignedStatement]:
    return [sign_statement(forgetful.kept[0].statement, forgetful.counter.till.key)]


def _signed_by_the_terminal_in_the_ledgers_name(forgetful: Forgetful) -> list[SignedStatement]:
    forged = sign_statement(forgetful.kept[0].statement, forgetful.counter.till.key)
    return [forged.model_copy(update={"key": forgetful.kept[0].key})]


def _restated(**changed: object) -> Callable[[Forgetful], list[SignedStatement]]:
    def made(forgetful: Forgetful) -> list[SignedStatement]:
        statement = forgetful.kept[0].statement.model_copy(update=changed)
        # The ledger's own key: so only what the statement says stands against it.
        return [sign_statement(statement, forgetful.counter.ledger.signing.present)]

    return made


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(_forged, id="altered"),
        pytest.param(_signed_by_the_terminal, id="by the terminal's key"),
        pytest.param(_signed_by_the_terminal_in_the_ledgers_name, id="in the ledger's name"),
        pytest.param(_restated(ledger="0" * 32), id="of another ledger"),
        pytest.param(_restated(terminal_id="252034-0001-02"), id="to another terminal"),
        pytest.param(_restated(epoch=2), id="of an epoch to come"),
    ],
)
async def test_a_lie_about_a_loss_gains_nothing(
    forgetful: Forgetful, lie: Callable[[Forgetful], list[SignedStatement]]
) -> None:
    """What does not prove itself is late work: decided anew, by what is there and allowed."""
    counter = forgetful.counter
    mykey = counter.ledger.identity.look_up([forgetful.card.reference])[forgetful.card.reference].mykey
    counter.ledger.identity.stop(str(mykey))
    verdicts = await forgetful.send_again(lie(forgetful))
    assert [(each.redeemed, each.status) for each in verdicts] == [(0, Status.SHORTFALL)] * 2
    assert counter.ledger.events.since(MUNICIPALITY, date(2026, 1, 1)) == []


async def test_a_true_answer_that_is_played_again_changes_nothing(counter: Counter, card: Card) -> None:
    """Where nothing was lost, the verdict that is there stands, and no loss is noticed."""
    await counter.register(card, points=820)
    (verdict, signed), _ = await _sell(counter, card)
    for entry in counter.till.entries[-2:]:
        result = await counter.client.upload([entry], answers=[signed] * 3)
        assert result.decisions[0].verdict.redeemed in {300, 200}
    assert (await counter.inquire(card)).balances[0].points == 320
    assert verdict.redeemed == 300
    assert counter.ledger.events.since(MUNICIPALITY, date(2026, 1, 1)) == []


async def test_what_was_set_aside_is_impossible_for_ever(counter: Counter, card: Card) -> None:
    """It gets its refusal in its place, what follows is decided, and its operation can never succeed."""
    await counter.register(card, points=820)
    till = counter.till
    lost = till.record(till.sale(card, 1200, redeem=100))
    after = till.record(till.sale(card, 1200, redeem=200))
    mark = till.record({"kind": "set_aside", "detail": {"seq": lost.entry.seq, "hash": lost.hash}})
    aside = [SetAside(seq=lost.entry.seq, hash=lost.hash)]
    result = await counter.client.upload([after, mark], set_aside=aside)
    assert [(each.verdict.operation_id, each.verdict.code, each.verdict.redeemed) for each in result.decisions] == [
        (lost.entry.operation_id, "set_aside", 0),
        (after.entry.operation_id, None, 200),
    ]
    again = await counter.client.upload([lost, after, mark])
    assert again.decisions[0].verdict.code == "set_aside"
    assert (await counter.inquire(card)).balances[0].points == 620
