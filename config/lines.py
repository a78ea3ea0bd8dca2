"""Finds the line of a TOML text on which a key stands: the standard library's parser keeps no positions."""

from __future__ import annotations

import re
from collections.abc import Sequence

KeyPath = str | int
"""A table's key, or a place in an array."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_ASSIGNED = re.compile(r"\s*([\w.\"'-]+)\s*=")


def line_of(text: str, keys: Sequence[KeyPath]) -> int:
    """Return the line of a key, or of the innermost thing around it that stands on a line of its own."""
    table: list[KeyPath] = []
    seen: dict[tuple[KeyPath, ...], int] = {}
    best, line = 0, 1
    for number, words in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(words):
            table = found = _opened(_parts(header[2]), is_array=header[1] == "[[", seen=seen)
        elif assigned := _ASSIGNED.match(words):
            found = [*table, *_parts(assigned[1])]
        else:
            continue
        if best < len(found) and found == list(keys[: len(found)]):
            best, line = len(found), number
    return line


def line_of_error(error: Exception, text: str) -> int:
    """Return the line on which a text stops being TOML."""
    line = re.search(r"at line (\d+)", str(error))
    return int(line[1]) if line else text.count("\n") + 1


def _opened(names: list[str], *, is_array: bool, seen: dict[tuple[KeyPath, ...], int]) -> list[KeyPath]:
    """Return where a header leads: under the name of an array, its newest table is meant."""
    path: list[KeyPath] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        if is_array and depth == len(names):
            seen[tuple(path)] = seen.get(tuple(path), -1) + 1
        if (newest := seen.get(tuple(path))) is not None:
            path.append(newest)
    return path


def _parts(dotted: str) -> list[str]:
    return [part.strip(" \"'") for part in dotted.split(".")]
