"""Measures what was promised, beside a named peer in the same run; `./kazasu bench` prints the tables."""

from pathlib import Path
from tempfile import TemporaryDirectory


def scratch() -> TemporaryDirectory[str]:
    """Return a directory on the disk of the checkout: where `/tmp` is memory, nothing costs what it does in a shop."""
    return TemporaryDirectory(dir=Path.cwd(), prefix=".bench-")
