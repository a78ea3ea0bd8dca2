"""The options that every command has (data directory, ledger, language), and the exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import islice
from typing import Annotated, Self

import typer

from config.errors import SettingsError
from config.faults import Fault
from config.home import Home
from config.texts import LANGUAGES, Lang, Texts


class Exit(IntEnum):
    """The exit codes, each with what it says; `docs/reference/commands.md` is made from them."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a code that knows what it says."""
        made = int.__new__(cls, value)
        made._value_ = value
        made.meaning = meaning
        return made

    ACCEPTED = 0, "Done. For `op`: the ledger accepted the operation."
    FAILED = 1, "Not done, or something has to be mended: the sentences say what. Never of `op`."
    USAGE = 2, "The command line or the settings file is wrong; nothing was done."
    QUEUED = 10, "Recorded, and sent as soon as the line is back. For `queue sync`: something is left."
    REFUSED = 11, "`op`: refused, by the ledger or before anything was recorded; no points moved."
    UNKNOWN = 12, "`op`: the outcome is not known. Ask again, or void the number; do not repeat it."
    BUSY = 13, "`op`: another terminal is open on the same data; nothing was done."
    INTERRUPTED = 130, "Stopped by Ctrl-C before it was done."


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on standard output.")]
"""The option of every command that answers a program, too."""

GLOBAL_OPTIONS = ("--home", "--ledger", "--lang")
"""Options that may stand before or after a command."""


@dataclass(frozen=True)
class Globals:
    """The options that hold for every command; `lang` is None where nobody chose."""

    home: Home
    ledger: str | None = None
    lang: Lang | None = None

    @cached_property
    def texts(self) -> Texts:
        """The texts in the language asked for, else that of the settings, else the default."""
        if self.lang is not None:
            return Texts(self.lang)
        from config import settings

        try:
            return Texts(settings.load_settings(self.home.settings).screen.language)
        except (SettingsError, OSError):
            return Texts(LANGUAGES[0])


def given(context: typer.Context) -> Globals:
    """Return the global options of the command that runs."""
    found = context.find_object(Globals)
    return found if found is not None else Globals(Home.locate())


def hoist(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the global options of a command line, which may stand anywhere in it, and the other words."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        if word == "--":
            rest += [word, *remaining]
        elif word in GLOBAL_OPTIONS:
            front += [word, *islice(remaining, 1)]
        elif (option := word.partition("="))[0] in GLOBAL_OPTIONS:
            front += [option[0], option[2]]
        else:
            rest.append(word)
    return front, rest


def sentences(texts: Texts, fault: Fault) -> str:
    """Return what happened, why, and what to do: three lines."""
    refusal = texts.refusal(fault.code, **dict(fault.args))
    return f"{refusal.what}\n{refusal.why}\n{refusal.todo}"
