"""Runs the benchmarks that are named, or all of them, one after the other: `./kazasu bench exchanges journal`.

A benchmark that misses its limit, or breaks, does not end the run: all tables are printed, and then the run fails.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback

import benchmarks


def main(wanted: list[str]) -> int:
    """Run each benchmark's `main()`, which prints its table; return 1 when a limit is missed, 2 when a name is none."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]
    if unknown := sorted(set(wanted) - set(known)):
        print(f"No benchmark {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    failed = {name: why for name in wanted or known if (why := _run(name)) is not None}
    for name, why in failed.items():
        print(f"FAILED: {name}: {why}", flush=True)
    return 1 if failed else 0


def _run(name: str) -> str | None:
    """Run one benchmark; return why it failed."""
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n## {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.main()
    except benchmarks.Missed as missed:
        return f"missed: {missed}"
    except Exception as broken:  # noqa: BLE001  # the outermost edge: the others still run
        traceback.print_exc()
        return f"broke: {type(broken).__name__}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
