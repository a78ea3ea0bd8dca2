"""Writes a command's output: always UTF-8, and nothing more once the reader has closed the pipe."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from config.errors import OutputFailed


def speak_utf8() -> None:
    """Let both outputs be UTF-8: an answer must not fail on a locale after money has moved."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What is no text, such as a file name of other bytes, is shown as its escapes; so it is valid JSON, too.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def tell(text: str) -> bool:
    """Print what the command was asked for; return whether somebody still reads. Raise OutputFailed."""
    return _write(sys.stdout, text)


def tell_all(lines: Iterable[str]) -> None:
    """Print lines for as long as somebody reads them; raise OutputFailed."""
    for line in lines:
        if not tell(line):
            return


def answer(value: Mapping[str, Any]) -> None:
    """Print the one JSON object that `--json` promises; raise OutputFailed."""
    tell(json.dumps(value, ensure_ascii=False))


def say(text: str) -> None:
    """Print progress, or an error, where it never mixes with what was asked for."""
    with contextlib.suppress(OutputFailed):  # there is no other place to say it
        _write(sys.stderr, text)


def flush() -> None:
    """Hand on what libraries printed; raise OutputFailed."""
    for stream in (sys.stdout, sys.stderr):
        _write(stream, "", end="")


def silence(stream: TextIO) -> None:
    """Let what is still printed go nowhere, so that the interpreter finds nothing to complain of at its end."""
    with contextlib.suppress(OSError, ValueError):  # it has no descriptor, or none that can be replaced
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _write(stream: TextIO | None, text: str, end: str = "\n") -> bool:
    if stream is None:  # closed before we were started
        return False
    try:
        print(text, end=end, file=stream, flush=True)  # this is how a command line answers
    except BrokenPipeError:
        silence(stream)
        return False
    except OSError as error:
        silence(stream)
        raise OutputFailed(error.strerror or type(error).__name__) from error
    return True
