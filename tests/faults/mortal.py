"""A terminal that dies as by kill -9, just before a chosen statement that it gives to one of its databases."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

Statement = tuple[str, str]
"""A database's file name and how the SQL begins; both empty for any statement at all."""


def run(words: Sequence[str], way: Sequence[Statement], pin: bytes = b"") -> int:
    """Run one command line in a process of its own, killed at the last of `way`; return how the process ended.

    It has then given the databases the statements of `way` before that, in this order and with others between. A PIN is
    handed over by a descriptor.
    """
    process = _context().Process(target=_live, args=(words, way, pin))
    process.start()
    process.join()
    assert isinstance(process.exitcode, int)
    return process.exitcode


def given(pin: bytes) -> int:
    """Return a descriptor that a PIN is read from."""
    reading, writing = os.pipe()
    os.write(writing, pin + b"\n")
    os.close(writing)
    return reading


@cache
def _context() -> ForkServerContext:
    """Return the server from which processes are forked that have everything loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["terminal.cli.op", "terminal.shop.engine_thread", "ledger.embedded", __name__])
    return context


def _live(words: Sequence[str], way: Sequence[Statement], pin: bytes) -> None:
    from terminal.cli import main

    if pin:
        words = [*words, "--pin-fd", str(given(pin))]
    _die_at(iter(way))
    with Path(os.devnull).open("w", encoding="utf-8") as nobody, redirect_stdout(nobody):
        sys.exit(main(list(words)))


def _die_at(way: Iterator[Statement]) -> None:
    """Follow every connection that is opened from now on."""
    awaited = next(way)
    connect = sqlite3.connect

    def watch(file: str, sql: str) -> None:
        nonlocal awaited
        if not (file.endswith(awaited[0]) and sql.startswith(awaited[1])):
            return
        following = next(way, None)
        if following is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            awaited = following

    def connect_watched(database: str | Path, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(database, *args, **kwargs)
        connection.set_trace_callback(lambda sql: watch(str(database), sql))
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect_watched  # type: ignore[assignment]  # what libraries call
