"""A route as ASGI, for endpoints and pages alike: its answer, its log line, its count.

No failure gets past it, so no other layer has to handle any.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from onelead.domain.errors import OneleadError
from onelead.incoming.request_log import RequestLine, RequestLog
from onelead.incoming.unread_body import Arriving, send_answer
from onelead.process.runtime import Runtime

#: What a front end turns a request into before answering it.
Opened = TypeVar("Opened")


class RouteRecord:
    """Numbers, counts and logs the requests of one route, however they are served."""

    def __init__(self, method: str, route: str, runtime: Runtime, request_log: RequestLog) -> None:
        self._method = method
        self._route = route
        self._new_request_id = runtime.new_request_id
        self._monotonic = runtime.monotonic
        self._count = runtime.metrics.request_counter(method, route)
        self._request_log = request_log

    def begun(self) -> tuple[float, RequestLine]:
        """Return when a request began, and its line."""
        return self._monotonic(), RequestLine(self._new_request_id(), self._method, self._route)

    def ended(
        self, began: float, line: RequestLine, response: Response, defect: Exception | None
    ) -> None:
        """Give the answer its request id, and record it with the defect that was met, if any."""
        # Nothing else sets it, so there is none to replace.
        response.raw_headers.append((b"x-request-id", line.request_id.encode()))
        seconds = self._monotonic() - began
        line.status, line.milliseconds = response.status_code, round(seconds * 1000, 1)
        self._count(line.status, seconds)
        if defect is None:
            self._request_log.answered(line)
        else:
            self._request_log.failed(line, defect)


class Served(ABC, Generic[Opened]):
    """One route of a front end."""

    #: Headers of every answer that does not set them itself.
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, method: str, route: str, runtime: Runtime, request_log: RequestLog) -> None:
        self._runtime = runtime
        self._record = RouteRecord(method, route, runtime, request_log)

    @abstractmethod
    def _open(self, request: Request, line: RequestLine) -> Opened:
        """Turn a request into what the other methods take, without reading its body."""

    @abstractmethod
    async def _answer(self, opened: Opened) -> Response:
        """Answer a request. Raises OneleadError to refuse it."""

    @abstractmethod
    def _refused(self, opened: Opened, error: OneleadError) -> Response:
        """Answer a refused request."""

    @abstractmethod
    def _failed(self, opened: Opened, request_id: str) -> Response:
        """Answer a request that met a defect: with its id, and no internal detail."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began, line = self._record.begun()
        body = Arriving(receive)
        # For all log lines on the way; each request is a task with its own context.
        bind_contextvars(request_id=line.request_id)
        opened = self._open(Request(scope, body.receive), line)
        defect = None
        try:
            response = await self._answer(opened)
        except OneleadError as error:
            line.refused_by(error)
            response = self._refused(opened, error)
            # It may be the refusal of a result that one of its frames has, see `WriteResult`.
            error.__traceback__ = None
        except Exception as error:  # noqa: BLE001 - the log gets it, and the caller its number
            defect = error
            response = self._failed(opened, line.request_id)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        self._record.ended(began, line, response, defect)
        defect = None  # It would keep this call and itself alive.
        await send_answer(response, body, scope, send)
