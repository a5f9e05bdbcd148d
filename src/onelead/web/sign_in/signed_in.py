"""Where every way to sign in ends: with the session in the browser, or with the wait for a code."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from onelead.web.frame.sessions import (
    forget_pending,
    set_browser,
    set_pending,
    set_session,
    token_hash,
)
from onelead.web.frame.visit import Visit
from onelead.web.sign_in.decisions import SignInOutcome, note_sign_in
from onelead.web.sign_in.password_check import remember_places

CODE_PATH = "/sign-in/code"


async def entered(visit: Visit, token: str, wanted: str, flash: str = "") -> Response:
    """Give the browser its token, and end the session that it had before.

    The token is of a session, or of a half-done sign-in when the user has codes.
    """
    session = await visit.store.session(token_hash(token))
    if session is None:
        response = visit.redirect(f"{CODE_PATH}?{urlencode({'next': wanted})}", flash)
        set_pending(visit.request, response, token)
        set_browser(visit.request, response, visit.browser_token)
        return response
    if visit.who is not None:
        await visit.store.end_session(visit.who.token_hash, by=visit.requester)
    settings = await visit.store.settings(session.account_id)
    email = settings.users_by_id[session.user_id].email
    await remember_places(visit, email)
    await note_sign_in(visit, SignInOutcome.SIGNED_IN, email)
    response = visit.redirect(wanted, flash)
    set_session(visit.request, response, token, settings.sessions.total_s)
    set_browser(visit.request, response, visit.browser_token)
    forget_pending(visit.request, response)
    return response
