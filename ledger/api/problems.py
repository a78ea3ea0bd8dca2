"""What the ledger says when it does not do what was asked: RFC 9457 problem details with stable codes.

A code's sentences, in Japanese and English, are the texts `error-<code>`; its status, and whether the same request may
succeed later, stand in the table here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from config.texts import LANGUAGES, Lang, Texts
from ledger.wire.answers import Problem

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """The HTTP status of a code, and whether the same request may succeed later."""

    status: int
    retryable: bool = False


KINDS: Final[Mapping[str, ProblemKind]] = {
    "request_malformed": ProblemKind(422),
    "request_too_large": ProblemKind(413),
    "request_slow": ProblemKind(408, retryable=True),
    "signature_wrong": ProblemKind(401),
    "terminal_withdrawn": ProblemKind(403),
    "clock_skewed": ProblemKind(401),
    "request_replayed": ProblemKind(401),
    "token_wrong": ProblemKind(401),
    "enrolment_code_wrong": ProblemKind(403),
    "key_weak": ProblemKind(422),
    "office_mismatch": ProblemKind(403),
    "scope_wrong": ProblemKind(403),
    "scopes_apart": ProblemKind(409),
    "person_elsewhere": ProblemKind(403),
    "renewal_asked": ProblemKind(409),
    "renewal_waits": ProblemKind(409),
    "award_file_unknown": ProblemKind(404),
    "award_file_late": ProblemKind(409),
    "approval_own": ProblemKind(403),
    "terminal_mismatch": ProblemKind(403),
    "not_found": ProblemKind(404),
    "method_not_allowed": ProblemKind(405),
    "operation_unknown": ProblemKind(404),
    "mykey_unknown": ProblemKind(404),
    "shop_unknown": ProblemKind(404),
    "shop_full": ProblemKind(409),
    "terminal_unknown": ProblemKind(404),
    "award_file_wrong": ProblemKind(422),
    "webhook_url_wrong": ProblemKind(422),
    "webhook_private": ProblemKind(422),
    "seal_wrong": ProblemKind(422),
    "nonce_expired": ProblemKind(409, retryable=True),
    "entry_damaged": ProblemKind(422),
    "journal_gap": ProblemKind(409),
    "journal_fork": ProblemKind(409),
    "journal_rollback": ProblemKind(409),
    "ledger_behind": ProblemKind(409, retryable=True),
    "too_many_requests": ProblemKind(429, retryable=True),
    "ledger_unavailable": ProblemKind(503, retryable=True),
    "period_key_missing": ProblemKind(503, retryable=True),
    "ledger_failed": ProblemKind(500, retryable=True),
}
"""Every code of the API."""

_EVERYWHERE: Final = ("request_malformed", "request_too_large", "request_slow", "ledger_unavailable", "ledger_failed")


class ProblemError(Exception):
    """Ends a request with problem details; `more` are further members, `headers` further header fields."""

    def __init__(
        self, code: str, more: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.more = more or {}
        self.headers = headers

    def response(self, accept_language: str | None) -> JSONResponse:
        """Return the response in the language that is asked for."""
        message = described(self.code, accept_language, self.more)
        headers = {"Retry-After": "5", **(self.headers or {})} if message.retryable else self.headers
        return JSONResponse(message.model_dump(mode="json"), message.status, headers, MEDIA_TYPE)


def described(code: str, accept_language: str | None, more: Mapping[str, Any] | None = None) -> Problem:
    """Return the problem details of a code; `type` is the address at which the ledger describes it."""
    kind = KINDS[code]
    text = Texts(language(accept_language)).refusal(code)
    return Problem(
        type=f"/problems/{code}",
        title=text.what,
        status=kind.status,
        detail=f"{text.why} {text.todo}",
        code=code,
        retryable=kind.retryable,
        **(more or {}),
    )


async def problem_response(request: Request, problem: Exception) -> JSONResponse:
    """Answer a request that ended with a ProblemError."""
    assert isinstance(problem, ProblemError)  # noqa: S101  # registered for this class alone
    return problem.response(request.headers.get("Accept-Language"))


def language(accept: str | None) -> Lang:
    """Return the language of ours that `Accept-Language` (RFC 9110, 12.5.4) prefers; Japanese where it has none."""
    offers: list[tuple[float, Lang]] = []
    for offer in (accept or "").split(","):
        tag, _, weight = offer.strip().partition(";q=")
        offers.extend((_weight(weight), lang) for lang in LANGUAGES if tag.lower().split("-")[0] == lang)
    return max(offers, key=lambda offer: offer[0], default=(1.0, LANGUAGES[0]))[1]


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses: of every status, which codes it may bring, and whether they are final or retryable.

    The codes that any request may meet are always among them.
    """
    texts = Texts("en")
    lines: dict[int, list[str]] = {}
    for code in (*codes, *_EVERYWHERE):
        kind = KINDS[code]
        word = "retryable" if kind.retryable else "final"
        lines.setdefault(kind.status, []).append(f"`{code}` ({word}): {texts.refusal(code).what}.")
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": "\n".join(said), "content": {MEDIA_TYPE: schema}} for status, said in lines.items()}
