"""Plays one town from a seed, says what came of it, and shortens what is wrong: `python -m tests.town SEED DAYS`."""

from __future__ import annotations

import sys

from tests.town.search import played
from tests.town.simulation import Violation, seeded


def main(seed: int, days: int) -> int:
    """Print the digest of a run, or the fewest steps that were found to show what is wrong."""
    try:
        done = seeded(seed, days)
    except Violation:
        print(played(seed, days, tries=200))  # noqa: T201  # this module is a command
        return 1
    print(done.digest)  # noqa: T201
    print(done.counts)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
