"""The database is away and HTTP is there: nothing is judged, everything may be tried again, and then it succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError

from config.trust import Anchors
from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.database import is_taken
from ledger.embedded import assemble
from ledger.identity.store import Identity
from ledger.place import Place
from ledger.points.reports import count
from ledger.wire.answers import Status
from ledger.wire.client import LedgerBusy
from ledger.wire.setup import Shop
from tests.ledger.api.conftest import SHOP, Counter, asgi
from tests.ledger.api.world import Card, Clock, anchor
from tests.ledger.points.conftest import city

pytestmark = pytest.mark.anyio

Away = Callable[[], AbstractContextManager[None]]
"""Takes the database away for a while."""


@pytest.fixture
def ledger(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """Yield an empty ledger on either engine."""
    place = Place(tmp_path / "ledger", identity_url=database_url, points_url=database_url)
    made = assemble(place, Anchors((anchor(),)), clock)
    made.registry.add_programmes([city()])
    made.registry.add_shop(Shop(code=SHOP, name="見本商店"))
    yield made
    made.close()


@pytest.fixture
def away(ledger: Ledger, request: pytest.FixtureRequest) -> Away:
    """Return what takes the database away: its server lets nobody in, or its file is not there."""
    url = ledger.books.url
    if url.get_backend_name() == "sqlite":
        return lambda: _moved(ledger, Path(str(url.database)))
    server: str = request.getfixturevalue("postgres_server")
    return lambda: _shut(server, str(url.database))


@contextmanager
def _moved(ledger: Ledger, file: Path) -> Iterator[None]:
    ledger.close()
    kept = file.rename(file.with_suffix(".kept"))
    file.mkdir()
    yield
    file.rmdir()
    kept.rename(file)


@contextmanager
def _shut(server: str, name: str) -> Iterator[None]:
    engine = create_engine(make_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(
            text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
        )
        yield
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    engine.dispose()


async def test_what_a_terminal_asks_is_retried_and_then_decided(counter: Counter, card: Card, away: Away) -> None:
    """Not one request is taken for wrongly signed; the sale that met the outage is accepted once."""
    await counter.register(card, points=820)
    entry = counter.till.record(counter.till.sale(card, 900, redeem=300))
    inquiry = counter.till.inquiry(card)
    with away():
        for _ in range(2):  # on connections that broke, and on new ones
            for ask in (
                lambda: counter.client.upload([entry]),
                lambda: counter.client.inquire(inquiry),
                counter.client.setup,
                lambda: counter.client.operation(counter.till.next_id),
            ):
                with pytest.raises(LedgerBusy):
                    await ask()
        assert not await counter.client.ready()
    for _ in range(2):
        (decision,) = (await counter.client.upload([entry])).decisions
        assert (decision.verdict.status, decision.verdict.redeemed) == (Status.ACCEPTED, 300)
        assert decision.balances is not None
        assert decision.balances[0].points == 520
    assert all(totals.agree for totals in count(counter.ledger.books, "252034"))


async def test_an_office_is_told_to_wait(counter: Counter, away: Away) -> None:
    """Its token is not called wrong."""
    token = counter.ledger.office.new_token(Officer("252034", "窓口"), counter.ledger.today())
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as office:
        with away():
            answer = await office.get("/v1/office/totals", headers=bearer)
        assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable")
        assert answer.headers["Retry-After"]
        assert (await office.get("/v1/office/totals", headers=bearer)).is_success


async def test_a_verdict_is_given_though_balances_cannot_be_read(counter: Counter, card: Card) -> None:
    """It was reached: that something else is broken afterwards takes nothing from it."""
    await counter.register(card, points=820)
    with counter.ledger.books.begin() as connection:
        connection.execute(text("ALTER TABLE partners RENAME TO elsewhere"))
    decision = await counter.send(counter.till.sale(card, 900, redeem=300))
    assert (decision.verdict.status, decision.balances) == (Status.ACCEPTED, None)


async def test_a_registration_is_told_though_its_number_cannot_be_read(
    counter: Counter, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is registered; the number for the telephone is asked for again another time."""

    def away(_identity: Identity, _mykey: str) -> str:
        raise OperationalError("a statement", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(Identity, "contact_number", away)
    nonce, _ = counter.ledger.nonces.issue(counter.till.setup.terminal_id, counter.ledger.clock())
    decision = await counter.send(counter.till.link(card, nonce))
    assert (decision.verdict.status, decision.contact_number) == (Status.ACCEPTED, None)


def test_a_taken_key_is_recognised_on_either_engine(ledger: Ledger) -> None:
    """Also where it comes wrapped; another broken rule is not taken for it."""
    insert = text("INSERT INTO shops (municipality, shop, name) VALUES ('252034', :shop, :name)")
    for shop, name, expected in ((SHOP, "x", True), ("252034-0002", None, False)):
        with pytest.raises(IntegrityError) as raised, ledger.books.begin() as connection:
            connection.execute(insert, {"shop": shop, "name": name})
        assert is_taken(raised.value) is expected
        outer = RuntimeError("failure on connection marked as essential")
        outer.__cause__ = raised.value.orig
        raised.value.orig = outer
        assert is_taken(raised.value) is expected


async def test_a_lost_month_key_is_waited_for(counter: Counter, card: Card, tmp_path: Path) -> None:
    """What lies under it is neither refused nor called forgotten; once it is back, all has its verdict."""
    await counter.register(card, points=820)
    sale = counter.till.record(counter.till.sale(card, 900, redeem=300))
    await counter.client.upload([sale])
    path = tmp_path / "ledger" / "periods" / f"{counter.ledger.today():%Y-%m}.key"
    content = path.read_bytes()
    undo = {"kind": "void", "municipality": "252034", "target": sale.entry.operation_id}
    void = counter.till.record(undo)
    for spoil in (path.unlink, lambda: path.write_bytes(b"k" * 32)):
        spoil()
        for entry in (sale, void):
            with pytest.raises(LedgerBusy):
                await counter.client.upload([entry])
        with pytest.raises(LedgerBusy):
            await counter.client.operation(sale.entry.operation_id)
        assert counter.ledger.periods.missing() == [path.stem]
    path.write_bytes(content)
    decisions = (await counter.client.upload([void])).decisions
    assert (decisions[0].verdict.status, decisions[0].verdict.redeemed) == (Status.ACCEPTED, -300)
    assert all(totals.agree for totals in count(counter.ledger.books, "252034"))
