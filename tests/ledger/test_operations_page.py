"""The runbook names commands and options that there are, and every refusal that it explains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from config.texts import Texts
from ledger.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
COMMANDS = sorted({each.strip() for each in re.findall(r"\./kazasu ledger ([^`\n]+)", PAGE)})
CODES = sorted(set(re.findall(r"`((?:ledger|period|not|durability)_[a-z_]+)`", PAGE)))


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_there(words: str) -> None:
    """With its options; what stands after it in a sentence is none of them."""
    group = typer.main.get_command(app)
    name, *rest = words.split()
    command = group.commands[name.rstrip(".,;:")]  # type: ignore[attr-defined]  # a group of commands
    known = {option for parameter in command.params for option in parameter.opts}
    assert {each for each in rest if each.startswith("--")} <= known


def test_every_code_has_its_sentences() -> None:
    """In the table of lost keys and elsewhere."""
    assert len(CODES) > 5
    assert all(Texts("en").has(f"error-{code}".replace("_", "-")) for code in CODES if code != "ledger_key")
