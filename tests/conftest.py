"""What every test of the suite may ask for."""

import pytest
from hypothesis import settings

# The same examples on every machine, however slow; `./kazasu test --hypothesis-profile=explore` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("repeatable")

pytest_plugins = ["tests.pcsc", "tests.provoked", "tests.terminal.screens.pictures"]


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop that the product runs on."""
    return "asyncio"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a town be played for longer, messages be cut at every byte, and pictures of screens be written."""
    parser.addoption("--town-days", type=int, default=500, help="days that the simulated town is played for")
    parser.addoption("--every-byte", action="store_true", help="cut messages at each of their bytes")
    parser.addoption("--write-pictures", action="store_true", help="write the pictures of screens anew")
