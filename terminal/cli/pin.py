"""Gets the PIN without an argument, an echo or a string: from an open file descriptor, or typed at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from config.output import say

_LONGEST = 16
"""More than a PIN has: what is longer is refused as malformed, and not read to its end."""


def from_descriptor(descriptor: int) -> bytearray:
    """Return the first line of an open file descriptor."""
    return _line(lambda: os.read(descriptor, 1))


def can_ask() -> bool:
    """Return whether somebody sits at this terminal."""
    return sys.stdin.isatty()


def ask(prompt: str) -> bytearray:
    """Return what is typed at the terminal, which shows nothing of it."""
    sys.stderr.write(f"{prompt} ")
    sys.stderr.flush()
    try:
        return _typed()
    finally:
        say("")


def _line(next_byte: Callable[[], bytes]) -> bytearray:
    """Read bytes up to the end of a line into a bytearray, because a string could not be wiped."""
    line = bytearray()
    while len(line) < _LONGEST and (byte := next_byte()) not in (b"", b"\r", b"\n"):
        line += byte
    return line


if sys.platform == "win32":
    import msvcrt

    def _typed() -> bytearray:
        return _line(msvcrt.getch)

else:
    import termios

    def _typed() -> bytearray:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        silent = termios.tcgetattr(descriptor)
        silent[3] &= ~termios.ECHO
        try:
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, silent)
            return _line(lambda: os.read(descriptor, 1))
        finally:
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
