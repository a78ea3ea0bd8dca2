"""`kazasu queue`: what the journal holds, whether it is whole, and sending what is unsent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict

import typer

from config import settings as settings_file
from config.output import answer, say, tell, tell_all
from offline_queue.errors import JournalCorrupt
from offline_queue.export import export_lines
from offline_queue.reading import Recorded
from terminal.cli.context import AsJson, Exit, Globals, given
from terminal.shop import books
from terminal.shop.opening import Station

app = typer.Typer(
    help="The journal: what is unsent, whether it is whole.",
    epilog="Example: kazasu queue status --json",
    no_args_is_help=True,
)

LISTED = 10
"""The most operations that are named of each kind; `--json` names all."""


@app.command(epilog="Example: kazasu queue status --json")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is unsent and what was refused, also beside a terminal that is open."""
    chosen = given(context)
    with books.journal_to_read(chosen.home) as journal:
        found = journal.status()
        refused, losses = journal.dead_letters(), journal.losses()
    if as_json:
        listed = {"refused": [_refusal(each) for each in refused], "losses": [_loss(each) for each in losses]}
        answer({**asdict(found), **listed})
        return
    texts = chosen.texts
    tell(texts("queue-entries", count=found.last_seq))
    tell(texts("queue-hash", hash=found.last_hash))
    tell(texts("queue-unsent", count=found.unsent))
    if found.oldest_unsent_at is not None:
        tell(texts("queue-oldest", at=found.oldest_unsent_at, attempts=found.attempts))
    if found.last_error is not None:
        tell(texts("queue-last-error", what=texts.refusal(found.last_error).what))
    if found.changed:
        tell(texts("queue-changed", count=found.changed))
    if found.set_aside:
        tell(texts("queue-set-aside", which=numbers(found.set_aside)))
    if found.dead_letters:
        tell(texts("queue-dead-letters", count=found.dead_letters))
    for record in refused[-LISTED:]:
        tell(texts("queue-refused", **_refusal(record), what=texts.refusal(str(_refusal(record)["reason"])).what))
    if losses:
        tell(texts("queue-losses", count=len(losses), points=sum(int(_loss(each)["points"]) for each in losses)))
    for record in losses[-LISTED:]:
        tell(texts("queue-loss", **_loss(record), what=texts.refusal(str(_loss(record)["reason"])).what))


def _refusal(record: Recorded) -> dict[str, str | int]:
    code = record.verdict.code if record.verdict is not None else None
    return {"operation_id": record.operation_id, "reason": code or "not_known"}


def _loss(record: Recorded) -> dict[str, str | int]:
    """Return what the shop bears of a sale: the customer had left, and the points were not there."""
    cuts = [cut for cut in record.verdict.cuts if cut.leg == "redeem"] if record.verdict is not None else []
    missing = sum(cut.asked - cut.granted for cut in cuts)
    return {"operation_id": record.operation_id, "points": missing, "reason": cuts[0].reason}


@app.command(epilog="Example: kazasu queue verify")
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Check every hash, link and signature; exit 1 with the first entry that is not what was written."""
    chosen = given(context)
    with books.journal_to_read(chosen.home) as journal:
        try:
            found = journal.examine()
        except JournalCorrupt as corrupt:  # the very answer that was asked for
            if not as_json:
                tell(str(corrupt))
                raise
            answer({"ok": False, "first_bad_seq": corrupt.seq, "error": corrupt.code, "message": str(corrupt)})
            raise typer.Exit(Exit.FAILED) from None
    if as_json:
        answer({"ok": True, **asdict(found)})
        return
    tell(chosen.texts("queue-verified", count=found.entries, verdicts=found.verdicts))
    if found.set_aside:
        tell(chosen.texts("queue-set-aside", which=numbers(found.set_aside)))


@app.command(epilog="Example: kazasu queue export > journal.jsonl")
def export(context: typer.Context) -> None:
    """Print the journal as a file that `kazasu verify` checks anywhere: a line of JSON for each entry and answer."""
    with books.journal_to_read(given(context).home) as journal:
        tell_all(export_lines(journal))


@app.command(epilog="Example: kazasu queue sync --json")
def sync(context: typer.Context, as_json: AsJson = False) -> None:
    """Send all that is unsent, once; exit 10 where something is left."""
    chosen = given(context)
    sent = asyncio.run(_sync(chosen, quiet=as_json))
    if as_json:
        answer(asdict(sent))
    elif sent.unsent:
        tell(chosen.texts("queue-still-unsent", count=sent.unsent))
        tell(chosen.texts("queue-last-error", what=chosen.texts.refusal(sent.error or "").what))
    else:
        tell(chosen.texts("queue-all-sent"))
    if sent.set_aside and not as_json:
        tell(chosen.texts("queue-set-aside", which=numbers(sent.set_aside)))
    raise typer.Exit(Exit.QUEUED if sent.unsent else Exit.ACCEPTED)


async def _sync(chosen: Globals, *, quiet: bool) -> books.Sent:
    async with opening(chosen) as station:
        if quiet:
            return await books.send(station)
        return await books.send(
            station, lambda: say(chosen.texts("queue-sending", count=station.journal.unsent_count()))
        )


def numbers(which: Iterable[int]) -> str:
    """Return numbers of entries as people read them."""
    return ", ".join(str(each) for each in which)


def opening(chosen: Globals) -> AbstractAsyncContextManager[Station]:
    """Open, without a reader, the terminal that this machine is; raise KnownError."""
    return books.open_station(chosen.home, settings_file.load_settings(chosen.home.settings), chosen.ledger)
