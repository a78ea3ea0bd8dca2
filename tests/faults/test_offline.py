"""Without a line: killed at every step, a clock that is off, a copied home; never more is redeemed than is reserved."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.operations import Sale
from ledger.wire.statements import raw
from offline_queue.journal import Journal
from terminal.shop import enrolment
from terminal.shop.counting import checked_rows
from terminal.shop.opening import local_time
from tests.faults import mortal
from tests.faults.mortal import Statement, given
from tests.faults.shop import HOLDER, Shop
from tests.terminal.counters import MUNICIPALITY
from tests.terminal.packs import header_of, pack_of, record_of, slots_of

KEY = Ed25519PrivateKey.generate()
RESERVED = 500
PIN = b"1234"
KILLED = -signal.SIGKILL

SALE = ("op", "sale", "--bill", "1200", "--redeem", "100", "--card", HOLDER)

JOURNAL = "journal.db"

STEPS: dict[str, Statement] = {
    "nothing is written": (JOURNAL, "BEGIN IMMEDIATE"),
    "the entry is written, and no counter": (JOURNAL, "INSERT INTO offline_sales"),
    "the counters are gone, and no new ones written": (JOURNAL, "INSERT INTO counters"),
    "the counters are written, and not durable": (JOURNAL, "COMMIT"),
    "it is durable, and not shown": (JOURNAL, "SELECT COUNT(*)"),
}
"""The way of a sale that is decided here: how far it has come, and the statement before which the terminal dies."""

DURABLE = len(STEPS) - 1
"""The step after which it is redeemed; before it, nobody was told anything."""


@contextmanager
def journal_of(shop: Shop) -> Iterator[Journal]:
    """Yield a shop's journal."""
    kept = enrolment.load_enrolment(shop.home.practice)
    assert kept is not None
    home = shop.home.practice
    journal = Journal(home.journal, kept.setup.terminal_id, enrolment.key_of(home), local_time)
    try:
        yield journal
    finally:
        journal.close()


def reserved_at(shop: Shop, issued_at: datetime) -> None:
    """Give a shop that sends at the day's end a pack in which the holder has points reserved."""
    home = shop.home.practice
    shop.home.settings.write_text('[ledger]\nmode = "day_end"\n', encoding="utf-8")
    kept = json.loads(home.enrolment.read_text(encoding="utf-8"))
    kept["setup"]["signing_keys"].append(raw(KEY.public_key()))
    for programme in kept["setup"]["programmes"]:
        programme["offline"] = {"redeem": programme["code"] == MUNICIPALITY, "pack_hours": 48}
    home.enrolment.write_text(json.dumps(kept), encoding="utf-8")
    with journal_of(shop) as journal:
        header = header_of(issued_at, head_seq=journal.head()[0], terminal_id=journal.terminal_id)
    home.pack.write_bytes(pack_of(header, slots_of(header, {HOLDER: record_of(HOLDER, {MUNICIPALITY: RESERVED})}), KEY))


@pytest.fixture
def pocket(shop: Shop) -> Shop:
    """Return a shop without a line, in which the holder has points reserved since an hour ago."""
    reserved_at(shop, local_time() - timedelta(hours=1))
    return shop


def redeemed(shop: Shop) -> int:
    """Return the points that a shop's journal says were redeemed without a line, and see that it is whole."""
    with journal_of(shop) as journal:
        journal.verify()
        checked_rows(journal)
        sales = [record.entry.content for record in journal.since(0)]
        return sum(leg.points for sale in sales if isinstance(sale, Sale) and sale.offline for leg in sale.redeem)


def sell(shop: Shop, points: str = "100") -> tuple[int, str | None, int]:
    """Redeem points, and return how that ended: exit code, error, points."""
    words = ["op", "sale", "--bill", "1200", "--redeem", points, "--card", HOLDER, "--pin-fd", str(given(PIN))]
    said = shop(*words)
    return said["exit"], said["error"], said["redeemed"]


def test_what_is_reserved_is_redeemed_and_no_more(pocket: Shop) -> None:
    """`op sale` says that it is queued, and the last points are the last."""
    assert sell(pocket) == (10, None, 100)
    assert sell(pocket, "all") == (10, None, 400)
    assert sell(pocket) == (11, "nothing_reserved", 0)
    assert redeemed(pocket) == RESERVED


@pytest.mark.parametrize("step", range(len(STEPS)), ids=list(STEPS))
def test_killed_at_each_step(pocket: Shop, step: int) -> None:
    """What was durable is redeemed once, what was not never; the next sale goes through, up to what is reserved."""
    assert mortal.run(pocket.words(*SALE), list(STEPS.values())[: step + 1], PIN) == KILLED
    assert redeemed(pocket) == 100 * (step >= DURABLE)
    left = RESERVED - redeemed(pocket)
    assert sell(pocket, "all") == (10, None, left)
    assert redeemed(pocket) == RESERVED


def test_a_day_of_crashes(pocket: Shop) -> None:
    """Each sale dies one statement later than the one before; what is durable is counted, and nothing else."""
    for statements in range(1, 12):
        words = pocket.words("op", "sale", "--bill", "200", "--redeem", "10", "--card", HOLDER)
        assert mortal.run(words, [STEPS["nothing is written"], *[("", "")] * statements], PIN) == KILLED
    before = redeemed(pocket)
    assert 0 < before <= 110
    assert sell(pocket, "all") == (10, None, RESERVED - before)


CLOCKS: dict[str, tuple[timedelta, str | None]] = {
    "an hour ago": (timedelta(hours=1), None),
    "just now, by a clock that is a minute ahead": (timedelta(minutes=-1), None),
    "47 hours ago": (timedelta(hours=47), None),
    "49 hours ago": (timedelta(hours=49), "pack_too_old"),
    "three days ago, or a clock three days ahead": (timedelta(days=3), "pack_too_old"),
    "in three days, or a clock three days behind": (timedelta(days=-3), "pack_ahead"),
}
"""By how much the pack is older than the terminal's clock, and what is said of it."""


@pytest.mark.parametrize("when", CLOCKS)
def test_a_clock_that_is_off(shop: Shop, when: str) -> None:
    """A pack's age is never below nothing, and never above what the programme allows."""
    age, error = CLOCKS[when]
    reserved_at(shop, local_time() - age)
    exit_code, said, points = sell(shop)
    assert (exit_code, said, points) == ((10, None, 100) if error is None else (11, error, 0))


def test_a_copied_home_cannot_bring_back_what_was_spent(pocket: Shop) -> None:
    """The journal of yesterday beside today's head is noticed; its counters alone do not fit its last entry."""
    home = pocket.home.practice
    before = home.path.with_name("before")
    assert sell(pocket) == (10, None, 100)
    shutil.copytree(home.path, before)
    assert sell(pocket) == (10, None, 100)
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (home.path / name).unlink(missing_ok=True)
        if (before / name).exists():
            shutil.copy(before / name, home.path / name)
    exit_code, error, points = sell(pocket)
    assert (exit_code, points) == (11, 0)
    assert error in {"journal_incomplete", "journal_corrupt"}


FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda pack: pack[:-1], "pack_missing"),
    "empty": (lambda _pack: b"", "pack_missing"),
    "a byte is another": (lambda pack: pack[:-1] + bytes([pack[-1] ^ 1]), "pack_missing"),
}


@pytest.mark.parametrize("how", FILES)
def test_a_pack_that_was_damaged_redeems_nothing(pocket: Shop, how: str) -> None:
    """The terminal opens, sells without points, and says what is missing."""
    damage, error = FILES[how]
    path = pocket.home.practice.pack
    path.write_bytes(damage(path.read_bytes()))
    assert sell(pocket) == (11, error, 0)
    assert pocket("op", "sale", "--bill", "1200", "--card", HOLDER)["exit"] == 10
