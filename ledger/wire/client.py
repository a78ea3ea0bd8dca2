"""Speaks to the ledger: async, over a URL or over an ASGI application in the same process.

LedgerError
├── LedgerUnreachable   no answer: nobody knows whether it arrived, so ask again under the same id
├── LedgerBusy          not now: the same request may succeed after `retry_after` seconds
└── LedgerRefusal       a final word on the request as such, with its `problem`
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from ledger.wire.answers import Inquiry, InquiryResult, Problem, UploadResult, Verdict
from ledger.wire.canonical import canonical
from ledger.wire.entries import SignedEntry, Upload, entry_hash
from ledger.wire.setup import EnrolmentRequest, TerminalSetup
from ledger.wire.signing import sign
from ledger.wire.values import Message

IN_PROCESS = "http://ledger.invalid"
"""The base URL where the transport is an application in this process (RFC 6761: a name that never resolves)."""

_RETRY_AFTER = 5.0

M = TypeVar("M", bound=Message)


class LedgerError(Exception):
    """The ledger did not do what it was asked."""


class LedgerUnreachable(LedgerError):  # noqa: N818  # says what is the case, not what went wrong
    """No answer, or none that a ledger gives: nobody knows whether the request arrived."""


class LedgerBusy(LedgerError):  # noqa: N818  # as above
    """The ledger said "not now"; the same request may succeed after `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the ledger is busy; again in {retry_after:g} s")
        self.retry_after = retry_after


class LedgerRefusal(LedgerError):  # noqa: N818  # as above
    """The ledger's final word on a request as such; `problem.code` is stable."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.title}")
        self.problem = problem


class LedgerClient:
    """One terminal's way to its ledger; without a terminal it can enrol one, and see whether it is there."""

    def __init__(
        self,
        base_url: str = IN_PROCESS,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        terminal_id: str | None = None,
        key: Ed25519PrivateKey | None = None,
        timeout: float = 5.0,
        language: str = "ja",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._terminal_id = terminal_id
        self._key = key
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            timeout=timeout,
            headers={"Accept-Language": language, "User-Agent": "kazasu"},
            trust_env=transport is None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def enrol(self, code: str, public_key: Ed25519PublicKey) -> TerminalSetup:
        """Redeem a one-time code for a terminal id under which this key signs from now on."""
        raw = base64.b64encode(public_key.public_bytes_raw()).decode()
        return await self._ask(TerminalSetup, "POST", "/v1/enrolments", EnrolmentRequest(code=code, public_key=raw))

    async def setup(self) -> TerminalSetup:
        """Return all that the terminal must know to work, and where the ledger stands in its journal."""
        return await self._ask(TerminalSetup, "GET", "/v1/terminal")

    async def inquire(self, inquiry: Inquiry) -> InquiryResult:
        """Return a card's standing and balances, and a nonce."""
        return await self._ask(InquiryResult, "POST", "/v1/inquiries", inquiry)

    async def upload(self, entries: Sequence[SignedEntry]) -> UploadResult:
        """Upload consecutive journal entries, oldest first, and return what was decided of each operation.

        Raise ValueError where an entry would not go out as the bytes that were journaled.
        """
        for signed in entries:
            if entry_hash(signed.entry.canonical()) != signed.hash:
                raise ValueError(f"entry {signed.entry.operation_id} is not what was journaled")
        return await self._ask(UploadResult, "POST", "/v1/uploads", Upload(entries=list(entries)))

    async def operation(self, operation_id: str) -> Verdict | None:
        """Return the verdict on an operation of this terminal; None while the ledger has not seen it."""
        try:
            return await self._ask(Verdict, "GET", f"/v1/operations/{operation_id}")
        except LedgerRefusal as refusal:
            if refusal.problem.code == "operation_unknown":
                return None
            raise

    async def ready(self) -> bool:
        """Return whether the ledger answers and its stores do."""
        try:
            return (await self._http.get("/ready")).is_success
        except httpx.TransportError:
            return False

    async def _ask(self, answer: type[M], method: str, path: str, message: Message | None = None) -> M:
        # RFC 8785 of a whole contains RFC 8785 of its parts: a journal entry goes out as the bytes that were hashed.
        body = b"" if message is None else canonical(message.as_json())
        request = self._http.build_request(
            method, path, content=body, headers={"Content-Type": "application/json"} if body else None
        )
        if self._terminal_id is not None and self._key is not None:
            nonce = secrets.token_urlsafe(16)
            sign(request, body, terminal_id=self._terminal_id, key=self._key, at=self._clock(), nonce=nonce)
        try:
            response = await self._http.send(request)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise LedgerUnreachable(f"no answer to {method} {path}: {type(error).__name__}") from error
        if response.is_success:
            return _read(response, answer)
        raise _refusal(response)


def _read(response: httpx.Response, answer: type[M]) -> M:
    """Return the answer; whatever else answers in the ledger's place (a hotel's log-in page) is no answer."""
    try:
        return answer.model_validate_json(response.content)
    except ValidationError:
        raise LedgerUnreachable(f"the answer is not a {answer.__name__}") from None


def _refusal(response: httpx.Response) -> LedgerError:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return LedgerUnreachable(f"status {response.status_code} from something that is not the ledger")
    if not problem.retryable:
        return LedgerRefusal(problem)
    try:
        return LedgerBusy(max(0.0, float(response.headers.get("Retry-After", _RETRY_AFTER))))
    except ValueError:
        return LedgerBusy(_RETRY_AFTER)
