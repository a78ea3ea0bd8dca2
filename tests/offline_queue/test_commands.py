"""`kazasu queue` and `kazasu close`, over the practice terminal and its ledger."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.home import Home
from config.settings import Settings
from ledger.wire.answers import UploadResult
from ledger.wire.client import LedgerClient, LedgerUnreachable
from ledger.wire.entries import SignedEntry
from offline_queue.journal import Journal
from offline_queue.lock import InstanceLock
from reader.practice import PracticeSource
from terminal.cli import main
from terminal.shop import enrolment as enrolments
from terminal.shop.opening import Opener
from terminal.shop.practice import enrol_for_practice
from tests.offline_queue.conftest import START, append

RELEASES = Path(__file__).parent.parent / "releases"

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which practice mode was opened once."""
    home = Home(tmp_path_factory.mktemp("fresh"))

    async def open_once() -> None:
        async with Opener(home.practice, Settings(), PracticeSource({}), enrol_for_practice)(lambda _state: None):
            pass

    asyncio.run(open_once())
    return home.path


@pytest.fixture
def home(fresh: Path, tmp_path: Path) -> Home:
    """Return a copy of that home, to be worked in."""
    shutil.copytree(fresh, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def run(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs one command line in the home and returns exit code and output."""

    def run_it(*words: str) -> tuple[int, str]:
        monkeypatch.setenv("KAZASU_HOME", str(home.path))
        code = main([*words, "--lang", "en"])
        told = capsys.readouterr()
        return code, told.out or told.err

    return run_it


@pytest.fixture
def unsent(home: Home) -> list[str]:
    """Write two awards that were never sent, and return their ids; the ledger will not be able to read the card."""
    enrolment = enrolments.load_enrolment(home.practice)
    assert enrolment is not None
    key = enrolments.key_of(home.practice)
    journal = Journal(home.practice.journal, enrolment.setup.terminal_id, key, lambda: START)
    written = [append(journal, points).operation_id for points in (1, 2)]
    journal.close()
    return written


def answered(told: tuple[int, str], code: int = 0) -> dict[str, Any]:
    """Return the JSON object that a command printed."""
    assert told[0] == code, told
    found = json.loads(told[1])
    assert isinstance(found, dict)
    return found


def test_status_counts_what_waits(run: Run, unsent: list[str]) -> None:
    """Also while a terminal is open: nothing is written, and no lock is needed."""
    found = answered(run("queue", "status", "--json"))
    assert (found["unsent"], found["last_seq"], found["dead_letters"]) == (2, 2, 0)
    assert found["oldest_unsent_at"] == START.isoformat()
    code, text = run("queue", "status")
    assert code == 0
    assert "Unsent: 2" in text
    assert unsent


def test_without_a_journal_it_says_so(run: Run, home: Home) -> None:
    """A home in which nothing was done yet has nothing to tell."""
    home.practice.journal.unlink()
    assert answered(run("queue", "status", "--json"), 1)["error"] == "journal_missing"


def test_sync_sends_everything_and_says_what_became_of_it(run: Run, unsent: list[str]) -> None:
    """What the ledger refuses is decided, too: nothing stays behind, and the dead letters are counted."""
    assert answered(run("queue", "sync", "--json")) == {
        "decided": len(unsent),
        "unsent": 0,
        "error": None,
        "set_aside": [],
    }
    assert answered(run("queue", "status", "--json"))["dead_letters"] == len(unsent)
    code, text = run("queue", "sync")
    assert code == 0
    assert "Everything is sent." in text


@pytest.mark.usefixtures("unsent")
def test_sync_without_a_line_exits_10(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost; the command says how much is left and why."""

    async def unreachable(_self: LedgerClient, _entries: list[SignedEntry], **_more: object) -> UploadResult:
        raise LedgerUnreachable("no route")

    monkeypatch.setattr(LedgerClient, "upload", unreachable)
    sent = answered(run("queue", "sync", "--json"), 10)
    assert (sent["decided"], sent["unsent"], sent["error"]) == (0, 2, "line_down")
    code, text = run("queue", "sync")
    assert code == 10
    assert "2 still unsent" in text


@pytest.mark.usefixtures("unsent")
def test_verify_finds_the_first_entry_that_was_altered(run: Run, home: Home) -> None:
    """Exit 1 names its number."""
    found = answered(run("queue", "verify", "--json"))
    assert (found["ok"], found["entries"], found["verdicts"], found["set_aside"]) == (True, 2, 0, [])
    connection = sqlite3.connect(home.practice.journal)
    connection.execute("DROP TRIGGER entries_are_never_changed")
    connection.execute("UPDATE entries SET signature = 'AAAA' WHERE seq = 2")
    connection.commit()
    connection.close()
    found = answered(run("queue", "verify", "--json"), 1)
    assert (found["ok"], found["first_bad_seq"], found["error"]) == (False, 2, "journal_corrupt")
    code, text = run("queue", "verify")
    assert code == 1
    assert "entry 2" in text


def test_export_prints_every_entry(run: Run, unsent: list[str]) -> None:
    """A line of JSON each, with what the ledger said of it."""
    assert answered(run("queue", "sync", "--json"))["decided"] == 2
    code, text = run("queue", "export")
    header, *lines, end = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    entries = [line for line in lines if "entry" in line]
    assert [line["verdict"]["operation_id"] for line in entries] == unsent
    assert all(line["verdict"]["status"] == "refused" for line in entries)
    assert (header["form"], end["end"]["entries"]) == (2, 2)


def test_an_export_is_checked_on_any_machine(run: Run, unsent: list[str], tmp_path: Path) -> None:
    """Neither home nor line nor keys are needed; a file that was changed, or whose end is missing, is none."""
    run("queue", "sync")
    _, text = run("queue", "export")
    file = tmp_path / "journal.jsonl"
    file.write_text(text, encoding="utf-8")
    found = answered(run("verify", str(file), "--home", str(tmp_path / "nowhere"), "--json"))
    assert (found["ok"], found["terminal_id"], found["found"]["entries"]) == (True, unsent[0][:-7], 2)
    assert run("verify", str(file))[0] == 0
    for changed in (
        text.replace('"refused"', '"accepted"', 1),
        text.replace('"points": 1', '"points": 9', 1),
        "\n".join(text.splitlines()[:-1]),
        text.splitlines()[0],
        "",
        "[]",
        "{}",
    ):
        file.write_text(changed, encoding="utf-8")
        assert answered(run("verify", str(file), "--json"), 1)["error"] == "export_damaged"
    assert answered(run("verify", str(tmp_path / "none.jsonl"), "--json"), 1)["error"] == "file_missing"


def test_an_export_of_0_1_0_is_checked(run: Run) -> None:
    """It has no header: hashes and links are checked, and that its signatures were not is said."""
    found = answered(run("verify", str(RELEASES / "0.1.0" / "enrolled.jsonl"), "--json"))
    assert (found["ok"], found["public_key"]) == (True, None)
    assert found["found"]["entries"] > 3


@pytest.mark.usefixtures("unsent")
def test_x_reads_and_z_closes(run: Run) -> None:
    """Z sends first, so that what is decided today is in today's close."""
    assert answered(run("close", "--x", "--json"))["undecided"] == 2
    closed = answered(run("close", "--json"))
    assert (closed["report"], closed["number"], closed["undecided"], closed["day"]["refused"]) == ("z", 1, 0, 2)
    assert closed["operation_id"].endswith("-000003")
    assert answered(run("queue", "status", "--json"))["unsent"] == 0
    assert answered(run("close", "--json"), 1)["error"] == "nothing_to_close"
    code, text = run("close", "--yes")
    assert code == 0
    assert "no. 2" in text


@pytest.mark.parametrize("words", [("queue", "sync"), ("close",)])
def test_what_writes_is_refused_beside_an_open_terminal(run: Run, home: Home, words: tuple[str, ...]) -> None:
    """Two processes never write one journal; the second is told who is there."""
    with InstanceLock(home.practice.lock):
        assert answered(run(*words, "--json"), 1)["error"] == "journal_in_use"


def test_what_reads_is_not(run: Run, home: Home) -> None:
    """Whoever watches the shop need not close it."""
    with InstanceLock(home.practice.lock):
        for words in (("queue", "status"), ("queue", "verify"), ("close", "--x")):
            answered(run(*words, "--json"))


@pytest.mark.usefixtures("unsent")
def test_a_slip_is_printed_again(run: Run) -> None:
    """By its number, as wide as the paper, and marked as a copy."""
    code, text = run("slip", "2", "--paper", "58")
    assert code == 0
    lines = text.splitlines()
    assert lines[:2] == ["Points slip", "REPRINT"]
    assert "01-000002" in text
    assert "+2 P" in text
    assert max(map(len, lines)) <= 32
    found = answered(run("slip", "2", "--json"))
    assert found["operation_id"].endswith("-01-000002")
    assert found["lines"][0] == "Points slip"
    assert any(line.startswith(f"KZ1:{found['operation_id']}:") for line in found["lines"])


@pytest.mark.usefixtures("unsent")
def test_a_slip_that_is_not_there_is_not_printed(run: Run) -> None:
    """Nothing that is not in the journal comes on paper."""
    assert answered(run("slip", "77", "--json"), 1)["error"] == "slip_missing"
    assert run("slip", "2", "--paper", "70")[0] == 2


SALE = ("op", "sale", "--bill", "1200", "--card", "two-towns", "--reference", "till-1/42")


def test_a_reference_is_done_once(run: Run) -> None:
    """A POS that asks again gets the same operation, and what became of it, without a second tap."""
    assert answered(run("op", "status", "--reference", "till-1/42", "--json"), 11)["error"] == "never_recorded"
    first = answered(run(*SALE, "--json"))
    again = answered(run(*SALE, "--json"))
    asked = answered(run("op", "status", "--reference", "till-1/42", "--json"))
    named = answered(run("op", "status", "--id", first["operation_id"], "--json"))
    for told in (again, asked, named):
        assert {**told, "balances": []} == {**first, "balances": []}
    assert first["reference"] == "till-1/42"
    assert answered(run("queue", "status", "--json"))["last_seq"] == 1


@pytest.mark.parametrize("words", [(), ("--id", "252034-0001-01-000001", "--reference", "a"), ("--reference", "a b")])
def test_a_question_without_a_name_is_misuse(run: Run, words: tuple[str, ...]) -> None:
    """Nothing is guessed: exit 2."""
    assert answered(run("op", "status", *words, "--json"), 2)["status"] == "refused"


def test_beside_an_open_terminal_a_pos_hears_that_it_is_busy(run: Run, home: Home) -> None:
    """Nothing was done, and that is said by a code of its own; what was done before is told all the same."""
    first = answered(run(*SALE, "--json"))
    with InstanceLock(home.practice.lock):
        busy = answered(
            run("op", "award", "--points", "50", "--reason", "volunteering", "--card", "visitor", "--json"), 13
        )
        assert (busy["status"], busy["error"], busy["operation_id"]) == ("busy", "journal_in_use", None)
        assert answered(run(*SALE, "--json"))["operation_id"] == first["operation_id"]
