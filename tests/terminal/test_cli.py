"""The command line: its options, its exit codes, and what it says of everything that can be wrong before a sale."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from config.home import Home
from offline_queue.lock import InstanceLock
from terminal.cli import COMMANDS, main
from terminal.cli.context import hoist
from terminal.shop import enrolment as enrolments
from tests.terminal.desks import NoService

SALE = ("op", "sale", "--bill", "500", "--card", "visitor")


class Shell:
    """Runs command lines in one home."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = Home(home)
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error."""
        code = main(["--home", str(self.home.path), "--lang", "en", *words])
        return code, *self._capsys.readouterr()

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Return exit code and the one object that `--json` prints."""
        code, out, _ = self(*words, "--json")
        found: dict[str, Any] = json.loads(out)
        return code, found


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a home in which nothing was done yet."""
    return Shell(tmp_path / "home", capsys)


def without_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let doctor find no PC/SC service, and not wait for one."""
    monkeypatch.setattr("terminal.cli.doctor.PcscSource", NoService)
    monkeypatch.setattr("terminal.shop.doctor.LOOK_FOR_READER", 0.01)


@pytest.mark.parametrize(
    ("words", "front", "rest"),
    [
        (["op", "sale", "--home", "h"], ["--home", "h"], ["op", "sale"]),
        (["--lang=en", "doctor", "--ledger", "u"], ["--lang", "en", "--ledger", "u"], ["doctor"]),
        (["op", "--", "--home", "h"], [], ["op", "--", "--home", "h"]),
        (["doctor", "--home"], ["--home"], ["doctor"]),
        ([], [], []),
    ],
)
def test_global_options_stand_before_or_after_a_command(words: list[str], front: list[str], rest: list[str]) -> None:
    """What holds for every command may stand anywhere."""
    assert hoist(words) == (front, rest)


@pytest.mark.parametrize(
    ("bill", "error"),
    [
        ("0", "amount_zero"),
        ("-5", "amount_negative"),
        ("10000000", "amount_too_large"),
        ("9" * 5000, "amount_too_large"),
        ("12e3", "amount_not_digits"),
        ("1,200", "amount_not_digits"),
        ("", "amount_missing"),
        ("123456789018", "my_number_refused"),
        ("１２３４５６７８９０１８", "my_number_refused"),
    ],
)
def test_a_bad_bill_is_a_usage_error_and_touches_nothing(shell: Shell, bill: str, error: str) -> None:
    """Exit 2, a stable code, and not even a data directory."""
    code, said = shell.json("op", "sale", "--bill", bill)
    assert (code, said["status"], said["error"], said["operation_id"]) == (2, "refused", error, None)
    assert not shell.home.path.exists()


def test_full_width_digits_are_digits(shell: Shell) -> None:
    """A bill from a Japanese keyboard counts as it is."""
    code, said = shell.json("op", "sale", "--bill", "１２００", "--card", "visitor")
    assert (code, said["bill"], said["amount_due"]) == (0, 1200, 1200)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["op", "sale"], "usage"),
        (["op", "sale", "--bill", "5", "--pin", "1234"], "usage"),
        (["op", "sale", "--bill", "5", "--timeout", "soon"], "usage"),
        (["op", "nothing"], "usage"),
        (["nothing"], "usage"),
        (["op", "sale", "--bill", "5", "--redeem", "some"], "amount_not_digits"),
        (["op", "sale", "--bill", "5", "--programme", "長浜"], "option_invalid"),
        (["op", "award", "--points", "5", "--reason", "Just because"], "option_invalid"),
        (["op", "void", "--target", "42"], "option_invalid"),
        (["op", "balance", "--card", "nobody"], "practice_card_unknown"),
        (["enrol", "K7QM2XWD"], "usage"),
    ],
)
def test_a_wrong_command_line_is_one_object_too(shell: Shell, words: list[str], error: str) -> None:
    """Exit 2 in JSON as well; a PIN is no argument of anything."""
    code, said = shell.json(*words)
    assert (code, said["error"]) == (2, error)
    assert "1234" not in said["message"]


def test_a_mistake_in_the_settings_is_named_by_line_and_key(shell: Shell) -> None:
    """Exit 2, before anything is opened."""
    shell.home.create()
    shell.home.settings.write_text('[counter]\nclerk = "12"\ntap_second = 3\n', encoding="utf-8")
    code, said = shell.json(*SALE)
    assert (code, said["error"]) == (2, "settings_invalid")
    assert "line 3, counter.tap_second" in said["message"]
    code, out, err = shell(*SALE)
    assert (code, out) == (2, "")
    assert "line 3, counter.tap_second" in err


def test_settings_in_another_encoding_are_named(shell: Shell) -> None:
    """A file that an old editor wrote is refused with the line."""
    shell.home.create()
    shell.home.settings.write_bytes("# 設定\n[counter]\n# 係員\n".encode("cp932"))
    code, said = shell.json(*SALE)
    assert (code, said["error"]) == (2, "settings_invalid")
    assert "line 1, UTF-8" in said["message"]


def test_a_second_instance_is_refused_and_says_which_process(shell: Shell) -> None:
    """One data directory, one process."""
    home = shell.home.practice
    home.create()
    with InstanceLock(home.lock):
        code, said = shell.json(*SALE)
    assert (code, said["error"], said["operation_id"]) == (13, "journal_in_use", None)
    assert str(os.getpid()) in said["message"]


def test_a_newer_journal_is_refused_and_stays_as_it_is(shell: Shell) -> None:
    """Not a byte of what a newer version wrote is touched."""
    assert shell(*SALE)[0] == 0
    journal = shell.home.practice.journal
    connection = sqlite3.connect(journal)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = journal.read_bytes()
    code, said = shell.json(*SALE)
    assert (code, said["error"]) == (11, "journal_newer")
    assert journal.read_bytes() == before


def test_a_directory_that_cannot_be_made_is_said_first(shell: Shell) -> None:
    """Where nothing can be written nobody is asked for a card."""
    shell.home.path.write_text("a file in its place", encoding="utf-8")
    code, said = shell.json(*SALE)
    assert (code, said["error"]) == (11, "journal_read_only")


def test_a_full_disk_is_said_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for an entry the card is not even read."""
    assert shell(*SALE)[0] == 0
    monkeypatch.setattr("offline_queue.journal.ROOM", 1 << 62)
    code, said = shell.json(*SALE)
    assert (code, said["error"], said["operation_id"]) == (11, "disk_full", None)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda home: home.enrolment.write_text("{"), "enrolment_damaged"),
        (lambda home: home.enrolment.write_text("[]"), "enrolment_damaged"),
        (lambda home: home.enrolment.write_text('{"form": 0}'), "enrolment_damaged"),
        (lambda home: home.enrolment.write_text('{"form": 99, "clouds": []}'), "enrolment_newer"),
        (lambda home: home.terminal_key.unlink(), "terminal_key_damaged"),
        (lambda home: home.terminal_key.write_text("no key"), "terminal_key_damaged"),
        (lambda home: (home.anchors / "x.pem").write_text("no certificate"), "anchor_invalid"),
    ],
)
def test_a_damaged_file_is_named(shell: Shell, spoil: Any, error: str) -> None:
    """What cannot be read is named, and nothing is made anew in its place."""
    assert shell(*SALE)[0] == 0
    spoil(shell.home.practice)
    code, said = shell.json(*SALE)
    assert (code, said["error"]) == (11, error)
    assert str(shell.home.practice.path) in said["message"]


def enrolled(shell: Shell) -> None:
    """Make a terminal of a home: what practised there is in earnest now."""
    assert shell(*SALE)[0] == 0
    shutil.copytree(shell.home.practice.path, shell.home.path, dirs_exist_ok=True)


def test_an_enrolled_terminal_takes_no_practice_card(shell: Shell) -> None:
    """Nobody pays with a card that is lent to everybody."""
    enrolled(shell)
    code, said = shell.json(*SALE)
    assert (code, said["error"]) == (2, "practice_card_unknown")


def test_where_no_card_can_come_the_reason_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting longer would not help whoever calls: the service of the reader does not run."""
    enrolled(shell)
    monkeypatch.setattr("terminal.shop.engine_thread.PcscSource", NoService)
    _, said = shell.json("op", "balance", "--timeout", "0.5")
    assert said["error"] == "pcsc_service_down"


def test_people_are_told_in_sentences(shell: Shell) -> None:
    """Without --json a result stands on standard output, and a refusal beside it."""
    code, out, err = shell(*SALE)
    assert (code, err) == (0, "")
    assert "amount due 500 yen" in out
    code, out, err = shell("op", "balance", "--card", "revoked")
    assert (code, out) == (11, "")
    assert err.splitlines()[0] == "Card not accepted"
    assert err.splitlines()[-1] == "(card_revoked)"


def test_doctor_finds_practice_fit_without_a_reader(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing reader is a note in practice mode; what is there is counted and checked."""
    without_reader(monkeypatch)
    assert shell(*SALE)[0] == 0
    code, said = shell.json("doctor")
    levels = {finding["thing"]: (finding["level"], finding["error"]) for finding in said["findings"]}
    assert (code, said["ok"]) == (0, True)
    assert levels["reader"] == ("note", "doctor_pcsc_down")
    assert levels["enrolment"] == ("note", "not_enrolled")
    assert levels["journal"] == ("good", None)
    assert "good  Journal chain (entries)  1" in shell("doctor")[1]


def test_doctor_finds_a_journal_that_was_changed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1, with the entry that is not what was written."""
    without_reader(monkeypatch)
    assert shell(*SALE)[0] == 0
    connection = sqlite3.connect(shell.home.practice.journal)
    connection.executescript("DROP TRIGGER entries_are_never_changed; UPDATE entries SET business_date = '2026-11-24x'")
    connection.close()
    code, said = shell.json("doctor")
    wrong = [finding for finding in said["findings"] if finding["level"] == "wrong"]
    assert (code, [finding["thing"] for finding in wrong]) == (1, ["journal"])


def test_doctor_examines_an_enrolled_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real terminal needs its reader and its ledger."""
    without_reader(monkeypatch)
    assert shell(*SALE)[0] == 0
    practised = enrolments.load_enrolment(shell.home.practice)
    assert practised is not None
    enrolments.save(shell.home, practised.model_copy(update={"ledger": "http://127.0.0.1:9"}))
    shell.home.practice.terminal_key.rename(shell.home.terminal_key)
    code, said = shell.json("doctor")
    wrong = {finding["thing"]: finding["error"] for finding in said["findings"] if finding["level"] == "wrong"}
    assert (code, wrong) == (1, {"reader": "doctor_pcsc_down", "ledger": "ledger_unreachable"})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(shell: Shell, command: str) -> None:
    """--help shows how it is used."""
    code, out, _ = shell(command, "--help")
    assert code == 0
    assert "Example: kazasu" in out
