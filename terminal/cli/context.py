"""What every command is told: the data directory, the ledger, the language; and how a command ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import islice
from typing import Any, NoReturn

import typer

from config.home import Home
from config.texts import LANGUAGES, Lang, Texts
from terminal.fault import Fault


class Exit(IntEnum):
    """The exit codes of `op`; the other commands use the first and the last, and 1 for a failure."""

    ACCEPTED = 0
    FAILED = 1
    USAGE = 2
    QUEUED = 10
    REFUSED = 11
    UNKNOWN = 12


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
            return Texts(settings.load(self.home.settings).screen.language)
        except settings.SettingsError:
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


def tell(text: str) -> None:
    """Print a result for people."""
    print(text)  # noqa: T201  # this is how a command line answers


def say(text: str) -> None:
    """Print what is no result, where it never mixes with an answer for programs."""
    print(text, file=sys.stderr)  # noqa: T201  # this is how a command line speaks


def answer(value: Mapping[str, Any]) -> None:
    """Print the one JSON object that `--json` promises."""
    print(json.dumps(value, ensure_ascii=False))  # noqa: T201  # this is how a command line answers


def sentences(texts: Texts, fault: Fault) -> str:
    """Return what happened, why, and what to do: three lines."""
    refusal = texts.refusal(fault.code, **dict(fault.args))
    return f"{refusal.what}\n{refusal.why}\n{refusal.todo}"


def fail(chosen: Globals, fault: Fault, *, as_json: bool, exit_code: int = Exit.FAILED) -> NoReturn:
    """Say what went wrong, and end the command."""
    message = sentences(chosen.texts, fault)
    if as_json:
        answer({"status": "refused", "error": fault.code, "message": message})
    else:
        say(f"{message}\n({fault.code})")
    raise typer.Exit(exit_code)
