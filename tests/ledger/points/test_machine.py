"""Store and model, driven together by several clients over all operations; and bugs of each kind, which that finds."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis.errors import FlakyFailure
from sqlalchemy import Connection

from ledger.points import batch, undo, work
from ledger.points.wallet import Lot, Wallet
from ledger.points.wallet_rows import lock_wallets
from ledger.wire.rules import Programme
from tests.ledger.points.clients import Ledger
from tests.ledger.points.machine import run


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """Yield an empty store and its clients."""
    made = Ledger(database_url, tmp_path)
    yield made
    made.close()


def test_the_store_does_what_the_model_says(ledger: Ledger) -> None:
    """Whatever is asked for, in whatever order, one after the other or at once."""
    run(ledger, examples=20, steps=15)


def double_award(patch: pytest.MonkeyPatch) -> None:
    """Give every award twice, and post it twice."""
    give = work.Work.give

    def twice(made: work.Work, programme: Programme, points: int) -> None:
        give(made, programme, points)
        give(made, programme, points)

    patch.setattr(work.Work, "give", twice)


def lot_order(patch: pytest.MonkeyPatch) -> None:
    """Take those points first that lapse last."""
    live = Wallet.live
    patch.setattr(Wallet, "live", lambda *arguments: live(*arguments)[::-1])


def sign_of_a_return(patch: pytest.MonkeyPatch) -> None:
    """Take the points of a return from the resident, and let the shop claim them once more."""
    part = undo._slice

    def negative(lots: Iterable[tuple[Lot, int]], start: int, end: int) -> Iterator[tuple[Lot, int]]:
        return ((lot, -points) for lot, points in part(lots, start, end))

    patch.setattr(undo, "_slice", negative)


def id_reuse(patch: pytest.MonkeyPatch) -> None:
    """Take no notice that an id was used for other content."""
    patch.setattr(batch, "check_same", lambda *_: None)


@pytest.mark.parametrize("inject", [double_award, lot_order, sign_of_a_return, id_reuse])
def test_an_injected_bug_is_found(
    inject: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The machine that the real code passes stops at each of them."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)
    inject(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(ledger, examples=10, steps=10)
    ledger.close()


def test_a_lost_update_is_found(monkeypatch: pytest.MonkeyPatch, postgres_url: str, tmp_path: Path) -> None:
    """Clients that do not wait for one another's wallets decide on what is not there any more."""
    ledger = Ledger(postgres_url, tmp_path)

    def let_go(connection: Connection, *arguments: Any) -> dict[str, Wallet]:
        with connection.engine.begin() as another:
            return lock_wallets(another, *arguments)

    monkeypatch.setattr(batch, "lock_wallets", let_go)
    with pytest.raises((AssertionError, FlakyFailure)):
        run(ledger, examples=10, steps=10)
    ledger.close()
