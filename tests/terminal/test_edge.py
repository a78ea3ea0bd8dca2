"""The edge of the command line: whatever is wrong, a command ends with sentences, an object and a named exit code."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.errors import KnownError
from config.home import Home
from config.texts import Texts
from terminal.cli import main
from terminal.cli.context import Exit
from tests.terminal.desks import NoService

ROOT = Path(__file__).parents[2]

SALE = ("op", "sale", "--bill", "500", "--card", "visitor")

MODULES = ["config.trust", "reader.errors", "offline_queue.errors", "terminal.shop.enrolment", "ledger.embedded"]
"""Where errors are."""

COMMANDS = [
    ("op", "sale", "--bill", "500", "--timeout", "0.1"),
    ("op", "award", "--points", "5", "--timeout", "0.1"),
    ("op", "void", "--target", "252034-0001-01-000001"),
    ("op", "balance", "--timeout", "0.1"),
    ("op", "link", "--timeout", "0.1"),
    ("queue", "status"),
    ("queue", "verify"),
    ("queue", "sync"),
    ("close", "--x"),
    ("close",),
    ("doctor",),
    ("card", "--card", "normal", "--full"),
    ("enrol", "K7QM2XWD", "--ledger", "http://127.0.0.1:9"),
]
"""Those that answer with an object; all of them end by themselves."""

WITHOUT_OBJECT = [
    ("queue", "export"),
    ("virtual-card", "--vpcd", "127.0.0.1:9"),
    ("ledger", "list", "252034"),
    ("ledger", "totals", "252034"),
    ("ledger", "shop", "252034-0002", "見本"),
    ("ledger", "audit"),
    (),
    ("display",),
]


def replace_by_directory(path: Path) -> None:
    """Put a directory where a file is: nobody can read it, not even an administrator."""
    path.unlink(missing_ok=True)
    path.mkdir()


def alter_entry(home: Home) -> None:
    """Change an entry behind the journal's back."""
    connection = sqlite3.connect(home.journal)
    connection.executescript(
        "DROP TRIGGER entries_are_never_changed; UPDATE entries SET body = CAST('{}' AS BLOB) WHERE seq = 1"
    )
    connection.close()


def overwrite(path: Path, content: bytes) -> None:
    """Write over the beginning of a file."""
    with path.open("r+b") as file:
        file.write(content)


def truncate(path: Path) -> None:
    """Cut a file off in its middle."""
    os.truncate(path, path.stat().st_size // 2)


def file_in_its_place(home: Home) -> None:
    """Put a file where the home is."""
    shutil.rmtree(home.path)
    home.path.write_text("a file in its place")


def read_only(home: Home) -> None:
    """Let nobody write, an administrator neither: the home lies where nothing can be made."""
    shutil.rmtree(home.path)
    home.path.symlink_to("/proc/1/nowhere")


DAMAGES: dict[str, Callable[[Home], object]] = {
    "enrolment": lambda home: home.enrolment.write_text("{"),
    "enrolment of another version": lambda home: home.enrolment.write_text('{"ledger": "embedded"}'),
    "enrolment unreadable": lambda home: replace_by_directory(home.enrolment),
    "key": lambda home: home.terminal_key.write_text("no key"),
    "key unreadable": lambda home: replace_by_directory(home.terminal_key),
    "journal entry": alter_entry,
    "journal header": lambda home: overwrite(home.journal, b"no database at all"),
    "journal truncated": lambda home: truncate(home.journal),
    "journal empty": lambda home: os.truncate(home.journal, 0),
    "journal unreadable": lambda home: replace_by_directory(home.journal),
    "lock unreadable": lambda home: replace_by_directory(home.lock),
    "settings": lambda home: home.settings.write_text("[screen\n"),
    "settings key": lambda home: home.settings.write_text("[screen]\nlanguage = 5\n"),
    "settings unreadable": lambda home: replace_by_directory(home.settings),
    "anchor": lambda home: (home.anchors / "x.pem").write_text("no certificate"),
    "ledger's key": lambda home: (home.ledger / "ledger.key").write_bytes(b"short"),
    "ledger's points": lambda home: overwrite(home.ledger / "points.db", b"no database at all"),
    "log unwritable": lambda home: replace_by_directory(home.log),
    "home a file": file_in_its_place,
    "home read-only": read_only,
}


@pytest.fixture(scope="module")
def worked_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a terminal of an embedded ledger in which one sale was made."""
    home = Home(tmp_path_factory.mktemp("worked") / "home")
    assert main(["--home", str(home.path), *SALE, "--json"]) == 0
    shutil.copytree(home.practice.path, home.path, dirs_exist_ok=True)
    return home.path


@pytest.fixture
def home(worked_in: Path, tmp_path: Path) -> Home:
    """Return a copy, to be damaged."""
    shutil.copytree(worked_in, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture(autouse=True)
def without_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find no PC/SC service, and do not wait for one."""
    for module in ("terminal.cli.doctor", "terminal.shop.engine_thread", "terminal.cli.card"):
        monkeypatch.setattr(f"{module}.PcscSource", NoService)
    monkeypatch.setattr("terminal.shop.doctor.LOOK_FOR_READER", 0.01)


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_survives_every_damage(home: Home, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One object with --json, sentences without, an exit code that has a name, no stack, and no defect of ours."""
    DAMAGES[damage](home)
    wrong: list[str] = []
    for command in (*COMMANDS, *WITHOUT_OBJECT):
        as_json = command in COMMANDS
        code = main(["--home", str(home.path), "--lang", "en", *command, *(["--json"] * as_json)])
        out, err = capfd.readouterr()
        fits = code in list(Exit) and "Traceback" not in out + err and "broke down" not in out + err
        fits = fits and "Something unexpected" not in out + err
        if as_json:
            fits = fits and err == "" and isinstance(json.loads(out), dict)
        if not fits:
            wrong.append(f"{' '.join(command)}: {code}\n{out}\n{err}")
    assert not wrong, "\n".join(wrong)


class Process:
    """Runs command lines as a shell does: in processes of their own."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def __call__(
        self, *words: str, behind: str = "", before: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one command line, with what a shell puts before it and behind it."""
        command = f'{before} "$0" -m terminal "$@" {behind}'
        return subprocess.run(
            ["bash", "-c", command, sys.executable, "--home", str(self._home.path), *words],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            timeout=60,
        )


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Return a shell whose home practises."""
    return Process(Home(tmp_path / "home"))


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "LC_ALL": "POSIX"}, {"PYTHONUTF8": "0", "LC_ALL": "C"}],
    ids=str,
)
def test_output_is_utf8_whatever_the_locale(process: Process, environment: dict[str, str]) -> None:
    """A sale that was accepted never ends in an encoding error: whoever called would charge twice."""
    told = process(*SALE, "--lang", "ja", **environment)
    assert (told.returncode, told.stderr) == (0, "")
    assert "お支払額" in told.stdout
    told = process("op", "void", "--target", "252034-0001-01-000099", "--json", "--lang", "ja", **environment)
    assert told.returncode == 11
    assert "番号" in json.loads(told.stdout)["message"]


def test_a_pipe_that_closes_ends_quietly(process: Process) -> None:
    """Whoever looks at the first line alone has had enough."""
    for _ in range(2):
        assert process(*SALE).returncode == 0
    for words in (("queue", "export"), ("--help",), ("op", "--help"), ("doctor",)):
        told = process(*words, behind="| head -n 1", before="set -o pipefail;")
        assert (told.stderr, len(told.stdout.splitlines())) == ("", 1), words
    told = process("queue", "export", behind="| true; exit ${PIPESTATUS[0]}")
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize(("target", "said"), [("> /dev/full", "could not be written"), (">&-", "")])
def test_an_operation_says_by_its_code_what_became_of_it(process: Process, target: str, said: str) -> None:
    """The points have moved: that nobody can be told of it is another matter."""
    told = process(*SALE, "--lang", "en", behind=target)
    assert told.returncode == 0
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_an_answer_that_cannot_be_written_is_no_success(process: Process) -> None:
    """A report that is nowhere was not given."""
    assert process(*SALE).returncode == 0
    told = process("close", "--x", "--lang", "en", behind="> /dev/full")
    assert told.returncode == 1
    assert "could not be written" in told.stderr


@pytest.mark.parametrize(
    "words", [("queue", "status"), ("queue", "verify"), ("queue", "sync"), ("close", "--x"), ("close",), ("doctor",)]
)
def test_what_was_asked_for_is_on_standard_output(process: Process, words: tuple[str, ...]) -> None:
    """`kazasu close > z.txt` leaves the report in the file."""
    assert process(*SALE).returncode == 0
    told = process(*words)
    assert told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("words", [(), ("display",)])
def test_without_a_terminal_no_screen_is_drawn(process: Process, words: tuple[str, ...]) -> None:
    """It says what to do, and ends."""
    told = process(*words, "--lang", "en")
    assert (told.returncode, told.stdout) == (2, "")
    assert "There is no screen here" in told.stderr
    assert "\x1b" not in told.stderr


def test_a_defect_is_one_sentence_and_its_stack_is_in_the_log(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody at a counter reads a stack; whoever mends it needs it, and the version."""

    def broken(_home: Home) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("terminal.shop.books.workplace", broken)
    assert main(["--home", str(home.path), "--lang", "en", "queue", "status", "--json"]) == 1
    out, err = capfd.readouterr()
    assert (json.loads(out)["error"], err) == ("broken", "")
    log = home.log.read_text(encoding="utf-8")
    assert "RuntimeError: a defect" in log
    assert "kazasu/0.1.0" in log


def test_nobody_knows_how_far_an_operation_came_that_broke(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 12: ask, and do not repeat."""

    def broken(*_words: object, **_more: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("terminal.cli.call.make_engine", broken)
    assert main(["--home", str(home.path), *SALE, "--json"]) == 12
    assert json.loads(capfd.readouterr().out)["status"] == "unknown"


def test_every_error_of_every_package_is_known_at_the_edge() -> None:
    """Each class with a code has its three sentences, so that the edge needs no list of them."""
    for module in MODULES:
        importlib.import_module(module)
    texts = Texts("en")
    lacking = [each.code for each in _below(KnownError) if not texts.has(f"error-{each.code.replace('_', '-')}")]
    assert not lacking


def _below(kind: type[KnownError]) -> Iterator[type[KnownError]]:
    for each in kind.__subclasses__():
        if not each.__subclasses__() and isinstance(vars(each).get("code"), str):
            yield each
        yield from _below(each)
