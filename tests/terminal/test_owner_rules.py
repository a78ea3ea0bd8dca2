"""What is the owner's: returns, other clerks' operations, large awards; at the screen and in `kazasu op`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from config.home import Home
from config.settings import ScreenSettings
from terminal.cli import main
from terminal.counter.events import Typed
from terminal.counter.owner import Giving, Matter, Overruling, OwnerRules, TakingBack, Voiding
from terminal.counter.states import EnteringAward, PickingReason
from terminal.shell.code import CodeScreen
from terminal.shop import books
from tests.terminal.counters import MUNICIPALITY, TERMS
from tests.terminal.screens.scenes import at_counter, counter_in


@pytest.mark.parametrize(
    ("matter", "asked"),
    [
        (None, False),
        (TakingBack(), True),
        (Overruling(), True),
        (Voiding("12"), False),
        (Voiding("7"), True),
        (Voiding(None), False),
        (Giving(500), False),
        (Giving(501), True),
    ],
    ids=str,
)
def test_the_owner_is_asked_for_what_the_settings_say(matter: Matter | None, asked: bool) -> None:
    """Clerk 12 is there; without a code, nobody is asked for anything, and without a sum for no award."""
    assert OwnerRules("2468", award_above=500).asks(matter, "12") is asked
    assert not OwnerRules("", award_above=500).asks(matter, "12")
    assert not OwnerRules("2468").asks(Giving(9_999_999), "12")


@pytest.mark.anyio
async def test_a_large_award_waits_for_the_owner() -> None:
    """101 points ask for the code before the resident is asked for a card; Esc gives nothing, the code goes on."""
    own = TERMS.programmes[MUNICIPALITY]
    code = next(code for code, reason in own.reasons.items() if reason.points is None)
    picking = PickingReason(MUNICIPALITY, ((code, own.reasons[code]),))
    async with at_counter(ScreenSettings(language="en", motion=False), owner_code="24680") as (screen, pilot):
        screen.show(counter_in(EnteringAward(picking)))
        screen.dispatch(Typed("101"))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(screen.app.screen, CodeScreen)
        await pilot.press("escape")
        assert type(screen.counter.state) is EnteringAward
        await pilot.press("enter")
        await pilot.press(*"24680", "enter")
        await pilot.pause()
        assert type(screen.counter.state).__name__ == "AwaitCard"


def _op(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    ended = main(["--home", str(home), "op", *words, "--json"])
    return ended, json.loads(capsys.readouterr().out)


def test_op_names_the_clerk_and_asks_for_the_owners_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another clerk's sale is voided with the owner's code alone; one's own without it."""
    (tmp_path / "settings.toml").write_text('[owner]\ncode = "2468"\naward_above = 40\n', encoding="utf-8")
    sale = ["sale", "--bill", "1200", "--card", "two-towns", "--clerk"]
    sold = [_op(tmp_path, capsys, *sale, clerk)[1]["operation_id"] for clerk in ("7", "12")]
    void = ["void", "--clerk", "12", "--target"]
    for code, error in (([], "owner_needed"), (["2469"], "owner_code_wrong"), (["2468"], None)):
        ended, said = _op(tmp_path, capsys, *void, sold[0], *(f"--owner-code={each}" for each in code))
        assert (said["error"], ended) == (error, 0 if error is None else 11)
    assert _op(tmp_path, capsys, *void, sold[1])[0] == 0
    award = ["award", "--points", "41", "--reason", "volunteering", "--card", "two-towns"]
    assert _op(tmp_path, capsys, *award)[1]["error"] == "owner_needed"
    assert _op(tmp_path, capsys, *award, "--owner-code", "2468")[0] == 0
    with books.journal_to_read(Home(tmp_path)) as journal:
        written = [record.entry.operator for record in journal.recent(9)][::-1]
    assert written == ["7", "12", "12", "12", "1"]


def test_op_takes_no_clerk_whom_the_shop_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where clerks are kept, a number that is none of theirs is a mistake: exit 2, nothing done."""
    readable, writable = os.pipe()
    os.write(writable, b"2468\n")
    os.close(writable)
    assert main(["--home", str(tmp_path), "clerk", "add", "12", "--code-fd", str(readable)]) == 0
    os.close(readable)
    capsys.readouterr()
    ended, said = _op(tmp_path, capsys, "sale", "--bill", "10", "--card", "two-towns", "--clerk", "13")
    assert (ended, said["error"]) == (2, "clerk_unknown")
