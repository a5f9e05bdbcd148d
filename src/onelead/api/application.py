"""The API as an ASGI application: routes, authentication and the handling of failures."""

from __future__ import annotations

import re
from functools import cache, partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from onelead.api import (
    batches,
    custom_field_definitions,
    deciding,
    erasures,
    lead_endpoints,
    pick_lists,
    tags,
    users,
)
from onelead.api.acts import endpoints as acts
from onelead.api.answers import error_response, internal_error, no_method, no_route
from onelead.api.auth import Authenticator
from onelead.api.bulk import upsert as bulk_upsert
from onelead.api.call import Call
from onelead.api.docs_page import page_routes
from onelead.api.endpoints import Endpoint
from onelead.api.probes import HEALTH_PATH, METRICS_PATH, READY_PATH, probe_routes
from onelead.api.short_way import ClientOf, ShortWay, peer_itself
from onelead.domain.api_keys.purposes import includes
from onelead.domain.errors import OneleadError, ScopeMissing
from onelead.incoming.api_calls import BASE_PATH
from onelead.incoming.methods import OPTIONS, Paths
from onelead.incoming.request_log import RequestLine, RequestLog
from onelead.incoming.served import Served
from onelead.incoming.unread_body import Arriving, send_answer
from onelead.process.runtime import Runtime

ENDPOINTS: tuple[Endpoint, ...] = (
    *lead_endpoints.ENDPOINTS,
    *bulk_upsert.ENDPOINTS,
    *acts.ENDPOINTS,
    *batches.ENDPOINTS,
    *custom_field_definitions.ENDPOINTS,
    *pick_lists.ENDPOINTS,
    *deciding.ENDPOINTS,
    *users.ENDPOINTS,
    *tags.ENDPOINTS,
    *erasures.ENDPOINTS,
)

_ANY = "any"
_UNKNOWN_ROUTE = "unknown"
#: Copper has no list of leads, and a client searches instead when it gets this 404.
_ABSENT_AT_COPPER = (("GET", f"{BASE_PATH}/leads"), ("HEAD", f"{BASE_PATH}/leads"))


#: The API answers everything below these.
_OWN_PATHS = (BASE_PATH, "/docs", "/openapi.json", HEALTH_PATH, READY_PATH, METRICS_PATH)


def is_api_path(path: str) -> bool:
    """Say whether the API answers a path; unknown paths below its own are among them."""
    return path.startswith(_OWN_PATHS)


@cache
def _pages() -> list[Route]:
    """Build the pages once for the whole process."""
    return page_routes(ENDPOINTS)


class _ServedEndpoint(Served[tuple[Request, RequestLine]]):
    """An endpoint as an ASGI application."""

    def __init__(
        self,
        endpoint: Endpoint,
        runtime: Runtime,
        authenticator: Authenticator,
        request_log: RequestLog,
    ) -> None:
        super().__init__(endpoint.method, endpoint.path, runtime, request_log)
        self._handler = endpoint.handler
        self._scope = endpoint.scope
        self._authenticator = authenticator

    def _open(self, request: Request, line: RequestLine) -> tuple[Request, RequestLine]:
        return request, line

    async def _answer(self, opened: tuple[Request, RequestLine]) -> Response:
        request, line = opened
        caller = await self._authenticator.caller_of(request)
        line.account_id = caller.account_id
        if caller.scope is not None and not includes(caller.scope, self._scope):
            raise ScopeMissing(caller.scope, self._scope)
        look_again = partial(self._authenticator.caller_of, request)
        return await self._handler(Call(request, self._runtime, caller, line, look_again))

    def _refused(self, _opened: tuple[Request, RequestLine], error: OneleadError) -> Response:
        return error_response(error)

    def _failed(self, _opened: tuple[Request, RequestLine], request_id: str) -> Response:
        return internal_error(request_id)


class _Unknown:
    """Answers everything that is not an endpoint."""

    def __init__(self, paths: Paths, runtime: Runtime, request_log: RequestLog) -> None:
        self._paths = paths
        self._runtime = runtime
        self._request_log = request_log
        self._count = runtime.metrics.request_counter(_ANY, _UNKNOWN_ROUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._answer(scope["method"], scope["path"])
        request_id = response.headers["X-Request-Id"] = self._runtime.new_request_id()
        # The method and the path can be anything, even someone's e-mail, so the log has neither.
        line = RequestLine(request_id, _ANY, _UNKNOWN_ROUTE)
        line.status = response.status_code
        self._count(line.status, 0.0)
        self._request_log.answered(line)
        await send_answer(response, Arriving(receive), scope, send)

    def _answer(self, method: str, path: str) -> Response:
        allow = self._paths.allow(path)
        if not allow or (method, path) in _ABSENT_AT_COPPER:
            return no_route()
        if method == OPTIONS:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allow})
        return no_method(allow)


class Api:
    """The API as an ASGI application, and its short way; the caller starts and stops the runtime.

    Paths without parameters are looked up in a table, before the router tries one route after
    another: such a path is never taken for one with parameters, whatever the method. `leads/` is
    served as `leads`: clients send both, and few follow a redirect of a POST.
    """

    def __init__(self, runtime: Runtime, client_of: ClientOf = peer_itself) -> None:
        self.authenticator = authenticator = Authenticator(
            runtime.store, runtime.api_key_uses, runtime.clock, runtime.monotonic
        )
        request_log = RequestLog(runtime.monotonic)
        self.short_way = ShortWay(runtime, authenticator, request_log, client_of)
        routes = [
            Route(
                BASE_PATH + endpoint.path,
                _ServedEndpoint(endpoint, runtime, authenticator, request_log),
                methods=[endpoint.method],
            )
            for endpoint in ENDPOINTS
        ]
        self._by_path: dict[str, dict[str, ASGIApp]] = {}
        for route in routes:
            if not route.param_convertors:
                methods = dict.fromkeys(route.methods or (), route.app)
                self._by_path.setdefault(route.path, {}).update(methods)
        routes += _pages()
        routes += probe_routes(runtime)
        self._unknown = _Unknown(Paths(routes), runtime, request_log)
        # Last, so that it also takes known paths with an unknown method; for every method, so that
        # the router never has an answer of its own.
        last = Route("/{path:path}", self._unknown)
        # Also matches a path with a line break, which `path` does not.
        last.path_regex = re.compile("")
        self._router = Router([*routes, last], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app: ASGIApp = self._router
        if scope["type"] == "http":
            path = scope["path"]
            if len(path) > 1 and path.endswith("/"):
                path = path.rstrip("/") or "/"
                scope = {**scope, "path": path}
            methods = self._by_path.get(path)
            if methods is not None:
                app = methods.get(scope["method"], self._unknown)
        await app(scope, receive, send)
