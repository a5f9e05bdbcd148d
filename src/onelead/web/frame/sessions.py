"""Who is signed in: the session behind a browser's cookie, and the protection against forgery.

A token is 256 random bits in a cookie that scripts cannot read and that is not sent with forms of
other sites; only its hash is stored. The CSRF token of a form is derived from the cookie, so only
our own pages can contain it. A browser that is not signed in gets a visitor cookie for that.
A third cookie outlasts the session: a browser that has signed in has attempts of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from onelead.contract.access import WebSession
from onelead.domain.account import AccountSettings, Role, User
from onelead.domain.errors import ResourceNotFound, StoreUnavailable
from onelead.domain.limits import (
    COMPANY_SIGN_IN_S,
    KNOWN_PLACE_S,
    LINE_CHARS_MAX,
    SECOND_STEP_S,
    SESSION_TOUCH_S,
    VISITOR_S,
)
from onelead.process.runtime import Runtime

_SESSION = "onelead_session"
_VISITOR = "onelead_visitor"
_BROWSER = "onelead_browser"
_COMPANY = "onelead_company"
_PENDING = "onelead_pending"
_TOKEN_CHARS_MAX = 100


class SignedIn(Struct, frozen=True):
    """A user who is signed in."""

    session: WebSession
    token_hash: str
    user: User
    settings: AccountSettings

    @property
    def is_admin(self) -> bool:
        """Whether the user may see and change the settings."""
        return self.user.role is Role.ADMIN

    @property
    def may_import(self) -> bool:
        """Whether the user may bring in files."""
        return self.is_admin or self.settings.members_import


def new_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the hash of a token, which is all that is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def welcome_path(token: str) -> str:
    """Return the path of a one-time link."""
    return f"/welcome/{token}"


def is_secure(request: Request) -> bool:
    """Say whether the browser uses TLS."""
    return request.url.scheme == "https"


def _cookie(request: Request, name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name


def session_token(request: Request) -> str:
    """Return the token of the request's session; empty when it has none."""
    return request.cookies.get(_cookie(request, _SESSION), "")[:_TOKEN_CHARS_MAX]


def visitor_token(request: Request) -> str:
    """Return the token of a browser that is not signed in; empty when it has none yet."""
    return request.cookies.get(_cookie(request, _VISITOR), "")[:_TOKEN_CHARS_MAX]


def browser_token(request: Request) -> str:
    """Return the token of a browser that has signed in before; empty for any other."""
    return request.cookies.get(_cookie(request, _BROWSER), "")[:_TOKEN_CHARS_MAX]


def pending_token(request: Request) -> str:
    """Return the token of the browser's half-done sign-in; empty when it has none."""
    return request.cookies.get(_cookie(request, _PENDING), "")[:_TOKEN_CHARS_MAX]


def new_session(request: Request, account_id: int, user_id: int, now: int) -> WebSession:
    """Return a new session of a user in the browser of the request."""
    address = request.client.host if request.client else ""
    user_agent = request.headers.get("user-agent", "").replace("\0", "")[:LINE_CHARS_MAX]
    return WebSession(account_id, user_id, now, now, address, user_agent)


def set_session(request: Request, response: Response, token: str, lifetime_s: int) -> None:
    """Sign the browser in."""
    _set(request, response, _SESSION, token, lifetime_s)


def set_visitor(request: Request, response: Response, token: str) -> None:
    """Give a browser that is not signed in a token for its forms."""
    _set(request, response, _VISITOR, token, VISITOR_S)


def set_browser(request: Request, response: Response, token: str) -> None:
    """Let the browser be known when it signs in the next time."""
    _set(request, response, _BROWSER, token, KNOWN_PLACE_S)


def company_token(request: Request) -> tuple[str, str]:
    """Return the token of a browser that is away at the company's provider, and what it is for.

    Both are empty for any other browser.
    """
    token, _dot, purpose = request.cookies.get(_cookie(request, _COMPANY), "").partition(".")
    return token[:_TOKEN_CHARS_MAX], purpose


def set_company(request: Request, response: Response, token: str, purpose: str) -> None:
    """Remember that a browser goes to the company's provider, and what for."""
    _set(request, response, _COMPANY, f"{token}.{purpose}", COMPANY_SIGN_IN_S)


def forget_company(request: Request, response: Response) -> None:
    """Forget it, because the browser came back."""
    _forget(request, response, _COMPANY)


def set_pending(request: Request, response: Response, token: str) -> None:
    """Let the browser finish a sign-in."""
    _set(request, response, _PENDING, token, SECOND_STEP_S)


def _set(request: Request, response: Response, name: str, token: str, lifetime_s: int) -> None:
    response.set_cookie(
        _cookie(request, name),
        token,
        max_age=lifetime_s,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def forget_session(request: Request, response: Response) -> None:
    """Sign the browser out."""
    _forget(request, response, _SESSION)


def forget_pending(request: Request, response: Response) -> None:
    """Forget a sign-in that is done."""
    if pending_token(request):
        _forget(request, response, _PENDING)


def _forget(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(
        _cookie(request, name),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def csrf_token(token: str) -> str:
    """Return the CSRF token that forms must send from the browser with this token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_token(sent: str, token: str) -> bool:
    """Say whether a form was on a page sent to the browser with this token."""
    return bool(token) and hmac.compare_digest(sent.encode(), csrf_token(token).encode())


def is_by_hand(request: Request) -> bool:
    """Say whether a person may have made a request, and not a page that was left open."""
    is_stream = "text/event-stream" in request.headers.get("accept", "")
    return not is_stream and "x-refresh" not in request.headers


async def signed_in(
    runtime: Runtime, request: Request, *, counts_as_use: bool = True
) -> SignedIn | None:
    """Return who is signed in; None without a session or when it has expired."""
    token = session_token(request)
    if not token:
        return None
    hashed = token_hash(token)
    session = await runtime.store.session(hashed)
    now = runtime.clock()
    if session is None:
        return None
    try:
        settings = await runtime.store.settings(session.account_id)
    except ResourceNotFound:
        return None
    if settings.sessions.are_over(session.date_created, session.date_last_used, now):
        return None
    user = settings.users_by_id.get(session.user_id)
    if user is None or not user.is_active:
        return None
    is_use = counts_as_use and is_by_hand(request)
    if is_use and now - session.date_last_used >= SESSION_TOUCH_S:
        # Pages work even while the database is read-only; a later request records the use.
        with suppress(StoreUnavailable):
            await runtime.store.touch_session(hashed, now)
    return SignedIn(session, hashed, user, settings)
