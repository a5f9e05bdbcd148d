"""The web application as an ASGI application: routes, access, and what becomes of failures."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from onelead.errors import AdminRequired, FormForged, OneleadError, ResourceNotFound
from onelead.incoming.request_log import RequestLine, RequestLog
from onelead.incoming.served import Served
from onelead.incoming.statuses import STATUS_BY_KIND, retry_after_s
from onelead.process import Services
from onelead.web.assets import asset_routes
from onelead.web.once import answered_once
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
        Route(page.path, _ServedPage(page, services, request_log), methods=[page.method])
        for page in PAGES
    ]
    routes += asset_routes()
    unknown = Route("/{path:path}", _ServedPage(_UNKNOWN_PAGE, services, request_log))
    # Also for a path with a line break, which `path` leaves out.
    unknown.path_regex = re.compile("")
    return Router([*routes, unknown], redirect_slashes=False)


async def _not_found(_visit: Visit) -> Response:
    raise ResourceNotFound


_UNKNOWN_PAGE = Page("any", "unknown page", _not_found, Access.ANYONE)


class _ServedPage(Served[Visit]):
    """A page as ASGI."""

    headers = PAGE_HEADERS

    def __init__(self, page: Page, services: Services, request_log: RequestLog) -> None:
        super().__init__(page.method, page.path, services, request_log)
        self._page = page

    def _open(self, request: Request, line: RequestLine) -> Visit:
        return Visit(request, self._services, line, None)

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
        if self._page.once:
            return await answered_once(visit, self._page)
        return await self._page.handler(visit)

    def _refused(self, visit: Visit, error: OneleadError) -> Response:
        status = STATUS_BY_KIND[error.kind]
        response = visit.page(
            "error.html", status, status=int(status), code=error.code, message=error.message
        )
        if (seconds := retry_after_s(error)) is not None:
            response.headers["Retry-After"] = str(seconds)
        return response

    def _failed(self, visit: Visit, request_id: str) -> Response:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return visit.page("error.html", status, status=status, message="", request_id=request_id)


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
