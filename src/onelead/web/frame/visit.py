"""One request of a browser: what a page can find out, and how it responds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from onelead import __version__
from onelead.domain.account import DEFAULT_TIME_ZONE, AccountSettings
from onelead.domain.audit import Channel, Requester
from onelead.domain.errors import InputInvalid, OneleadError, ResourceNotFound, humanised
from onelead.domain.text import known_id
from onelead.domain.writes import Delivery, LeadWrite
from onelead.incoming.json_body import Received, read_body
from onelead.incoming.request_log import RequestLine
from onelead.process.runtime import Runtime
from onelead.process.writer import Receipt
from onelead.web.frame.flash import Flash, flash_of, forget_flash, set_flash
from onelead.web.frame.forms import Form, decode_form
from onelead.web.frame.rendering import moment_writer, render
from onelead.web.frame.sessions import (
    SignedIn,
    browser_token,
    csrf_token,
    new_token,
    session_token,
    set_visitor,
    visitor_token,
)
from onelead.web.frame.upload import Upload

#: Proxies allow a few thousand bytes of headers in a response.
_LOCATION_CHARS_MAX = 3_000

#: Problem texts by attribute; `base` is the whole form.
Problems = Mapping[str, list[str]]
NO_PROBLEMS: Problems = {}


class Visit:
    """One request, signed in or not."""

    def __init__(
        self, request: Request, runtime: Runtime, line: RequestLine, who: SignedIn | None
    ) -> None:
        self.request = request
        self.runtime = runtime
        self.store = runtime.store
        #: The line of the request log, told what a write did.
        self.line = line
        self.who = who
        self.now = runtime.clock()
        #: How many refused deliveries wait for a decision, for the navigation.
        self.open_deliveries = 0
        self._form: Form | None = None
        self._upload: Upload | None = None
        self._new_visitor = ""

    @property
    def signed_in(self) -> SignedIn:
        """The signed-in user, on a page that requires one."""
        assert self.who is not None
        return self.who

    @property
    def settings(self) -> AccountSettings:
        """The account's settings as they were when the request began."""
        return self.signed_in.settings

    @property
    def account_id(self) -> int:
        """The id of the account that the user is signed in to."""
        return self.signed_in.settings.account_id

    @property
    def address(self) -> str:
        """The IP address that the request comes from; empty when unknown."""
        return self.request.client.host if self.request.client else ""

    @property
    def requester(self) -> Requester:
        """Who asks for a change, for the audit."""
        return Requester(
            Channel.PAGE,
            user_id=self.who.user.id if self.who else None,
            request_id=self.line.request_id,
            address=self.address,
        )

    @property
    def newcomer(self) -> Requester:
        """Who asks to sign in, for the audit: nobody that is known yet.

        A user who is signed in meanwhile may be one of another account.
        """
        return msgspec.structs.replace(self.requester, user_id=None)

    @property
    def base_url(self) -> str:
        """The scheme, host and port by which the browser calls this server."""
        return self.runtime.url or f"{self.request.url.scheme}://{self.request.url.netloc}"

    @cached_property
    def browser_token(self) -> str:
        """The token by which this browser is known when it signs in; a new one if it has none."""
        return browser_token(self.request) or new_token()

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the query string; one with a NUL character counts as missing."""
        value: str = self.request.query_params.get(name, default)
        # Databases cannot compare text with NUL, and our pages never send it.
        return default if "\0" in value else value

    def path_id(self, name: str = "id") -> int:
        """Return the id in the path. Raises ResourceNotFound for a value that cannot be an id."""
        value = known_id(self.request.path_params[name])
        if value is None:
            raise ResourceNotFound
        return value

    async def form(self) -> Form:
        """Return the fields that the form sent. Raises BodyMalformed, BodyTooLarge, BodyTooSlow."""
        if self._form is None:
            self._form = decode_form(await read_body(self.request, Received()))
        return self._form

    async def begin_upload(self) -> None:
        """Read the fields of a form with a file, which `form` then returns."""
        self._upload = Upload(self.request)
        self._form = await self._upload.form()

    @property
    def upload(self) -> Upload:
        """The form of a page whose form has a file."""
        assert self._upload is not None
        return self._upload

    def delivery(self, payload: Any) -> Delivery:
        """Return the origin of a write: the user, and the JSON that the API would have received."""
        return Delivery(
            request_id=self.line.request_id,
            user_id=self.signed_in.user.id,
            api_key_id=None,
            payload=payload if isinstance(payload, str) else msgspec.json.encode(payload).decode(),
        )

    async def written(self, write: LeadWrite) -> Receipt:
        """Write, note it in the request log, and return what it did, refused ones included."""
        receipt = await self.runtime.writer.write(self.account_id, write)
        self.line.wrote(receipt.result.outcome, receipt.seq, receipt.result.refusal)
        return receipt

    def csrf(self) -> str:
        """Return the CSRF token that a form on this page must send."""
        token = session_token(self.request) if self.who else visitor_token(self.request)
        if not token:
            token = self._new_visitor = self._new_visitor or new_token()
        return csrf_token(token)

    def page(self, template: str, status: int = HTTPStatus.OK, /, **context: Any) -> Response:
        """Render a page inside the frame."""
        zone = self.who.settings.zone if self.who else ZoneInfo(DEFAULT_TIME_ZONE)
        flash = flash_of(self.request)
        html = render(
            template,
            {
                "visit": self,
                "who": self.who,
                "path": self.request.url.path,
                "flash": flash,
                "when": moment_writer(zone, self.now),
                "csrf_token": self.csrf(),
                "form_id": new_token(),
                "version": __version__,
                "problems": NO_PROBLEMS,
                **context,
            },
        )
        response = HTMLResponse(html, status)
        if self._new_visitor:
            set_visitor(self.request, response, self._new_visitor)
        if flash:
            forget_flash(response)
        return response

    def redirect(
        self, path: str, flash: str = "", *, is_problem: bool = False, undo_seq: int | None = None
    ) -> Response:
        """Send the browser to another page of ours, which shows `flash` once.

        With the number of a ledger row of a lead, the flash has a button that undoes it.
        """
        response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": own_path(path)})
        if flash:
            set_flash(self.request, response, Flash(flash, is_problem, undo_seq))
        return response


def own_path(path: str) -> str:
    """Return a path of this server; anything else becomes the start page."""
    # A browser reads "//host" and "/\host" as another server's address.
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path
    is_clean = path.isascii() and path.isprintable() and len(path) <= _LOCATION_CHARS_MAX
    return path if is_own and is_clean else "/"


def local_path(text: str) -> str:
    """Return where an address or form wants to lead back to: a path of ours, or empty for none."""
    return own_path(text) if text else ""


def problems_of(error: OneleadError) -> dict[str, list[str]]:
    """Return the problems by attribute, in the words of the API."""
    if not isinstance(error, InputInvalid):
        return {"base": [error.message]}
    found: dict[str, list[str]] = {}
    for problem in error.problems:
        found.setdefault(problem.attribute, []).append(problem.text)
    return found


def error_line(error: OneleadError) -> str:
    """Write an error as one line of text."""
    if not isinstance(error, InputInvalid):
        return error.message
    lines = []
    for problem in error.problems:
        field = "" if problem.attribute == "base" else f"{humanised(problem.attribute)}: "
        lines.append(field + problem.text)
    return "; ".join(lines)
