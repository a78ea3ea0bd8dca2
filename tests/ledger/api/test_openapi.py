"""The API keeps to its own description, whatever an enrolled terminal or a stranger sends to it."""

from __future__ import annotations

import atexit
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.trust import Anchors
from ledger.api.app import create_app
from ledger.api.desk import Officer
from ledger.api.limits import RequestRate
from ledger.embedded import assemble
from ledger.place import Place
from ledger.wire.setup import Shop
from ledger.wire.signing import sign

SHOP = Shop(code="252034-0001", name="見本商店")


class Enrolled:
    """Signs whatever passes to an application, so that what is sent gets beyond the gate."""

    def __init__(self, app: ASGIApp, terminal_id: str, key: Ed25519PrivateKey) -> None:
        self._app = app
        self._terminal_id = terminal_id
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, signed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = httpx.URL(str(request.base_url)).copy_with(raw_path=target)
        signed = httpx.Request(request.method, url, headers=request.headers.items())
        nonce = secrets.token_urlsafe(16)
        sign(signed, body, terminal_id=self._terminal_id, key=self._key, at=datetime.now(UTC), nonce=nonce)

        async def again() -> Message:  # what ASGI calls
            return {"type": "http.request", "body": body}

        await self._app({**scope, "headers": signed.headers.raw}, again, send)


class Office:
    """Shows an office's token with whatever passes to an application."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {token}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with the token instead of whatever it brought."""
        headers = [header for header in scope.get("headers", ()) if header[0] != self._header[0]]
        await self._app({**scope, "headers": [*headers, self._header]}, receive, send)


def served(folder: Path) -> tuple[ASGIApp, ASGIApp, ASGIApp]:
    """Return a ledger's application as a stranger meets it, as an enrolled terminal does, and as an office does."""
    in_a_hurry = RequestRate(per_minute=1_000_000)
    ledger = replace(assemble(Place(folder), Anchors()), terminal_rate=in_a_hurry, office_rate=in_a_hurry)
    ledger.registry.add_shop(SHOP)
    key = Ed25519PrivateKey.generate()
    code = ledger.registry.new_enrolment_code(SHOP.code, datetime.now(UTC))
    terminal = ledger.registry.redeem_enrolment_code(code, key.public_key(), datetime.now(UTC))
    assert terminal is not None
    token = ledger.office.new_token(Officer("252034", "窓口"), ledger.today() + timedelta(days=1))
    app = create_app(ledger)
    return app, Enrolled(app, terminal.id, key), Office(app, token)


# No fixtures: those of schemathesis reach for what pytest 9 no longer has.
_FOLDER = TemporaryDirectory()
atexit.register(_FOLDER.cleanup)
STRANGER, ENROLLED, OFFICE = (
    schemathesis.openapi.from_asgi("/openapi.json", app) for app in served(Path(_FOLDER.name))
)

_CHECKS = schemathesis.checks
_BEYOND_A_SCHEMA = [
    # The signature is added after the case was made without it.
    _CHECKS.ignored_auth,
    _CHECKS.missing_required_header,
    _CHECKS.negative_data_rejection,
    # What is sealed or hashed cannot be made up.
    _CHECKS.positive_data_acceptance,
]
MODERATE = settings(max_examples=12, suppress_health_check=list(HealthCheck))


@STRANGER.parametrize()
@MODERATE
def test_a_stranger_gets_only_answers_that_are_described(case: schemathesis.Case[Any]) -> None:
    """Status, media type and schema of every answer are those of the document, and none is a server's failure."""
    case.call_and_validate()


@ENROLLED.parametrize()
@MODERATE
def test_a_terminal_gets_only_answers_that_are_described(case: schemathesis.Case[Any]) -> None:
    """The same beyond the gate."""
    case.call_and_validate(excluded_checks=_BEYOND_A_SCHEMA)


@OFFICE.include(path_regex="^/v1/office/").parametrize()
@MODERATE
def test_an_office_gets_only_answers_that_are_described(case: schemathesis.Case[Any]) -> None:
    """The same for whoever has a token: whatever is sent, nothing is half done and nothing fails."""
    case.call_and_validate(excluded_checks=_BEYOND_A_SCHEMA)
