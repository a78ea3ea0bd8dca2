"""What every test of the suite may ask for."""

import pytest

pytest_plugins = ["tests.pcsc"]


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop that the product runs on."""
    return "asyncio"
