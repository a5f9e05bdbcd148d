"""The web application as an ASGI application: routes, access, and what becomes of failures."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from onelead.errors import AdminRequired, FormForged, OneleadError, ResourceNotFound
from onelead.incoming.request_log import RequestLine, RequestLog
from onelead.incoming.statuses import STATUS_BY_KIND
from onelead.incoming.unread_body import Arriving, send_answer
from onelead.limits import RETRY_AFTER_S
from onelead.process import Services
from onelead.web.assets import asset_routes
from onelead.web.page_table import PAGES
from onelead.web.pages import Access, Page
from onelead.web.policy import PAGE_HEADERS
from onelead.web.sessions import is_csrf_token, session_token, signed_in, visitor_token
from onelead.web.visit import Visit

SIGN_IN_PATH = "/sign-in"


def create_web(services: Services) -> ASGIApp:
    """Build the application; starting and stopping the services is the caller's."""
    request_log = RequestLog(services.monotonic)
    routes = [
        Route(page.path, _Served(page, services, request_log), methods=[page.method])
        for page in PAGES
    ]
    routes += asset_routes()
    unknown = Route("/{path:path}", _Served(_UNKNOWN_PAGE, services, request_log))
    # Also for a path with a line break, which `path` leaves out.
    unknown.path_regex = re.compile("")
    return Router([*routes, unknown], redirect_slashes=False)


async def _not_found(_visit: Visit) -> Response:
    raise ResourceNotFound


_UNKNOWN_PAGE = Page("any", "unknown page", _not_found, Access.ANYONE)


class _Served:
    """A page as ASGI: no failure gets past it."""

    def __init__(self, page: Page, services: Services, request_log: RequestLog) -> None:
        self._page = page
        self._services = services
        self._request_log = request_log
        self._count = services.metrics.request_counter(page.method, page.path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = self._services.monotonic()
        body = Arriving(receive)
        request = Request(scope, body.receive)
        request_id = self._services.new_request_id()
        bind_contextvars(request_id=request_id)
        line = RequestLine(request_id, self._page.method, self._page.path)
        visit = Visit(request, self._services, line, None)
        defect = None
        try:
            response = await self._answer(visit)
        except OneleadError as error:
            line.refused_by(error)
            response = _refused(visit, error)
        except Exception as error:  # noqa: BLE001 - the log gets it, and the person its number
            defect = error
            response = visit.page("error.html", 500, status=500, message="", request_id=request_id)
        for name, value in PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = request_id
        line.status, line.seconds = response.status_code, self._services.monotonic() - began
        self._count(line.status, line.seconds)
        if defect is None:
            self._request_log.answered(line)
        else:
            self._request_log.failed(line, defect)
            defect = None  # It would keep this visit alive, and itself with it.
        await send_answer(response, body, scope, send)

    async def _answer(self, visit: Visit) -> Response:
        visit.who = await signed_in(self._services, visit.request)
        if visit.who is not None:
            visit.line.account_id = visit.account_id
        if self._page.access is not Access.ANYONE and visit.who is None:
            return _to_sign_in(visit)
        if self._page.method == "POST":
            await _require_own_form(visit)
        if self._page.access is Access.ADMIN and not visit.signed_in.is_admin:
            raise AdminRequired
        return await self._page.handler(visit)


async def _require_own_form(visit: Visit) -> None:
    """Refuse a form that another site sent. Raises FormForged."""
    request = visit.request
    token = session_token(request) if visit.who else visitor_token(request)
    # What a browser says of itself comes first: it is there without reading the body.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormForged
    if not is_csrf_token((await visit.form()).get("csrf"), token):
        raise FormForged


def _to_sign_in(visit: Visit) -> Response:
    """Send a browser to the sign-in page, and from there back to where it wanted to go."""
    url = visit.request.url
    wanted = f"{url.path}?{url.query}" if url.query else url.path
    if visit.request.method != "GET" or wanted == "/":
        return visit.go(SIGN_IN_PATH)
    return visit.go(f"{SIGN_IN_PATH}?{urlencode({'next': wanted})}")


def _refused(visit: Visit, error: OneleadError) -> Response:
    status = STATUS_BY_KIND[error.kind]
    response = visit.page("error.html", status, status=int(status), message=error.message)
    if error.retry_after_s is not None or status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(error.retry_after_s or RETRY_AFTER_S)
    return response
