"""The office's commands as they are typed: what they do, what they say, and that each is written down."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select

from config.trust import Anchors
from ledger.api.state import Ledger
from ledger.cli import app
from ledger.embedded import assemble
from ledger.encodings import BOM
from ledger.place import Place
from ledger.points.events import EventKind
from ledger.points.reports import count, holdings
from ledger.points.schema import audit
from ledger.wire.answers import Standing
from ledger.wire.codes import EnrolmentCode
from ledger.wire.tokens import CardReference, ServiceId
from terminal.cli import main
from tests.ledger.identity.test_revocation import ISSUED, KEY, anchor, crl, reference

MUNICIPALITY, SHOP = "252034", "252034-0001"
LIBRARY = ServiceId(service="library", number="0042")
CARD = CardReference(issuer_sha256="0" * 64, serial="1f3a9c2")

RULES = """\
[[programme]]
code = "252034"
name = { ja = "長浜市ポイント", en = "Nagahama" }
version = 1
effective_from = 2026-04-01
expiry = { rule = "fiscal_year_end", years = 1 }
[programme.reasons]
visit = { name = { ja = "来館", en = "Visit" }, up_to = 50, times = 100 }
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell at the office, with a ledger of its own in `home`, a shop, a programme, and one resident."""

    home: Path
    capture: pytest.CaptureFixture[str]
    mykey: str

    def __call__(self, *words: str | Path) -> Answer:
        """Run one command."""
        code = main(["--home", str(self.home), "--lang", "en", "ledger", *map(str, words)])
        out, err = self.capture.readouterr()
        return Answer(code, out.removeprefix(BOM), err)

    def file(self, name: str, content: str | bytes) -> Path:
        """Return a file with some content."""
        path = self.home / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Yield the ledger that the commands work on."""
        with opened(self.home) as ledger:
            yield ledger

    def acts(self) -> int:
        """Return how many entries the audit has."""
        with self.ledger() as ledger, ledger.books.connect() as connection:
            return connection.execute(select(func.count()).select_from(audit)).scalar_one()


@contextmanager
def opened(home: Path) -> Iterator[Ledger]:
    """Yield the ledger of a data directory."""
    ledger = assemble(Place(home / "ledger"), Anchors())
    try:
        yield ledger
    finally:
        ledger.close()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a shell whose ledger knows one person."""
    with opened(tmp_path) as ledger:
        mykey = ledger.identity.register(CARD, b"key", [LIBRARY], ledger.today())
    made = Shell(tmp_path, capsys, mykey)
    assert made("rules", made.file("rules.toml", RULES)).out.startswith("252034 version 1 (from 2026-04-01)\n")
    assert made("shop", SHOP, "見本商店").code == 0
    return made


def awards(*lines: str) -> str:
    """Return a file of awards."""
    return "\n".join(("who,programme,points,reason", *lines, ""))


def test_the_data_directory_is_the_one_named(shell: Shell) -> None:
    """`--home` says whose ledger is worked on, as with every other command."""
    rows = list(csv.reader(io.StringIO(shell("list", MUNICIPALITY).out)))
    assert rows[1:] == [
        ["programme", "252034", "長浜市ポイント / Nagahama", "1", "2026-04-01"],
        ["shop", SHOP, "見本商店", "", ""],
    ]


def test_the_language_is_that_of_the_settings(shell: Shell) -> None:
    """Unless the command says another."""
    shell.file("settings.toml", '[screen]\nlanguage = "en"\n')
    main(["--home", str(shell.home), "ledger", "list", MUNICIPALITY])
    assert shell.capture.readouterr().out.startswith(f"{BOM}kind,code")
    main(["--home", str(shell.home), "ledger", "list", MUNICIPALITY, "--lang", "ja"])
    assert shell.capture.readouterr().out.startswith(f"{BOM}種類,コード")


def test_rules_that_are_wrong_change_nothing(shell: Shell) -> None:
    """The line and the field are named; a version that is there keeps its rules."""
    wrong = shell("rules", shell.file("wrong.toml", RULES.replace("up_to", "upto")))
    assert wrong.code == 1
    assert "wrong.toml, line 8, programme.1.reasons.visit.upto: There is no such field." in wrong.err
    again = shell("rules", shell.file("again.toml", RULES.replace("50", "60")))
    assert "line 4, programme.1.version: 252034 version 1 is there already, with other rules" in again.err
    assert shell("rules", shell.file("same.toml", RULES)).code == 0
    assert "nothing has changed" in shell("rules", "--dry-run", shell.file("two.toml", RULES + _version(2))).out
    assert shell("list", MUNICIPALITY).out.count("programme,") == 1


def _version(number: int) -> str:
    return RULES.replace("version = 1", f"version = {number}").replace("2026-04-01", "2027-04-01")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_file_of_awards_is_given_once(shell: Shell, encoding: str) -> None:
    """First a look, then all of it; the same file again does nothing, unless it is for another occasion."""
    lines = (
        f"マイキーID,ポイント制度,ポイント,理由\r\n{shell.mykey},252034,20,visit\r\nlibrary:0042,252034,30,visit\r\n"
    )
    words = ("award", shell.file("awards.csv", lines.encode(encoding)), "--municipality", MUNICIPALITY)
    looked, given, again = shell(*words, "--dry-run"), shell(*words), shell(*words)
    assert looked.out == "Lines: 2, people: 1, points: 50\nThis was only a look: nothing has changed.\n"
    assert given.out == "Lines: 2, people: 1, points: 50\n"
    with shell.ledger() as ledger:
        today = ledger.today()
    told = f"Lines awarded already on {today}: 2\nNo line is left to be awarded: nothing has changed.\n"
    assert (again.code, again.out) == (0, told)
    assert shell(*words, "--occasion", "2026-12").out == given.out
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == [("252034", 100)]


CSV = "マイキーID,ポイント制度,ポイント,理由\r\n{}\r\n"


def test_a_list_saved_again_pays_nobody_twice(shell: Shell) -> None:
    """Other line ends, another encoding, a BOM, a workbook, a MyKey ID for a number: the rows say the same."""
    row = "library:0042,252034,20,visit"
    words = ("--municipality", MUNICIPALITY)
    assert shell("award", shell.file("a.csv", CSV.format(row).encode("cp932")), *words).out.startswith("Lines: 1")
    for content in (
        CSV.format(row).encode("utf-8-sig"),
        CSV.format(row).replace("\r\n", "\r").encode("utf-16"),
        CSV.format(row.replace("library:0042", shell.mykey)).encode(),
        awards(row, row),
    ):
        again = shell("award", shell.file("b.csv", content), *words)
        assert (again.code, "nothing has changed" in again.out) == (0, True)
    forgotten = shell("award", shell.file("c.csv", awards(row, "library:0042,252034,30,visit")), *words)
    assert forgotten.out.endswith("Lines: 1, people: 1, points: 30\n")
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == [("252034", 50)]


def test_a_look_says_what_was_paid_and_what_says_the_same(shell: Shell) -> None:
    """How many rows were given already and when, which two rows say the same, and whether it takes two persons."""
    file = shell.file("a.csv", awards("library:0042,252034,20,visit"))
    shell("award", file, "--municipality", MUNICIPALITY)
    more = shell.file("b.csv", awards(*["library:0042,252034,20,visit", "library:0042,252034,30,visit"] * 2))
    look = shell("award", more, "--municipality", MUNICIPALITY, "--dry-run")
    with shell.ledger() as ledger:
        today = ledger.today()
    assert look.out == (
        "Line 4 says the same as line 2.\n"
        "Line 5 says the same as line 3.\n"
        "Lines that say the same: 2. They are awarded once; if they are awards of their own, tell them apart "
        'in a column "day" or "row".\n'
        f"Lines awarded already on {today}: 1\n"
        "Lines: 1, people: 1, points: 30\n"
        "This was only a look: nothing has changed.\n"
    )
    days = "who,programme,points,reason,day\n" + "".join(
        f"library:0042,252034,20,visit,2026-11-{day}\n" for day in (21, 22, 22)
    )
    assert (
        "Lines: 2, people: 1, points: 40"
        in shell("award", shell.file("c.csv", days), "--municipality", MUNICIPALITY).out
    )


def test_what_was_awarded_by_mistake_is_taken_back(shell: Shell) -> None:
    """The whole file or some of its lines; then it may be given again."""
    file = shell.file("a.csv", awards("library:0042,252034,20,visit", "library:0042,252034,30,visit"))
    words = (file, "--municipality", MUNICIPALITY)
    assert shell("reverse", *words).out.endswith("There is no line to take back: nothing has changed.\n")
    shell("award", *words)
    assert "This was only a look" in shell("reverse", *words, "--dry-run").out
    assert shell("reverse", *words, "--rows", "3").out == "Taking back: lines 1, people 1, points 30\n"
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == [("252034", 20)]
    assert (
        shell("reverse", *words).out == "Lines that were never awarded: 1\nTaking back: lines 1, people 1, points 20\n"
    )
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == []
        assert all(each.agree for each in count(ledger.books, MUNICIPALITY))
    assert "Lines: 2" in shell("award", *words).out
    assert shell("reverse", *words, "--rows", "x").code == 1


def test_what_was_spent_is_out_of_reach_and_said(shell: Shell) -> None:
    """By line; the programme allows no overdraft."""
    file = shell.file("a.csv", awards("library:0042,252034,50,visit"))
    shell("award", file, "--municipality", MUNICIPALITY)
    with shell.ledger() as ledger, ledger.books.begin() as connection:
        connection.exec_driver_sql("UPDATE lots SET points = 20")
        connection.exec_driver_sql("UPDATE totals SET points = 20 WHERE account = 'held'")
    told = shell("reverse", file, "--municipality", MUNICIPALITY).out
    assert "line 2: of 50 points 20 were taken back; owed: 0, out of reach: 30" in told


def test_above_a_sum_a_second_person_approves(shell: Shell) -> None:
    """With a token of their own; whoever awards approves nothing, and what is refused is given to nobody."""
    careful = _version(2).replace("expiry", "approval_above = 40\nexpiry").replace("2027-04-01", "2026-04-02")
    assert shell("rules", shell.file("careful.toml", careful)).code == 0
    file = shell.file("a.csv", awards("library:0042,252034,30,visit", "library:0042,252034,20,visit"))
    words = (file, "--municipality", MUNICIPALITY)
    assert "need a second person's approval" in shell("award", *words, "--dry-run").out
    held = shell("award", *words)
    number = held.out.split("approve ")[1].strip()
    rows = list(csv.DictReader(io.StringIO(shell("approve", "--municipality", MUNICIPALITY).out)))
    assert [(row["file"], row["points"], row["lines"]) for row in rows] == [(number, "50", "2")]
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == []
    approver = shell("token", "--municipality", MUNICIPALITY, "--who", "課長", "--scope", "approve").out.strip()
    awarder = shell("token", "--municipality", MUNICIPALITY, "--who", "係員", "--scope", "award").out.strip()
    approve = ("approve", number, "--municipality", MUNICIPALITY)
    assert "(token_wrong)" in shell(*approve).err
    assert "(scope_wrong)" in shell(*approve, "--token", awarder).err
    assert "(award_file_unknown)" in shell("approve", "0", "--municipality", MUNICIPALITY, "--token", approver).err
    assert shell(*approve, "--token", approver).out == "Lines: 2, people: 1, points: 50\n"
    assert "(award_file_unknown)" in shell(*approve, "--token", approver).err
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == [("252034", 50)]
        assert any('"approved_by": "課長"' in each.detail for each in ledger.audit.acts(MUNICIPALITY))
    more = shell("award", shell.file("b.csv", awards("library:0042,252034,10,visit")), "--municipality", MUNICIPALITY)
    number = more.out.split("approve ")[1].strip()
    assert shell("approve", number, "--municipality", MUNICIPALITY, "--token", approver, "--refuse").code == 0
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == [("252034", 50)]


def test_what_is_printed_for_a_spreadsheet_opens_there(shell: Shell) -> None:
    """With a BOM, by which it knows the encoding; a name that would be a formula is none."""
    shell("shop", "252034-0002", "=1+1")
    main(["--home", str(shell.home), "ledger", "list", MUNICIPALITY])
    printed = shell.capture.readouterr().out
    assert printed.startswith(BOM)
    assert "shop,252034-0002,'=1+1" in printed


def test_nobody_may_award_and_approve(shell: Shell) -> None:
    """Neither in one token nor in two of one name."""
    words = ("token", "--municipality", MUNICIPALITY, "--who", "係員")
    assert "(scopes_apart)" in shell(*words, "--scope", "award", "--scope", "approve").err
    assert "(scopes_apart)" in shell(*words, "--scope", "award", "--scope", "tokens").err
    assert "(scope_unknown)" in shell(*words, "--scope", "everything").err
    assert shell(*words, "--scope", "award").code == 0
    assert "(scopes_apart)" in shell(*words, "--scope", "approve").err
    assert shell(*words, "--scope", "read", "--scope", "operate").code == 0


def test_one_wrong_line_and_nobody_gets_anything(shell: Shell) -> None:
    """Every wrong line is named, in the order of the file."""
    content = awards(
        f"{shell.mykey},252034,20,visit",
        "K7QM3V9TXW,252034,20,visit",
        f"{shell.mykey},252034,51,visit",
        f"{shell.mykey},252034,20,birth",
        f"{shell.mykey},252034-NAKI,20,visit",
        f"{shell.mykey},131164,20,visit",
        "library:0043,252034,20,visit",
        "123456789018,252034,20,visit",
    )
    answer = shell("award", shell.file("awards.csv", content), "--municipality", MUNICIPALITY)
    assert (answer.code, answer.out) == (1, "")
    assert re.findall(r"line (\d+): (.*)", answer.err) == [
        ("3", "Nobody is registered under this number."),
        ("4", "For this reason 51 points cannot be awarded."),
        ("5", 'The programme\'s rules have no reason "birth".'),
        ("6", "This municipality has no programme 252034-NAKI."),
        ("7", "This municipality has no programme 131164."),
        ("8", "Nobody is registered under this number."),
        ("9", "It has what looks like a My Number, which is never accepted."),
    ]
    assert "Lines that are wrong: 7" in answer.err
    with shell.ledger() as ledger:
        assert holdings(ledger.books, shell.mykey) == []


def test_a_file_does_not_steer_the_terminal(shell: Shell) -> None:
    """What stands in a line is repeated with a mark for each control character."""
    answer = shell("award", shell.file("awards.csv", awards("\x1b[2Jx,252034,1,visit")), "--municipality", MUNICIPALITY)
    assert 'line 2: "?[2Jx" is neither' in answer.err
    assert "\x1b" not in answer.err


def test_points_that_have_lapsed_are_not_awarded(shell: Shell) -> None:
    """A fair's points ended with the fair."""
    ended = RULES.replace("252034", "252034-MATSURI").replace('rule = "fiscal_year_end", years = 1', "FIXED")
    ended = ended.replace("FIXED", 'rule = "fixed_date", on = 2026-05-05')
    assert shell("rules", shell.file("ended.toml", ended)).code == 0
    content = awards("library:0042,252034-MATSURI,10,visit")
    answer = shell("award", shell.file("awards.csv", content), "--municipality", MUNICIPALITY)
    assert "line 2: All points of 252034-MATSURI have lapsed." in answer.err


@pytest.mark.parametrize("content", ["", awards(), "a,b\n1,2\n"])
def test_a_file_without_awards_is_no_award(shell: Shell, content: str) -> None:
    """An empty file is a mistake of somebody's."""
    answer = shell("award", shell.file("awards.csv", content), "--municipality", MUNICIPALITY)
    assert answer.code == 1
    assert "(award_file_wrong)" in answer.err


def test_a_thousand_mistakes_are_counted_and_a_hundred_shown(shell: Shell) -> None:
    """Nobody reads more, and nobody should wonder how many there are."""
    answer = shell(
        "award", shell.file("awards.csv", awards(*["x,252034,1,visit"] * 1_000)), "--municipality", MUNICIPALITY
    )
    assert answer.err.count("\nline ") == 99
    assert "Lines that are wrong: 1,000" in answer.err


def test_totals_are_a_table_that_sums(shell: Shell) -> None:
    """Issued is held and claimed and the rest; where it is not, the command says so and fails."""
    shell("award", shell.file("awards.csv", awards("library:0042,252034,50,visit")), "--municipality", MUNICIPALITY)
    assert shell("totals", MUNICIPALITY) == Answer(
        0, "programme,issued,held,claimed,lapsed,converted,overdraft\n252034,50,50,0,0,0,0\n", ""
    )
    with shell.ledger() as ledger, ledger.books.begin() as connection:
        connection.exec_driver_sql("UPDATE lots SET points = 51")
    wrong = shell("totals", MUNICIPALITY)
    assert (wrong.code, "(totals_wrong)" in wrong.err) == (1, True)


def test_what_is_left_of_a_budget_is_a_table(shell: Shell) -> None:
    """What files give is not of it: the budget is what shops may issue."""
    shell("award", shell.file("awards.csv", awards("library:0042,252034,50,visit")), "--municipality", MUNICIPALITY)
    assert shell("budget", MUNICIPALITY) == Answer(
        0, "programme,budget,issued by shops,left\n252034,100000000,0,100000000\n", ""
    )


def test_rules_say_what_holds_where_they_are_silent(shell: Shell) -> None:
    """Also before they are taken in, as lines that the file may have."""
    said = shell("rules", shell.file("again.toml", RULES), "--dry-run").out
    assert "ceilings.terminal.issued = 100_000 " in said
    assert 'reasons.visit.every = "day" ' in said


def test_a_stop_counts_at_once(shell: Shell) -> None:
    """Somebody telephones and says their library number."""
    for command, standing in (("stop", Standing.SUSPENDED), ("resume", Standing.ACTIVE)):
        assert shell.mykey in shell(command, "library:0042").out
        with shell.ledger() as ledger:
            assert ledger.identity.look_up([CARD])[CARD].standing is standing


def test_a_number_is_given_up_at_the_window(shell: Shell) -> None:
    """The library's membership ended; the person is still there, and the number is free for somebody else."""
    assert shell("unlink", "library:0042").code == 0
    with shell.ledger() as ledger:
        assert ledger.identity.services(shell.mykey) == []
        assert ledger.identity.look_up([CARD])[CARD].mykey == shell.mykey
    assert shell("unlink", "library:0042").code == 1
    assert shell("unlink", shell.mykey).code == 2


def trust(shell: Shell) -> None:
    """Let the ledger trust the tests' authority."""
    (shell.home / "anchors").mkdir()
    (shell.home / "anchors" / "test.pem").write_bytes(anchor(KEY).public_bytes(Encoding.PEM))


def test_a_revocation_list_counts_at_once(shell: Shell) -> None:
    """The authority's file is taken in; one that nobody signed, or that is older, changes nothing."""
    newer, older = crl([1, 2]), crl([1], issued=ISSUED - timedelta(days=1))
    assert "(revocation_list_untrusted)" in shell("revocations", shell.file("list.crl", newer)).err
    trust(shell)
    assert shell("revocations", shell.file("list.crl", newer)).out.endswith("list.crl: 2 revoked\n")
    assert "(revocation_list_old)" in shell("revocations", shell.file("old.crl", older)).err
    with shell.ledger() as ledger:
        found = ledger.identity.look_up([reference(2), reference(3)])
    assert found[reference(2)].standing is Standing.REVOKED
    assert found[reference(3)].standing is Standing.UNREGISTERED


def test_who_leaves_is_told_first(shell: Shell) -> None:
    """What lapses and what is unlinked is said; only with --yes it happens, and the totals still sum."""
    shell("award", shell.file("awards.csv", awards("library:0042,252034,50,visit")), "--municipality", MUNICIPALITY)
    told = "50 points of 252034 lapse.\nThe number 0042 of library is unlinked.\n"
    first = shell("leave", "library:0042")
    assert (first.code, first.out, "(leave_unconfirmed)" in first.err) == (1, told, True)
    assert shell("leave", "library:0042", "--yes").out.startswith(told)
    with shell.ledger() as ledger:
        assert ledger.identity.look_up([CARD])[CARD].standing is Standing.UNREGISTERED
        assert holdings(ledger.books, shell.mykey) == []
        (left,) = count(ledger.books, MUNICIPALITY)
    assert (left.issued, left.held, left.lapsed, left.agree) == (50, 0, 50, True)
    assert shell("leave", shell.mykey).code == 1


def test_a_lost_terminal_is_withdrawn(shell: Shell) -> None:
    """Its key is forgotten, its number stays taken."""
    code = shell("enrol", "--shop", SHOP).out.strip()
    with shell.ledger() as ledger:
        key = Ed25519PrivateKey.generate().public_key()
        terminal = ledger.registry.redeem_enrolment_code(_secret(code), key, datetime.now(UTC))
        assert terminal is not None
    assert f"terminal,{terminal.id}" in shell("list", MUNICIPALITY).out
    assert shell("withdraw", terminal.id).code == 0
    assert f"terminal,{terminal.id}" not in shell("list", MUNICIPALITY).out
    code = shell("enrol", "--shop", SHOP).out.strip()
    with shell.ledger() as ledger:
        assert ledger.registry.terminal(terminal.id) is None
        next_one = ledger.registry.redeem_enrolment_code(_secret(code), key, datetime.now(UTC))
        assert next_one is not None
        assert next_one.id == f"{SHOP}-02"


def test_tokens_end_and_are_withdrawn(shell: Shell) -> None:
    """The token stands alone on standard output; withdrawing ends it."""
    token = shell("token", "--municipality", MUNICIPALITY, "--who", "窓口", "--days", "1").out.strip()
    with shell.ledger() as ledger:
        officer = ledger.office.officer(token, ledger.today())
        assert officer is not None
        assert officer.who == "窓口"
    assert shell("token", "--municipality", MUNICIPALITY, "--who", "窓口", "--withdraw").out == "Tokens withdrawn: 1\n"
    with shell.ledger() as ledger:
        assert ledger.office.officer(token, ledger.today()) is None


def test_shredding_keeps_the_refund_window(shell: Shell) -> None:
    """Three whole months and this one stay, unless somebody says otherwise; this month's key never goes."""
    with shell.ledger() as ledger:
        today = ledger.today()
        months = [
            f"{today.year + (today.month - 1 - back) // 12}-{(today.month - 1 - back) % 12 + 1:02d}"
            for back in range(6)
        ]
        for month in months:
            ledger.periods.supplied(partial(ledger.periods.seal, f"{month}-01", "x", b"x"))
    assert shell("shred").out == f"Keys destroyed of: {months[5]}, {months[4]}\n"
    assert shell("shred").out == "Keys destroyed of: –\n"
    for wrong in ("2999-01", "2026", "26-1", "2026-13"):
        assert shell("shred", "--before", wrong).code == 1
    assert shell("shred", "--before", months[0]).out == f"Keys destroyed of: {months[3]}, {months[2]}, {months[1]}\n"
    with shell.ledger() as ledger:
        assert ledger.periods.shred("9999-12") == [months[0]]


def test_a_lost_key_is_given_up_only_where_it_is_lost(shell: Shell) -> None:
    """Its month then goes on under a new key; what lay under the lost one names nobody any more."""
    with shell.ledger() as ledger:
        month = f"{ledger.today():%Y-%m}"
        ledger.periods.supplied(partial(ledger.periods.seal, f"{month}-01", "x", b"x"))
    answer = shell("shred", "--lost", month)
    assert (answer.code, "(period_key_there)" in answer.err) == (1, True)
    (shell.home / "ledger" / "periods" / f"{month}.key").unlink()
    assert shell("stop", "library:0042").err.endswith("(period_key_missing)\n")
    assert shell("shred", "--lost", month).out == f"Keys destroyed of: {month}\n"
    assert shell("stop", "library:0042").code == 0


def test_a_backup_is_restored_elsewhere(shell: Shell) -> None:
    """With the passphrase that it was sealed to; the audit of the restored ledger says so."""
    words, backup = shell.file("words", "four or five words\n"), shell.home / "a.backup"
    made = shell("backup", backup, "--passphrase-file", words)
    assert (made.code, "kazasu-months.backup" in made.out) == (0, True)
    elsewhere = ("--directory", shell.home / "second")
    looked = shell(*elsewhere, "restore", backup, "--passphrase-file", words, "--dry-run")
    assert (looked.code, "is whole" in looked.out) == (0, True)
    assert list((shell.home / "second").iterdir()) == []
    done = shell(*elsewhere, "restore", backup, "--passphrase-file", words)
    assert (done.code, "new epoch" in done.out) == (0, True)
    assert shell(*elsewhere, "list", MUNICIPALITY).out == shell("list", MUNICIPALITY).out
    assert ",restore," in shell(*elsewhere, "audit").out
    assert ",backup," in shell("audit").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("backup", "b"), "passphrase_needed"),
        (("backup", "b", "--passphrase-file", "short"), "passphrase_short"),
        (("backup", "b", "--to-key", "short"), "backup_key_wrong"),
        (("backup", "no/such/folder/b", "--passphrase-file", "words"), "backup_not_written"),
        (("backup", "a.backup", "--passphrase-file", "words"), "backup_there"),
        (("restore", "a.backup", "--passphrase-file", "words"), "ledger_filled"),
        (("restore", "a.backup", "--passphrase-file", "others"), "backup_locked"),
        (("restore", "a.backup", "--passphrase-file", "words", "--months", "none"), "backup_missing"),
        (("restore", "short", "--passphrase-file", "words"), "backup_unreadable"),
    ],
)
def test_what_keeps_a_backup_from_being_made_or_restored(shell: Shell, words: tuple[str, ...], code: str) -> None:
    """Each has its sentences."""
    for name, content in {"short": "short", "words": "four or five words", "others": "some other words"}.items():
        shell.file(name, content)
    shell("backup", shell.home / "a.backup", "--passphrase-file", shell.home / "words")
    at_home = [each if each.startswith("--") else shell.home / each for each in words[1:]]
    answer = shell(words[0], *at_home)
    assert (answer.code, answer.err.strip().endswith(f"({code})")) == (1, True), answer.err


def test_who_has_no_name_is_written_down_all_the_same(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the user may be a number alone."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("ledger.cli.office.getuser", nobody)
    assert shell("shop", SHOP, "新しい名").code == 0
    assert f"cli:{os.getuid()},shop" in shell("audit", MUNICIPALITY).out


def _secret(code: str) -> str:
    read = EnrolmentCode.read(code)
    assert read is not None
    return read.secret


WITH_INTENT = {
    "webhook",
    "shop",
    "enrol",
    "withdraw",
    "service",
    "stop",
    "resume",
    "renew",
    "contact",
    "unlink",
    "leave",
}
"""Commands that say what they are about to do: the act of the others is one transaction, or may be done again."""

READING = {"events", "budget", "serve", "list", "totals", "claims", "audit", "doctor", "approve", "losses"}
"""Commands that change nothing; an approval writes the act that it approves, in its own test."""


def test_every_act_is_written_down(shell: Shell) -> None:
    """Each command that changes something says beforehand who does what, and then what came of it."""
    with shell.ledger() as ledger:
        ledger.identity.register(CARD, b"key", [ServiceId(service="museum", number="7")], ledger.today())
        code = ledger.new_enrolment_code(SHOP)
        ledger.registry.redeem_enrolment_code(_secret(code), Ed25519PrivateKey.generate().public_key(), ledger.clock())
    trust(shell)
    acting: dict[str, tuple[str | Path, ...]] = {
        "rules": (shell.file("next.toml", _version(2)),),
        "shop": (SHOP, "新しい名"),
        "enrol": ("--shop", SHOP),
        "signing-key": ("--advance",),
        "recover": (f"{SHOP}-01", "--head", f"7:{'0' * 64}"),
        "withdraw": (f"{SHOP}-01",),
        "token": ("--municipality", MUNICIPALITY, "--who", "x"),
        "stop": (shell.mykey,),
        "resume": (shell.mykey,),
        "renew": (shell.mykey,),
        "unlink": ("museum:7",),
        "award": (shell.file("a.csv", awards("library:0042,252034,1,visit")), "--municipality", MUNICIPALITY),
        "service": (f"{MUNICIPALITY}/library", "--shop", SHOP),
        "contact": (shell.mykey, "--replace"),
        "reverse": (shell.home / "a.csv", "--municipality", MUNICIPALITY),
        "revocations": (shell.file("list.crl", crl([1])),),
        "tidy": (),
        "backup": (shell.home / "a.backup", "--passphrase-file", shell.file("words", "four or five words")),
        "shred": (),
        "webhook": (MUNICIPALITY, "--url", "https://8.8.8.8/events"),
        "leave": (shell.mykey, "--yes"),
    }
    for command, words in acting.items():
        before = shell.acts()
        assert shell(command, *words).code == 0, command
        # Its intent, and then what came of it; of what is one transaction with its entry, the entry alone.
        assert shell.acts() - before == (2 if command in WITH_INTENT else 1), command
    typed = {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}
    typed |= {
        info.name or info.callback.__name__
        for group in app.registered_groups
        if group.typer_instance is not None
        for info in group.typer_instance.registered_commands
        if info.callback
    }
    assert typed == acting.keys() | READING | {"restore"}
    entries = shell("audit", MUNICIPALITY).out + shell("audit").out
    assert {"rules", "withdraw", "award", "stop", "leave", "shred"} <= set(re.findall(r",([a-z_]+),", entries))


def test_claims_are_a_table_of_days(shell: Shell) -> None:
    """By default of this month; what they hold is proved in the tests of the points store."""
    assert shell("claims", SHOP).out == "business date,programme,claim\n"
    assert shell("claims", SHOP, "--since", "2026-11-01", "--until", "2026-11-30").code == 0
    assert shell("claims", SHOP, "--since", "yesterday").code == 2


def test_a_database_that_is_down_is_said(shell: Shell) -> None:
    """No stack of calls, but what to look at."""
    answer = shell("--points-url", "postgresql+psycopg://nobody@127.0.0.1:9/none", "list", MUNICIPALITY)
    assert (answer.code, "(database_unreachable)" in answer.err) == (1, True)
    assert "Traceback" not in answer.err


def test_awards_are_of_today(shell: Shell) -> None:
    """They lapse by their programme's rule, counted from the day of the command."""
    shell("award", shell.file("awards.csv", awards("library:0042,252034,50,visit")), "--municipality", MUNICIPALITY)
    with shell.ledger() as ledger, ledger.books.connect() as connection:
        today = ledger.today()
        last = connection.exec_driver_sql("SELECT expires_on FROM lots").scalar_one()
    assert last == date(today.year + (2 if today.month >= 4 else 1), 3, 31).isoformat()


def test_a_terminal_goes_on_behind_what_is_lost_on_both_sides(shell: Shell) -> None:
    """Forward only: no verdict is set aside, and what cannot be is said."""
    with shell.ledger() as ledger:
        code = _secret(ledger.new_enrolment_code(SHOP))
        ledger.registry.redeem_enrolment_code(code, Ed25519PrivateKey.generate().public_key(), ledger.clock())
    terminal, there = f"{SHOP}-01", "0" * 64
    assert shell("recover", terminal, "--head", f"7:{there}").code == 0
    with shell.ledger() as ledger:
        known = ledger.registry.terminal(terminal)
        assert known is not None
        assert (known.head_seq, known.head_hash) == (7, there)
        assert [each.kind for each in ledger.events.since(MUNICIPALITY, ledger.today())] == ["recovered"]
    for words, said in (
        ((terminal, "--head", f"7:{there}"), "forward only"),
        ((f"{SHOP}-09", "--head", f"7:{there}"), "no such terminal"),
        ((terminal, "--head", "seven"), "NUMBER:HASH"),
    ):
        answer = shell("recover", *words)
        assert answer.code != 0
        assert said in answer.err


def test_losses_are_a_table(shell: Shell) -> None:
    """An office that lost nothing reads the columns alone."""
    assert shell("losses", MUNICIPALITY).out == "operation,what,programme,points,noted\n"


def test_what_was_noticed_is_printed_in_sentences(shell: Shell) -> None:
    """By day, kind and terminal; the shares of few cards have a table of their own; a webhook says where it stands."""
    with shell.ledger() as ledger:
        for kind in EventKind:
            ledger.noticed(kind, f"{SHOP}-01")
    out = shell("events", MUNICIPALITY).out
    assert all(f",{kind}," in out for kind in EventKind)
    assert "event-" not in out
    assert len(shell("events", MUNICIPALITY, "--concentration").out.splitlines()) == 1
    assert MUNICIPALITY in shell("webhook", MUNICIPALITY).out
    assert shell("webhook", MUNICIPALITY, "--url", "https://10.0.0.1/").code == 1
    assert "https://8.8.8.8/" in shell("webhook", MUNICIPALITY, "--url", "https://8.8.8.8/").out
    assert "https" not in shell("webhook", MUNICIPALITY, "--remove").out
