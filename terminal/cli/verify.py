"""`kazasu verify`: checks a file that was exported, on any machine, without home, line or keys; and slips."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from config.errors import CommandFailed
from config.output import answer, tell
from ledger.wire.entries import operation_id
from offline_queue.errors import JournalCorrupt
from offline_queue.export import Exported, verify_export
from terminal.cli.context import AsJson, Globals, given
from terminal.cli.queue import numbers
from terminal.counter.scanned import SlipCode, slip_code
from terminal.shop import books
from terminal.shop.books import OfSlip

EXAMPLE = "Example: kazasu verify journal.jsonl --json"


def command(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="What `kazasu queue export` wrote; or what a slip's code says.")],
    slip: Annotated[str | None, typer.Option(help="What a slip's code says: is it in the exported file?")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry, signature and verdict in an exported file, and that its end is there; exit 1 otherwise.

    With what a slip's code says (KZ1:…), check that slip: in the file, or in this terminal's journal.
    """
    chosen = given(context)
    if (code := slip_code(file)) is not None:
        _check_slip(chosen, code, as_json=as_json)
        return
    wanted = None if slip is None else slip_code(slip)
    if slip is not None and wanted is None:
        raise CommandFailed("slip_not_found")
    try:
        with Path(file).open(encoding="utf-8") as lines:
            found = verify_export(lines)
        if wanted is not None:
            with Path(file).open(encoding="utf-8") as lines:
                _tell_slip(chosen, wanted, _entry_of(lines, found.terminal_id, wanted), as_json=as_json)
            return
    except JournalCorrupt as corrupt:
        raise CommandFailed("export_damaged", reason=str(corrupt)) from None
    if as_json:
        answer({"ok": True, **asdict(found)})
    else:
        _tell(chosen, found)


def _check_slip(chosen: Globals, code: SlipCode, *, as_json: bool) -> None:
    with books.journal_to_read(chosen.home) as journal:
        found = OfSlip(code).within(journal)
    _tell_slip(chosen, code, found[0].record.entry.as_json() if found else None, as_json=as_json)


def _entry_of(lines: Iterable[str], terminal_id: str, code: SlipCode) -> dict[str, Any] | None:
    """Return the entry of a slip in an export that was checked, None where it is not there."""
    for line in map(json.loads, lines):
        entry = line.get("entry")
        if entry is not None and line["hash"].startswith(code.short_hash):
            its = entry.get("terminal_id", terminal_id)
            if operation_id(its, entry["seq"]) == code.operation_id:
                found: dict[str, Any] = entry
                return found
    return None


def _tell_slip(chosen: Globals, code: SlipCode, entry: dict[str, Any] | None, *, as_json: bool) -> None:
    if entry is None:
        raise CommandFailed("slip_not_found")
    facts = {"operation": code.operation_id, "at": entry["at"], "kind": entry["content"]["kind"]}
    if as_json:
        answer({"ok": True, **facts})
    else:
        tell(chosen.texts("verify-slip-good", **facts))


def _tell(chosen: Globals, exported: Exported) -> None:
    texts, found = chosen.texts, exported.found
    tell(texts("verify-good", count=found.entries, terminal=exported.terminal_id, verdicts=found.verdicts))
    if exported.public_key is None:
        tell(texts("verify-unsigned"))
    else:
        ledger = ", ".join(_print(key) for key in exported.ledger_keys) or "-"
        tell(texts("verify-keys", key=_print(exported.public_key), ledger=ledger))
    if found.set_aside:
        tell(texts("queue-set-aside", which=numbers(found.set_aside)))


def _print(key: str) -> str:
    """Return the fingerprint of a key, to be compared by eye: 16 hex digits of its SHA-256."""
    digest = hashlib.sha256(base64.b64decode(key)).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, 16, 4))
