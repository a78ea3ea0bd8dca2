"""Where another transaction gets in the way, the whole decision is made again, on what is there by then."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text, update
from sqlalchemy.engine import ExceptionContext

from ledger.database import open_engine, repeated
from ledger.points.schema import lots, wallets
from ledger.wire.answers import Status, Verdict
from tests.ledger.points.conftest import Store, city
from tests.ledger.points.scenes import CITY, MYKEY, elsewhere, sale

EARLIER, LATER = "A000000000", MYKEY
"""Two residents, in the order in which their wallets are locked."""


def take_all(connection: Connection, mykey: str) -> None:
    """Leave a resident one point in every lot."""
    connection.execute(update(lots).where(lots.c.mykey == mykey).values(points=1))


def lock(connection: Connection, mykey: str) -> None:
    """Lock a wallet as the store does."""
    connection.execute(select(wallets).where(wallets.c.mykey == mykey).with_for_update())


def on_first_error(engine: Engine, then: Callable[[], None]) -> list[str]:
    """Do something when the database first stops a transaction; return a list that grows with every time it does."""
    errors: list[str] = []

    def stopped(context: ExceptionContext) -> None:
        errors.append(str(context.original_exception))
        if len(errors) == 1:
            then()

    event.listen(engine, "handle_error", stopped)
    return errors


def wait_until_blocked(engine: Engine, answer: Future[list[Verdict]]) -> None:
    """Return when somebody waits for a lock that another holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with engine.connect() as connection:
        while not connection.execute(waiting).scalar_one():
            assert not answer.done(), "it was to wait"


def test_a_deadlock_repeats_the_decision(postgres_url: str, tmp_path: Path) -> None:
    """The store is the one that the database stops; what it decides next is on the wallet that the other one left."""
    store = Store(postgres_url + "&options=-c deadlock_timeout=500ms", tmp_path)
    store.points.deposit(EARLIER, city(), None, 100)
    errors = on_first_error(store.engine, lambda: None)
    patient = create_engine(postgres_url + "&options=-c deadlock_timeout=1min")
    with ThreadPoolExecutor(1) as pool, patient.connect() as other:
        lock(other, LATER)
        both = [elsewhere(sale(1, 100, city=50), mykey=EARLIER), sale(2, 100, city=50)]
        answer = pool.submit(store.decide, *both)
        wait_until_blocked(patient, answer)
        lock(other, EARLIER)
        take_all(other, LATER)
        other.commit()
        verdicts = answer.result()
    assert "deadlock detected" in errors[0]
    assert [(each.status, each.short_redeemed) for each in verdicts] == [
        (Status.ACCEPTED, 0),
        (Status.SHORTFALL, 48),
    ]
    assert store.held(EARLIER) == {CITY: 50}
    patient.dispose()
    store.engine.dispose()


def test_a_serialization_failure_repeats_the_work(postgres_url: str, tmp_path: Path) -> None:
    """What was read before somebody else's commit is read again."""
    store = Store(postgres_url, tmp_path)
    other = open_engine(postgres_url)
    seen: list[int] = []

    def spend_all(connection: Connection) -> int:
        seen.append(connection.execute(select(func.sum(lots.c.points))).scalar_one())
        if len(seen) == 1:
            with other.begin() as interrupting:
                take_all(interrupting, MYKEY)
        connection.execute(update(lots).values(points=0))
        return seen[-1]

    assert repeated(store.engine, spend_all) == 2
    assert seen == [820, 2]
    other.dispose()
    store.engine.dispose()


def test_a_busy_file_repeats_the_decision(tmp_path: Path) -> None:
    """On SQLite there is one writer at a time; who does not wait is turned away, and comes again."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    store = Store(url, tmp_path)
    store.engine.dispose()
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 0"))
    other = open_engine(url)
    writing = other.connect()
    take_all(writing, MYKEY)
    errors = on_first_error(store.engine, writing.commit)
    (verdict,) = store.decide(sale(1, 100, city=50))
    assert "locked" in errors[0]
    assert [(cut.reason, cut.granted) for cut in verdict.cuts] == [("insufficient_balance", 2)]
    writing.close()
    other.dispose()
    store.engine.dispose()
