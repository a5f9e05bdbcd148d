"""The probes for load balancers, supervisors and Prometheus: alive, ready, and the metrics.

They are not part of the API: they are at the root, open to anyone who can reach the port, and not
in the OpenAPI document. The answers name checks and metrics, and say nothing about leads, accounts
or the failure behind a code.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onelead.api.answers import SAFE_HEADERS, JsonResponse
from onelead.process.metrics import CONTENT_TYPE, Metrics
from onelead.process.runtime import Runtime

HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
METRICS_PATH = "/metrics"
PROBE_PATHS = frozenset({HEALTH_PATH, READY_PATH, METRICS_PATH})


class HealthBody(Struct, frozen=True):
    """The answer while the process lives."""

    status: str


class ReadyBody(Struct, frozen=True, omit_defaults=True):
    """The answer of the readiness check: `ready` or `not ready`, and each check by its name."""

    status: str
    #: `ok` or `failed`.
    checks: dict[str, str]
    #: The codes of the errors behind the failed checks, as far as they are known.
    reasons: dict[str, str] = {}
    #: Settings of the database server under which an answered write can be lost.
    concerns: dict[str, str] = {}


def probe_routes(runtime: Runtime) -> list[Route]:
    """Build the three routes for this runtime."""
    readiness = runtime.readiness
    page = _MetricsPage(runtime.metrics)

    async def health(_request: Request) -> Response:
        return JsonResponse(HealthBody("ok"))

    async def ready(_request: Request) -> Response:
        checks = await readiness.checks()
        is_ready = all(check.is_passed for check in checks.values())
        body = ReadyBody(
            "ready" if is_ready else "not ready",
            {name: "ok" if check.is_passed else "failed" for name, check in checks.items()},
            {name: check.error.code for name, check in checks.items() if check.error is not None},
            dict(readiness.concerns()),
        )
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JsonResponse(body, status)

    async def metrics(_request: Request) -> Response:
        writer = runtime.writer
        store = runtime.store
        runtime.metrics.sample(
            writer.waiting_writes, writer.waiting_bytes, store.pool_use(), store.trouble
        )
        return Response(await page.content(), headers=SAFE_HEADERS, media_type=CONTENT_TYPE)

    endpoints = {HEALTH_PATH: health, READY_PATH: ready, METRICS_PATH: metrics}
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]


class _MetricsPage:
    """Writes the page in a thread, as it takes milliseconds, and once for all callers that wait."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._writing: asyncio.Task[bytes] | None = None

    async def content(self) -> bytes:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(asyncio.to_thread(self._metrics.page))
        return await asyncio.shield(self._writing)
