"""Shops to break things in: copies of one in which practice mode was opened once."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable

import pytest

from tests.faults.shop import HOLDER, Shop

OpenShop = Callable[[], Shop]
"""Opens one more shop, in which nothing was sold yet."""


@pytest.fixture(scope="session")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> OpenShop:
    """Return a function that opens a shop."""
    folder = tmp_path_factory.mktemp("shops")
    Shop(folder / "first")("op", "balance", "--card", HOLDER)
    numbers = itertools.count()
    return lambda: Shop(shutil.copytree(folder / "first", folder / str(next(numbers))))


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """Return a shop in which nothing was sold yet."""
    return open_shop()


@pytest.fixture(scope="session")
def every_byte(request: pytest.FixtureRequest) -> bool:
    """Return whether messages are cut at each of their bytes: `--every-byte`."""
    return bool(request.config.getoption("--every-byte"))
