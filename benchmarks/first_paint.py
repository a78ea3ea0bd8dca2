"""Start to first paint of the counter, beside a bare Textual application in the same run."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
from time import perf_counter

from benchmarks import hold

ROUNDS = 9
LIMIT = 2.5
"""The most that the counter may take, as a multiple of the bare application."""

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("painted")

Bare().run()
"""


def main() -> None:
    """Print the table; fail when the limit is passed."""
    with tempfile.TemporaryDirectory() as home:
        bare = [sys.executable, "-c", BARE]
        counter = [sys.executable, "-m", "terminal", "--home", home, "--lang", "en"]
        rounds = [(first_paint(bare, b"painted"), first_paint(counter, b"Getting ready")) for _ in range(ROUNDS)]
    bare_ms, counter_ms = (statistics.median(times) * 1000 for times in zip(*rounds, strict=True))
    ratio = counter_ms / bare_ms
    print(f"| {'start to first paint':<24} | {'median of ' + str(ROUNDS):>12} |")
    print(f"|{'-' * 26}|{'-' * 13}:|")
    print(f"| {'bare Textual application':<24} | {bare_ms:>9.0f} ms |")
    print(f"| {'counter':<24} | {counter_ms:>9.0f} ms |")
    print(f"| {'ratio (limit ' + str(LIMIT) + ')':<24} | {ratio:>12.2f} |")
    hold(f"ratio at most {LIMIT}", ratio <= LIMIT)


def first_paint(command: list[str], mark: bytes) -> float:
    """Return the seconds from the start of a command to the end of the frame that first shows a text."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    started = perf_counter()
    child = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    try:
        seen = b""
        while mark not in seen:
            seen += os.read(ours, 65_536)
        return perf_counter() - started
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        os.close(ours)


if __name__ == "__main__":
    main()
