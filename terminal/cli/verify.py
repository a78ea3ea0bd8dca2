"""`kazasu verify`: checks a file that was exported, on any machine, without home, line or keys."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from config.errors import CommandFailed
from config.output import answer, tell
from offline_queue.errors import JournalCorrupt
from offline_queue.export import Exported, verify_export
from terminal.cli.context import AsJson, Globals, given
from terminal.cli.queue import numbers

EXAMPLE = "Example: kazasu verify journal.jsonl --json"


def command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `kazasu queue export` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Check every entry, signature and verdict in an exported file, and that its end is there; exit 1 otherwise."""
    chosen = given(context)
    try:
        with file.open(encoding="utf-8") as lines:
            found = verify_export(lines)
    except JournalCorrupt as corrupt:
        raise CommandFailed("export_damaged", reason=str(corrupt)) from None
    if as_json:
        answer({"ok": True, **asdict(found)})
    else:
        _tell(chosen, found)


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
