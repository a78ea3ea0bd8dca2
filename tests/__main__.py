"""Runs every check of the project, one after the other, and says at the end which failed.

`--only tests,types` runs some of them; `lint` is launcher, style and format. All other arguments are handed to pytest:
`./kazasu test --only tests -k journal`. A run of everything measures branches too, and holds the floor.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str]] = {
    "launcher": ["shellcheck", "kazasu", ".ci/run"],
    "style": [str(BIN / "ruff"), "check", "--quiet"],
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet"],
    "imports": [str(BIN / "lint-imports")],
    "types": [str(BIN / "mypy")],
    "tests": [sys.executable, "-m", "pytest"],
}

MEASURING: list[str] = ["--cov", "--cov-report=term:skip-covered"]
"""What measures branches; a run of everything holds the floor of pyproject.toml."""

NO_FLOOR: list[str] = ["--cov-fail-under=0"]
"""What a part of the tests is measured with: the floor is that of all."""

SIDE_BY_SIDE: list[str] = ["-n", "auto", "--maxprocesses=4", "--dist", "loadfile", "--durations=25"]
"""What a run of everything adds: a file's tests stay together, since they share servers and the PC/SC service."""

PROVOKED: list[str] = ["--provoked"]
"""What a run of everything is asked besides: did each code and each reason really happen?"""

GROUPS: dict[str, tuple[str, ...]] = {
    "tests": ("tests",),
    "types": ("types",),
    "imports": ("imports",),
    "lint": ("launcher", "style", "format"),
}
"""What `--only` takes, and the checks that each name stands for."""


def run(name: str, command: list[str]) -> bool:
    """Run one check and return whether it passed."""
    print(f"── {name}", flush=True)  # noqa: T201  # this module is a command
    started = time.monotonic()
    passed = subprocess.run(command, check=False).returncode == 0
    print(f"   {'passed' if passed else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
    return passed


def chosen(only: str | None) -> list[str]:
    """Return the checks that are named, in their order; raise KeyError for a name that is none."""
    names = list(GROUPS) if only is None else only.split(",")
    wanted = {check for name in names for check in GROUPS[name]}
    return [check for check in CHECKS if check in wanted]


def main(arguments: list[str]) -> int:
    """Run the checks; return 0 when every one passed."""
    parser = argparse.ArgumentParser(prog="kazasu test", description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", metavar=",".join(GROUPS), help="run these alone")
    parser.add_argument(
        "--mutants", action="store_true", help="change the core, place by place: is it found? (one to two hours)"
    )
    parser.add_argument("--write-references", action="store_true", help="write docs/reference anew, and nothing else")
    parser.add_argument("--coverage", action="store_true", help="measure branches of a part, too")
    options, for_pytest = parser.parse_known_args(arguments)
    if options.mutants:
        from tests import mutants

        return mutants.run()
    if options.write_references:
        from tests import references

        references.write()
        return 0
    try:
        checks = chosen(options.only)
    except KeyError as unknown:
        parser.error(f"there is no check {unknown}; there are: {', '.join(GROUPS)}")
    whole = options.only is None and not for_pytest
    if whole or options.coverage:
        for_pytest += MEASURING + (SIDE_BY_SIDE + PROVOKED if whole else NO_FLOOR)
    results = {name: run(name, CHECKS[name] + for_pytest * (name == "tests")) for name in checks}
    failed = [name for name, passed in results.items() if not passed]
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
