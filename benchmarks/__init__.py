"""Measures what was promised, beside a named peer in the same run; `./kazasu bench` prints the tables."""

from pathlib import Path
from tempfile import TemporaryDirectory


class Missed(Exception):  # noqa: N818  # says what happened
    """A limit was missed; carries which."""


def hold(limit: str, met: bool) -> None:  # reads as a sentence: hold("ratio at most 2", ratio <= 2)
    """Raise Missed where a limit is not met: only after the table was printed."""
    if not met:
        raise Missed(limit)


def scratch() -> TemporaryDirectory[str]:
    """Return a directory on the disk of the checkout: where `/tmp` is memory, nothing costs what it does in a shop."""
    return TemporaryDirectory(dir=Path.cwd(), prefix=".bench-")
