"""`kazasu queue`: what the journal holds, whether it is whole, and sending what is unsent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from config import settings as settings_file
from offline_queue.errors import JournalCorrupt
from offline_queue.reading import JournalReader
from terminal.cli.context import Exit, Globals, answer, fail, given, say
from terminal.shop import books
from terminal.shop.faults import KNOWN, fault_of
from terminal.shop.opening import Station

app = typer.Typer(
    help="The journal: what is unsent, whether it is whole.",
    epilog="Example: kazasu queue status --json",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command(epilog="Example: kazasu queue status --json")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is unsent and what was refused, also beside a terminal that is open."""
    chosen = given(context)
    with reading(chosen, as_json=as_json) as journal:
        found = journal.status()
    if as_json:
        answer(asdict(found))
        return
    texts = chosen.texts
    say(texts("queue-entries", count=found.last_seq))
    say(texts("queue-hash", hash=found.last_hash))
    say(texts("queue-unsent", count=found.unsent))
    if found.oldest_unsent_at is not None:
        say(texts("queue-oldest", at=found.oldest_unsent_at, attempts=found.attempts))
    if found.last_error is not None:
        say(texts("queue-last-error", what=texts.refusal(found.last_error).what))
    if found.dead_letters:
        say(texts("queue-dead-letters", count=found.dead_letters))


@app.command(epilog="Example: kazasu queue verify")
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Check every hash, link and signature; exit 1 with the first entry that is not what was written."""
    chosen = given(context)
    with reading(chosen, as_json=as_json) as journal:
        try:
            count = journal.verify()
        except JournalCorrupt as corrupt:
            if as_json:
                answer({"ok": False, "first_bad_seq": corrupt.seq, "error": corrupt.code, "message": str(corrupt)})
                raise typer.Exit(Exit.FAILED) from None
            say(str(corrupt))
            fail(chosen, fault_of(corrupt), as_json=False)
    if as_json:
        answer({"ok": True, "entries": count})
    else:
        say(chosen.texts("queue-verified", count=count))


@app.command(epilog="Example: kazasu queue export > journal.jsonl")
def export(context: typer.Context) -> None:
    """Print every entry with hash, signature and verdict, a line of JSON each."""
    with reading(given(context), as_json=False) as journal:
        for line in journal.export():
            print(line)  # noqa: T201  # this is how a command line answers


@app.command(epilog="Example: kazasu queue sync --json")
def sync(context: typer.Context, as_json: AsJson = False) -> None:
    """Send all that is unsent, once; exit 10 where something is left."""
    chosen = given(context)
    try:
        sent = asyncio.run(_sync(chosen, quiet=as_json))
    except KNOWN as error:
        fail(chosen, fault_of(error), as_json=as_json)
    if as_json:
        answer(asdict(sent))
    elif sent.unsent:
        say(chosen.texts("queue-still-unsent", count=sent.unsent))
        say(chosen.texts("queue-last-error", what=chosen.texts.refusal(sent.error or "").what))
    else:
        say(chosen.texts("queue-all-sent"))
    raise typer.Exit(Exit.QUEUED if sent.error else Exit.ACCEPTED)


async def _sync(chosen: Globals, *, quiet: bool) -> books.Sent:
    async with opening(chosen) as station:
        if quiet:
            return await books.send(station)
        return await books.send(
            station, lambda: say(chosen.texts("queue-sending", count=station.journal.unsent_count()))
        )


def opening(chosen: Globals) -> AbstractAsyncContextManager[Station]:
    """Open, without a reader, the terminal that this machine is; raise one of `KNOWN`."""
    return books.open_station(chosen.home, settings_file.load(chosen.home.settings), chosen.ledger)


@contextmanager
def reading(chosen: Globals, *, as_json: bool) -> Iterator[JournalReader]:
    """Yield the journal, to be read; end the command where that cannot be."""
    with ExitStack() as stack:
        try:
            journal = stack.enter_context(books.reading(chosen.home))
        except KNOWN as error:
            fail(chosen, fault_of(error), as_json=as_json)
        yield journal
