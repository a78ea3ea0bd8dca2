"""The effects of the counter: what the engine is to do. Only `Commit` moves money."""

from __future__ import annotations

from dataclasses import dataclass, field

from terminal.counter.facts import Draft, Intent, Receipt


@dataclass(frozen=True, slots=True)
class Reopen:
    """Try again to open what could not be opened."""


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Read the card as far as `intent` needs it and ask the ledger: `CardRead`, `CardFailed` or `Trouble`."""

    task: int
    intent: Intent


@dataclass(frozen=True, slots=True)
class AskTries:
    """Ask the card, which must be the one read for `task`, for the tries left: `TriesLeft` or `CardFailed`."""

    task: int


@dataclass(frozen=True, slots=True)
class Authorise:
    """Let the card read for `task` check the PIN and sign the draft; wipe the PIN: `Authorised` or `CardFailed`."""

    task: int
    draft: Draft
    last_try: bool
    pin: bytearray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Commit:
    """Write the operation, then send it: `Decided`, `Unanswered` or `NotRecorded`."""

    task: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Ask the ledger again for the verdict on a written operation: `Decided` or `Unanswered`."""

    task: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ListUndoable:
    """Read from the journal what can be undone, or what is named: `UndoableListed`.

    `target` names one operation. A slip names its entry's hash too: what has another hash is not the operation that the
    slip is of. `number` is a number at the shop, an amount, or hour and minute of today.
    """

    task: int
    target: str | None = None
    short_hash: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Wipe:
    """Overwrite a PIN that nobody wanted."""

    pin: bytearray = field(repr=False)


Effect = Reopen | ReadCard | AskTries | Authorise | Commit | AskAgain | ListUndoable | Wipe
