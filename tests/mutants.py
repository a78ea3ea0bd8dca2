"""Changes the core, one place at a time, and says which changes no test finds: `./kazasu test --mutants`.

mutmut makes the changes and tries each against the tests that reach it; `[tool.mutmut]` in pyproject.toml says of which
modules and by which tests. A change that makes no difference, or only one that nobody relies on, is named here with the
reason. Of all others 95 in a hundred must be found.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

FLOOR = 95
"""How many in a hundred must be found."""

FOUND = {"killed", "timeout"}
"""What mutmut says of a change that the tests noticed: one failed, or did not end."""

AT_ONCE = 2
"""How many changes are tried side by side."""

SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|PRAGMA|CREATE|DROP|BEGIN|COMMIT|ROLLBACK|ORDER BY)\b")
STRING = re.compile(r"""f?"(?:[^"\\]|\\.)*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the function it is in, and the lines before and after."""

    name: str
    before: str
    after: str

    @property
    def module(self) -> str:
        """The module's file."""
        return self.name.partition(".x")[0].replace(".", "/") + ".py"


def _is_case_of_sql(change: Change) -> bool:
    return SQL.search(change.before) is not None and change.before.lower() == change.after.lower()


def _is_wording(change: Change) -> bool:
    """Return whether only the sentence of an error was changed, or left out."""
    if not change.before.startswith("raise "):
        return False
    emptied = {STRING.sub(text, change.before) for text in ('""', "None")}
    return STRING.sub('""', change.after) in emptied or change.after == "raise unreadable(None) from None"


def _is_of_the_log(change: Change) -> bool:
    return change.before.startswith("_log.")


def _is_never_reached(change: Change) -> bool:
    return re.fullmatch(r"(case _: )?assert_never\(.*\)", change.before) is not None


def _is_none_anyway(change: Change) -> bool:
    return re.fullmatch(r"case \w+(\(\))?:( #.*)? return None", change.before) is not None and not change.after


def _is_case_of_header(change: Change) -> bool:
    return "headers.get(" in change.before and change.before.lower() == change.after.lower()


RULES: dict[str, Callable[[Change], bool]] = {
    "SQL reads in any case": _is_case_of_sql,
    "a header field is found in any case": _is_case_of_header,
    "the wording of what a developer reads": _is_wording,
    "what a line of the log says": _is_of_the_log,
    "a function that falls through returns None too": _is_none_anyway,
    "the type checker has proved that nothing comes here": _is_never_reached,
}
"""Why a change is of no interest, and how it is known."""

_AT_IMPORT = "it makes a row of a table when its module is read, before a change can begin to count"
AT_IMPORT = {"_time_out", "always", "escape"}
"""Functions that are called while modules are read, and never again; the page of the states checks what they make."""

NAMED: dict[tuple[str, str], str] = {
    (
        "_priced",
        "known.books.stamped(leg.programme, versions.get(leg.programme, None), placed),",
    ): "no version is 0 either",
    ("_priced", "known.books.stamped(leg.programme, versions.get(leg.programme, ), placed),"): "no version is 0 either",
    ("Wallet.live", "return sorted(lots, key=_order) if (len(lots) > 1) or True else lots"): "only quicker",
    ("Wallet.live", "return sorted(lots, key=_order) if len(lots) >= 1 else lots"): "only quicker",
    ("RefusedOperation.__init__", "super().__init__(None)"): "the wording of what a developer reads",
    ("_award", "if earnable(programme, work.wallet, None) is not None:"): "there is a limit on every day or on none",
    ("key_bytes_of", "return numbers.n.to_bytes((key.key_size + 7) // 8, )[:KEY_BYTES]"): "big is the default",
    ("key_bytes_of", "return key.public_numbers().x.to_bytes((key.key_size + 7) // 8, )[:KEY_BYTES]"): (
        "big is the default"
    ),
    ("verify", "raise SignatureError(None) from invalid"): "the wording of what a developer reads",
    ("_redeemable", "return GrantedLeg(0, barred and Reason.NOT_USABLE_HERE)"): "no shop takes what cannot be redeemed",
    (
        "_undoable",
        "if undoing is None and undone is None or undoing.name not in undone.undone_by:",
    ): "what undoes is known",
    ("AwardReason.period", "return f\"FY{int(day[:4]) - (day[5:8] < '04')}\""): "the hyphen decides no comparison",
    ("_moment", "return datetime.fromtimestamp(seconds, UTC) if (isinstance(seconds, int)) or True else None"): (
        "the library has refused what is no whole number"
    ),
    (
        "verify",
        "request, expect_tag=_TAG, require_components=_COVERED, body=body",
    ): "the age is not the library's to check",
    ("verify", "raise SignatureError(str(None)) from invalid"): "the wording of what a developer reads",
}
"""Single changes: by function and the line as it was changed, why none of the tests can or need find it."""


def run() -> int:
    """Try all changes and print what was found; return 0 where that is enough."""
    started = time.monotonic()
    shutil.rmtree("mutants", ignore_errors=True)  # what an earlier run found may be of other tests
    if subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", str(AT_ONCE)], check=False).returncode:
        return 1
    outcomes = dict(_outcomes())
    missed = [_change(name) for name, outcome in outcomes.items() if outcome not in FOUND]
    reasons = {change.name: why for change in missed if (why := reason(change)) is not None}
    left = [change for change in missed if change.name not in reasons]
    for change in left:
        print(f"{change.name}\n  - {change.before}\n  + {change.after}")  # noqa: T201  # a command
    total = Counter(module_of(name) for name in outcomes)
    named = Counter(module_of(name) for name in reasons)
    survived = Counter(change.module for change in left)
    rows = [(file, total[file], named[file], survived[file]) for file in sorted(total)]
    rows.append(("all", len(outcomes), len(reasons), len(left)))
    for line in table(rows):
        print(line)  # noqa: T201
    print(f"{(time.monotonic() - started) / 60:.0f} minutes.")  # noqa: T201
    return verdict(*rows[-1][1:])


def verdict(total: int, named: int, survived: int) -> int:
    """Print whether enough was found, and return the exit code that says so."""
    counted = total - named
    share = 100 * (counted - survived) / counted if counted else 0.0
    enough = share >= FLOOR
    said = "enough" if enough else f"too few: {FLOOR} in a hundred are wanted"
    print(f"Of {counted} changes {share:.1f} % were found, which is {said}.")  # noqa: T201
    return 0 if enough else 1


def table(rows: Iterable[tuple[str, int, int, int]]) -> Iterator[str]:
    """Yield the figures of each module."""
    yield f"{'':40} {'changes':>8} {'found':>6} {'named':>6} {'missed':>6}"
    for file, total, named, survived in rows:
        yield f"{file:40} {total:8} {total - named - survived:6} {named:6} {survived:6}"


def reason(change: Change) -> str | None:
    """Return why a change need not be found, None where it must."""
    function = change.name.rpartition("__mutmut_")[0].rpartition(".x")[2]
    function = function.removeprefix("_").strip("ǁ").replace("ǁ", ".")
    if function in AT_IMPORT:
        return _AT_IMPORT
    single = NAMED.get((function, change.after))
    return single or next((why for why, holds in RULES.items() if holds(change)), None)


def module_of(name: str) -> str:
    """Return the file of the module that a change is in."""
    return Change(name, "", "").module


def _outcomes() -> Iterator[tuple[str, str]]:
    """Yield each change and what became of it."""
    results = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all", "true"], check=True, capture_output=True, text=True
    )
    for line in results.stdout.splitlines():
        name, _, outcome = line.strip().rpartition(": ")
        if name:
            yield name, outcome


def _change(name: str) -> Change:
    shown = subprocess.run([sys.executable, "-m", "mutmut", "show", name], check=True, capture_output=True, text=True)
    return read(name, shown.stdout)


def read(name: str, diff: str) -> Change:
    """Return a change as its diff says it, without indentation."""
    before, after = (
        " ".join(
            line[1:].strip() for line in diff.splitlines() if re.match(rf"{re.escape(sign)}(?!{re.escape(sign)})", line)
        )
        for sign in "-+"
    )
    return Change(name, before, after)
