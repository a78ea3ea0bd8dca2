"""The ASGI application of a ledger."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Match, Route

from ledger.api import office, terminals
from ledger.api.limits import BodyLimit
from ledger.api.problems import KINDS, ProblemError, described, documented, problem_response
from ledger.api.state import Ledger, LedgerHere
from ledger.api.telemetry import Telemetry
from ledger.identity.errors import IdentityRefusal
from ledger.points.registry import RegistryError
from ledger.wire.answers import Problem
from ledger.wire.tokens import Presented, Registration

_DESCRIPTION = """\
The ledger of municipal points on the My Number card.

Terminals sign their requests (RFC 9421); a request counts once. The office bears a token. What is refused is answered
with problem details (RFC 9457), whose `code` is stable: where `retryable` is true the same request may succeed later,
after `Retry-After` seconds, and a terminal sends it again; all else is final. A verdict on an operation is no problem,
but an answer: it is given once, for ever, under the operation's id."""

_HTTP = {404: "not_found", 405: "method_not_allowed"}


def create_app(ledger: Ledger) -> FastAPI:
    """Return the application that serves a ledger."""
    app = FastAPI(title="Kazasu ledger", version="1", description=_DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.ledger = ledger
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # the documented way to extend it
    app.include_router(terminals.router)
    app.include_router(office.router)
    app.include_router(_watch())
    app.add_exception_handler(ProblemError, problem_response)
    app.add_exception_handler(IdentityRefusal, _refused)
    app.add_exception_handler(RegistryError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(BodyLimit)
    app.add_middleware(Telemetry, metrics=ledger.metrics)
    return app


def _watch() -> APIRouter:
    """Return what an operator's tools ask."""
    router = APIRouter(tags=["operation"])

    @router.get("/problems/{code}", responses=documented("not_found"))
    async def problem(code: str, accept_language: Annotated[str | None, Header()] = None) -> Problem:
        """Describe a problem's code: its status, its sentences, and whether the same request may succeed later."""
        if code not in KINDS:
            raise ProblemError("not_found")
        return described(code, accept_language)

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Say that the process runs."""
        return {"status": "ok"}

    @router.get("/ready", responses=documented())
    def ready(ledger: LedgerHere) -> dict[str, str]:
        """Say that both stores answer."""
        ledger.check()
        return {"status": "ok"}

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics(ledger: LedgerHere) -> PlainTextResponse:
        """Return counts and times for Prometheus."""
        return PlainTextResponse(ledger.metrics.exposition(ledger.events.totals()), media_type=CONTENT_TYPE_LATEST)

    return router


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    # Where and what kind, never the value: it may name somebody.
    found = [{"at": ".".join(map(str, each["loc"])), "kind": each["type"]} for each in error.errors()[:10]]
    return await problem_response(request, ProblemError("request_malformed", {"errors": found}))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, IdentityRefusal | RegistryError)  # noqa: S101  # registered for these alone
    return await problem_response(request, ProblemError(error.code))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    headers = {"Allow": _methods(request)} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return await problem_response(
        request, ProblemError(_HTTP.get(error.status_code, "request_malformed"), headers=headers)
    )


def _methods(request: Request) -> str:
    """Return every method of an address: the framework names those of the first function alone."""
    there = (
        route.methods or ()
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    )
    return ", ".join(sorted({method for methods in there for method in methods}))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the schema that all problems share."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        # What travels sealed is in no request, and a stranger must know its shape all the same.
        _, sealed = models_json_schema(
            [(Presented, "validation"), (Registration, "validation")], ref_template="#/components/schemas/{model}"
        )
        schema["components"]["schemas"] |= sealed["$defs"]
        app.openapi_schema = schema
    return app.openapi_schema
