"""Runs every check of the project, one after the other, and says at the end which failed.

Arguments are handed to pytest: `./kazasu test -k journal`.
"""

from __future__ import annotations

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


def run(name: str, command: list[str]) -> bool:
    """Run one check and return whether it passed."""
    print(f"── {name}", flush=True)  # noqa: T201  # this module is a command
    started = time.monotonic()
    passed = subprocess.run(command, check=False).returncode == 0
    print(f"   {'passed' if passed else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
    return passed


def main(arguments: list[str]) -> int:
    """Run all checks; return 0 when every one passed."""
    results = {name: run(name, command + arguments * (name == "tests")) for name, command in CHECKS.items()}
    failed = [name for name, passed in results.items() if not passed]
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
