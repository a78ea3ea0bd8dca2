"""Speaks to the ledger: async, over a URL or over an ASGI application in the same process.

Every answer bears the ledger's signature, and only what verifies under a key that this terminal knows is an answer.
Problems are not signed: none of them is a verdict, and one that would stop a terminal is compared again first.

LedgerError                 carries `code`, which is stable
├── LedgerUnreachable       the line: no answer; nobody knows whether it arrived, so ask again under the same id
│   └── LedgerUntrusted     something answered that does not bear the ledger's signature
├── LedgerBusy              the ledger's inside: the same request may succeed after `retry_after` seconds
│   ├── NonceExpired        the nonce of an inquiry had ended; carries a fresh one
│   └── LedgerBehind        it knows that it forgot part of the journal; carries the `problem` with its head
└── LedgerRefusal           a final word on the request as such, with its `problem`
    └── LedgerMismatch      the ledger that answers is not the one of the enrolment code
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from config import __version__
from config.errors import KnownError
from ledger.wire.answers import (
    Decision,
    Inquiry,
    InquiryResult,
    Problem,
    SignedAnswer,
    SignedStatement,
    UploadBody,
    UploadResult,
    Verdict,
)
from ledger.wire.canonical import canonical
from ledger.wire.codes import EnrolmentCode, key_print
from ledger.wire.entries import SetAside, SignedEntry, Upload, entry_hash
from ledger.wire.setup import EnrolmentRequest, LedgerKeys, TerminalSetup
from ledger.wire.signing import sign
from ledger.wire.sisters import SisterOperation
from ledger.wire.statements import is_answer_to, trusted_keys
from ledger.wire.values import Message

IN_PROCESS: Final = "http://ledger.invalid"
"""The base URL where the transport is an application in this process (RFC 6761: a name that never resolves)."""

MAX_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of an answer at most: 500 verdicts are under one megabyte."""

PROBE_SECONDS: Final = 2.0
"""How long a probe of the line may take."""

_RETRY_AFTER: Final = 5.0
_LONGEST_RETRY: Final = 120.0
"""Seconds: problems are not signed, so none may silence a terminal for long."""

M = TypeVar("M", bound=Message)


class LedgerError(KnownError):
    """The ledger did not do what it was asked."""

    code = "ledger_failed"

    @property
    def data(self) -> dict[str, str | int]:
        """Nothing: what a ledger says is not repeated."""
        return {}


class LedgerUnreachable(LedgerError):  # noqa: N818  # says what is the case, not what went wrong
    """No answer, or none that a ledger gives: it is not known whether the request arrived."""

    code = "line_down"

    @property
    def spoken_code(self) -> str:
        """Where somebody waits for the answer, it cannot be said that it will be sent later."""
        return "line_needed" if type(self) is LedgerUnreachable else self.code


class LedgerUntrusted(LedgerUnreachable):
    """The answer does not bear the ledger's signature, so it is not believed."""

    code = "answer_untrusted"


class LedgerBusy(LedgerError):  # noqa: N818  # as above
    """The ledger said "not now"; the same request may succeed after `retry_after` seconds."""

    code = "ledger_busy"

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the ledger is busy; again in {retry_after:g} s")
        self.retry_after = retry_after


class LedgerBehind(LedgerBusy):
    """The ledger knows by its own signature that it forgot entries: they are to be sent again from its head."""

    code = "ledger_behind"

    def __init__(self, retry_after: float, problem: Problem) -> None:
        super().__init__(retry_after)
        self.problem = problem


class NonceExpired(LedgerBusy):  # as above
    """The nonce of an inquiry had ended; carries the fresh `nonce`, and its end, to prove the reading with."""

    code = "nonce_expired"

    def __init__(self, retry_after: float, problem: Problem) -> None:
        super().__init__(retry_after)
        said = problem.model_extra or {}
        self.nonce = str(said.get("nonce", ""))
        self.nonce_expires_at = str(said.get("nonce_expires_at", ""))


class LedgerRefusal(LedgerError):  # noqa: N818  # as above
    """The ledger's final word on a request as such; `problem.code` is stable."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.title}")
        self.problem = problem
        self.code = problem.code

    @property
    def is_clock(self) -> bool:
        """Whether this machine's clock is all that is wrong: the same counts once that is right."""
        return self.code == "clock_skewed"


class LedgerMismatch(LedgerRefusal):
    """The ledger that answers is not the one that the enrolment code is of."""

    def __init__(self) -> None:
        super().__init__(Problem(title="another ledger", status=403, code="ledger_mismatch"))


class LedgerClient:
    """One terminal's way to its ledger; without a terminal it can enrol one, and see whether it is there.

    `pinned` are the ledger's signing keys that the terminal knows (raw, base64). A terminal of release 0.1.0 knows
    none: it trusts the first answer's keys, once, on a way that is guarded. `timeout` is for a whole answer.
    """

    def __init__(
        self,
        base_url: str = IN_PROCESS,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        terminal_id: str | None = None,
        key: Ed25519PrivateKey | None = None,
        pinned: Collection[str] = (),
        timeout: float = 5.0,
        language: str = "ja",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._terminal_id = terminal_id
        self._key = key
        self._pinned = frozenset(pinned)
        self._may_pin = is_guarded(base_url)
        self._timeout = timeout
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            timeout=None,  # noqa: S113  # one deadline for the whole stands around each exchange
            # Not compressed: a small answer could unpack to any size.
            headers={"Accept-Language": language, "User-Agent": f"kazasu/{__version__}", "Accept-Encoding": "identity"},
            trust_env=transport is None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def pinned(self) -> frozenset[str]:
        """The keys under which an answer is the ledger's, for this terminal."""
        return self._pinned

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def enrol(self, code: str, public_key: Ed25519PublicKey) -> TerminalSetup:
        """Redeem a one-time code for a terminal id under which this key signs from now on.

        The code names the ledger's signing key: nothing of its secret goes out to any other ledger. Raise LedgerRefusal
        `enrolment_code_wrong` where the code was mistyped, LedgerMismatch where another ledger answers.
        """
        asked = EnrolmentCode.read(code)
        if asked is None:
            raise LedgerRefusal(Problem(title="mistyped", status=403, code="enrolment_code_wrong"))
        named = {each for each in (await self.keys()).signing_keys if key_print(each) == asked.key_print}
        if not named:
            raise LedgerMismatch
        raw, nonce = base64.b64encode(public_key.public_bytes_raw()).decode(), secrets.token_urlsafe(16)
        request = EnrolmentRequest(code=asked.secret, public_key=raw, nonce=nonce)
        answer = _signed(await self._exchange("POST", "/v1/enrolments", request, nonce))
        if not is_answer_to(answer, answer.signed.statement.terminal_id, nonce, named):
            raise LedgerMismatch
        self._pinned = frozenset(named)
        return self._pin(_read(answer, TerminalSetup))

    async def keys(self) -> LedgerKeys:
        """Return which keys the ledger that answers claims; nothing vouches for them yet."""
        content = await self._exchange("GET", "/v1/keys", None, secrets.token_urlsafe(16))
        try:
            return LedgerKeys.model_validate_json(content, extra="ignore")
        except ValidationError:
            raise LedgerUnreachable("these are no keys of a ledger") from None

    async def setup(self) -> TerminalSetup:
        """Return all that the terminal must know to work, and where the ledger stands in its journal.

        From then on the keys count that it lists.
        """
        if not self._pinned:
            return await self._first_setup()
        return self._pin(_read(await self._ask("GET", "/v1/terminal"), TerminalSetup))

    async def inquire(self, inquiry: Inquiry) -> InquiryResult:
        """Return a card's standing and balances, and a nonce."""
        return _read(await self._ask("POST", "/v1/inquiries", inquiry), InquiryResult)

    async def upload(
        self,
        entries: Sequence[SignedEntry],
        *,
        set_aside: Sequence[SetAside] = (),
        answers: Sequence[SignedStatement] = (),
    ) -> UploadResult:
        """Upload consecutive journal entries, oldest first, and return what was decided of each operation.

        Raise ValueError where an entry would not go out as the bytes that were journaled.
        """
        for signed in entries:
            if entry_hash(signed.entry.canonical()) != signed.hash:
                raise ValueError(f"entry {signed.entry.operation_id} is not what was journaled")
        more: dict[str, Any] = {
            name: list(values) for name, values in (("set_aside", set_aside), ("answers", answers)) if values
        }
        answer = await self._ask("POST", "/v1/uploads", Upload(entries=list(entries), **more))
        statement, body = answer.signed.statement, _read(answer, UploadBody)
        if len(body.after) != len(statement.verdicts):
            raise LedgerUntrusted("the verdicts and the rest do not belong together")
        return UploadResult(
            decisions=[
                Decision(verdict=verdict, balances=after.balances, contact_number=after.contact_number)
                for verdict, after in zip(statement.verdicts, body.after, strict=True)
            ],
            head_seq=statement.head_seq,
            head_hash=statement.head_hash,
            signed=answer.signed,
        )

    async def operation(self, operation_id: str) -> Verdict | None:
        """Return the verdict on an operation of this terminal; None while the ledger has not seen it."""
        answer = await self._about(operation_id)
        return None if answer is None else _verdict_on(operation_id, answer)

    async def sister_operation(self, operation_id: str) -> tuple[SisterOperation, Verdict] | None:
        """Return an operation of another terminal of the shop, with its verdict; None where the ledger has none."""
        answer = await self._about(operation_id)
        return None if answer is None else (_read(answer, SisterOperation), _verdict_on(operation_id, answer))

    async def _about(self, operation_id: str) -> SignedAnswer | None:
        try:
            return await self._ask("GET", f"/v1/operations/{operation_id}")
        except LedgerRefusal as refusal:
            if refusal.problem.code == "operation_unknown":
                return None
            raise

    async def pack(self, have: int | None = None) -> bytes:
        """Return what may be redeemed here without a line, as it travels (`ledger.wire.pack`): since a pack, or all."""
        path = "/v1/pack" if have is None else f"/v1/pack?have={have}"
        return await self._exchange("GET", path, None, secrets.token_urlsafe(16))

    async def ready(self) -> bool:
        """Return whether the ledger answers and its stores do."""
        return await self._is_there("/ready", self._timeout)

    async def probe(self) -> bool:
        """Return whether something that speaks like a ledger answers, within two seconds; nothing is asked of it."""
        return await self._is_there("/health", min(PROBE_SECONDS, self._timeout))

    async def _is_there(self, path: str, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.send(self._http.build_request("GET", path), stream=True)
                content = await _content(response)
        except (TimeoutError, LedgerError, httpx.TransportError):
            return False
        return response.is_success and b'"status"' in content

    async def _first_setup(self) -> TerminalSetup:
        """Take the keys of the ledger that answers first, where the way to it is guarded."""
        if not self._may_pin:
            raise LedgerUntrusted("this terminal knows no key of its ledger, and the way to it is not guarded")
        answer, nonce = await self._fetch("GET", "/v1/terminal")
        setup = _read(answer, TerminalSetup)
        if not is_answer_to(answer, self._terminal_id or setup.terminal_id, nonce, setup.signing_keys):
            raise LedgerUntrusted("the first answer is not signed by the keys that it lists")
        return self._pin(setup)

    def _pin(self, setup: TerminalSetup) -> TerminalSetup:
        if not setup.signing_keys:
            raise LedgerUntrusted("the ledger lists no key")
        self._pinned = frozenset(setup.signing_keys)
        return setup

    async def _ask(self, method: str, path: str, message: Message | None = None) -> SignedAnswer:
        """Return the ledger's answer, verified."""
        if not self._pinned:
            await self._first_setup()
        answer, nonce = await self._fetch(method, path, message)
        if answer.signed.key not in self._pinned:
            self._pinned |= trusted_keys(self._pinned, await self.keys())
        if not is_answer_to(answer, self._terminal_id or "", nonce, self._pinned):
            raise LedgerUntrusted(f"the answer to {method} {path} does not verify")
        return answer

    async def _fetch(self, method: str, path: str, message: Message | None = None) -> tuple[SignedAnswer, str]:
        nonce = secrets.token_urlsafe(16)
        return _signed(await self._exchange(method, path, message, nonce)), nonce

    async def _exchange(self, method: str, path: str, message: Message | None, nonce: str) -> bytes:
        # RFC 8785 of a whole contains RFC 8785 of its parts: a journal entry goes out as the bytes that were hashed.
        body = b"" if message is None else canonical(message.as_json())
        request = self._http.build_request(
            method, path, content=body, headers={"Content-Type": "application/json"} if body else None
        )
        if self._terminal_id is not None and self._key is not None:
            sign(request, body, terminal_id=self._terminal_id, key=self._key, at=self._clock(), nonce=nonce)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.send(request, stream=True)
                content = await _content(response)
        except (TimeoutError, httpx.TransportError) as error:
            raise LedgerUnreachable(f"no answer to {method} {path}: {type(error).__name__}") from error
        if response.is_success:
            return content
        raise _refusal(response, content)


def is_guarded(url: str) -> bool:
    """Return whether the way to a URL cannot be listened to: TLS, this machine, or this process."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https" or url == IN_PROCESS:
        return True
    try:
        return parsed.host == "localhost" or ip_address(parsed.host).is_loopback
    except ValueError:
        return False


async def _content(response: httpx.Response) -> bytes:
    """Return what an answer holds, up to a size; raise LedgerUnreachable beyond it."""
    parts = bytearray()
    try:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise LedgerUnreachable("the answer is compressed, which no ledger's is")
        async for part in response.aiter_bytes():
            parts += part
            if len(parts) > MAX_ANSWER:
                raise LedgerUnreachable("the answer is too large for a ledger's")
    finally:
        await response.aclose()
    return bytes(parts)


def _signed(content: bytes) -> SignedAnswer:
    """Return the answer; anything else, such as a hotel's log-in page, raises LedgerUnreachable."""
    try:
        return SignedAnswer.model_validate_json(content)
    except ValidationError:
        raise LedgerUnreachable("the answer is not a ledger's") from None


def _read(answer: SignedAnswer, kind: type[M]) -> M:
    """Return an answer's body; fields of a newer ledger are not looked at."""
    try:
        return kind.model_validate(answer.body, extra="ignore")
    except ValidationError:
        raise LedgerUnreachable(f"the answer is not a {kind.__name__}") from None


def _refusal(response: httpx.Response, content: bytes) -> LedgerError:
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        return LedgerUnreachable(f"status {response.status_code} from something that is not the ledger")
    if response.status_code < httpx.codes.BAD_REQUEST:
        return LedgerUnreachable(f"a redirection ({response.status_code}), which no ledger answers with")
    if not problem.retryable:
        return LedgerRefusal(problem)
    retry_after = _retry_after(response)
    match problem.code:
        case LedgerBehind.code:
            return LedgerBehind(retry_after, problem)
        case NonceExpired.code:
            return NonceExpired(retry_after, problem)
        case _:
            return LedgerBusy(retry_after)


def _retry_after(response: httpx.Response) -> float:
    try:
        seconds = float(response.headers.get("Retry-After", _RETRY_AFTER))
    except ValueError:
        return _RETRY_AFTER
    return min(_LONGEST_RETRY, max(0.0, seconds)) if seconds == seconds else _RETRY_AFTER  # NaN


def _verdict_on(operation_id: str, answer: SignedAnswer) -> Verdict:
    match answer.signed.statement.verdicts:
        case [verdict] if verdict.operation_id == operation_id:
            return verdict
        case _:
            raise LedgerUntrusted(f"the answer is not about {operation_id}")
