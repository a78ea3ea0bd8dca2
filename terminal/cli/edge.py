"""The edge of the command line: here every error becomes its sentences, its JSON object and its exit code."""

from __future__ import annotations

import logging
import sys

import typer

from config import output
from config.errors import CommandFailed, OutputFailed, SettingsError
from config.faults import KNOWN, Fault, fault_of
from config.plain import shown
from terminal.cli.context import Exit, Globals, sentences
from terminal.cli.log import keep_log

_log = logging.getLogger(__name__)


def end(error: BaseException, chosen: Globals, words: list[str]) -> int:
    """Say why a command ended, and return its exit code; raise nothing."""
    match error:
        case typer.TyperException():
            return _misused(error, as_json="--json" in words)
        case SystemExit() if isinstance(error.__context__, BrokenPipeError):
            return _unread()  # typer's own help, which nobody read to its end
        case SystemExit(code=int(code)):
            return code
        case typer.Abort() | KeyboardInterrupt():
            return Exit.UNKNOWN if _is_operation(words) else Exit.INTERRUPTED
        case OutputFailed():
            output.say(_described(chosen, fault_of(error)))
            return Exit.FAILED
        case _:  # an error that is known, or a defect
            pass
    if not isinstance(error, KNOWN):
        keep_log(chosen.home)
        _log.error("%s ended", " ".join(words[:2]) or "the terminal", exc_info=error)
    if isinstance(error, KNOWN):
        return _refused(chosen, words, fault_of(error), _exit_code(error, words))
    broken = Fault("broken", (("name", type(error).__name__), ("path", str(chosen.home.log))))
    # The outcome is unknown: the caller must ask for the operation, and not repeat it.
    code = Exit.UNKNOWN if _is_operation(words) else Exit.FAILED
    return _refused(chosen, words, broken, code)


def _exit_code(error: BaseException, words: list[str]) -> int:
    if isinstance(error, CommandFailed) and error.exit_code is not None:
        return error.exit_code
    if isinstance(error, SettingsError):
        return Exit.USAGE
    return Exit.REFUSED if _is_operation(words) else Exit.FAILED


def _refused(chosen: Globals, words: list[str], fault: Fault, code: int) -> int:
    if "--json" in words:
        status = "unknown" if code == Exit.UNKNOWN else "refused"
        answer = {"status": status, "error": fault.code, "message": sentences(chosen.texts, fault)}
        try:
            output.answer(answer)
        except OutputFailed:
            return code
    else:
        output.say(_described(chosen, fault))
    return code


def _misused(misuse: typer.TyperException, *, as_json: bool) -> int:
    if as_json:
        output.answer({"status": "refused", "error": "usage", "message": misuse.format_message()})
    else:
        context = getattr(misuse, "ctx", None)
        output.say(f"{misuse.format_message()}\n-> {context.command_path if context else 'kazasu'} --help")
    return misuse.exit_code


def _described(chosen: Globals, fault: Fault) -> str:
    # A file's name, or what a file says, must not steer the terminal that shows it.
    return "\n".join(map(shown, [*sentences(chosen.texts, fault).splitlines(), f"({fault.code})"]))


def _is_operation(words: list[str]) -> bool:
    return words[:1] == ["op"]


def _unread() -> int:
    """End quietly: whoever read had enough."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            output.silence(stream)
    return Exit.ACCEPTED
