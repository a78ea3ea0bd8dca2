"""Every release's journal and ledger, opened with today's program: it reads them, sends, sells, undoes and closes."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import time_machine

from config.trust import Anchors
from ledger.api.awards import plan, reverse
from ledger.api.desk import Officer
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.answers import Status
from ledger.wire.operations import Return, Sale, Void
from offline_queue import close
from offline_queue.reading import JournalReader, Recorded, read_journal
from terminal.shop import enrolment
from tests.releases.counter import Counter
from tests.releases.record import AWARDS, LATER, MUNICIPALITY, interim, record

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.json"))
TODAY = "today"
"""What this version writes: so the recording of the next release is tried before it is made."""

ENTRY = '{"entry"'
"""How the line of an entry begins in an export; 0.1.0 wrote no others."""

HOMES = ("practice", "enrolled")


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy of a home as a release left it, and what that release said of it."""

    counter: Counter
    said: dict[str, Any]
    export: Path

    @property
    def practises(self) -> bool:
        """Whether it is the home of practice mode."""
        return self.counter.home != self.counter.root

    def journal(self) -> JournalReader:
        """Return the journal, to be read."""
        home = self.counter.home
        return read_journal(home.journal, enrolment.key_of(home).public_key())


@pytest.fixture(scope="session")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as the next release would record it."""
    folder = tmp_path_factory.mktemp("today")
    record(folder)
    return folder


@pytest.fixture(params=[*(folder.name for folder in FOLDERS), TODAY])
def folder(request: pytest.FixtureRequest) -> Path:
    """Return what one release left."""
    found: Path = request.getfixturevalue("today") if request.param == TODAY else FOLDERS[0].parent / request.param
    return found


@pytest.fixture(params=HOMES)
def kept(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Iterator[Kept]:
    """Yield a copy of one of its homes, an hour after it was left."""
    name: str = request.param
    shutil.copytree(folder / name, tmp_path / name)
    said = json.loads((folder / "expected.json").read_text(encoding="utf-8"))[name]
    with time_machine.travel(LATER):
        yield Kept(Counter(tmp_path / name, practises=name == "practice"), said, folder / f"{name}.jsonl")


def unlike(old: Any, new: Any, path: str = "") -> list[str]:
    """Return where a report differs from an older one; what the older one does not name may be there."""
    if isinstance(old, dict):
        return [each for name, value in old.items() for each in unlike(value, new.get(name), f"{path}/{name}")]
    if isinstance(old, list):
        pairs = enumerate(zip_longest(old, new))
        return [each for index, (a, b) in pairs for each in unlike(a, b, f"{path}/{index}")]
    return [] if old == new else [f"{path}: {old} became {new}"]


def test_a_release_is_kept() -> None:
    """There is a folder at all: a glob that finds nothing would test nothing."""
    assert "0.1.0" in [folder.name for folder in FOLDERS]


def test_a_journal_is_read_as_it_was_written(kept: Kept) -> None:
    """The chain holds, X says what it said, and an export has each entry and verdict as it was exported then."""
    status = kept.counter("queue", "status")
    assert kept.counter("queue", "verify")["entries"] == kept.said["entries"]
    assert [status[name] for name in ("last_hash", "unsent", "dead_letters")] == [
        kept.said[name] for name in ("last_hash", "unsent", "dead_letters")
    ]
    assert not unlike(kept.said["interim"], interim(kept.counter))
    then = [line for line in kept.export.read_text(encoding="utf-8").splitlines() if line.startswith(ENTRY)]
    now = [line for line in kept.counter.export().splitlines() if line.startswith(ENTRY)]
    assert not unlike([json.loads(line) for line in then], [json.loads(line) for line in now])
    assert [json.loads(line)["entry"] for line in then] == [json.loads(line)["entry"] for line in now]


def test_an_enrolment_is_read_and_written_in_todays_form(kept: Kept) -> None:
    """What the ledger told the terminal then is what it works with, until the ledger says something newer."""
    home = kept.counter.home
    then = json.loads(home.enrolment.read_bytes())
    loaded = enrolment.load_enrolment(home)
    assert loaded is not None
    assert not unlike(then, loaded.as_json())
    enrolment.save(home, loaded)
    again = json.loads(home.enrolment.read_bytes())
    assert again.pop("form") == enrolment.FORM
    assert again == {name: each for name, each in then.items() if name != "form"}


def test_a_ledger_has_what_it_had(kept: Kept) -> None:
    """Where each programme's points are, before anything is sent."""
    assert kept.counter.totals(MUNICIPALITY) == kept.said["totals"]


def test_a_file_of_awards_that_was_paid_is_known(folder: Path, tmp_path: Path) -> None:
    """Its bytes are known to the ledger that paid them, and from then on its rows, wherever they stand."""
    shutil.copytree(folder / "enrolled", tmp_path / "enrolled")
    ledger = assemble(Place(tmp_path / "enrolled" / "ledger"), Anchors())
    with time_machine.travel(LATER):
        for content in (AWARDS.encode(), AWARDS.encode("utf-16"), AWARDS.replace("\n", "\r\n").encode()):
            asked = plan(ledger, MUNICIPALITY, io.BytesIO(content))
            assert (asked.gifts, sum(asked.paid.values())) == ([], asked.lines - asked.wrong)
            assert asked.paid
        back = reverse(
            ledger, plan(ledger, MUNICIPALITY, io.BytesIO(AWARDS.encode()), paid=True), Officer(MUNICIPALITY, "office")
        )
        assert back
        assert plan(ledger, MUNICIPALITY, io.BytesIO(AWARDS.encode())).gifts
    ledger.close()


def test_rules_that_were_taken_are_the_same_rules(folder: Path, tmp_path: Path) -> None:
    """The files that the office took then change nothing now: what a programme has got since has a default."""
    shutil.copytree(folder / "enrolled", tmp_path / "enrolled")
    counter = Counter(tmp_path / "enrolled")
    with time_machine.travel(LATER):
        listed = counter.office("list", MUNICIPALITY)
        for file in ("rules.toml", "rules-2.toml"):
            counter.office("rules", str(Path(__file__).parent / file))
        assert counter.office("list", MUNICIPALITY) == listed


def test_an_old_month_is_shredded(kept: Kept) -> None:
    """Its key is destroyed: totals stay, and a sale of that month has forgotten its resident."""
    kept.counter("queue", "sync")
    kept.counter.office("shred", "--before", "2026-11")
    assert kept.counter.totals(MUNICIPALITY) == kept.said["sent"]["totals"]
    assert not (kept.counter.home.ledger / "periods" / "2026-10.key").exists()
    first = next(sold for sold in asyncio.run(everything(kept)) if isinstance(sold.entry.content, Sale))
    refused = kept.counter("op", "void", "--target", first.operation_id)
    # The first sale of the practice home was voided on its day.
    assert refused["error"] == ("already_voided" if kept.practises else "target_forgotten")


def test_the_doctor_finds_an_old_home_well(kept: Kept) -> None:
    """Directory, anchors, enrolment, journal and ledger, as they were left; the reader is this machine's affair."""
    found = {each["thing"]: each["level"] for each in kept.counter("doctor")["findings"]}
    well = dict.fromkeys(("directory", "anchors", "enrolment", "journal", "ledger"), "good")
    if kept.practises:
        well["enrolment"] = "note"
    assert {thing: found[thing] for thing in well} == well


def test_what_was_unsent_is_decided_as_it_would_have_been(kept: Kept) -> None:
    """Queued operations go out in the form in which they were signed: points, report and dead letters are the same.

    Some were signed by a card before the line broke: a sale above the tap's ceiling, and a first registration.
    """
    counter, sent = kept.counter, kept.said["sent"]
    assert counter("queue", "sync")["unsent"] == 0
    assert counter("queue", "status")["dead_letters"] == sent["dead_letters"]
    assert not unlike(sent["interim"], interim(counter))
    for card, balances in sent["balances"].items():
        assert not unlike(balances, counter("op", "balance", "--card", card)["balances"]), card
    assert counter.totals(MUNICIPALITY) == sent["totals"]


def test_the_day_goes_on_and_is_closed(kept: Kept) -> None:
    """Old operations are voided and returned, new ones made; Z follows the last one and carries its totals on."""
    counter, before = kept.counter, kept.said["sent"]
    voided = open_sale(kept)
    sold = counter("op", "sale", "--bill", "1100", "--redeem", "50", "--card", "two-towns")
    assert (sold["status"], sold["redeemed"], sold["amount_due"]) == ("accepted", 50, 1050)
    assert counter("op", "void", "--target", voided.operation_id)["status"] == "accepted"
    returned = asyncio.run(take_back(kept))
    closed = counter("close")
    assert closed["number"] == before["interim"]["number"]
    assert voided.verdict is not None
    assert isinstance(voided.entry.content, Sale)
    assert isinstance(returned.entry.content, Return)
    assert returned.verdict is not None
    moves = {
        "sales": 1,
        "voids": 1,
        "returns": 1,
        "bill": 1100 - voided.entry.content.bill - returned.entry.content.bill,
        "redeemed": 50 - voided.verdict.redeemed + returned.verdict.redeemed,
        "awarded": sold["awarded"] - voided.verdict.awarded + returned.verdict.awarded,
    }
    for part in ("day", "perpetual"):
        old = before["interim"][part]
        assert not unlike({name: value + moves.get(name, 0) for name, value in old.items()}, closed[part])
    assert counter("queue", "verify")["entries"] == kept.said["entries"] + 4
    again = interim(counter)
    assert (again["number"], again["first_seq"]) == (closed["number"] + 1, closed["last_seq"] + 2)
    assert again["perpetual"] == closed["perpetual"]
    assert not any(again["day"].values())


@dataclass(frozen=True, slots=True)
class LaterTotals(close.DayTotals):
    """What a later version counts besides."""

    counted_later: int = 0


def test_a_total_that_is_new_does_not_hinder_a_close(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field with a default is added to the totals: X and Z read the release's closes, where it is 0."""
    monkeypatch.setattr(close, "DayTotals", LaterTotals)
    report = interim(kept.counter)
    assert report["perpetual"]["counted_later"] == 0
    assert not unlike(kept.said["interim"], report)
    closed = kept.counter("close")
    assert not unlike({**kept.said["sent"]["interim"]["perpetual"], "counted_later": 0}, closed["perpetual"])
    assert interim(kept.counter)["perpetual"] == closed["perpetual"]


def test_points_go_back_into_the_lots_that_they_came_from(kept: Kept) -> None:
    """An old sale is voided: its resident has the balances that they would have without it, to the day of expiry."""
    counter, voided = kept.counter, open_sale(kept)
    counter("queue", "sync")
    assert isinstance(voided.entry.content, Sale)
    held = balances(counter, "two-towns")
    assert counter("op", "void", "--target", voided.operation_id)["status"] == "accepted"
    for legs, sign in ((voided.entry.content.redeem, 1), (voided.entry.content.award, -1)):
        for leg in legs:
            held[leg.programme] += sign * leg.points
    assert balances(counter, "two-towns") == held


def balances(counter: Counter, card: str) -> dict[str, int]:
    """Return what a card's holder has of each programme."""
    return {held["programme"]: held["points"] for held in counter("op", "balance", "--card", card)["balances"]}


async def everything(kept: Kept) -> list[Recorded]:
    """Return every entry of the journal."""
    async with kept.counter.station() as station:
        return list(station.journal.since(0))


def open_sale(kept: Kept) -> Recorded:
    """Return the sale of the open day that the release had decided."""
    journal = kept.journal()
    sales = [each for each in journal.since(0) if isinstance(each.entry.content, Sale) and accepted(each)]
    journal.close()
    return sales[-1]


async def take_back(kept: Kept) -> Recorded:
    """Return a tenth of an old sale that was paid with points, and see that the points come back in proportion."""
    async with kept.counter.station() as station:
        sold, content, earlier = old_sale(list(station.journal.since(0)))
        part, at = content.bill // 10, station.clock()
        asked = Return(kind="return", municipality=content.municipality, target=sold.operation_id, bill=part)
        written = station.journal.append(asked, at=at, operator="12", business_date=station.business_date(at))
        await station.syncer.sync()
        returned = station.journal.find(written.operation_id)
    assert sold.verdict is not None
    assert returned is not None
    assert returned.verdict is not None
    points = sold.verdict.redeemed
    assert returned.verdict.redeemed == points * earlier // content.bill - points * (earlier + part) // content.bill
    return returned


def old_sale(records: list[Recorded]) -> tuple[Recorded, Sale, int]:
    """Return the first sale that was paid with points and not voided, and how many yen of it came back already."""
    contents = [each.entry.content for each in records]
    voided = {content.target for content in contents if isinstance(content, Void)}
    for sold in records:
        content, target = sold.entry.content, sold.operation_id
        if isinstance(content, Sale) and content.redeem and accepted(sold) and target not in voided:
            returns = (each.bill for each in contents if isinstance(each, Return) and each.target == target)
            return sold, content, sum(returns)
    raise AssertionError("the release sold nothing for points")


def accepted(record: Recorded) -> bool:
    """Return whether the ledger decided an operation and did not refuse it."""
    return record.verdict is not None and record.verdict.status is not Status.REFUSED
