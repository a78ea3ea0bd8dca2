"""One name, one thing: no two classes share a name, and the glossary names the classes that it explains."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PACKAGES = ("benchmarks", "config", "ledger", "offline_queue", "reader", "terminal")

SHARED: dict[str, str] = {
    "NoCard": "",
}
"""Names that two classes may share, and why."""


def _classes() -> dict[str, list[str]]:
    """Return where each public class, and each named type, is defined."""
    found = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((HOUSE / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                name = node.name if isinstance(node, ast.ClassDef) else _named_type(node)
                if name is not None and name[0] != "_":
                    found[name].append(str(path.relative_to(HOUSE)))
    return found


def _named_type(node: ast.stmt) -> str | None:
    """Return the name of `Name = A | B`, `Name = Literal[…]` or `Name = Annotated[…]`; None of anything else."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.BitOr())):
            return name
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(value=ast.Name(id="Literal" | "Annotated"))):
            return name
        case _:
            return None
