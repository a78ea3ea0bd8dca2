"""Logs and metrics for the ledger's operator: they name no resident, no shop and no terminal."""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.api.problems import ProblemError
from ledger.points.periods import PeriodKeyMissing
from ledger.wire.answers import Verdict

LOGGER = logging.getLogger("kazasu.ledger")
"""Where the log lines (JSON) go; silent until the operator's process gives it a handler."""

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the directory in which several processes keep their counts."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What counts and logs name; of made-up methods each would be a row of its own for ever."""

LOGGER.addHandler(logging.NullHandler())

_log: Any = structlog.wrap_logger(
    LOGGER,
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ],
)


class Metrics:
    """Counts of requests and verdicts, for Prometheus."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "kazasu_request_seconds", "Time to answer", ["route", "method", "status"], registry=self._registry
        )
        self._verdicts = Counter("kazasu_verdicts", "Verdicts given", ["status", "code"], registry=self._registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._seconds.labels(route, method, str(status)).observe(seconds)

    def decided(self, verdicts: Iterable[Verdict]) -> None:
        """Count verdicts."""
        for verdict in verdicts:
            self._verdicts.labels(verdict.status.value, verdict.code or "").inc()

    def exposition(self, noticed: Mapping[str, int]) -> bytes:
        """Return all counts in Prometheus' text format; of several processes, those of all together.

        `noticed` is how often each kind of event was noticed, as the store has it.
        """
        counted = generate_latest(_noticed(noticed))
        if SHARED not in os.environ:
            return generate_latest(self._registry) + counted
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]  # the library gives it no types
        return generate_latest(everybody) + counted


def _noticed(times: Mapping[str, int]) -> CollectorRegistry:
    """Return the events as a metric; they are counted in the store, so that no process counts its own."""

    class Noticed(Collector):
        def collect(self) -> Iterator[CounterMetricFamily]:
            family = CounterMetricFamily("kazasu_events", "What was noticed for the office", labels=["kind"])
            for kind in sorted(times):
                family.add_metric([kind], times[kind])
            yield family

    registry = CollectorRegistry()
    registry.register(Noticed())
    return registry


class Telemetry:
    """Middleware: times and logs each request, and turns an unexpected error into a problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001  # the outermost edge
            if status == 0:
                await _failed(error).response(Request(scope).headers.get("Accept-Language"))(scope, receive, noted)
        seconds = time.perf_counter() - started
        # The route, never the path: a path names an operation.
        route = getattr(scope.get("route"), "path", "-")
        method = scope["method"] if scope["method"] in METHODS else "-"
        self._metrics.answered(route, method, status, seconds)
        _log.info("answered", route=route, method=method, status=status, ms=round(seconds * 1000, 1))


def log_failure(error: Exception) -> None:
    """Log where something failed, without the error's own words: a database's name the row."""
    at = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
    _log.error("failed", error=type(error).__name__, at=at)


def _failed(error: Exception) -> ProblemError:
    log_failure(error)
    if isinstance(error, (DBAPIError, PoolTimeoutError)):
        return ProblemError("ledger_unavailable")
    if isinstance(error, PeriodKeyMissing):
        return ProblemError(error.code)
    return ProblemError("ledger_failed")
