"""The web application as an ASGI application: routes, access and the handling of failures."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router, compile_path
from starlette.types import ASGIApp

from onelead.domain.errors import AdminRequired, FormForged, OneleadError, ResourceNotFound
from onelead.incoming.methods import OPTIONS, Paths
from onelead.incoming.own_host import is_over_tls
from onelead.incoming.request_log import RequestLine, RequestLog
from onelead.incoming.served import Served
from onelead.incoming.statuses import STATUS_BY_KIND, retry_after_s
from onelead.process.runtime import Runtime
from onelead.web.frame.assets import asset_routes
from onelead.web.frame.once import answered_once
from onelead.web.frame.pages import Access, Page
from onelead.web.frame.policy import PAGE_HEADERS, strict_over_tls
from onelead.web.frame.sessions import is_csrf_token, session_token, signed_in, visitor_token
from onelead.web.frame.visit import Visit
from onelead.web.page_table import PAGES
from onelead.web.sign_in.confirming import unconfirmed

SIGN_IN_PATH = "/sign-in"
_WRONG_METHOD = "This address cannot be used this way."
_SIGNED_OUT = "You were signed out, so nothing was saved. Sign in and send the form again."


def create_web(runtime: Runtime) -> ASGIApp:
    """Build the application; starting and stopping the runtime is the caller's."""
    request_log = RequestLog(runtime.monotonic)
    routes = [
        Route(page.path, _ServedPage(page, runtime, request_log), methods=[page.method])
        for page in PAGES
    ]
    routes += asset_routes()
    unknown_page = _unknown_page(Paths(routes))
    unknown = Route("/{path:path}", _ServedPage(unknown_page, runtime, request_log))
    # Matches paths with a line break, too, which the pattern of `path` does not.
    unknown.path_regex = re.compile("")
    router = Router([*routes, unknown], redirect_slashes=False)
    # With a URL over TLS, the web server adds the header to every answer.
    return router if is_over_tls(runtime.url) else strict_over_tls(router)


def _unknown_page(paths: Paths) -> Page:
    """Return the page that answers what no other does: an unknown path, or method on a path."""

    async def answer(visit: Visit) -> Response:
        allow = paths.allow(visit.request.scope["path"])
        if not allow:
            raise ResourceNotFound
        if visit.request.method == OPTIONS:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allow})
        status = HTTPStatus.METHOD_NOT_ALLOWED
        about = {"code": "", "message": _WRONG_METHOD}
        response = visit.page("error.html", status, status=int(status), **about)
        response.headers["Allow"] = allow
        return response

    return Page("any", "unknown page", answer, Access.ANYONE)


_PATHS = [(compile_path(page.path)[0], page.path) for page in PAGES]
_SHOWN_PATHS = {page.path for page in PAGES if page.method == "GET"}


class _ServedPage(Served[Visit]):
    """A page as an ASGI application."""

    headers = PAGE_HEADERS

    def __init__(self, page: Page, runtime: Runtime, request_log: RequestLog) -> None:
        super().__init__(page.method, page.path, runtime, request_log)
        self._page = page

    def _open(self, request: Request, line: RequestLine) -> Visit:
        return Visit(request, self._runtime, line, None)

    async def _answer(self, visit: Visit) -> Response:
        visit.who = await signed_in(self._runtime, visit.request)
        if visit.who is not None:
            visit.line.account_id = visit.account_id
            visit.open_deliveries = await visit.store.open_deliveries(visit.account_id)
        is_form = self._page.method == "POST"
        if is_form:
            _refuse_other_sites(visit.request)
        if self._page.access is not Access.ANYONE and visit.who is None:
            return _to_sign_in(visit, is_form=is_form)
        if self._page.has_file:
            await visit.begin_upload()
        if is_form and (visit.who or not self._page.needs_no_session):
            await _require_own_form(visit, self._page.access)
        if self._page.access is Access.ADMIN and not visit.signed_in.is_admin:
            raise AdminRequired
        if self._page.access is Access.IMPORTER and not visit.signed_in.may_import:
            raise AdminRequired
        if self._page.confirm and (asked := await unconfirmed(visit, self._page)):
            return asked
        if self._page.once:
            return await answered_once(visit, self._page)
        return await self._page.handler(visit)

    def _refused(self, visit: Visit, error: OneleadError) -> Response:
        status = STATUS_BY_KIND[error.kind]
        about = {"code": error.code, "message": error.message}
        response = visit.page("error.html", status, status=int(status), **about)
        if (seconds := retry_after_s(error)) is not None:
            response.headers["Retry-After"] = str(seconds)
        return response

    def _failed(self, visit: Visit, request_id: str) -> Response:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        about = {"code": "", "message": "", "request_id": request_id}
        return visit.page("error.html", status, status=int(status), **about)


def _refuse_other_sites(request: Request) -> None:
    """Refuse a form that came from another site, according to the browser itself.

    Raises FormForged. The body is not read.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormForged


async def _require_own_form(visit: Visit, access: Access) -> None:
    """Refuse a form that was not on a page we sent to this browser. Raises FormForged."""
    tokens = [session_token(visit.request)]
    if access is Access.ANYONE:
        # The page may have been loaded before someone signed in in another tab, or during a
        # session that has ended.
        tokens.append(visitor_token(visit.request))
    sent = (await visit.form()).get("csrf")
    if not any(is_csrf_token(sent, token) for token in tokens):
        raise FormForged


def _to_sign_in(visit: Visit, *, is_form: bool) -> Response:
    """Send a browser to the sign-in page, and from there back to the page it asked for.

    A form is lost on the way, and the sign-in page says so.
    """
    url = visit.request.url
    wanted = _page_of_form(visit) if is_form else _address(url.path, url.query)
    path = SIGN_IN_PATH if wanted == "/" else f"{SIGN_IN_PATH}?{urlencode({'next': wanted})}"
    return visit.redirect(path, _SIGNED_OUT if is_form else "", is_problem=is_form)


def _page_of_form(visit: Visit) -> str:
    """Return the address of the page that a form was sent from; the start page if unknown."""
    try:
        sender = urlsplit(visit.request.headers.get("referer", ""))
    except ValueError:
        sender = urlsplit("")
    is_ours = f"{sender.scheme}://{sender.netloc}" == visit.base_url
    if is_ours and _is_shown(sender.path):
        return _address(sender.path, sender.query)
    path = visit.request.url.path
    return path if _is_shown(path) else "/"


def _address(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _is_shown(path: str) -> bool:
    """Say whether a path has a page, and does not only take a form."""
    first = next((name for regex, name in _PATHS if regex.match(path)), None)
    return first in _SHOWN_PATHS
