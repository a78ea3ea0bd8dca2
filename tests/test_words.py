"""One name, one thing: no two classes or named types share a name."""

import ast
from collections import defaultdict
from pathlib import Path

HOUSE = Path(__file__).parent.parent
PACKAGES = ("benchmarks", "config", "ledger", "offline_queue", "reader", "terminal")


def _defined() -> dict[str, list[str]]:
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


def test_one_name_means_one_thing() -> None:
    """A reader who finds a class by its name has found the only one of that name."""
    assert {name: places for name, places in _defined().items() if len(places) > 1} == {}
