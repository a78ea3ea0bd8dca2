"""One name, one thing: no two classes or named types share a name, and the glossary knows them by it."""

import ast
import re
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
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=of)) if name[0].isupper() and of[0].isupper():
            return name
        case _:
            return None


def test_one_name_means_one_thing() -> None:
    """A reader who finds a class by its name has found the only one of that name."""
    assert {name: places for name, places in _defined().items() if len(places) > 1} == {}


def _named() -> set[str]:
    """Return what the column *code* of the glossary names."""
    page = (HOUSE / "docs" / "glossary.md").read_text(encoding="utf-8")
    cells = [line.rsplit("|", 2)[1] for line in page.splitlines() if line.startswith("|")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_glossary_names_what_is_in_the_code() -> None:
    """A class that is renamed, or a word that the code no longer uses, is found by the page that explains it."""
    said = "".join(path.read_text(encoding="utf-8") for each in PACKAGES for path in (HOUSE / each).rglob("*.py"))
    known = set(re.findall(r"\w+", said))
    classes = {name for name in _named() if name[0].isupper() and not name.isupper()}
    missing = (classes - set(_defined())) | (_named() - known)
    assert len(_named()) > 60
    assert missing == set()
