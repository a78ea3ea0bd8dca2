"""The house: who may know whom is checked by import-linter; here, what an import drags in when it is really done."""

import subprocess
import sys

import pytest


def _imported_by(module: str) -> set[str]:
    """Return the top-level modules that are loaded after importing one in a fresh interpreter."""
    program = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("reader", {"smartcard", "textual", "ledger", "offline_queue"}),
        ("reader.jpki", {"smartcard", "textual"}),
        ("ledger.wire.client", {"fastapi", "sqlalchemy", "alembic", "uvicorn", "textual"}),
        ("offline_queue.sync", {"fastapi", "sqlalchemy", "textual", "reader", "smartcard"}),
        ("terminal.shell.app", {"fastapi", "sqlalchemy", "sqlite_utils", "httpx", "cryptography", "smartcard"}),
        (
            "terminal.counter",
            {"textual", "fastapi", "sqlalchemy", "sqlite_utils", "httpx", "cryptography", "smartcard"},
        ),
    ],
)
def test_an_import_brings_no_more_than_it_needs(module: str, unwanted: set[str]) -> None:
    """The counter paints before the heavy parts are loaded, and each part runs without those it must not know."""
    assert _imported_by(module) & unwanted == set()


def test_no_screen_is_loaded_before_it_is_opened() -> None:
    """The counter, which is always there, brings none of the others."""
    program = (
        "import sys, terminal.shell.app, terminal.screens.counter.screen; from terminal.shell.registry import SCREENS;"
        "print(*[row.name for row in SCREENS if row.module in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["counter"]
