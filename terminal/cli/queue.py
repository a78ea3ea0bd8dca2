"""`kazasu queue`: what the journal holds, whether it is whole, and sending what is unsent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from config import settings as settings_file
from config.home import Home
from ledger.wire.client import LedgerError
from offline_queue.errors import JournalCorrupt
from offline_queue.reading import JournalReader, read_journal
from offline_queue.sync import reason
from reader.practice import PracticeSource
from terminal.cli.context import Exit, Globals, answer, fail, given, say
from terminal.counter.facts import Fault
from terminal.shop import enrolment as enrolments
from terminal.shop.faults import KNOWN, fault_of
from terminal.shop.opening import Opener, Station

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


@dataclass(frozen=True, slots=True)
class Sent:
    """How many operations were decided, how many are left, and the code of why."""

    decided: int
    unsent: int
    error: str | None = None


async def send(station: Station, on_upload: Callable[[], None] = lambda: None) -> Sent:
    """Send all that is unsent as far as the line carries; raise QueueError."""
    journal = station.journal
    before = journal.verdict_count()
    error = None
    try:
        await station.syncer.sync(on_upload)
    except LedgerError as left:
        error = reason(left)
    return Sent(journal.verdict_count() - before, journal.unsent_count(), error)


async def _sync(chosen: Globals, *, quiet: bool) -> Sent:
    async with opening(chosen) as station:
        if quiet:
            return await send(station)
        return await send(station, lambda: say(chosen.texts("queue-sending", count=station.journal.unsent_count())))


def opening(chosen: Globals) -> AbstractAsyncContextManager[Station]:
    """Open, without a reader, the terminal that this machine is; raise one of `KNOWN`."""
    home, settings = workplace(chosen), settings_file.load(chosen.home.settings)
    # Practice mode has the ledger that it made, whatever is asked for.
    ledger = chosen.ledger if home == chosen.home else None
    return Opener(home, settings, PracticeSource({}), ledger=ledger)(lambda _state: None)


@contextmanager
def reading(chosen: Globals, *, as_json: bool) -> Iterator[JournalReader]:
    """Yield the journal, to be read; end the command where that cannot be."""
    home = workplace(chosen)
    if not home.journal.exists():
        fail(chosen, Fault("journal_missing", (("path", str(home.path)),)), as_json=as_json)
    try:
        journal = read_journal(home.journal, enrolments.key_of(home).public_key())
    except KNOWN as error:
        fail(chosen, fault_of(error), as_json=as_json)
    try:
        yield journal
    finally:
        journal.close()


def workplace(chosen: Globals) -> Home:
    """Return where this machine works: its own home once it is enrolled, and that of practice mode until then."""
    return chosen.home if chosen.home.enrolment.exists() else chosen.home.practice
