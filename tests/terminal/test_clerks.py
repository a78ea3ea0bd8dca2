"""Clerks: their codes stand nowhere, the file is checked, and the command keeps it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from config.home import Home
from ledger.wire.operations import Mark
from terminal.cli import main
from terminal.shop import books, clerks
from terminal.shop.clerks import Clerk, Clerks
from tests.terminal.desks import desk


def test_a_code_is_known_and_stands_nowhere(tmp_path: Path) -> None:
    """The file holds a salt and a hash; the same code twice looks like two."""
    first, second = Clerk.with_code("12", "24680"), Clerk.with_code("7", "24680")
    file = Home(tmp_path).clerks
    clerks.save(file, Clerks().with_clerk(first).with_clerk(second))
    text = file.read_text(encoding="utf-8")
    assert "24680" not in text
    assert first.hashed != second.hashed
    known = clerks.load(file)
    assert [clerk.number for clerk in known.clerks] == ["7", "12"]
    found = known.named("12")
    assert found is not None
    assert found.knows("24680")
    assert not found.knows("24681")


def _clerk(home: Path, *words: str, code: str | None = None) -> int:
    if code is None:
        return main(["--home", str(home), "--lang", "en", "clerk", *words])
    readable, writable = os.pipe()
    os.write(writable, f"{code}\n".encode())
    os.close(writable)
    try:
        return main(["--home", str(home), "--lang", "en", "clerk", *words, "--code-fd", str(readable)])
    finally:
        os.close(readable)


def test_the_command_keeps_the_clerks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Added, changed, listed, removed; a wrong number or code is said and changes nothing."""
    assert _clerk(tmp_path, "add", "12", code="2468") == 0
    assert _clerk(tmp_path, "add", "12", code="1357") == 0
    assert _clerk(tmp_path, "add", "係", code="1357") == 2
    assert _clerk(tmp_path, "add", "13", code="12") == 2
    capsys.readouterr()
    assert _clerk(tmp_path, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"clerks": ["12"]}
    found = clerks.load(Home(tmp_path).clerks).named("12")
    assert found is not None
    assert (found.knows("2468"), found.knows("1357")) == (False, True)
    assert _clerk(tmp_path, "remove", "99") == 1
    assert _clerk(tmp_path, "remove", "12") == 0
    assert clerks.load(Home(tmp_path).clerks) == Clerks()


def test_a_damaged_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody signs on by an empty list that was not meant."""
    Home(tmp_path).clerks.write_text("{", encoding="utf-8")
    assert _clerk(tmp_path, "list") == 1
    assert "clerks_damaged" in capsys.readouterr().err


@pytest.mark.anyio
async def test_who_signed_on_is_the_operator_of_each_entry(tmp_path: Path) -> None:
    """A mark says who came, and what follows bears the number: operations and the close."""
    async with desk(tmp_path) as counter:
        station = counter.station
        assert await books.SignOn("34")(station) == "34"
        await books.close(station, even_if_empty=True)
        entries = [record.entry for record in station.journal.since(0)]
    mark, close = entries[0], entries[-1]
    assert mark.content == Mark(kind="signed_in", detail={"clerk": "34"})
    assert [mark.operator, close.operator] == ["34", "34"]
