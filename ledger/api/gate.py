"""Lets requests in: a terminal's by its signature, once and in time; the office's by its token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from ledger.api.desk import Officer, Scope
from ledger.api.nonces import MAX_SKEW
from ledger.api.problems import ProblemError
from ledger.api.state import Ledger, LedgerHere
from ledger.points.registry import Terminal
from ledger.wire.signing import SignatureError, signer, verify

TERMINAL_CODES: Final = (
    "signature_wrong",
    "terminal_withdrawn",
    "clock_skewed",
    "request_replayed",
    "too_many_requests",
)
"""What every request of a terminal may be refused with."""

OFFICE_CODES: Final = ("token_wrong", "scope_wrong", "too_many_requests")
"""What every request of an office may be refused with."""

_signature = APIKeyHeader(
    name="Signature-Input",
    scheme_name="terminal",
    description="RFC 9421: Ed25519 over @method, @authority, @path, @query and content-digest, tagged `kazasu`.",
    auto_error=False,
)
_bearer = HTTPBearer(scheme_name="office", auto_error=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """The terminal that signed a request, the nonce of its signature, and when the request arrived."""

    terminal: Terminal
    nonce: str
    arrived: datetime


async def _terminal(request: Request, ledger: LedgerHere, _: Annotated[str | None, Security(_signature)]) -> Caller:
    return await run_in_threadpool(_admit, ledger, request, await request.body())


def _admit(ledger: Ledger, request: Request, body: bytes) -> Caller:
    """Return the terminal that signed a request."""
    try:
        # Before the verification, which takes any error of a look-up for a wrong signature.
        named = signer(request)
        terminal = ledger.registry.terminal(named)
        if terminal is None:
            raise ProblemError("terminal_withdrawn" if ledger.registry.is_withdrawn(named) else "signature_wrong")
        signed = verify(request, body, {terminal.id: terminal.public_key}.get)
    except SignatureError:
        raise ProblemError("signature_wrong") from None
    now = ledger.clock()
    if abs(now - signed.created) > MAX_SKEW or (signed.expires is not None and signed.expires < now):
        raise ProblemError("clock_skewed", {"server_time": now.isoformat(timespec="seconds")})
    ledger.terminal_rate.admit(signed.terminal_id, now.timestamp())
    if not ledger.replays.is_new(signed.terminal_id, signed.nonce, now, expires=signed.created + 2 * MAX_SKEW):
        raise ProblemError("request_replayed")
    return Caller(terminal, signed.nonce, now)


SigningTerminal = Annotated[Caller, Depends(_terminal)]
"""The terminal that signed the request."""


def _officer(ledger: LedgerHere, bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> Officer:
    officer = None if bearer is None else ledger.office.officer(bearer.credentials, ledger.today())
    if officer is None:
        raise ProblemError("token_wrong", headers={"WWW-Authenticate": "Bearer"})
    ledger.office_rate.admit(f"{officer.municipality} {officer.who}", ledger.clock().timestamp())
    return officer


def _bearing(scope: Scope) -> Callable[[Officer], Officer]:
    def officer(officer: Annotated[Officer, Depends(_officer)]) -> Officer:
        if scope not in officer.scopes:
            raise ProblemError("scope_wrong", {"scope": scope})
        return officer

    return officer


ReaderHere = Annotated[Officer, Depends(_bearing(Scope.READ))]
"""Who reads for a municipality's office, by a bearer token of that scope."""

AwarderHere = Annotated[Officer, Depends(_bearing(Scope.AWARD))]
"""Who awards for a municipality's office."""

ApproverHere = Annotated[Officer, Depends(_bearing(Scope.APPROVE))]
"""Who approves for a municipality's office."""

OperatorHere = Annotated[Officer, Depends(_bearing(Scope.OPERATE))]
"""Who looks after shops, terminals and residents for a municipality's office."""

IssuerHere = Annotated[Officer, Depends(_bearing(Scope.TOKENS))]
"""Who gives tokens out for a municipality's office."""
