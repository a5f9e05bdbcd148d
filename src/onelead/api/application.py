"""The API as an ASGI application: routes, authentication, and what becomes of failures."""

from __future__ import annotations

from functools import cache

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from onelead.api import custom_field_definitions, lead_endpoints, pick_lists, tags, users
from onelead.api.answers import error_response, internal_error, no_route
from onelead.api.auth import Authenticator
from onelead.api.call import Call, Services
from onelead.api.docs_page import page_routes
from onelead.api.endpoints import BASE_PATH, Endpoint
from onelead.api.unread_body import Arriving, send_answer
from onelead.errors import OneleadError

ENDPOINTS: tuple[Endpoint, ...] = (
    *lead_endpoints.ENDPOINTS,
    *custom_field_definitions.ENDPOINTS,
    *pick_lists.ENDPOINTS,
    *users.ENDPOINTS,
    *tags.ENDPOINTS,
)

log = structlog.get_logger(__name__)


def create_api(services: Services) -> ASGIApp:
    """Build the application; starting and stopping the services is the caller's."""
    authenticator = Authenticator(services.store, services.monotonic)
    routes = [
        Route(
            BASE_PATH + endpoint.path,
            _Served(endpoint, services, authenticator),
            methods=[endpoint.method],
        )
        for endpoint in ENDPOINTS
    ]
    routes += _pages()
    # Last, so that it also takes a known path with a method that it does not have, and for every
    # method, so that the router has nothing of its own to say.
    routes.append(Route("/{path:path}", _Unknown(services)))
    return _without_trailing_slash(Router(routes, redirect_slashes=False))


@cache
def _pages() -> list[Route]:
    """Build the pages once for the whole process."""
    return page_routes(ENDPOINTS)


class _Served:
    """An endpoint as ASGI: no failure gets past it, so no other layer has to look."""

    def __init__(
        self, endpoint: Endpoint, services: Services, authenticator: Authenticator
    ) -> None:
        self._endpoint = endpoint
        self._services = services
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Arriving(receive)
        request = Request(scope, body.receive)
        request_id = self._services.new_request_id()
        try:
            response = await self._answer(request, request_id)
        except OneleadError as error:
            response = error_response(error)
        except Exception:
            log.exception(
                "request failed",
                request_id=request_id,
                method=self._endpoint.method,
                path=self._endpoint.path,
            )
            response = internal_error(request_id)
        response.headers["X-Request-Id"] = request_id
        await send_answer(response, body, scope, send)

    async def _answer(self, request: Request, request_id: str) -> Response:
        caller = await self._authenticator.caller_of(request)
        return await self._endpoint.handler(Call(request, self._services, caller, request_id))


class _Unknown:
    """Everything that is no endpoint."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = no_route()
        response.headers["X-Request-Id"] = self._services.new_request_id()
        await send_answer(response, Arriving(receive), scope, send)


def _without_trailing_slash(app: ASGIApp) -> ASGIApp:
    """Serve `leads/` as `leads`: clients write both, and few follow a redirect of a POST."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and len(path := scope["path"]) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        await app(scope, receive, send)

    return wrapped
