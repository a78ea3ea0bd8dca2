"""A ledger in a process of its own, served over HTTP on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.pcsc import until

ROOT = Path(__file__).parents[1]
KAZASU = [sys.executable, "-m", "terminal"]


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve the ledger of a directory in another process, and yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--directory", str(directory), "--anchors", str(directory / "anchors"), "serve", "--port", str(port)]
    with subprocess.Popen([*KAZASU, "ledger", *options], cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: _ready(port), patience=60)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready").is_success
    except httpx.TransportError:
        return False
