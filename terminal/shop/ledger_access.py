"""Reaches a ledger by its URL, or opens the one in this process: the only module that sees more than the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.errors import KnownError
from config.home import Home
from config.trust import Anchors
from ledger.place import CannotOpen
from ledger.wire.client import IN_PROCESS, LedgerClient, is_guarded

__all__ = ["EMBEDDED", "CannotOpen", "PlainHttp", "make_practice_ledger", "open_client"]

EMBEDDED = "embedded"
"""Names the ledger in this process, whose data lie in the home's `ledger` directory."""


class PlainHttp(KnownError):  # noqa: N818  # says what is the case
    """The way to a ledger is not guarded: neither TLS nor this machine itself. Carries its `url`."""

    code = "plain_http"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@asynccontextmanager
async def open_client(
    home: Home,
    ledger: str,
    *,
    terminal_id: str | None = None,
    key: Ed25519PrivateKey | None = None,
    pinned: Collection[str] = (),
    wait_seconds: float = 5.0,
    language: str = "ja",
    plain_http: bool = False,
) -> AsyncIterator[LedgerClient]:
    """Yield a client of the ledger; one in this process is opened here, and CannotOpen raised where it cannot be.

    Raise PlainHttp where somebody could stand in between, unless the settings allow it.
    """
    transport = None
    if ledger != EMBEDDED and not plain_http and not is_guarded(ledger):
        raise PlainHttp(ledger)
    if ledger == EMBEDDED:
        from ledger.embedded import open_ledger  # a whole server: only where it runs here

        transport = httpx.ASGITransport(open_ledger(home.ledger, anchors=Anchors.load(home.anchors)))
    async with LedgerClient(
        IN_PROCESS if ledger == EMBEDDED else ledger,
        transport=transport,
        terminal_id=terminal_id,
        key=key,
        pinned=pinned,
        timeout=wait_seconds,
        language=language,
    ) as client:
        yield client


def make_practice_ledger(home: Home, cards: Iterable[tuple[str, bytes]]) -> str:
    """Make the ledger of a practice home and return a code to enrol with; `cards` are names and certificates."""
    from ledger.practice import prepare  # a whole ledger: only the first time

    return prepare(home.ledger, cards)
